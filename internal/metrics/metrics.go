// Package metrics exports Prometheus metrics: of keys by label and never by value, of images and batches by number
// and never by name, and of the process. All values are read during the scrape, so that no other package depends on
// it.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/keypool"
)

// Sources provides the values. All are called concurrently.
type Sources struct {
	Pool     *keypool.Pool
	Batches  *batch.Batches
	Draft    *draft.Service
	Progress *progress.Progress
	Engines  []string                              // names of the engines that can read here
	InHand   func() int                            // images being processed by this process
	Queued   func(context.Context) (uint64, error) // units of work in the store
	Disk     func() (free, total int64, err error) // of the data folder; a total of 0 is unknown
	Backup   func() (time.Time, error)             // when the newest daily backup was made; zero for none
	Streams  func() int                            // event streams that are open
	Requests *Requests                             // nil: none are counted
	Version  string
	Log      *slog.Logger
}

const (
	queueLimit = 2 * time.Second // timeout of the store
	maxScrapes = 4               // concurrent scrapes; further ones get 503
)

// Handler serves all metrics. It does no authentication.
func Handler(s Sources) http.Handler {
	all := prometheus.NewRegistry()
	all.MustRegister(newCollector(s), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if s.Requests != nil {
		all.MustRegister(s.Requests.collectors()...)
	}
	return promhttp.HandlerFor(all, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes,
		DisableCompression: true, // internal/web compresses answers, once
	})
}

// collector implements prometheus.Collector.
type collector struct {
	Sources
	descs map[name]*prometheus.Desc
}

func newCollector(s Sources) *collector {
	c := &collector{Sources: s, descs: make(map[name]*prometheus.Desc, len(families))}
	for n, f := range families {
		c.descs[n] = prometheus.NewDesc(string(n), f.help, f.labels, nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	t := scrape{c.descs, out}
	t.set(buildInfo, 1, c.Version)
	ended, figures := c.Batches.Ended(), c.Pool.Figures(time.Now())
	t.pool(figures)
	for _, k := range figures.Keys {
		t.key(k)
	}
	t.images(ended, c.Engines)
	if read := readWithKeys(ended); read > 0 {
		t.set(callsPerImage, float64(figures.Ended)/float64(read))
	}
	t.uploads(c.Draft.Stats())
	t.progress(c.Progress.Overviews())
	t.set(inHand, float64(c.InHand()))
	t.set(streams, float64(c.Streams()))
	c.store(t)
}

// store sets the metrics of the store and the disk.
func (c *collector) store(t scrape) {
	ctx, cancel := context.WithTimeout(context.Background(), queueLimit)
	defer cancel()
	queued, err := c.Queued(ctx)
	if err != nil {
		c.Log.Warn("reading the queue depth from the store failed", "err", err)
		t.set(storeUp, 0)
	} else {
		t.set(storeUp, 1)
		t.set(queueDepth, float64(queued))
	}
	if at, err := c.Backup(); err == nil && !at.IsZero() {
		t.set(backupAge, time.Since(at).Seconds())
	}
	if free, total, err := c.Disk(); err == nil && total > 0 {
		t.set(diskFree, float64(free))
		t.set(diskSize, float64(total))
	}
}

// scrape sends the metrics of one scrape.
type scrape struct {
	descs map[name]*prometheus.Desc
	out   chan<- prometheus.Metric
}

// set sends a number. The label values come in the order of its family.
func (t scrape) set(n name, value float64, labels ...string) {
	m, err := prometheus.NewConstMetric(t.descs[n], families[n].kind, value, labels...)
	t.send(n, m, err)
}

// histogram sends a histogram.
func (t scrape) histogram(n name, h keypool.Histogram, labels ...string) {
	upTo, sum := make(map[float64]uint64, len(h.Bounds)), uint64(0)
	for i, bound := range h.Bounds {
		sum += h.Counts[i]
		upTo[bound] = sum
	}
	m, err := prometheus.NewConstHistogram(t.descs[n], h.Count(), h.Sum, upTo, labels...)
	t.send(n, m, err)
}

func (t scrape) send(n name, m prometheus.Metric, err error) {
	if err != nil {
		m = prometheus.NewInvalidMetric(t.descs[n], err)
	}
	t.out <- m
}

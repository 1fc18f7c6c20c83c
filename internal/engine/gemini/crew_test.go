package gemini

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/keypool"
)

// rig is the real engine and pool over the simulated service, with six keys of about a second per call.
type rig struct {
	service *simulator.Server
	engine  *Engine
	pool    *keypool.Pool
	started time.Time
}

const (
	rigKeys = 6
	workers = 24
	call    = time.Second
)

func rigKey(i int) simulator.Key {
	return simulator.Key{Value: fmt.Sprintf("value-%d", i), Label: fmt.Sprintf("key %d", i), Latency: call, Jitter: 0.1}
}

// newRig starts one; change sets the differences from six healthy keys.
func newRig(b testing.TB, seed uint64, memory keypool.Memory, change func(i int, k *simulator.Key)) *rig {
	b.Helper()
	o := simulator.Options{Seed: seed}
	for i := 1; i <= rigKeys; i++ {
		k := rigKey(i)
		if change != nil {
			change(i, &k)
		}
		o.Keys = append(o.Keys, k)
	}
	r := &rig{service: simulator.Start(b, o)}
	r.restart(b, seed, memory)
	return r
}

// restart gives the rig a new pool and a new engine, as a restart of the program does.
func (r *rig) restart(b testing.TB, seed uint64, memory keypool.Memory) {
	b.Helper()
	var keys []keypool.Key
	for i := 1; i <= rigKeys; i++ {
		k, err := keypool.ParseKey(fmt.Sprintf("value-%d", i), i)
		if err != nil {
			b.Fatal(err)
		}
		keys = append(keys, k)
	}
	r.pool = keypool.New(keys, keypool.Options{
		Secret: []byte("0123456789abcdef"), Rand: rand.New(rand.NewPCG(seed, 9)), Memory: memory,
	})
	if err := r.pool.Recall(b.Context()); err != nil {
		b.Fatal(err)
	}
	var err error
	if r.engine, err = New(Options{Pool: r.pool, BaseURL: r.service.URL}); err != nil {
		b.Fatal(err)
	}
	r.started = time.Now()
}

// job is a number of images to read.
type job struct {
	batch   string
	images  int // 0: as many as fit into the time
	workers int
	bad     int         // every so many-th picture is none
	more    func() bool // called before each image; nil: always true
}

// done counts the results of a job.
type done struct {
	good, refused, lost int
	ends                []time.Time // of the good ones
}

// picture is sent by every call: one is enough for the service.
var picture = sync.OnceValue(func() []byte { return simulator.Draw(1).JPEG })

// work reads the images of a job, as the runner does: a failure that is not due to the image is retried when the
// engine says. Reads cut off by the time d count neither as good nor as lost.
func (r *rig) work(ctx context.Context, d time.Duration, j job) *done {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	result := &done{}
	var mu sync.Mutex
	var next atomic.Int64
	var crew sync.WaitGroup
	for range j.workers {
		crew.Go(func() {
			for ctx.Err() == nil && (j.more == nil || j.more()) {
				n := int(next.Add(1))
				if j.images > 0 && n > j.images {
					return
				}
				image := picture()
				if j.bad > 0 && n%j.bad == 0 {
					image = []byte("not a picture")
				}
				failure := r.read(ctx, j.batch, image)
				mu.Lock()
				switch {
				case failure == nil:
					result.good++
					result.ends = append(result.ends, time.Now())
				case failure.Why == engine.BadPicture:
					result.refused++
				case ctx.Err() == nil:
					result.lost++
				}
				mu.Unlock()
			}
		})
	}
	crew.Wait()
	return result
}

// read tries one image until it is read, refused for its own sake, or ctx ends.
func (r *rig) read(ctx context.Context, batch string, image []byte) *engine.Failure {
	var past []engine.Past
	for {
		_, err := r.engine.Read(ctx, engine.Request{
			Batch: batch, Picture: image, MIME: "image/jpeg", Table: invoice, Previous: past,
		})
		if err == nil {
			return nil
		}
		failure := engine.AsFailure(err)
		if ctx.Err() != nil || !failure.Why.Free() {
			return failure
		}
		past = append(past, engine.Past{Why: failure.Why, Key: failure.Key})
		select {
		case <-time.After(time.Until(failure.Until)):
		case <-ctx.Done():
			return failure
		}
	}
}

// calls counts calls of a key ("": any) and a kind ("": any) that arrived between two times after the start.
func (r *rig) calls(key, kind string, from, to time.Duration) int {
	n := 0
	for _, c := range r.service.Calls() {
		at := c.At.Sub(r.started)
		if c.Method == "generateContent" && (key == "" || c.Key == key) && (kind == "" || c.Kind == kind) && at >= from && at < to {
			n++
		}
	}
	return n
}

const ever = 24 * time.Hour

// shares returns the smallest and the largest share of a key's calls.
func (r *rig) shares() (least, most float64) {
	all := float64(r.calls("", "", 0, ever))
	var each []float64
	for i := 1; i <= rigKeys; i++ {
		each = append(each, float64(r.calls(fmt.Sprintf("key %d", i), "", 0, ever))/all)
	}
	return slices.Min(each), slices.Max(each)
}

// states lists the keys that are not active.
func (r *rig) states() string {
	var out []string
	for _, k := range r.pool.Status(time.Now()).Keys {
		if k.State != keypool.Active {
			out = append(out, k.Label+" "+string(k.State))
		}
	}
	return strings.Join(out, ", ")
}

// shelf is an in-memory Memory.
type shelf struct {
	mu   sync.Mutex
	docs map[string][]byte
}

func (s *shelf) Load(context.Context) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	docs := map[string][]byte{}
	for id, doc := range s.docs {
		docs[id] = doc
	}
	return docs, nil
}

func (s *shelf) Save(_ context.Context, id string, doc []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs[id] = doc
	return nil
}

func (s *shelf) Forget(context.Context, string) error { return nil }

func (s *shelf) Watch(ctx context.Context, _ func(string, []byte)) error {
	<-ctx.Done()
	return nil
}

package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The metrics of HTTP requests. Unlike the others they are counted as they happen: nobody else keeps them.
const (
	httpRequests name = "sheetlift_http_requests_total"
	httpSeconds  name = "sheetlift_http_request_seconds"
)

// unrouted stands for requests that matched no route or were refused before routing.
const unrouted = "none"

// requestBounds are the buckets in seconds: pages answer in milliseconds, uploads and workbooks in seconds.
var requestBounds = []float64{.005, .025, .1, .25, 1, 5, 30}

// methods are the HTTP methods that any route has; others that a client makes up are counted as "other".
var methods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "OPTIONS": true}

// Requests counts HTTP requests by route and status. Use NewRequests.
type Requests struct {
	total   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

// NewRequests returns counters at zero. A program has one.
func NewRequests() *Requests {
	return &Requests{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: string(httpRequests), Help: "HTTP requests by route and status; route none: refused before routing, or no such page.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: string(httpSeconds), Help: "Duration of HTTP requests in seconds, without event streams.", Buckets: requestBounds,
		}, []string{"route"}),
	}
}

// Observe counts one request that was answered. route is its pattern, "" for none; took is 0 for an event stream.
func (r *Requests) Observe(method, route string, status int, took time.Duration) {
	if route == "" {
		route = unrouted
	}
	if !methods[method] {
		method = "other"
	}
	r.total.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	if took > 0 {
		r.seconds.WithLabelValues(route).Observe(took.Seconds())
	}
}

// collectors returns what a registry registers.
func (r *Requests) collectors() []prometheus.Collector {
	return []prometheus.Collector{r.total, r.seconds}
}

package web

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
)

// Requests counts HTTP requests. Its methods are called concurrently.
type Requests interface {
	// Observe is called once for each request that was answered. route is the pattern of the route, for example /batches/:id, or ""
	// for a request that matched none or was refused before routing. took is 0 for an event stream, which lasts as
	// long as its page, and for a request that waits for a change.
	Observe(method, route string, status int, took time.Duration)
}

// request is known of each request from the first check to the line in the log.
type request struct {
	id    string
	route string // the pattern, for example /batches/:id
	batch string // the batch and the image in the path, "" for none
	image string
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	if r == nil {
		return &request{} // of a program that made the checks before routing itself
	}
	return r
}

func requestID(c echo.Context) string { return requestOf(c.Request().Context()).id }

// noteRoute keeps the route for the log and the metrics, with the batch and the image in its path. The path itself is not kept: a
// client may have put a key or a password into it.
func (s *Server) noteRoute(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.routed[c.Request().Method+" "+c.Path()] {
			q := requestOf(c.Request().Context())
			q.route = c.Path()
			if id := batch.ID(c.Param("id")); id.Valid() {
				q.batch = string(id)
			}
			if n, err := strconv.Atoi(c.Param("n")); err == nil {
				q.image = strconv.Itoa(n)
			}
		}
		return next(c)
	}
}

// sample is how many requests for assets, health and metrics stand for one line in the log.
const sample = 100

// follow runs the request and writes its line to the log.
func (s *Server) follow(next http.Handler, w http.ResponseWriter, r *http.Request, q *request) {
	began := time.Now()
	answer := &recorder{ResponseWriter: w}
	defer func() {
		took := time.Since(began)
		status := answer.status.Load()
		if status == 0 {
			status = http.StatusOK // nothing was written, or a panic ended it
		}
		stream := strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream")
		if s.requests != nil {
			counted := took
			if stream || q.waits(r) {
				counted = 0
			}
			s.requests.Observe(r.Method, q.route, int(status), counted)
		}
		if status < http.StatusBadRequest && isSampled(r.URL.Path) && s.sampled.Add(1)%sample != 1 {
			return
		}
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request", q.id), slog.String("method", q.method(r)), slog.String("route", q.route),
			slog.String("batch", q.batch), slog.String("image", q.image),
			slog.Int64("status", status), slog.Int64("bytes", answer.bytes.Load()), slog.Duration("took", took.Round(time.Microsecond)), slog.Bool("stream", stream))
	}()
	next.ServeHTTP(answer, r)
}

// waits reports whether a program asked to be answered later, when something changes.
func (q *request) waits(r *http.Request) bool {
	return strings.HasPrefix(q.route, "/api/") && r.URL.Query().Has("wait")
}

// method returns the method of a request that matched a route; any other may be made up by the client.
func (q *request) method(r *http.Request) string {
	if q.route == "" {
		return ""
	}
	return r.Method
}

func isSampled(path string) bool {
	return strings.HasPrefix(path, "/static/") || isProbe(path) || path == metricsPath
}

// recorder notes the status and the size of an answer. An event stream may write from another goroutine.
type recorder struct {
	http.ResponseWriter
	status, bytes atomic.Int64
}

// WriteHeader implements http.ResponseWriter.
func (a *recorder) WriteHeader(status int) {
	if status >= http.StatusOK {
		a.status.CompareAndSwap(0, int64(status))
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *recorder) Write(p []byte) (int, error) {
	a.status.CompareAndSwap(0, http.StatusOK)
	n, err := a.ResponseWriter.Write(p)
	a.bytes.Add(int64(n))
	return n, err
}

// Unwrap gives http.ResponseController the deadlines and the flushing of the connection.
func (a *recorder) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Package web is the doors that browsers use: pages, fragments, uploads, the live wire and downloads. Every route is on
// one page, routes.go; every error is answered in one place, errors.go.
package web

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/keypool"
	"sheetlift/internal/live"
)

// Config of the doors.
type Config struct {
	Password  string   // asked for at the login page; "" asks nobody
	Secret    []byte   // signs what browsers hold once they gave it; the same for all processes; nil: they sign in at each
	Hosts     []string // names the pages may be called by, besides those of loopback
	MaxImages int      // of a batch
	MaxBytes  int64    // of one picture; 0 is 25 MB
	MaxPacked int64    // of a file that holds many, a PDF or ZIP; 0 is 512 MB
	Version   string
	Simulated bool // a demonstration: every page says so
	Reuses    bool // pictures that were read before are taken over from there
	Guest     bool // a demonstration beside a real program, which one can go back to
}

// Deps is what the doors open to.
type Deps struct {
	Batches  *batch.Service
	Board    *batch.Board
	Feed     *live.Feed
	Keys     Keys                                           // nil: there are no keys
	AddKey   func(ctx context.Context, k keypool.Key) Added // takes a key in; nil: that is not possible here
	KeysFile bool                                           // added keys are written to a file
	OldKeys  func() string                                  // why the keys were not read anew, for the technician; "" when they were, nil: they never are
	Metrics  http.Handler                                   // answers GET /metrics; nil: there are none
	Readers  batch.Readers
	Health   func(context.Context) error
	Demo     func(context.Context) (Demo, error) // opens a demonstration; nil: there is none
	TmpDir   string                              // for workbooks on their way out; exists, and is emptied by its owner
	Log      *slog.Logger
}

// Server answers requests. Make one with New.
type Server struct {
	cfg      Config
	batches  *batch.Service
	board    *batch.Board
	feed     *live.Feed
	pool     Keys
	add      func(context.Context, keypool.Key) Added
	keeps    bool
	oldKeys  func() string
	metrics  http.Handler
	readers  batch.Readers
	health   func(context.Context) error
	demo     demo
	tmp      string
	log      *slog.Logger
	sessions *sessions
	exports  chan struct{} // two workbooks at once: each holds a batch in memory
	echo     *echo.Echo
}

// maxExports is how many workbooks are written at the same time.
const maxExports = 2

// New builds the doors. Nothing listens yet.
func New(cfg Config, d Deps) *Server {
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 25<<20)
	cfg.MaxPacked = cmp.Or(cfg.MaxPacked, 512<<20)
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, batches: d.Batches, board: d.Board, feed: d.Feed, pool: d.Keys, add: d.AddKey, keeps: d.KeysFile, oldKeys: d.OldKeys, metrics: d.Metrics, readers: d.Readers,
		health: d.Health, demo: demo{open: d.Demo}, tmp: d.TmpDir, log: d.Log,
		sessions: newSessions(cfg.Password, cfg.Secret), exports: make(chan struct{}, maxExports),
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(discard{})
	e.HTTPErrorHandler = s.answerError
	e.IPExtractor = echo.ExtractIPDirect() // whoever we talk to, whatever a header claims
	s.echo = e
	s.routes(e)
	return s
}

// discard takes echo's own log, which would not be structured; everything of interest reaches ours.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// Handler is everything behind one handler, with the checks that come before routing.
func (s *Server) Handler() http.Handler { return s.guard(s.demo.before(s.echo)) }

// Inner is Handler without the checks that come before routing, for a program that has made them.
func (s *Server) Inner() http.Handler { return s.echo }

// HTTP is a server for Handler whose timeouts cut off who is slow on purpose and spare uploads and live pages, which
// set their own.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

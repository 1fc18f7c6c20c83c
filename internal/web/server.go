// Package web implements the entry points for browsers: pages, fragments, uploads, event streams and downloads. All routes are
// in routes.go; all errors are answered in errors.go.
package web

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/access"
	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/retention"
	"sheetlift/internal/batch/run"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/keypool"
	"sheetlift/internal/live"
	"sheetlift/internal/logs"
	"sheetlift/internal/web/api"
)

// Config is the configuration of the server.
type Config struct {
	Password    string         // for the login page; "" disables the login
	Viewers     string         // password for the viewer role; "" for none
	Secret      []byte         // signs session cookies, shared by all processes; nil: each process has its own sessions
	Hosts       []string       // valid host names, besides those of loopback
	Origins     []string       // other origins whose pages may call the API, without a slash at the end
	Proxies     access.Proxies // trusted to set X-Forwarded headers
	MaxImages   int            // per batch
	MaxBytes    int64          // per picture; 0 is 25 MB
	Connections int            // open at once; 0 is most of the file descriptors of this process
	Stall       time.Duration  // maximum pause of an upload; 0 is 30 s
	MaxPacked   int64          // for a file with many pictures, PDF or ZIP; 0 is 512 MB
	Version     string
	Simulated   bool   // a demonstration: every page says so
	NoStore     bool   // Google is asked not to store the data sent
	Reuses      bool   // earlier readings of the same pictures are used
	Guest       bool   // a demonstration beside a real program, with a way back to it
	Neural      string // the neural reader "reads" offline or is "broken", so that Tesseract reads; "" for Tesseract alone
}

// Deps are the dependencies of the server.
type Deps struct {
	Services *usecases.Services
	Progress *progress.Progress
	Feed     *live.Feed
	Keys     Keys                                           // nil: no keys
	AddKey   func(ctx context.Context, k keypool.Key) Added // adds a key; nil: not possible
	KeysFile bool                                           // added keys are saved to a file
	OldKeys  func() string                                  // why the keys file was not read again, for the technician; "" if it was, nil if it never is
	Access   *access.Registry                               // tokens and ended sessions; nil: in this process only
	Metrics  http.Handler                                   // serves GET /metrics; nil: none
	Offers   func() []Offer                                 // models to choose from; nil: none
	Ending   func() []Ending                                // models in use that will be retired; nil: unknown
	Readers  batch.Readers
	Slow     func() time.Time // end of the reduced concurrency (half as many at once); zero if not active, nil: never
	Health   func(context.Context) error
	Demo     func(context.Context) (Demo, error) // starts a demonstration; nil: none
	TmpDir   string                              // for workbooks being sent; it exists, and its owner empties it
	Ready    func(context.Context) error         // Health, and whether waiting images get on; nil: Health
	Requests Requests                            // nil: requests are not counted
	Levels   *logs.Levels                        // may be changed on a page; nil: not here
	Webhooks Webhooks                            // nil: nobody is told of anything
	Log      *slog.Logger
}

// Server answers HTTP requests. Use New to create one.
type Server struct {
	cfg       Config
	services  *usecases.Services
	batches   *batch.Batches
	draft     *draft.Service
	settings  *settings.Service
	run       *run.Service
	retention *retention.Service
	edit      *edit.Service
	templates *draft.Templates
	progress  *progress.Progress
	feed      *live.Feed
	pool      Keys
	add       func(context.Context, keypool.Key) Added
	keeps     bool
	oldKeys   func() string
	ending    func() []Ending
	offers    func() []Offer
	metrics   http.Handler
	readers   batch.Readers
	slow      func() time.Time
	health    func(context.Context) error
	ready     func(context.Context) error
	requests  Requests
	levels    *logs.Levels
	sampled   atomic.Int64 // requests whose lines are sampled
	demo      demo
	tmp       string
	log       *slog.Logger
	sessions  *access.Sessions
	registry  *access.Registry
	routed    map[string]bool // method and path of every route
	crowd     *crowd
	attempts  *access.Attempts
	webhooks  Webhooks
	document  func() (*api.Document, error)
	exports   chan struct{} // maxExports tokens: each export holds a batch in memory
	echo      *echo.Echo
}

// maxExports is how many workbooks are written at the same time.
const maxExports = 2

// New builds the server. It does not listen yet.
func New(cfg Config, d Deps) *Server {
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 25<<20)
	cfg.MaxPacked = cmp.Or(cfg.MaxPacked, 512<<20)
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Ready == nil {
		d.Ready = d.Health
	}
	if d.Access == nil {
		d.Access = access.NewRegistry(nil, d.Log)
	}
	u := cmp.Or(d.Services, &usecases.Services{})
	s := &Server{
		services: u, batches: u.Batches, draft: u.Draft, settings: u.Settings, run: u.Run, retention: u.Retention, edit: u.Edit, templates: u.Templates,
		cfg: cfg, progress: d.Progress, feed: d.Feed, pool: d.Keys, add: d.AddKey, keeps: d.KeysFile, oldKeys: d.OldKeys, ending: d.Ending, offers: d.Offers, metrics: d.Metrics, readers: d.Readers,
		slow: d.Slow, health: d.Health, ready: d.Ready, requests: d.Requests, levels: d.Levels, demo: demo{open: d.Demo}, tmp: d.TmpDir, log: d.Log,
		sessions: access.NewSessions(cfg.Password, cfg.Viewers, cfg.Secret), registry: d.Access, routed: map[string]bool{}, attempts: access.NewAttempts(), crowd: newCrowd(cfg.Connections), exports: make(chan struct{}, maxExports),
	}
	s.webhooks = d.Webhooks
	s.document = sync.OnceValues(func() (*api.Document, error) { return api.NewDocument(cfg.Version) })
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(discard{})
	e.HTTPErrorHandler = s.answerError
	e.IPExtractor = echo.ExtractIPDirect() // guard has set it to the client reported by trusted proxies
	s.echo = e
	s.routes(e)
	return s
}

// discard drops echo's own unstructured log; everything of interest reaches ours.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// Handler returns the handler for everything, with the checks before routing.
func (s *Server) Handler() http.Handler { return s.guard(s.demo.before(s.echo)) }

// Inner is Handler without the checks before routing, for a program that has made them.
func (s *Server) Inner() http.Handler { return s.echo }

// HTTP returns a server for Handler whose timeouts cut off slow clients; uploads and event streams set their own.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		ConnState:         s.crowd.watch,
		ConnContext:       seated,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

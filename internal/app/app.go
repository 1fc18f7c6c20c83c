// Package app builds and runs the whole program: the order in which the parts are opened, and the shutdown.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"sheetlift/internal/access"
	"sheetlift/internal/admin"
	"sheetlift/internal/batch"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/config"
	"sheetlift/internal/danger"
	"sheetlift/internal/demo"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
	"sheetlift/internal/keypool"
	"sheetlift/internal/live"
	"sheetlift/internal/logs"
	"sheetlift/internal/metrics"
	"sheetlift/internal/setup"
	"sheetlift/internal/store"
	"sheetlift/internal/upkeep"
	"sheetlift/internal/web"
	"sheetlift/internal/webhook"
	"sheetlift/internal/worker"
)

// goodbye is the time that open requests get at shutdown.
const goodbye = 3 * time.Second

// App is the whole program, built and not yet running. Close it if Run is never called.
type App struct {
	cfg        *config.Config
	version    string
	log        *slog.Logger
	store      *store.Store
	danger     *danger.Guard
	pool       *keypool.Pool
	access     *access.Registry
	services   *usecases.Services
	progress   *progress.Progress
	imageCache *progress.ImageCache
	runner     *worker.Runner
	witness    *worker.Witness // nil without the offline engine
	feed       *live.Feed
	hooks      *webhook.Sender // nil without endpoints
	pages      http.Handler    // without the checks that come before routing
	server     *http.Server
	address    net.Listener
	bound      func(net.Listener) net.Listener // limits the connections that are open at once
	tls        *certificate                    // nil without TLS
	tmp        string
	ready      *readiness
	journal    *journal
	streams    func() int // event streams that are open
	engines    engines
	reload     chan struct{}
	moved      chan struct{}          // something changed that the first page may show
	keys       sync.Mutex             // held while keys are read from their file or written to it
	oldKeys    atomic.Pointer[string] // why they were not read anew
	checked    upkeep.Deps
	opened     time.Time    // stored objects older than this that belong to nothing are orphans
	demos      *demo.Guests // opened by POST /demo; nil in a demonstration itself
	show       *demo.Show   // nil outside a demonstration
}

// New opens the address, then the data, then builds the parts that work on the data. Nothing runs yet.
func New(ctx context.Context, c *config.Config, version string, log *slog.Logger) (*App, error) {
	for _, w := range c.Warnings {
		log.Warn(w)
	}
	if most := web.MostConnections(); c.Connections > most {
		return nil, &config.Error{Setting: "SHEETLIFT_CONNECTIONS", Reason: fmt.Sprintf("is %d, and the files that this process may have open are enough for %d", c.Connections, most),
			Remedy: "Set it lower, or raise the limit of open files (ulimit -n, LimitNOFILE)."}
	}
	certificate, err := newCertificate(c, log)
	if err != nil {
		return nil, err
	}
	address, err := listen(ctx, c)
	if err != nil {
		return nil, err
	}
	a, err := build(ctx, c, version, log, nil)
	if err != nil {
		_ = address.Close()
		return nil, err
	}
	a.address = a.bound(address)
	if a.tls = certificate; certificate != nil {
		a.server.TLSConfig = certificate.settings()
	}
	return a, nil
}

func listen(ctx context.Context, c *config.Config) (net.Listener, error) {
	address, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, errs.Wrap(err, errs.Unavailable, "SHEETLIFT_ADDR %s cannot be listened on. Stop the other program that uses it, or choose another port", c.Addr)
	}
	return address, nil
}

// build opens the data and builds the parts that work on it, without an address. show is the simulation that stands in
// for Google; nil outside a demonstration.
func build(ctx context.Context, c *config.Config, version string, log *slog.Logger, show *demo.Show) (a *App, err error) {
	a = &App{cfg: c, version: version, log: log, reload: make(chan struct{}, 1), moved: make(chan struct{}, 1), show: show}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	memory := c.Data == config.Memory
	a.opened = setup.OrphansBefore(c, time.Now())
	if a.store, err = store.Open(ctx, setup.Store(c, logs.For(log, "store"))); err != nil {
		return a, err
	}
	if a.tmp, err = tmpFolder(c.Data, memory); err != nil {
		return a, err
	}
	secret, err := keySecret(c)
	if err != nil {
		return a, err
	}
	if a.pool, a.engines, err = readers(ctx, c, secret, a.store.Keys(), log); err != nil {
		return a, err
	}
	if err = a.pool.Recall(ctx); err != nil {
		return a, err
	}
	a.danger = guard(c, log)
	a.access = access.NewRegistry(a.store.Access(), logs.For(log, "access"))
	if err = a.access.Recall(ctx); err != nil {
		return a, err
	}
	preparer := imaging.New(imaging.Limits{TmpDir: a.tmp, Self: c.Self}) // one, so that all decoding shares its memory
	previews := worker.NewPreviews(a.store, a.engines.byName, preparer, a.danger)
	a.imageCache = progress.NewImageCache(a.store, a.store)
	var index batch.DraftIndex
	if c.Cluster.URL == "" { // no other process writes the store
		index = a.imageCache
	}
	a.services = usecases.New(usecases.Ports{
		Repository: a.store, Queue: a.store.Queue(), Pictures: a.store, Readers: a.engines, Templates: a.store.Templates(), Previewer: previews, Ledger: a.store.Ledger(),
		ReadingCache: a.store.Readings(), Orientation: a.engines.orientation, ImageCache: a.imageCache, DraftIndex: index,
		Intake: intake{preparer, a.danger},
		Danger: a.danger,
	}, usecases.Limits{MaxImages: c.MaxImages, Keep: c.Keep, Witness: a.engines.compares(c.Witness)})
	a.checked = upkeep.Deps{Runs: a.services.Run, Retention: a.services.Retention, Repository: a.store, Pictures: a.store, Inventory: a.store.Inventory()}
	a.progress = progress.New(a.store, logs.For(log, "progress"))
	a.journal = newJournal(logs.For(log, "batch"), a.progress.Overviews)
	a.feed = live.New(live.Options{Log: logs.For(log, "live")})
	a.hooks = a.webhooks()
	a.runner = worker.New(worker.Deps{
		Batches: a.services.Batches, Runs: a.services.Run, Progress: a.progress, Repository: a.store, Queue: a.store.Queue(), Pictures: a.store, Changes: a.store,
		Engines: a.engines.byName, Cutter: preparer, Previews: previews, Offline: "tesseract", Slots: c.Slots, Shared: c.Cluster.URL != "", Grace: c.Grace, Log: logs.For(log, "worker"), Danger: a.danger,
		ReadingCache: a.store.Readings(), Reuse: c.Reuse, Version: version, Crowded: a.store.Crowded,
		Redraw: func(id batch.ID) { a.notifyPages(batch.Change{ID: id}) },
	})
	if a.engines.witness != nil {
		a.witness = worker.NewWitness(worker.WitnessDeps{
			Edits: a.services.Edit, Repository: a.store, Pictures: a.store, Changes: a.store, Engine: a.engines.witness, Cutter: preparer, Danger: a.danger, Log: logs.For(log, "witness"),
		})
	}
	var open func(context.Context) (web.Demo, error)
	if show == nil {
		a.demos = demo.NewGuests(a.buildGuest, log)
		open = a.demos.Open
	}
	requests := metrics.NewRequests()
	a.ready = &readiness{health: a.store.Health, overviews: a.progress.Overviews, keysRest: func() bool {
		f := a.pool.Figures(time.Now())
		return len(f.Keys) > 0 && f.Ready == 0
	}}
	pages := web.New(web.Config{
		Password: c.Password, Viewers: c.Viewers, Secret: secret, Hosts: hosts(c), Origins: c.Origins, Proxies: c.Proxies, Connections: c.Connections, MaxImages: c.MaxImages, Version: version, Reuses: c.Reuse > 0, NoStore: a.engines.noStore, Simulated: show != nil, Guest: show != nil && show.Guest(),
		Neural: a.engines.offline.State(),
	}, web.Deps{
		Services: a.services, Progress: a.progress, Feed: a.feed, Keys: a.pool, AddKey: a.addKey, Access: a.access, KeysFile: c.KeysFile != "", OldKeys: a.whyOldKeys, Ending: a.engines.ending, Offers: a.engines.offers, Readers: a.engines,
		Slow: a.runner.Slow, Health: a.store.Health, Ready: a.ready.Check, Metrics: a.metrics(requests), Requests: requests, Levels: logs.LevelsOf(log), TmpDir: a.tmp, Demo: open, Webhooks: a.hookLog(), Log: logs.For(log, "web"),
	})
	a.pages, a.server, a.bound, a.streams = pages.Inner(), pages.HTTP(), pages.Listener, pages.Streams
	return a, nil
}

// URL returns the address of the first page.
func (a *App) URL() string {
	if a.tls != nil {
		return "https://" + a.address.Addr().String()
	}
	return "http://" + a.address.Addr().String()
}

// Store returns the store that this process works on, for a caller in the same process. All running parts see the changes
// that the caller makes there, as they see the changes of another process.
func (a *App) Store() *store.Store { return a.store }

// Run serves until ctx ends. Then images that are being read get the grace period while the pages still answer, the other
// images go back to the queue, and everything is closed. An end during the start is no error. It may be called once.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	g, all := errgroup.WithContext(life)

	ready := make(chan struct{})
	g.Go(func() error {
		return a.progress.Run(all, notifyAfter{a.store, func(c batch.Change) { a.journal.see(c); a.notifyPages(c) }}, ready)
	})
	g.Go(func() error { return a.imageCache.Run(all) })
	g.Go(func() error { return a.feed.Run(all) })
	g.Go(func() error { return a.ready.Run(all) })
	g.Go(func() error { return a.profiles(all) })
	g.Go(func() error { return a.pool.Run(all) })
	g.Go(func() error { return a.access.Run(all) })
	g.Go(func() error { return a.engines.gemini.Run(all) })
	g.Go(func() error { return a.keepKeys(all) })
	g.Go(func() error { return a.notifyKeyPages(all) })
	g.Go(func() error { return a.notifyStartPages(all) })
	g.Go(func() error {
		return upkeep.NewClock(a.services.Retention, logs.For(a.log, "upkeep")).Run(all, a.store)
	})
	g.Go(func() error { return a.services.Draft.WatchTurned(all, a.log) })
	if a.witness != nil {
		g.Go(func() error { return a.witness.Run(all) })
	}
	if a.tls != nil {
		g.Go(func() error { return a.tls.follow(all) })
	}
	if a.demos != nil {
		g.Go(func() error { return a.demos.Run(all) })
	}
	if a.show != nil {
		g.Go(func() error { return a.show.Run(all, a.services) })
	}
	after := func(f func(context.Context) error) func() error {
		return func() error {
			select {
			case <-ready:
				return f(all)
			case <-all.Done():
				return nil
			}
		}
	}
	g.Go(after(a.serve))
	if a.hooks != nil {
		g.Go(after(a.hooks.Run))
	}
	g.Go(after(a.tidy))
	g.Go(after(admin.Control{Config: a.cfg, Version: a.version, Store: a.store, Access: a.access, Log: a.log}.Run))
	g.Go(after(a.backups().Run))
	reading, stopReading := context.WithCancel(all)
	defer stopReading()
	defer context.AfterFunc(ctx, stopReading)()
	g.Go(func() error {
		defer end()
		select {
		case <-ready:
			return a.runner.Run(reading)
		case <-reading.Done():
			return nil
		}
	})
	if err := g.Wait(); ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// serve answers requests until ctx ends. Without an address it returns at once: a guest demonstration gets its requests from
// the program that it runs in.
func (a *App) serve(ctx context.Context) error {
	if a.address == nil {
		return nil
	}
	failed := make(chan error, 1)
	serve := func() error { return a.server.Serve(a.address) }
	if a.tls != nil {
		serve = func() error { return a.server.ServeTLS(a.address, "", "") }
	}
	go func() { failed <- serve() }() // owned: Shutdown below ends it, and its result is received before serve returns
	select {
	case err := <-failed:
		return fmt.Errorf("serving pages: %w", err)
	case <-ctx.Done():
	}
	// The feed has ended its streams by the same context, so no page keeps its connection open.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	if err := a.server.Shutdown(grace); err != nil {
		_ = a.server.Close()
	}
	<-failed
	return nil
}

// Close releases everything that New opened. It may be called twice.
func (a *App) Close() {
	if a.address != nil {
		_ = a.address.Close()
	}
	if a.store != nil {
		if err := a.store.Close(); err != nil {
			a.log.Error("the store did not close cleanly", "err", err)
		}
	}
	_ = a.danger.Close() // the error carries nothing useful: the marks stay on disk
	if a.tmp != "" {
		_ = os.RemoveAll(a.tmp)
	}
	a.engines.offline.Close()
	if a.show != nil {
		a.show.Close()
	}
}

// tmpFolder makes an empty folder for temporary files, inside the data folder so that no files are left elsewhere.
func tmpFolder(data string, memory bool) (string, error) {
	if memory {
		return os.MkdirTemp("", "sheetlift-")
	}
	dir := filepath.Join(data, "tmp")
	if err := os.RemoveAll(dir); err != nil {
		return "", errs.Wrap(err, errs.Unavailable, "The folder %s cannot be emptied. Check who owns it", dir)
	}
	return dir, os.MkdirAll(dir, 0o700)
}

// hosts returns the host names that requests may use, besides loopback.
func hosts(c *config.Config) []string {
	names := c.Hosts
	if host, _, err := net.SplitHostPort(c.Addr); err == nil && host != "" {
		names = append(names, host)
	}
	return names
}

// Explain returns the error as a sentence for the person at the command line.
func Explain(err error) string {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return e.Error()
	}
	return err.Error()
}

var _ batch.Readers = engines{}
var _ map[string]engine.Engine = engines{}.byName

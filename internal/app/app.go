// Package app builds and runs everything: what is opened in which order, and how it ends.
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

	"sheetlift/internal/batch"
	"sheetlift/internal/config"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/extract"
	"sheetlift/internal/imaging"
	"sheetlift/internal/keypool"
	"sheetlift/internal/live"
	"sheetlift/internal/store"
	"sheetlift/internal/upkeep"
	"sheetlift/internal/web"
)

// goodbye is how long pages that are being sent may take at the end.
const goodbye = 3 * time.Second

// App is the whole program, built and not yet running. Close it if Run is never called.
type App struct {
	cfg     *config.Config
	version string
	log     *slog.Logger
	store   *store.Store
	pool    *keypool.Pool
	batches *batch.Service
	board   *batch.Board
	copies  *batch.Copies
	runner  *extract.Runner
	feed    *live.Feed
	pages   http.Handler // without the checks that server makes
	server  *http.Server
	address net.Listener
	tmp     string
	engines engines
	reload  chan struct{}
	moved   chan struct{}          // something changed that the first page may show
	keys    sync.Mutex             // held while keys are read from their file or written to it
	oldKeys atomic.Pointer[string] // why they were not read anew
	checked upkeep.Deps
	opened  time.Time // what is older and belongs to nothing was left behind
	demos   *demos    // what POST /demo opens; nil in a demonstration itself
	show    *show     // nil in earnest
}

// New opens the address, then the data, then builds what works on it. Nothing runs yet.
func New(ctx context.Context, c *config.Config, version string, log *slog.Logger) (*App, error) {
	for _, w := range c.Warnings {
		log.Warn(w)
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
	a.address = address
	return a, nil
}

func listen(ctx context.Context, c *config.Config) (net.Listener, error) {
	address, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, errs.Wrap(err, errs.Unavailable, "SHEETLIFT_ADDR %s cannot be listened on. Stop the other program that uses it, or choose another port", c.Addr)
	}
	return address, nil
}

// build opens the data and builds what works on it, without an address. show is the simulation that stands in for
// Google, nil in earnest.
func build(ctx context.Context, c *config.Config, version string, log *slog.Logger, show *show) (a *App, err error) {
	a = &App{cfg: c, version: version, log: log, reload: make(chan struct{}, 1), moved: make(chan struct{}, 1), show: show}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	memory := c.Data == config.Memory
	a.opened = time.Now()
	if c.Cluster.URL != "" {
		a.opened = a.opened.Add(-settled)
	}
	if a.store, err = store.Open(ctx, storeConfig(c, log)); err != nil {
		return a, err
	}
	if a.tmp, err = tmpFolder(c.Data, memory); err != nil {
		return a, err
	}
	secret, err := keySecret(c)
	if err != nil {
		return a, err
	}
	if a.pool, a.engines, err = readers(c, secret, a.store.Keys(), log); err != nil {
		return a, err
	}
	if err = a.pool.Recall(ctx); err != nil {
		return a, err
	}
	samples := extract.NewSamples(a.store, a.engines.byName)
	a.copies = batch.NewCopies(a.store, a.store)
	a.batches = batch.NewService(batch.Ports{
		Repository: a.store, Queue: a.store.Queue(), Pictures: a.store, Readers: a.engines, Templates: a.store, Sampler: samples, Ledger: a.store,
		Readings: a.store, Compass: a.engines.compass, Copies: a.copies,
		Intake: intake{imaging.New(imaging.Limits{TmpDir: a.tmp, Self: c.Self})},
	}, batch.Limits{MaxImages: c.MaxImages, Keep: c.Keep})
	a.checked = upkeep.Deps{Batches: a.batches, Repository: a.store, Pictures: a.store, Inventory: a.store}
	a.board = batch.NewBoard(a.store, log)
	a.feed = live.New(live.Options{Log: log})
	a.runner = extract.New(extract.Deps{
		Batches: a.batches, Board: a.board, Repository: a.store, Queue: a.store.Queue(), Pictures: a.store, Changes: a.store,
		Engines: a.engines.byName, Samples: samples, Offline: "tesseract", Slots: c.Slots, Grace: c.Grace, Log: log,
		Readings: a.store, Reuse: c.Reuse, Version: version, Crowded: a.store.Crowded,
	})
	var open func(context.Context) (web.Demo, error)
	if show == nil {
		a.demos = newDemos(c, version, log)
		open = a.demos.open
	}
	pages := web.New(web.Config{
		Password: c.Password, Secret: secret, Hosts: hosts(c), MaxImages: c.MaxImages, Version: version, Reuses: c.Reuse > 0, Simulated: show != nil, Guest: show != nil && show.guest,
	}, web.Deps{
		Batches: a.batches, Board: a.board, Feed: a.feed, Keys: a.pool, AddKey: a.addKey, KeysFile: c.KeysFile != "", OldKeys: a.whyOldKeys, Readers: a.engines,
		Health: a.store.Health, Metrics: a.metrics(), TmpDir: a.tmp, Demo: open, Log: log,
	})
	a.pages, a.server = pages.Inner(), pages.HTTP()
	return a, nil
}

// settled is how old something on a cluster must be before it counts as left behind: younger, and another process may be
// about to refer to it.
const settled = time.Hour

// storeConfig says where the data is.
func storeConfig(c *config.Config, log *slog.Logger) store.Config {
	sc := store.Config{Dir: c.Data, Cluster: store.Cluster(c.Cluster), Log: log}
	if c.Data == config.Memory {
		sc.Dir, sc.Memory = "", c.Cluster.URL == ""
	}
	return sc
}

// openFor opens the data for a command: a data folder for itself alone, a cluster beside those that work on it.
func openFor(ctx context.Context, c *config.Config, log *slog.Logger) (*store.Store, error) {
	sc := storeConfig(c, log)
	if c.Cluster.URL != "" {
		sc.Dir = ""
	}
	return store.Open(ctx, sc)
}

// URL is where the pages are.
func (a *App) URL() string { return "http://" + a.address.Addr().String() }

// Run serves until ctx ends. Then running images get their grace while the pages still answer, the rest is given back,
// and everything is closed. It may be called once.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	g, all := errgroup.WithContext(life)

	ready := make(chan struct{})
	g.Go(func() error { return a.board.Run(all, told{a.store, a.tellPages}, ready) })
	g.Go(func() error { return a.copies.Run(all) })
	g.Go(func() error { return a.feed.Run(all) })
	g.Go(func() error { return a.pool.Run(all) })
	g.Go(func() error { return a.keepKeys(all) })
	g.Go(func() error { return a.tellKeyPages(all) })
	g.Go(func() error { return a.tellStartPages(all) })
	g.Go(func() error { return upkeep.NewClock(a.batches, a.log).Run(all, a.store) })
	g.Go(func() error { return a.batches.WatchTurned(all, a.log) })
	if a.demos != nil {
		g.Go(func() error { return a.demos.Run(all) })
	}
	if a.show != nil {
		g.Go(func() error { return a.perform(all) })
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
	g.Go(after(a.tidy))
	g.Go(after(a.control))
	g.Go(after(a.backUp))
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
	return g.Wait()
}

// serve answers requests until ctx ends. Without an address somebody else passes them on.
func (a *App) serve(ctx context.Context) error {
	if a.address == nil {
		return nil
	}
	failed := make(chan error, 1)
	go func() { failed <- a.server.Serve(a.address) }() // owned: Shutdown below ends it, and we wait for its word
	select {
	case err := <-failed:
		return fmt.Errorf("serving pages: %w", err)
	case <-ctx.Done():
	}
	// The feed has ended its streams by the same context, so no page hangs on to its connection.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	if err := a.server.Shutdown(grace); err != nil {
		_ = a.server.Close()
	}
	<-failed
	return nil
}

// Close releases what New opened. It may be called twice.
func (a *App) Close() {
	if a.address != nil {
		_ = a.address.Close()
	}
	if a.store != nil {
		if err := a.store.Close(); err != nil {
			a.log.Error("the store did not close cleanly", "err", err)
		}
	}
	if a.tmp != "" {
		_ = os.RemoveAll(a.tmp)
	}
	if a.show != nil {
		a.show.close()
	}
}

// tmpFolder makes an empty folder for files on their way out, inside the data folder so that nothing is left elsewhere.
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

// hosts are the names the pages may be called by, besides loopback.
func hosts(c *config.Config) []string {
	names := c.Hosts
	if host, _, err := net.SplitHostPort(c.Addr); err == nil && host != "" {
		names = append(names, host)
	}
	return names
}

// Explain is the error as a sentence for the one who started the program.
func Explain(err error) string {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return e.Error()
	}
	return err.Error()
}

var _ batch.Readers = engines{}
var _ map[string]engine.Engine = engines{}.byName

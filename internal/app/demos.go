package app

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/web"
)

// demoIdle is how long a demonstration stays after the last look at it.
const demoIdle = 15 * time.Minute

// demos keeps at most one demonstration beside the real program, for who asks for it on the first page. It has its own
// store in memory and shares nothing with the real one but the address.
type demos struct {
	cfg     *config.Config
	version string
	log     *slog.Logger
	wanted  chan chan opened

	mu   sync.Mutex
	seen time.Time // the last request
}

type opened struct {
	demo web.Demo
	err  error
}

func newDemos(c *config.Config, version string, log *slog.Logger) *demos {
	return &demos{cfg: c, version: version, log: log, wanted: make(chan chan opened)}
}

// open returns the demonstration that runs, or starts one.
func (d *demos) open(ctx context.Context) (web.Demo, error) {
	answer := make(chan opened, 1)
	select {
	case d.wanted <- answer:
	case <-ctx.Done():
		return web.Demo{}, errs.Wrap(ctx.Err(), errs.Unavailable, "The demonstration could not be opened. Try again in a moment.")
	}
	o := <-answer
	return o.demo, o.err
}

// Run opens demonstrations as they are asked for, one after the other, until ctx ends.
func (d *demos) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case answer := <-d.wanted:
			d.play(ctx, answer)
		}
	}
}

// play runs one demonstration until nobody looks at it any more; those who ask meanwhile join it.
func (d *demos) play(ctx context.Context, answer chan opened) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a, err := buildDemo(ctx, d.cfg, d.version, d.log, &show{guest: true, speed: 1})
	if err != nil {
		answer <- opened{err: err}
		return
	}
	over, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Run(ctx) }() // waited for below
	defer close(over)
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			d.log.Error("the demonstration ended badly", "err", err)
		}
	}()
	page, err := a.stage(ctx)
	demo := web.Demo{Handler: d.watched(a.pages), Token: rand.Text(), Page: page, Over: over}
	answer <- opened{demo, err}
	if err != nil {
		return
	}
	look := time.NewTicker(time.Minute)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case answer := <-d.wanted:
			answer <- opened{demo: demo}
		case <-look.C:
			if d.idle() {
				return
			}
		}
	}
}

// watched notes when the demonstration was last looked at.
func (d *demos) watched(next http.Handler) http.Handler {
	d.touch()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.touch()
		defer d.touch() // a live page is one long request
		next.ServeHTTP(w, r)
	})
}

func (d *demos) touch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = time.Now()
}

func (d *demos) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.seen) > demoIdle
}

package demo

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/errs"
	"sheetlift/internal/web"
)

// demoIdle is how long a demonstration stays after the last look at it.
const demoIdle = 15 * time.Minute

// Program is a program that was built around a Show.
type Program struct {
	Run      func(ctx context.Context) error // until ctx ends
	Pages    http.Handler
	Show     *Show // a guest; Run closes it
	Services *usecases.Services
}

// Guests keeps at most one demonstration beside the real program, started from the first page. The demonstration has its own
// store in memory and shares nothing with the real program but the address.
type Guests struct {
	build  func(context.Context) (Program, error)
	log    *slog.Logger
	wanted chan chan opened

	mu   sync.Mutex
	seen time.Time // the last request
}

type opened struct {
	demo web.Demo
	err  error
}

// NewGuests returns the door to demonstrations that build builds. It is open while Run runs.
func NewGuests(build func(context.Context) (Program, error), log *slog.Logger) *Guests {
	return &Guests{build: build, log: log, wanted: make(chan chan opened)}
}

// Open returns the demonstration that runs, or starts one.
func (g *Guests) Open(ctx context.Context) (web.Demo, error) {
	answer := make(chan opened, 1)
	select {
	case g.wanted <- answer:
	case <-ctx.Done():
		return web.Demo{}, errs.Wrap(ctx.Err(), errs.Unavailable, "The demonstration could not be opened. Try again in a moment.")
	}
	o := <-answer
	return o.demo, o.err
}

// Run starts demonstrations on request, one after the other, until ctx ends.
func (g *Guests) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case answer := <-g.wanted:
			g.play(ctx, answer)
		}
	}
}

// play runs one demonstration until nobody has looked at it for demoIdle. Requests for a demonstration meanwhile get the same
// one.
func (g *Guests) play(ctx context.Context, answer chan opened) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	program, err := g.build(ctx)
	if err != nil {
		answer <- opened{err: err}
		return
	}
	over, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- program.Run(ctx) }() // waited for below
	defer close(over)
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			g.log.Error("the demonstration ended badly", "err", err)
		}
	}()
	page, err := program.Show.start(ctx, program.Services)
	demo := web.Demo{Handler: g.watched(program.Pages), Token: rand.Text(), Page: page, Over: over}
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
		case answer := <-g.wanted:
			answer <- opened{demo: demo}
		case <-look.C:
			if g.idle() {
				return
			}
		}
	}
}

// watched records the time of the last request to the demonstration.
func (g *Guests) watched(next http.Handler) http.Handler {
	g.touch()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.touch()
		defer g.touch() // a live page is one long request
		next.ServeHTTP(w, r)
	})
}

func (g *Guests) touch() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = time.Now()
}

func (g *Guests) idle() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Since(g.seen) > demoIdle
}

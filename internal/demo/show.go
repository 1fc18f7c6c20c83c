// Package demo shows the program without keys or pictures of one's own: drawn sheets, and a simulation in the place of Google.
package demo

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/config"
	"sheetlift/internal/engine/gemini/simulator"
)

const (
	atOnce  = 6 // with the keys below, about a minute
	smudged = 8 // the sheet that the simulation cannot read
)

// Show stands in for Google in a demonstration: a server on loopback with Google's wire format and its faults. The
// program around it is the real one.
type Show struct {
	google  *simulator.Server
	guest   bool          // beside a real program
	speed   int           // times as fast as a person would like it
	started chan struct{} // closed when the batch was started
}

// Sheets is how many pictures the batch of a demonstration has; the simulation cannot read one of them.
const Sheets = 60

// NewShow starts the simulation. guest says that it runs beside a real program; speed is how many times as fast it goes as a
// person would like it, from 1. Close ends it.
func NewShow(guest bool, speed int) (*Show, error) {
	google, err := simulator.New(simulator.Options{Keys: simulatedKeys(speed), Minute: 20 * time.Second / time.Duration(speed), Seed: 1})
	if err != nil {
		return nil, fmt.Errorf("starting the simulated Gemini: %w", err)
	}
	return &Show{google: google, guest: guest, speed: speed, started: make(chan struct{})}, nil
}

// Guest reports whether the demonstration runs beside a real program.
func (s *Show) Guest() bool { return s.guest }

// Started is closed when the batch was started.
func (s *Show) Started() <-chan struct{} { return s.started }

// Config returns the settings of the demonstration in a program with the settings c: all in memory, read by the simulation
// with its own keys.
func (s *Show) Config(c *config.Config) *config.Config {
	own := *c
	own.Data, own.Engine, own.BaseURL, own.KeysFile, own.Cluster = config.Memory, "gemini", s.google.URL, "", config.Cluster{}
	if s.guest {
		own.Password = "" // asked for already, by the program it is a guest of
	}
	own.Webhooks = nil      // nobody is told of a demonstration
	own.Grace = 0           // nothing is lost by ending it at once
	own.Reader = config.Off // the simulation reads: nobody waits for the neural reader to start
	own.Keys = nil
	for _, k := range simulatedKeys(s.speed) {
		own.Keys = append(own.Keys, config.KeyText{Source: "the demonstration", Text: k.Label + "@" + k.Value + ":" + k.Value})
	}
	given := own.Keys
	own.Reread = func() ([]config.KeyText, error) { return given, nil }
	return &own
}

// simulatedKeys returns six typical keys: two good ones, a slow one, one with few calls a minute, one with its daily quota
// nearly used up, and one with transient errors. One of the good ones is revoked during the demonstration.
func simulatedKeys(speed int) []simulator.Key {
	key := func(n int, word string, k simulator.Key) simulator.Key {
		k.Latency /= time.Duration(speed)
		k.Label, k.Value, k.Jitter = fmt.Sprintf("key %d %s", n, word), fmt.Sprintf("simulated-%d", n), 0.4
		return k
	}
	return []simulator.Key{
		key(1, "fast", simulator.Key{Latency: 2 * time.Second}),
		key(2, "revoked soon", simulator.Key{Latency: 2500 * time.Millisecond}),
		key(3, "slow", simulator.Key{Latency: 9 * time.Second}),
		key(4, "five a minute", simulator.Key{Latency: 2 * time.Second, PerMinute: 5}),
		key(5, "four a day", simulator.Key{Latency: 2 * time.Second, PerDay: 4}),
		key(6, "stumbles", simulator.Key{Latency: 3 * time.Second, Failing: 0.3, Script: []simulator.Answer{
			simulator.PayloadAnswer("200-stop-but-broken-json"),
		}}),
	}
}

// playFaults plays the scripted faults of the service while the batch is read, from the start of the batch on.
func (s *Show) playFaults(ctx context.Context) error {
	steps := []struct {
		after time.Duration
		do    func()
	}{
		{12 * time.Second, func() {
			dead := simulator.PayloadAnswer("403-leaked")
			k := simulatedKeys(s.speed)[1]
			k.Always = &dead
			s.google.SetKey(k)
		}},
		{10 * time.Second, func() { down := simulator.PayloadAnswer("503-overloaded"); s.google.SetOutage(&down) }},
		{5 * time.Second, func() { s.google.SetOutage(nil) }},
	}
	select {
	case <-s.started:
	case <-ctx.Done():
	}
	for _, step := range steps {
		select {
		case <-time.After(step.after / time.Duration(s.speed)):
			step.do()
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// Close ends the simulation.
func (s *Show) Close() { s.google.Close() }

// Run runs the demonstration until ctx ends. Alone, it starts the batch itself; as a guest, Guests starts it on request.
func (s *Show) Run(ctx context.Context, u *usecases.Services) error {
	if !s.guest {
		if _, err := s.start(ctx, u); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return s.playFaults(ctx)
}

// start draws the sheets, uploads them as a person would and starts the batch. Call it once, while the demonstration
// runs; it returns the address of the batch's page on this server.
func (s *Show) start(ctx context.Context, u *usecases.Services) (path string, err error) {
	o := batch.DefaultOptions()
	o.AtOnce = atOnce
	b, err := u.Draft.Create(ctx, draft.NewBatch{Name: "Demonstration: 60 drawn sheets, simulated", Options: &o})
	if err != nil {
		return "", err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for n := 1; n <= Sheets; n++ {
		g.Go(func() error {
			sheet := simulator.Draw(n)
			picture := sheet.JPEG
			if n == smudged {
				picture = simulator.DrawUnmarked(n).JPEG
			}
			_, err := u.Draft.AddImages(ctx, b.ID, draft.Upload{
				ID: fmt.Sprintf("demo-%05d", n), Filename: fmt.Sprintf("sheet-%02d.jpg", n), Position: n,
				Body: bytes.NewReader(picture),
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	if _, err := u.Run.Start(context.WithoutCancel(ctx), b.ID); err != nil {
		return "", err
	}
	close(s.started)
	return "/batches/" + string(b.ID), nil
}

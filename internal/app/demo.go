package app

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"sheetlift/internal/batch"
	"sheetlift/internal/config"
	"sheetlift/internal/engine/gemini/simulator"
)

const (
	showSheets = 60 // pictures in the demonstration
	showAtOnce = 6  // with the keys below, about a minute
	smudged    = 8  // the sheet that the simulation cannot read
)

// show is what stands in for Google in a demonstration: a server on loopback with its wire format and its faults. The
// program around it is the real one.
type show struct {
	google *simulator.Server
	guest  bool          // beside a real program
	speed  int           // times as fast as a person would like it
	begun  chan struct{} // closed when the batch was started
}

// NewDemo builds the program as a demonstration: everything in memory, drawn sheets, a simulated Gemini.
func NewDemo(ctx context.Context, c *config.Config, version string, log *slog.Logger) (*App, error) {
	return newDemo(ctx, c, version, log, 1)
}

func newDemo(ctx context.Context, c *config.Config, version string, log *slog.Logger, speed int) (*App, error) {
	address, err := listen(ctx, c)
	if err != nil {
		return nil, err
	}
	a, err := buildDemo(ctx, c, version, log, &show{speed: speed})
	if err != nil {
		_ = address.Close()
		return nil, err
	}
	a.address = address
	return a, nil
}

func buildDemo(ctx context.Context, c *config.Config, version string, log *slog.Logger, s *show) (*App, error) {
	keys := simulatedKeys(s.speed)
	var err error
	s.google, err = simulator.New(simulator.Options{Keys: keys, Minute: 20 * time.Second / time.Duration(s.speed), Seed: 1})
	if err != nil {
		return nil, fmt.Errorf("starting the simulated Gemini: %w", err)
	}
	own := *c
	own.Data, own.Engine, own.BaseURL, own.KeysFile, own.Cluster = config.Memory, "gemini", s.google.URL, "", config.Cluster{}
	if s.guest {
		own.Password = "" // asked for already, by the program it is a guest of
	}
	own.Grace = 0 // nothing is lost by cutting it off
	own.Keys = nil
	for _, k := range keys {
		own.Keys = append(own.Keys, config.KeyText{Source: "the demonstration", Text: k.Label + "@" + k.Value + ":" + k.Value})
	}
	given := own.Keys
	own.Reread = func() ([]config.KeyText, error) { return given, nil }
	s.begun = make(chan struct{})
	return build(ctx, &own, version, log, s)
}

// simulatedKeys are six keys as people have them: two good ones, a slow one, one with few calls a minute, one whose day
// is nearly used up, and one that stumbles. One of the good ones is revoked on the way.
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

// run plays what happens to the service while the batch is read, from its start on.
func (s *show) run(ctx context.Context) error {
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
	case <-s.begun:
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

func (s *show) close() { s.google.Close() }

// perform is the demonstration: on its own it begins by itself, as a guest when it is asked for.
func (a *App) perform(ctx context.Context) error {
	if !a.show.guest {
		if _, err := a.stage(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return a.show.run(ctx)
}

// stage draws the sheets, uploads them as a person would and starts the batch. Call it once, while the demonstration
// runs; it returns the address of the batch's page on this server.
func (a *App) stage(ctx context.Context) (path string, err error) {
	o := batch.DefaultOptions()
	o.AtOnce = showAtOnce
	b, err := a.batches.Create(ctx, batch.NewBatch{Name: "Demonstration: 60 drawn sheets, simulated", Options: &o})
	if err != nil {
		return "", err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for n := 1; n <= showSheets; n++ {
		g.Go(func() error {
			sheet := simulator.Draw(n)
			picture := sheet.JPEG
			if n == smudged {
				picture = simulator.DrawUnmarked(n).JPEG
			}
			_, err := a.batches.AddImages(ctx, b.ID, batch.Upload{
				ID: fmt.Sprintf("demo-%05d", n), Filename: fmt.Sprintf("sheet-%02d.jpg", n), Position: n,
				Body: bytes.NewReader(picture),
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	if _, err := a.batches.Start(context.WithoutCancel(ctx), b.ID); err != nil {
		return "", err
	}
	close(a.show.begun)
	return "/batches/" + string(b.ID), nil
}

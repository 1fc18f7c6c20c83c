package extract

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

const (
	samplesKept = 500              // readings that wait for their batch to start; the oldest goes first
	sampleWait  = 90 * time.Second // how long a person waits for one: a full page takes up to 60 s
	sampleTries = 3
)

// Samples reads single pictures for a person who waits, through the same engines as the runner, and keeps what was paid
// for in memory until the runner asks the same of the same picture. It implements batch.Sampler.
type Samples struct {
	pictures batch.Pictures
	engines  map[string]engine.Engine

	mu    sync.Mutex
	kept  map[string]*sampled
	order []string // of kept, oldest first
}

type sampled struct {
	reading *engine.Reading
	took    time.Duration
	done    chan struct{} // closed once reading is there, or will not come
}

// NewSamples returns samples read by the engines given, by name.
func NewSamples(pictures batch.Pictures, engines map[string]engine.Engine) *Samples {
	return &Samples{pictures: pictures, engines: engines, kept: map[string]*sampled{}}
}

// question is all that an answer depends on: the picture's content, the columns, who reads.
func question(m *batch.Image, t table.Table, engine, model string) string {
	return fmt.Sprintf("%s %s %s %s", m.Picture.Digest, engine, model, columnsOf(t))
}

// Sample implements batch.Sampler. Two who ask the same at once wait for one reading.
func (s *Samples) Sample(ctx context.Context, m *batch.Image, t table.Table, name, model string) (*batch.Sample, error) {
	key := question(m, t, name, model)
	for {
		kept, mine := s.enter(key)
		if mine {
			began := time.Now()
			reading, err := s.read(ctx, m, t, name, model)
			s.leave(key, kept, reading, time.Since(began))
			if err != nil {
				return nil, err
			}
			return shown(t, name, kept, false), nil
		}
		select {
		case <-kept.done:
			if kept.reading != nil {
				return shown(t, name, kept, true), nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// enter returns the sample for key, and whether it is the caller's to read.
func (s *Samples) enter(key string) (kept *sampled, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.kept[key]; ok {
		return kept, false
	}
	kept = &sampled{done: make(chan struct{})}
	s.kept[key] = kept
	s.order = append(s.order, key)
	if len(s.order) > samplesKept {
		delete(s.kept, s.order[0])
		s.order = s.order[1:]
	}
	return kept, true
}

// leave hands out what was read; what could not be read is forgotten, so that it can be asked again.
func (s *Samples) leave(key string, kept *sampled, reading *engine.Reading, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept.reading, kept.took = reading, took
	if reading == nil {
		s.forget(key)
	}
	close(kept.done)
}

func (s *Samples) forget(key string) {
	delete(s.kept, key)
	for i, k := range s.order {
		if k == key {
			s.order = append(s.order[:i], s.order[i+1:]...)
			return
		}
	}
}

// holds reports whether take would return a reading.
func (s *Samples) holds(m *batch.Image, t table.Table, name, model string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.kept[question(m, t, name, model)]
	return kept != nil && kept.reading != nil
}

// take returns what was read for a sample and forgets it: it belongs to the batch now. nil: there is none.
func (s *Samples) take(m *batch.Image, t table.Table, name, model string) *engine.Reading {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := question(m, t, name, model)
	kept := s.kept[key]
	if kept == nil || kept.reading == nil {
		return nil
	}
	s.forget(key)
	return kept.reading
}

func (s *Samples) read(ctx context.Context, m *batch.Image, t table.Table, name, model string) (*engine.Reading, error) {
	eng, ok := s.engines[name]
	if !ok {
		return nil, errs.New(errs.Unavailable, "%s", unavailable(name))
	}
	ctx, cancel := context.WithTimeout(ctx, sampleWait)
	defer cancel()
	picture, err := s.pictures.GetPicture(ctx, m.Batch, m.Picture.Key, batch.Full)
	if err != nil {
		return nil, err
	}
	req := engine.Request{
		Batch: string(m.Batch), Picture: picture, MIME: m.Picture.MIME, Width: m.Picture.Width, Height: m.Picture.Height,
		Table: t, Model: model,
	}
	for tries := 1; ; tries++ {
		reading, err := eng.Read(ctx, req)
		switch {
		case err == nil:
			return reading, nil
		case ctx.Err() != nil:
			return nil, errs.Wrap(err, errs.Unavailable, "No answer came in time, because no key was free or the service is slow. Look at the keys, then try again.")
		}
		f := engine.AsFailure(err)
		wait := max(0, time.Until(f.Until))
		if f.Why.Final() || tries == sampleTries || wait > inHand {
			return nil, errs.Wrap(err, errs.Unavailable, "The picture could not be read. %s", f.Message)
		}
		req.Previous = append(req.Previous, engine.Past{Why: f.Why, Key: f.Key})
		if !pause(ctx, wait) {
			return nil, ctx.Err()
		}
	}
}

func shown(t table.Table, name string, kept *sampled, before bool) *batch.Sample {
	r := kept.reading
	return &batch.Sample{
		Columns: r.Columns, Rows: r.Rows, Issues: append(append([]table.Issue{}, r.Issues...), t.Check(r.Columns, r.Rows)...),
		Engine: name, Model: r.Model, Key: r.Key, Tokens: r.Usage.PromptTokens + r.Usage.OutputTokens, USD: r.Usage.USD,
		Took: kept.took, Kept: before,
	}
}

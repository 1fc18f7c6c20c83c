package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/danger"
	"sheetlift/internal/engine"
	"sheetlift/internal/engine/pieces"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

const (
	previewsKept = 500              // readings that wait for their batch to start; the oldest is dropped first
	previewWait  = 90 * time.Second // how long a person waits for a preview: a full page takes up to 60 s
	previewTries = 3
)

// Previews reads single pictures for a person waiting for the answer, through the same engines as the runner. It
// keeps the readings, which are paid for, in memory until the runner asks the same question about the same picture. It
// implements batch.Previewer.
type Previews struct {
	pictures batch.Pictures
	engines  map[string]engine.Engine
	cutter   pieces.Cutter
	danger   *danger.Guard // marks each picture and answer while it is opened; nil for none

	mu    sync.Mutex
	kept  map[string]*previewEntry
	order []string // of kept, oldest first
}

type previewEntry struct {
	reading *engine.Reading
	took    time.Duration
	done    chan struct{} // closed once reading is set, or has failed
}

// NewPreviews returns previews that are read by the given engines, by name. cutter cuts the long pictures. guard marks each
// picture and answer while it is opened; nil for none.
func NewPreviews(pictures batch.Pictures, engines map[string]engine.Engine, cutter pieces.Cutter, guard *danger.Guard) *Previews {
	return &Previews{pictures: pictures, engines: engines, cutter: cutter, danger: guard, kept: map[string]*previewEntry{}}
}

// previewKey returns the key of a preview, made of all that its answer depends on: the picture's content, the engine, the
// model, the thinking level and the columns.
func previewKey(m *batch.Image, t table.Table, with batch.ReadAs) string {
	return fmt.Sprintf("%s %s %s %s %s", m.Picture.Digest, with.Engine, with.Model, with.Thinking, columnsOf(t))
}

// Preview implements batch.Previewer. Concurrent callers with the same question wait for one reading.
func (s *Previews) Preview(ctx context.Context, m *batch.Image, t table.Table, with batch.ReadAs) (*batch.Preview, error) {
	key := previewKey(m, t, with)
	for {
		kept, mine := s.enter(key)
		if mine {
			began := time.Now()
			reading, err := s.read(ctx, m, t, with)
			s.leave(key, kept, reading, time.Since(began))
			if err != nil {
				return nil, err
			}
			return presentPreview(t, with.Engine, kept, false), nil
		}
		select {
		case <-kept.done:
			if kept.reading != nil {
				return presentPreview(t, with.Engine, kept, true), nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// enter returns the entry for key, and whether the caller has to read it.
func (s *Previews) enter(key string) (kept *previewEntry, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.kept[key]; ok {
		return kept, false
	}
	kept = &previewEntry{done: make(chan struct{})}
	s.kept[key] = kept
	s.order = append(s.order, key)
	if len(s.order) > previewsKept {
		delete(s.kept, s.order[0])
		s.order = s.order[1:]
	}
	return kept, true
}

// leave sets the reading and wakes the callers that wait for it. A failed preview (nil) is removed, so that the next caller
// reads it again.
func (s *Previews) leave(key string, kept *previewEntry, reading *engine.Reading, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept.reading, kept.took = reading, took
	if reading == nil {
		s.forget(key)
	}
	close(kept.done)
}

func (s *Previews) forget(key string) {
	delete(s.kept, key)
	for i, k := range s.order {
		if k == key {
			s.order = append(s.order[:i], s.order[i+1:]...)
			return
		}
	}
}

// has reports whether take would return a reading.
func (s *Previews) has(m *batch.Image, t table.Table, with batch.ReadAs) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.kept[previewKey(m, t, with)]
	return kept != nil && kept.reading != nil
}

// pop returns the reading of a preview and removes it, because it belongs to the batch now; nil when there is none.
func (s *Previews) pop(m *batch.Image, t table.Table, with batch.ReadAs) *engine.Reading {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := previewKey(m, t, with)
	kept := s.kept[key]
	if kept == nil || kept.reading == nil {
		return nil
	}
	s.forget(key)
	return kept.reading
}

func (s *Previews) read(ctx context.Context, m *batch.Image, t table.Table, with batch.ReadAs) (*engine.Reading, error) {
	eng, ok := s.engines[with.Engine]
	if !ok {
		return nil, errs.New(errs.Unavailable, "%s", unavailable(with.Engine))
	}
	ctx, cancel := context.WithTimeout(ctx, previewWait)
	defer cancel()
	if err := m.Openable(); err != nil {
		return nil, err
	}
	picture, err := s.pictures.GetPicture(ctx, m.Batch, m.Picture.Key, batch.Full)
	if err != nil {
		return nil, err
	}
	req := engine.Request{
		Batch: string(m.Batch), Picture: picture, MIME: m.Picture.MIME, Width: m.Picture.Width, Height: m.Picture.Height,
		Table: t, Model: with.Model, Thinking: with.Thinking,
	}
	for tries := 1; ; tries++ {
		reading, err := pieces.Read(opening(ctx, s.danger, m), s.cutter, eng, req)
		switch {
		case err == nil:
			return reading, nil
		case ctx.Err() != nil:
			return nil, errs.Wrap(err, errs.Unavailable, "No answer came in time, because no key was free or the service is slow. Look at the keys, then try again.")
		}
		f := engine.AsFailure(err)
		wait := max(0, time.Until(f.Until))
		if f.Why.Final() || tries == previewTries || wait > slotWait {
			return nil, errs.Wrap(err, errs.Unavailable, "The picture could not be read. %s", f.Message)
		}
		req.Previous = append(req.Previous, engine.Past{Why: f.Why, Key: f.Key})
		if !sleep(ctx, wait) {
			return nil, ctx.Err()
		}
	}
}

func presentPreview(t table.Table, name string, kept *previewEntry, before bool) *batch.Preview {
	r := kept.reading
	return &batch.Preview{
		Columns: r.Columns, Rows: r.Rows, Issues: append(append([]table.Issue{}, r.Issues...), t.CheckAlone(r.Columns, r.Rows)...),
		Engine: name, Model: r.Model, Key: r.Key, Tokens: r.Usage.PromptTokens + r.Usage.OutputTokens, USD: r.Usage.USD, Priced: r.Usage.Priced,
		Took: kept.took, FromCache: before,
	}
}

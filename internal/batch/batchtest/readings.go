package batchtest

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// maxReading is the largest reading in bytes that is kept.
const maxReading = 2 << 20

// storedReading is a reading in its stored form.
type remembered struct {
	data []byte
	of   batch.ID
	n    int
	at   time.Time
}

// PutReading implements batch.ReadingCache.
func (w *World) PutReading(ctx context.Context, question string, r *batch.Reading) error {
	if !token(question) {
		return badName(question)
	}
	if err := cmp.Or(ended(ctx), checkImage(r.Batch, r.N), w.fail("put reading")); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(data) > maxReading {
		return errs.New(errs.TooLarge, "The reading is too large.")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readings[question] = remembered{data, r.Batch, r.N, time.Now()}
	return nil
}

// GetReading implements batch.ReadingCache.
func (w *World) GetReading(ctx context.Context, question string) (*batch.Reading, error) {
	if !token(question) {
		return nil, badName(question)
	}
	if err := cmp.Or(ended(ctx), w.fail("get reading")); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	kept, ok := w.readings[question]
	if !ok {
		return nil, errs.New(errs.NotFound, "Nobody asked that.")
	}
	r := &batch.Reading{Batch: kept.of, N: kept.n}
	return r, json.Unmarshal(kept.data, r)
}

// PurgeReadings implements batch.ReadingCache.
func (w *World) PurgeReadings(ctx context.Context, id batch.ID) error {
	if err := cmp.Or(ended(ctx), checkID(id), w.fail("purge readings")); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(id)
	return nil
}

func (w *World) forget(id batch.ID) {
	for question, kept := range w.readings {
		if kept.of == id {
			delete(w.readings, question)
		}
	}
}

// Remembered returns the number of cached readings.
func (w *World) Remembered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.readings)
}

package batchtest

import (
	"context"
	"encoding/json"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// remembered is a reading as the store keeps it.
type remembered struct {
	data []byte
	of   batch.ID
	n    int
}

// Remember implements batch.Readings.
func (w *World) Remember(_ context.Context, question string, r *batch.Reading) error {
	if err := w.fail("remember"); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readings[question] = remembered{data, r.Batch, r.N}
	return nil
}

// Recall implements batch.Readings.
func (w *World) Recall(_ context.Context, question string) (*batch.Reading, error) {
	if err := w.fail("recall"); err != nil {
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

// Forget implements batch.Readings.
func (w *World) Forget(_ context.Context, id batch.ID) error {
	if err := w.fail("forget"); err != nil {
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

// Remembered is how many readings are remembered.
func (w *World) Remembered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.readings)
}

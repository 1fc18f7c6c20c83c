package batchtest

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"sheetlift/internal/batch"
)

// Templates implements batch.Templates.
func (w *World) Templates(ctx context.Context) ([]*batch.Template, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]*batch.Template, 0, len(w.templates))
	for _, data := range w.templates {
		t := &batch.Template{}
		if err := json.Unmarshal(data, t); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// SaveTemplate implements batch.Templates.
func (w *World) SaveTemplate(ctx context.Context, t *batch.Template) error {
	if !token(t.ID) {
		return badName(t.ID)
	}
	if err := cmp.Or(ended(ctx), w.fail("save template")); err != nil {
		return err
	}
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.templates[t.ID] = data
	return nil
}

// RemoveTemplate implements batch.Templates.
func (w *World) RemoveTemplate(ctx context.Context, id string) error {
	if err := cmp.Or(ended(ctx), w.fail("remove template")); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.templates, id)
	return nil
}

// Enter implements batch.Ledger.
func (w *World) Enter(ctx context.Context, id batch.ID, days []batch.Day) error {
	if err := cmp.Or(ended(ctx), checkID(id), w.fail("enter")); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries[id] = slices.Clone(days)
	return nil
}

// Entered implements batch.Ledger.
func (w *World) Entered(ctx context.Context) ([]batch.Day, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []batch.Day
	for _, days := range w.entries {
		all = append(all, days...)
	}
	return all, nil
}

package store

import (
	"context"
	"encoding/json"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// Templates implements batch.Templates.
type Templates struct{ s *Store }

// Templates returns the saved columns.
func (s *Store) Templates() *Templates { return &Templates{s} }

// Templates implements batch.Templates.
func (c *Templates) Templates(ctx context.Context) ([]*batch.Template, error) {
	docs, err := c.s.templates.load(ctx, ">")
	if err != nil {
		return nil, c.s.fail(ctx, err)
	}
	all := make([]*batch.Template, 0, len(docs))
	for _, d := range docs {
		t := &batch.Template{}
		if err := json.Unmarshal(d.data, t); err != nil {
			return nil, c.s.fail(ctx, errDamaged)
		}
		all = append(all, t)
	}
	return all, nil
}

// SaveTemplate implements batch.Templates.
func (c *Templates) SaveTemplate(ctx context.Context, t *batch.Template) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if !token(t.ID) {
		return errs.New(errs.Invalid, "That cannot be the id of saved columns.")
	}
	if err := c.s.room(len(data)); err != nil {
		return err
	}
	return c.s.fail(ctx, c.s.templates.set(ctx, t.ID, data))
}

// RemoveTemplate implements batch.Templates.
func (c *Templates) RemoveTemplate(ctx context.Context, id string) error {
	if !token(id) {
		return nil // nothing is stored under an id that is not a single key
	}
	d, err := c.s.templates.get(ctx, id)
	if missing(err) {
		return nil
	}
	if err != nil {
		return c.s.fail(ctx, err)
	}
	return c.s.fail(ctx, c.s.templates.remove(ctx, id, d.rev))
}

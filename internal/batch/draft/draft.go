package draft

import (
	"cmp"
	"context"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// MaxImages returns how many images a batch may hold.
func (s *Service) MaxImages() int { return s.limits.MaxImages }

// NewBatch is the initial data of a draft; every field has a default.
type NewBatch struct {
	Name    string         // default: "Batch of" and the time
	Table   *table.Table   // default: the preset "inventory"
	Engine  string         // default: the one available at Start
	Model   string         // default: the model of the program settings, at Start
	Options *batch.Options // default: DefaultOptions

	Thinking string // default: the lowest level of the model

	ID       batch.ID       // default: a new one. Conflict if a batch has it already
	Priority batch.Priority // default: Normal
	Asked    string         // digest of the create request, stored with the batch
}

// Create stores a new draft.
func (s *Service) Create(ctx context.Context, n NewBatch) (*batch.Batch, error) {
	now := time.Now().UTC()
	b := &batch.Batch{ID: cmp.Or(n.ID, batch.NewID()), Status: batch.Draft, Engine: n.Engine, Model: n.Model, Thinking: n.Thinking, Priority: n.Priority, Options: batch.DefaultOptions(), Created: now, Asked: n.Asked}
	b.Name = batch.CleanName(n.Name)
	if b.Name == "" {
		b.Name = "Batch of " + now.Local().Format("2 January 2006, 15:04")
	}
	if n.Options != nil {
		b.Options = *n.Options
	}
	b.Options.Witness = cmp.Or(b.Options.Witness, s.limits.Witness)
	if n.Table != nil {
		b.Table = n.Table.Composed()
	} else {
		b.Table, _ = table.Preset("inventory")
	}
	if err := s.check(b); err != nil {
		return nil, err
	}
	if err := s.ports.Repository.CreateBatch(ctx, b); err != nil {
		return nil, err
	}
	return b, nil
}

// Check validates the settings of a draft.
func (s *Service) check(b *batch.Batch) error {
	if err := settings.CheckOptions(b.Options); err != nil {
		return err
	}
	if err := cmp.Or(b.Priority, batch.Normal).Check(); err != nil {
		return err
	}
	if err := settings.CheckModel(b.Model, b.Thinking); err != nil {
		return err
	}
	if b.Engine != "" {
		if _, _, err := s.ports.Readers.Choose(b.Engine); err != nil {
			return errs.At("engine", err)
		}
	}
	return b.Table.Validate()
}

// SetTable sets the columns of a draft.
func (s *Service) SetTable(ctx context.Context, id batch.ID, t table.Table) (*batch.Batch, error) {
	return s.changeDraft(ctx, id, func(b *batch.Batch) error { b.Table = t.Composed(); return nil })
}

// SetDraft sets the columns and reading options of a draft in one compare-and-swap: all, or nothing if one part is invalid.
// Fields that set omits, such as the model, stay unchanged, as does the witness if o has none.
func (s *Service) SetDraft(ctx context.Context, id batch.ID, t table.Table, o batch.Options, engine string, set settings.Settings) (*batch.Batch, error) {
	return s.changeDraft(ctx, id, func(b *batch.Batch) error {
		o.Witness = cmp.Or(o.Witness, b.Options.Witness)
		b.Table, b.Options, b.Engine = t.Composed(), o, engine
		_, err := s.settings.Apply(b, set)
		return err
	})
}

// SetOptions sets the reading options of a draft; engine "" leaves the choice to Start. The witness stays if o has none.
func (s *Service) SetOptions(ctx context.Context, id batch.ID, o batch.Options, engine string) (*batch.Batch, error) {
	return s.changeDraft(ctx, id, func(b *batch.Batch) error {
		o.Witness = cmp.Or(o.Witness, b.Options.Witness)
		b.Options, b.Engine = o, engine
		return nil
	})
}

func (s *Service) changeDraft(ctx context.Context, id batch.ID, f func(*batch.Batch) error) (*batch.Batch, error) {
	return s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		if b.Status != batch.Draft {
			return false, errs.New(errs.Conflict,
				"This batch was started already; its columns and settings can no longer be changed.")
		}
		if err := f(b); err != nil {
			return false, err
		}
		return true, s.check(b)
	})
}

// RemoveImage removes an image from a draft, with its picture. Removing it again is not an error.
func (s *Service) RemoveImage(ctx context.Context, id batch.ID, n int) error {
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	if b.Status != batch.Draft {
		return errs.New(errs.Conflict, "This batch was started already; its images can no longer be removed.")
	}
	m, err := s.ports.Repository.Image(ctx, id, n)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.batches.RemoveImage(ctx, m)
}

// draftImage returns an image of a draft, which may still be changed.
func (s *Service) draftImage(ctx context.Context, id batch.ID, n int) (*batch.Image, error) {
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	if b.Status != batch.Draft {
		return nil, errs.New(errs.Conflict, "This batch was started already; its pictures can no longer be changed.")
	}
	return s.batches.Image(ctx, id, n)
}

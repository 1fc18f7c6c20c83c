package settings

import (
	"context"
	"errors"
	"slices"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// CheckOptions returns an error for options that cannot be chosen.
func CheckOptions(o batch.Options) error {
	switch {
	case o.AtOnce < 1 || o.AtOnce > 64:
		return errs.At("at_once", errs.New(errs.Invalid, "Images at once is %d; choose a number from 1 to 64.", o.AtOnce))
	case o.MaxRetries < 0 || o.MaxRetries > 20:
		return errs.At("max_retries", errs.New(errs.Invalid, "The number of retries is %d; choose a number from 0 to 20.", o.MaxRetries))
	case o.RetryDelay < 0 || o.RetryDelay > 10*time.Minute:
		return errs.At("retry_delay_ms", errs.New(errs.Invalid, "The first retry delay is %s; choose a time from 0 to 10 minutes.", o.RetryDelay))
	}
	if !slices.Contains([]batch.Fallback{"", batch.FallbackOff, batch.FallbackAsk, batch.FallbackAlways}, o.Fallback) {
		return errs.At("fallback", errs.New(errs.Invalid, "What becomes of a picture that cannot be read is %q; choose off, ask or always.", o.Fallback))
	}
	if err := o.Witness.Check(); err != nil {
		return err
	}
	return CheckKeep(o.Keep)
}

// SetDecimal sets the meaning of 1,250 in a column of numbers, at any time: a decimal mark, or NoMark to follow the evidence in
// its values. Values that a person typed or accepted stay as they are.
func (s *Service) SetDecimal(ctx context.Context, id batch.ID, column string, mark table.Mark) (*batch.Batch, error) {
	return s.Set(ctx, id, Settings{Decimal: map[string]table.Mark{column: mark}})
}

func setDecimal(b *batch.Batch, column string, mark table.Mark) (changed bool, err error) {
	i := slices.IndexFunc(b.Table.Columns, func(c table.Column) bool { return c.Name == column && c.Type == table.Number })
	if i < 0 {
		return false, errs.At("decimal", errs.New(errs.Invalid, "There is no such column of numbers. Reload the page and try again."))
	}
	if b.Table.Columns[i].Decimal == mark {
		return false, nil
	}
	b.Table.Columns = slices.Clone(b.Table.Columns)
	b.Table.Columns[i].Decimal = mark
	if wrong, ok := errors.AsType[*errs.Error](b.Table.Validate()); ok {
		return true, errs.At("decimal", wrong) // the request has no columns, in which the table places it
	}
	return true, nil
}

// Settings are changes to a batch that are allowed at any time. A nil field stays unchanged.
type Settings struct {
	Name     *string
	Priority *batch.Priority
	AtOnce   *int
	Keep     *time.Duration
	Fallback *batch.Fallback
	Witness  *batch.Witness
	Model    *string // "" is the model of the program settings
	Thinking *string // "" is the lowest level of the model

	Estimate *batch.Estimate // what a draft is expected to take

	Decimal map[string]table.Mark // decimal mark of number columns, by name: see SetDecimal

	// If gets the stored batch before a change, in the same compare-and-swap; its error is the result. It is not asked about
	// settings that change nothing, so that a repeated request succeeds. nil: no condition.
	If func(*batch.Batch) error
}

// Set changes a batch in one compare-and-swap: all fields that are set, or nothing if one of them is invalid. With
// FallbackAlways, images that wait for a later attempt are queued at once, so that the offline engine reads those that no key
// can read. After a crash in between, the remaining ones are queued at their own time.
func (s *Service) Set(ctx context.Context, id batch.ID, set Settings) (*batch.Batch, error) {
	b, err := s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		before := *b
		changed, err := s.Apply(b, set)
		if err == nil && changed && set.If != nil {
			err = set.If(&before)
		}
		return changed, err
	})
	if err != nil || set.Fallback == nil {
		return b, err
	}
	return b, s.queueWaiting(ctx, b)
}

// Apply changes b and reports whether anything differs.
func (s *Service) Apply(b *batch.Batch, set Settings) (changed bool, err error) {
	if set.Name != nil {
		name := batch.CleanName(*set.Name)
		if name == "" {
			return false, errs.At("name", errs.New(errs.Invalid, "A batch needs a name; type at least one character."))
		}
		changed = changed || b.Name != name
		b.Name = name
	}
	if set.Priority != nil {
		if err := set.Priority.Check(); err != nil {
			return false, err
		}
		changed = changed || b.Priority.Level() != set.Priority.Level()
		b.Priority = *set.Priority
	}
	if set.Model != nil || set.Thinking != nil {
		model, thinking := b.Model, b.Thinking
		if set.Model != nil {
			model = *set.Model
		}
		if set.Thinking != nil {
			thinking = *set.Thinking
		}
		other, err := s.useModel(b, model, thinking)
		if err != nil {
			return false, err
		}
		changed = changed || other
	}
	for column, mark := range set.Decimal {
		other, err := setDecimal(b, column, mark)
		if err != nil {
			return false, err
		}
		changed = changed || other
	}
	if set.Estimate != nil && b.Order == nil {
		b.Estimate, changed = set.Estimate, true
	}
	before := b.Options
	if set.Keep != nil {
		if err := CheckKeep(*set.Keep); err != nil {
			return false, err
		}
		b.Options.Keep = *set.Keep
	}
	if set.AtOnce != nil {
		b.Options.AtOnce = *set.AtOnce
	}
	if set.Fallback != nil {
		b.Options.Fallback = *set.Fallback
	}
	if set.Witness != nil {
		b.Options.Witness = *set.Witness
	}
	if b.Options == before {
		return changed, nil
	}
	return true, CheckOptions(b.Options)
}

// RenameBatch renames a batch, at any time.
func (s *Service) RenameBatch(ctx context.Context, id batch.ID, name string) (*batch.Batch, error) {
	return s.Set(ctx, id, Settings{Name: &name})
}

// SetPriority sets the priority of a batch relative to others, at any time. It affects waiting images at once; images in flight
// are finished.
func (s *Service) SetPriority(ctx context.Context, id batch.ID, p batch.Priority) (*batch.Batch, error) {
	return s.Set(ctx, id, Settings{Priority: &p})
}

// SetAtOnce changes the number of images of a batch in flight at once, at any time.
func (s *Service) SetAtOnce(ctx context.Context, id batch.ID, n int) (*batch.Batch, error) {
	return s.Set(ctx, id, Settings{AtOnce: &n})
}

// SetKeep sets the retention of a batch after its end, at any time: 0 is the default of the program, KeepForever keeps it for
// ever.
func (s *Service) SetKeep(ctx context.Context, id batch.ID, keep time.Duration) (*batch.Batch, error) {
	return s.Set(ctx, id, Settings{Keep: &keep})
}

// SetFallback sets the fallback of a batch for images that its engine refuses or has no key for, at any time.
func (s *Service) SetFallback(ctx context.Context, id batch.ID, f batch.Fallback) (*batch.Batch, error) {
	return s.Set(ctx, id, Settings{Fallback: &f})
}

// queueWaiting queues the images that wait for a later attempt, in a batch with FallbackAlways.
func (s *Service) queueWaiting(ctx context.Context, b *batch.Batch) error {
	if b.Options.Fallback != batch.FallbackAlways || b.Order == nil || b.Over() {
		return nil
	}
	images, err := s.batches.StoredImages(ctx, b)
	if err != nil {
		return err
	}
	for _, m := range images {
		if m.NotBefore.IsZero() || m.Status.Final() {
			continue
		}
		m, err := s.batches.UpdateImage(ctx, b.ID, m.N, clearNotBefore)
		if err != nil {
			return err
		}
		if m.Status.Final() {
			continue
		}
		if err := s.ports.Queue.Add(ctx, []batch.Unit{m.Unit()}); err != nil {
			return err
		}
	}
	return nil
}

func clearNotBefore(m *batch.Image) (bool, error) {
	waited := !m.NotBefore.IsZero() && !m.Status.Final()
	m.NotBefore = time.Time{}
	return waited, nil
}

// ImageSettings are changes to an image that are allowed at any time. A nil field stays unchanged.
type ImageSettings struct {
	Name     *string
	Priority *batch.Priority

	If func(*batch.Image) error // as in Settings
}

// SetImage changes an image in one compare-and-swap: all fields that are set, or nothing if one of them is invalid. A blank
// name restores the default name. The priority is relative to the other waiting images of the batch; with High, the image whose
// rows it will copy gets it too.
func (s *Service) SetImage(ctx context.Context, id batch.ID, n int, set ImageSettings) (*batch.Image, error) {
	if set.Priority != nil {
		if err := set.Priority.Check(); err != nil {
			return nil, err
		}
	}
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	m, err := s.batches.UpdateImage(ctx, id, n, set.apply)
	if set.Priority == nil || *set.Priority != batch.High {
		return m, err
	}
	if first, duplicate := b.DuplicateOf[n]; err == nil && duplicate && m.Status == batch.Pending {
		_, err = s.batches.UpdateImage(ctx, id, first, ImageSettings{Priority: set.Priority}.apply)
	}
	return m, err
}

func (set ImageSettings) apply(m *batch.Image) (changed bool, err error) {
	before := *m
	defer func() {
		if changed && set.If != nil {
			err = set.If(&before)
		}
	}()
	if set.Name != nil {
		name := batch.CleanName(*set.Name)
		if name == "" {
			name = m.DefaultName()
		}
		changed = name != m.Name
		m.Name = name
	}
	if set.Priority != nil {
		changed = changed || !m.Status.Final() && m.Priority.Level() != set.Priority.Level()
		m.Priority = *set.Priority
	}
	return changed, nil
}

// RenameImage renames one image, before or after Start.
func (s *Service) RenameImage(ctx context.Context, id batch.ID, n int, name string) (*batch.Image, error) {
	return s.SetImage(ctx, id, n, ImageSettings{Name: &name})
}

// SetImagePriority sets the priority of an image within its batch, at any time: it is read before waiting images with a lower
// one, as soon as any image of the batch is finished. An image in flight is finished.
func (s *Service) SetImagePriority(ctx context.Context, id batch.ID, n int, p batch.Priority) (*batch.Image, error) {
	return s.SetImage(ctx, id, n, ImageSettings{Priority: &p})
}

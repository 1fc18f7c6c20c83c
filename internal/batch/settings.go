package batch

import (
	"context"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Settings are changes to a batch that are allowed at any time. A nil field stays unchanged.
type Settings struct {
	Name     *string
	Priority *Priority
	AtOnce   *int
	Keep     *time.Duration
	Fallback *Fallback
	Witness  *Witness
	Model    *string // "" is the model of the program settings
	Thinking *string // "" is the lowest level of the model

	Estimate *Estimate // what a draft is expected to take

	Decimal map[string]table.Mark // decimal mark of number columns, by name: see SetDecimal
}

// Set changes a batch in one compare-and-swap: all fields that are set, or nothing if one of them is invalid. With
// FallbackAlways, images that wait for a later attempt are queued at once, so that the offline engine reads those that no key
// can read. After a crash in between, the remaining ones are queued at their own time.
func (s *Service) Set(ctx context.Context, id ID, set Settings) (*Batch, error) {
	b, err := s.change(ctx, id, func(b *Batch) (bool, error) { return s.apply(b, set) })
	if err != nil || set.Fallback == nil {
		return b, err
	}
	return b, s.queueWaiting(ctx, b)
}

// apply changes b and reports whether anything differs.
func (s *Service) apply(b *Batch, set Settings) (changed bool, err error) {
	if set.Name != nil {
		name := cleanName(*set.Name)
		if name == "" {
			return false, errs.New(errs.Invalid, "A batch needs a name; type at least one character.")
		}
		changed = changed || b.Name != name
		b.Name = name
	}
	if set.Priority != nil {
		if err := set.Priority.check(); err != nil {
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
		if err := checkKeep(*set.Keep); err != nil {
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
	return true, checkOptions(b.Options)
}

// RenameBatch renames a batch, at any time.
func (s *Service) RenameBatch(ctx context.Context, id ID, name string) (*Batch, error) {
	return s.Set(ctx, id, Settings{Name: &name})
}

// SetPriority sets the priority of a batch relative to others, at any time. It affects waiting images at once; images in flight
// are finished.
func (s *Service) SetPriority(ctx context.Context, id ID, p Priority) (*Batch, error) {
	return s.Set(ctx, id, Settings{Priority: &p})
}

// SetAtOnce changes the number of images of a batch in flight at once, at any time.
func (s *Service) SetAtOnce(ctx context.Context, id ID, n int) (*Batch, error) {
	return s.Set(ctx, id, Settings{AtOnce: &n})
}

// SetKeep sets the retention of a batch after its end, at any time: 0 is the default of the program, KeepForever keeps it for
// ever.
func (s *Service) SetKeep(ctx context.Context, id ID, keep time.Duration) (*Batch, error) {
	return s.Set(ctx, id, Settings{Keep: &keep})
}

// SetFallback sets the fallback of a batch for images that its engine refuses or has no key for, at any time.
func (s *Service) SetFallback(ctx context.Context, id ID, f Fallback) (*Batch, error) {
	return s.Set(ctx, id, Settings{Fallback: &f})
}

// queueWaiting queues the images that wait for a later attempt, in a batch with FallbackAlways.
func (s *Service) queueWaiting(ctx context.Context, b *Batch) error {
	if b.Options.Fallback != FallbackAlways || b.Order == nil || b.Over() {
		return nil
	}
	images, err := s.imagesOf(ctx, b)
	if err != nil {
		return err
	}
	for _, m := range images {
		if m.NotBefore.IsZero() || m.Status.Final() {
			continue
		}
		m, err := s.changeImage(ctx, b.ID, m.N, clearNotBefore)
		if err != nil {
			return err
		}
		if m.Status.Final() {
			continue
		}
		if err := s.ports.Queue.Add(ctx, []Unit{m.Unit()}); err != nil {
			return err
		}
	}
	return nil
}

func clearNotBefore(m *Image) (bool, error) {
	waited := !m.NotBefore.IsZero() && !m.Status.Final()
	m.NotBefore = time.Time{}
	return waited, nil
}

// ImageSettings are changes to an image that are allowed at any time. A nil field stays unchanged.
type ImageSettings struct {
	Name     *string
	Priority *Priority
}

// SetImage changes an image in one compare-and-swap: all fields that are set, or nothing if one of them is invalid. A blank
// name restores the default name. The priority is relative to the other waiting images of the batch; with High, the image whose
// rows it will copy gets it too.
func (s *Service) SetImage(ctx context.Context, id ID, n int, set ImageSettings) (*Image, error) {
	if set.Priority != nil {
		if err := set.Priority.check(); err != nil {
			return nil, err
		}
	}
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	m, err := s.changeImage(ctx, id, n, set.apply)
	if set.Priority == nil || *set.Priority != High {
		return m, err
	}
	if first, duplicate := b.DuplicateOf[n]; err == nil && duplicate && m.Status == Pending {
		_, err = s.changeImage(ctx, id, first, ImageSettings{Priority: set.Priority}.apply)
	}
	return m, err
}

func (set ImageSettings) apply(m *Image) (changed bool, err error) {
	if set.Name != nil {
		name := cleanName(*set.Name)
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
func (s *Service) RenameImage(ctx context.Context, id ID, n int, name string) (*Image, error) {
	return s.SetImage(ctx, id, n, ImageSettings{Name: &name})
}

// SetImagePriority sets the priority of an image within its batch, at any time: it is read before waiting images with a lower
// one, as soon as any image of the batch is finished. An image in flight is finished.
func (s *Service) SetImagePriority(ctx context.Context, id ID, n int, p Priority) (*Image, error) {
	return s.SetImage(ctx, id, n, ImageSettings{Priority: &p})
}

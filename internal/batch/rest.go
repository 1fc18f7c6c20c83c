package batch

import (
	"context"
	"time"
)

// Rest is why the keys of a batch rest, and until when.
type Rest struct {
	Why   string    `json:"why"`            // a class of the engine, such as "rpd"
	Until time.Time `json:"until,omitzero"` // zero: until a person does something
}

// Hold pauses a batch that is being read, because no key can read for a while. Images in hand go on. A batch that
// anybody paused for another reason, or that is not being read, stays as it is.
func (s *Service) Hold(ctx context.Context, id ID, r Rest) error {
	_, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		held := b.Status == Paused && b.Pause == PausedByKeys
		if b.Over() || b.Status != Processing && !held || held && b.Rest != nil && *b.Rest == r {
			return false, nil
		}
		b.Status, b.Pause, b.Rest = Paused, PausedByKeys, &r
		return true, nil
	})
	return err
}

// GoOn ends what Hold began.
func (s *Service) GoOn(ctx context.Context, id ID) error {
	_, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Status != Paused || b.Pause != PausedByKeys {
			return false, nil
		}
		b.Status, b.Pause, b.Rest = Processing, "", nil
		return true, nil
	})
	return err
}

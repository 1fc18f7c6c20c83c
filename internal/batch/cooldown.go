package batch

import (
	"context"
	"time"
)

// Cooldown is the cooldown of the keys of a batch: its reason and its end.
type Cooldown struct {
	Why   string    `json:"why"`            // an error class of the engine, such as "rpd"
	Until time.Time `json:"until,omitzero"` // zero: until a person acts
}

// Equal reports whether two cooldowns have the same reason and end. A time as it is stored lacks the reading of the monotonic
// clock that a fresh one has, so == does not do.
func (r Cooldown) Equal(other Cooldown) bool { return r.Why == other.Why && r.Until.Equal(other.Until) }

// InCooldown reports whether the batch is paused for this cooldown already.
func (b *Batch) InCooldown(r Cooldown) bool {
	return b.Status == Paused && b.Pause == PausedByKeys && b.Cooldown != nil && b.Cooldown.Equal(r)
}

// PauseForCooldown pauses a batch that is being read, because no key can read for a while. Images in flight continue. A batch that is
// paused for another reason, or is not being read, stays unchanged.
func (s *Service) PauseForCooldown(ctx context.Context, id ID, r Cooldown) error {
	_, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		cooling := b.Status == Paused && b.Pause == PausedByKeys
		if b.Over() || b.Status != Processing && !cooling || b.InCooldown(r) {
			return false, nil
		}
		b.Status, b.Pause, b.Cooldown = Paused, PausedByKeys, &r
		return true, nil
	})
	return err
}

// ResumeAfterCooldown ends the pause that PauseForCooldown began.
func (s *Service) ResumeAfterCooldown(ctx context.Context, id ID) error {
	_, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Status != Paused || b.Pause != PausedByKeys {
			return false, nil
		}
		b.Status, b.Pause, b.Cooldown = Processing, "", nil
		return true, nil
	})
	return err
}

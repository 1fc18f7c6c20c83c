package run

import (
	"context"

	"sheetlift/internal/batch"
)

// PauseForCooldown pauses a batch that is being read, because no key can read for a while. Images in flight continue. A batch that is
// paused for another reason, or is not being read, stays unchanged.
func (s *Service) PauseForCooldown(ctx context.Context, id batch.ID, r batch.Cooldown) error {
	_, err := s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		cooling := b.Status == batch.Paused && b.Pause == batch.PausedByKeys
		if b.Over() || b.Status != batch.Processing && !cooling || b.InCooldown(r) {
			return false, nil
		}
		b.Status, b.Pause, b.Cooldown = batch.Paused, batch.PausedByKeys, &r
		return true, nil
	})
	return err
}

// ResumeAfterCooldown ends the pause that PauseForCooldown began.
func (s *Service) ResumeAfterCooldown(ctx context.Context, id batch.ID) error {
	_, err := s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		if b.Status != batch.Paused || b.Pause != batch.PausedByKeys {
			return false, nil
		}
		b.Status, b.Pause, b.Cooldown = batch.Processing, "", nil
		return true, nil
	})
	return err
}

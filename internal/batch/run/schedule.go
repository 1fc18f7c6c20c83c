package run

import (
	"context"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/errs"
)

// maxStartAhead is how far ahead a start may be scheduled.
const maxStartAhead = 366 * 24 * time.Hour

// Schedule sets the time at which a draft starts automatically, at most a year ahead. It can be changed until then.
func (s *Service) Schedule(ctx context.Context, id batch.ID, at time.Time) (*batch.Batch, error) {
	return s.ScheduleWith(ctx, id, at, settings.Settings{})
}

// ScheduleWith is Schedule with settings that are changed in the same compare-and-swap.
func (s *Service) ScheduleWith(ctx context.Context, id batch.ID, at time.Time, set settings.Settings) (*batch.Batch, error) {
	switch now := time.Now(); {
	case !at.After(now):
		return nil, errs.At("start_at", errs.New(errs.Invalid, "That time has passed. Choose a later one, or start the batch now."))
	case at.After(now.Add(maxStartAhead)):
		return nil, errs.At("start_at", errs.New(errs.Invalid, "That is more than a year ahead. Choose an earlier time."))
	}
	return s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		if b.Status != batch.Draft && b.Status != batch.Scheduled {
			return false, errs.New(errs.Conflict, "This batch was started already.")
		}
		images, err := s.ports.Repository.Images(ctx, id)
		if err != nil {
			return false, err
		}
		if len(images) == 0 {
			return false, errs.New(errs.Invalid, "This batch has no images yet. Add at least one picture, then start it.")
		}
		if _, _, err = s.ports.Readers.Choose(b.Engine); err != nil {
			return false, err
		}
		b.Status, b.StartAt = batch.Scheduled, at.UTC()
		_, err = s.settings.Apply(b, set)
		return true, err
	})
}

// Unschedule makes a scheduled batch a draft again. A draft stays a draft; a started batch is a Conflict.
func (s *Service) Unschedule(ctx context.Context, id batch.ID) (*batch.Batch, error) {
	return s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		switch b.Status {
		case batch.Draft:
			return false, nil
		case batch.Scheduled:
			b.Status, b.StartAt = batch.Draft, time.Time{}
			return true, nil
		default:
			return false, errs.New(errs.Conflict, "This batch was started already.")
		}
	})
}

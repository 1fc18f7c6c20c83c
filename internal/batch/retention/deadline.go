package retention

import (
	"context"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/errs"
)

// draftKeep is the minimum time that an untouched draft is kept: people put a batch together over a day.
const draftKeep = 24 * time.Hour

// Deadline is an action on a batch that is triggered by time.
type Deadline string

// The deadlines.
const (
	NoDeadline      Deadline = ""
	DeadlineStart   Deadline = "start"   // the scheduled time has come
	DeadlineErase   Deadline = "erase"   // it was deleted, or its retention after the end is over
	DeadlineAbandon Deadline = "abandon" // a draft that got no upload for that long may be erased
)

// NextDeadline returns the next time-triggered action on b and its time. It depends only on stored fields, so the result survives every
// restart and is the same on every machine.
func (s *Service) NextDeadline(b *batch.Batch) (Deadline, time.Time) {
	keep := s.Keep(b)
	switch {
	case !b.Deleted.IsZero():
		return DeadlineErase, b.Deleted.Add(batch.UndoFor)
	case b.Status == batch.Scheduled:
		return DeadlineStart, b.StartAt
	case b.Status.Final() && keep > 0:
		return DeadlineErase, b.Ended.Add(keep)
	case b.Status == batch.Draft && keep > 0:
		return DeadlineAbandon, b.Created.Add(max(keep, draftKeep))
	default:
		return NoDeadline, time.Time{}
	}
}

// Keep returns how long b is kept after its end; KeepForever if it is never erased automatically.
func (s *Service) Keep(b *batch.Batch) time.Duration {
	switch keep := b.Options.Keep; {
	case keep > 0:
		return keep
	case keep < 0 || s.keep < 0:
		return settings.KeepForever
	default:
		return s.keep
	}
}

// RunDue carries out the deadline that NextDeadline returns, if it is due at now. Any number of machines may call it at once.
func (s *Service) RunDue(ctx context.Context, id batch.ID, now time.Time) error {
	b, err := s.batches.BatchOrDeleted(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	deadline, at := s.NextDeadline(b)
	if at.After(now) {
		return nil
	}
	switch deadline {
	case DeadlineStart:
		_, err = s.run.Start(ctx, id)
	case DeadlineErase:
		err = s.Erase(ctx, id)
	case DeadlineAbandon:
		err = s.abandon(ctx, b, now)
	case NoDeadline:
	}
	return err
}

// abandon erases a draft that received no upload during its retention time.
func (s *Service) abandon(ctx context.Context, b *batch.Batch, now time.Time) error {
	images, err := s.ports.Repository.Images(ctx, b.ID)
	if err != nil {
		return err
	}
	touched := b.Created
	for _, m := range images {
		if m.Added.After(touched) {
			touched = m.Added
		}
	}
	if touched.Add(max(s.Keep(b), draftKeep)).After(now) {
		return nil
	}
	return s.Discard(ctx, b.ID)
}

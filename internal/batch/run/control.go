package run

import (
	"context"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// Pause pauses a started batch: waiting images stay in the queue, and images in flight are finished. A person's pause replaces
// any other; another reason only pauses a batch that is not paused. Pausing a batch that is over or being canceled changes
// nothing.
func (s *Service) Pause(ctx context.Context, id batch.ID, why batch.PauseReason) (*batch.Batch, error) {
	if _, err := s.requireStarted(ctx, id); err != nil {
		return nil, err
	}
	return s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		if b.Over() || b.Status == batch.Paused && (b.Pause == why || why != batch.PausedByUser) {
			return false, nil
		}
		b.Status, b.Pause, b.Cooldown = batch.Paused, why, nil
		return true, nil
	})
}

// Resume ends a pause, and the batch continues. PausedByUser ends any pause; another reason ends only its own. Resuming a batch
// that is not paused changes nothing.
func (s *Service) Resume(ctx context.Context, id batch.ID, why batch.PauseReason) (*batch.Batch, error) {
	return s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		if b.Status != batch.Paused || why != batch.PausedByUser && b.Pause != why {
			return false, nil
		}
		b.Status, b.Pause, b.Cooldown = batch.Processing, "", nil
		b.Until = later(b.Until, time.Now().UTC().Add(batch.TimeLimit))
		return true, nil
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Cancel ends a started batch: completed images stay, all others are canceled, and calls in flight are aborted on every
// machine. It returns when that is done. Canceling a batch that is over changes nothing; a scheduled batch becomes a draft
// again.
func (s *Service) Cancel(ctx context.Context, id batch.ID) (*batch.Batch, error) {
	b, err := s.batches.Batch(ctx, id)
	if err == nil && b.Status == batch.Scheduled {
		return s.Unschedule(ctx, id)
	}
	if _, err = s.requireStarted(ctx, id); err != nil {
		return nil, err
	}
	b, err = s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		if b.Over() {
			return false, nil
		}
		b.Cancel, b.RetryIntents = true, nil
		return true, nil
	})
	if err != nil || b.Status.Final() {
		return b, err
	}
	fault.At(fault.CancelMeant)
	if _, err := s.Finish(ctx, id); err != nil {
		return nil, err
	}
	fault.At(fault.CancelDone)
	if err := s.ports.Queue.Drop(ctx, id); err != nil {
		return nil, err
	}
	return s.batches.Batch(ctx, id)
}

// requireStarted returns a started batch, after it completed an interrupted start; Conflict for a draft.
func (s *Service) requireStarted(ctx context.Context, id batch.ID) (*batch.Batch, error) {
	b, err := s.batches.Batch(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case b.Order != nil:
		return b, nil
	case b.Status == batch.Pending:
		return s.Start(ctx, id)
	default:
		return nil, errs.New(errs.Conflict, "This batch was not started yet; start it first, or delete it.")
	}
}

// cancelImages carries out the intent that Cancel stored.
func (s *Service) cancelImages(ctx context.Context, id batch.ID) error {
	b, err := s.batches.Batch(ctx, id)
	if err != nil || !b.Cancel || b.Status.Final() {
		return err
	}
	images, err := s.batches.StoredImages(ctx, b)
	if err != nil {
		return err
	}
	for _, m := range images {
		if m.Status.Final() {
			continue
		}
		if _, err := s.batches.UpdateImage(ctx, id, m.N, cancelImage); err != nil {
			return err
		}
		fault.At(fault.ImageCanceled)
	}
	return nil
}

// CancelImage cancels one image of a started batch; a call in flight for it is aborted. Canceling a final image changes
// nothing, and an image that was being read again keeps its former rows.
func (s *Service) CancelImage(ctx context.Context, id batch.ID, n int) (*batch.Image, error) {
	if _, err := s.requireStarted(ctx, id); err != nil {
		return nil, err
	}
	m, err := s.batches.UpdateImage(ctx, id, n, cancelImage)
	if err != nil {
		return nil, err
	}
	return m, s.EnqueueDuplicates(ctx, id, n)
}

func cancelImage(m *batch.Image) (bool, error) {
	if m.Status.Final() {
		return false, nil
	}
	now := time.Now().UTC()
	if a := m.Last(); a != nil && a.Ended.IsZero() {
		a.Ended, a.Why = now, batch.WhyCanceled
	}
	m.End(batch.Canceled, "", now)
	return true, nil
}

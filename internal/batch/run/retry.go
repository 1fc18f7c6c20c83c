package run

import (
	"context"
	"slices"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// Retry reads one failed or canceled image again, with a fresh retry budget. Repeating it is not an error.
func (s *Service) Retry(ctx context.Context, id batch.ID, n int) error {
	_, err := s.RetryWith(ctx, id, []int{n}, batch.ReadAs{})
	return err
}

// RetryFailed retries all failed images of a batch and returns their number.
func (s *Service) RetryFailed(ctx context.Context, id batch.ID) (int, error) {
	return s.RetryWith(ctx, id, nil, batch.ReadAs{})
}

// RereadCached reads the images of a batch whose rows were copied from another reading, and returns their number.
func (s *Service) RereadCached(ctx context.Context, id batch.ID) (int, error) {
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return 0, err
	}
	ns := []int{}
	for _, m := range images {
		if m.FromCache() {
			ns = append(ns, m.N)
		}
	}
	return s.RetryWith(ctx, id, ns, batch.ReadAs{Fresh: true})
}

// RetryWith retries images with other settings and a fresh retry budget, and returns their number. Of the images in ns it
// retries the failed and canceled ones and, if ReadAs.Fresh is set, the completed ones, whose rows stand until there are new
// ones. If ns is nil it retries all failed ones. Repeating it is not an error.
func (s *Service) RetryWith(ctx context.Context, id batch.ID, ns []int, with batch.ReadAs) (int, error) {
	if err := s.checkReadAs(&with); err != nil {
		return 0, err
	}
	var images []*batch.Image
	if ns == nil {
		all, err := s.batches.Images(ctx, id)
		if err != nil {
			return 0, err
		}
		images = slices.DeleteFunc(all, func(m *batch.Image) bool { return m.Status != batch.Failed })
	}
	for _, n := range ns {
		m, err := s.batches.Image(ctx, id, n)
		if err != nil {
			return 0, err
		}
		if retryable(m, with) {
			images = append(images, m)
		}
	}
	if len(images) == 0 {
		return 0, nil
	}
	return len(images), s.retry(ctx, id, images, with)
}

// checkReadAs resolves the engine in with and rejects settings that cannot read here.
func (s *Service) checkReadAs(with *batch.ReadAs) error {
	if with.Engine != "" {
		var err error
		if with.Engine, _, err = s.ports.Readers.Choose(with.Engine); err != nil {
			return errs.At("engine", err)
		}
	}
	return settings.CheckModel(with.Model, with.Thinking)
}

// retryable reports whether a person's retry applies to m.
func retryable(m *batch.Image, with batch.ReadAs) bool {
	return m.Status == batch.Failed || m.Status == batch.Canceled || m.Status == batch.Completed && with.Fresh
}

// retry first stores the intent in the batch, then carries it out.
func (s *Service) retry(ctx context.Context, id batch.ID, images []*batch.Image, with batch.ReadAs) error {
	_, err := s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		switch {
		case b.Order == nil:
			return false, errs.New(errs.Conflict, "This batch was not started yet; start it first.")
		case b.Cancel && !b.Status.Final():
			return false, errs.New(errs.Conflict, "This batch is just being canceled; retry it in a moment.")
		}
		for _, m := range images {
			if r := (batch.RetryIntent{N: m.N, Generation: m.Generation, ReadAs: with}); !slices.Contains(b.RetryIntents, r) {
				b.RetryIntents = append(b.RetryIntents, r)
			}
		}
		if b.Status.Final() {
			b.Status, b.Ended, b.Counts, b.Cancel = batch.Processing, time.Time{}, nil, false
		}
		b.Until = time.Now().UTC().Add(batch.TimeLimit)
		return true, nil
	})
	if err != nil {
		return err
	}
	fault.At(fault.RetryMeant)
	return s.carryOutRetries(ctx, id)
}

// carryOutRetries carries out the retries stored in the batch, each exactly once.
func (s *Service) carryOutRetries(ctx context.Context, id batch.ID) error {
	b, err := s.batches.Batch(ctx, id)
	if err != nil || len(b.RetryIntents) == 0 {
		return err
	}
	var units []batch.Unit
	for _, r := range b.RetryIntents {
		m, err := s.batches.UpdateImage(ctx, id, r.N, func(m *batch.Image) (bool, error) {
			if m.Generation != r.Generation || !retryable(m, r.ReadAs) {
				return false, nil
			}
			if m.Rereading = m.Status == batch.Completed; m.Rereading {
				m.Round++
			}
			m.Status, m.Failure, m.Ended, m.NotBefore = batch.Retrying, "", time.Time{}, time.Time{}
			m.Generation, m.Faults, m.Crashes, m.ReadAs, m.Lease = m.Generation+1, 0, 0, r.ReadAs, batch.Lease{}
			m.ClearStrikes()
			m.Fresh = true // a manual retry must not return the cached answer
			return true, nil
		})
		if err != nil {
			return err
		}
		fault.At(fault.ImageReopened)
		units = append(units, m.Unit())
	}
	if err := s.ports.Queue.Add(ctx, units); err != nil {
		return err
	}
	fault.At(fault.RetryQueued)
	_, err = s.batches.Update(ctx, id, func(now *batch.Batch) (bool, error) {
		before := len(now.RetryIntents)
		now.RetryIntents = slices.DeleteFunc(now.RetryIntents, func(r batch.RetryIntent) bool { return slices.Contains(b.RetryIntents, r) })
		return len(now.RetryIntents) < before, nil
	})
	return err
}

package run

import (
	"cmp"
	"context"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// Start freezes order and number of the images of a draft or scheduled batch, fixes the engine, and queues every image. It may
// be called again by anybody at any time: it continues an interrupted start and leaves a started batch unchanged.
func (s *Service) Start(ctx context.Context, id batch.ID) (*batch.Batch, error) {
	return s.StartWith(ctx, id, settings.Settings{})
}

// StartWith is Start with settings that are changed in the same compare-and-swap: a batch that cannot start keeps its settings.
func (s *Service) StartWith(ctx context.Context, id batch.ID, set settings.Settings) (*batch.Batch, error) {
	b, err := s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		changed, err := s.settings.Apply(b, set)
		if err != nil {
			return false, err
		}
		closed, err := s.beginStart(ctx, b)
		return changed || closed, err
	})
	if err != nil || b.Status != batch.Pending {
		return b, err
	}
	fault.At(fault.StartClosed)
	return s.finishStart(ctx, id)
}

// beginStart is the first half: from here on, no upload into the batch is acknowledged unless the order contains it.
func (s *Service) beginStart(ctx context.Context, b *batch.Batch) (bool, error) {
	if b.Status != batch.Draft && b.Status != batch.Scheduled {
		return false, nil
	}
	images, err := s.ports.Repository.Images(ctx, b.ID)
	if err != nil {
		return false, err
	}
	if images, _ = b.Arrange(images); len(images) == 0 {
		return false, errs.New(errs.Invalid, "This batch has no images yet. Add at least one picture, then start it.")
	}
	var standard string
	if b.Engine, standard, err = s.ports.Readers.Choose(b.Engine); err != nil {
		return false, err
	}
	if standard == "" { // an engine without models
		b.Model, b.Thinking = "", ""
	}
	b.Model = cmp.Or(b.Model, standard)
	b.Status, b.StartAt = batch.Pending, time.Time{}
	return true, nil
}

// finishStart is the second half: the images stored now are the batch.
func (s *Service) finishStart(ctx context.Context, id batch.ID) (*batch.Batch, error) {
	b, err := s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		if b.Status != batch.Pending || b.Order != nil {
			return false, nil
		}
		images, err := s.ports.Repository.Images(ctx, id)
		if err != nil {
			return false, err
		}
		images, out := b.Arrange(images)
		if len(images) == 0 { // the last one was excluded concurrently, too late
			images = out
		}
		b.Order, b.Arranged, b.DuplicateOf = batch.Numbers(images), nil, batch.SamePictures(images)
		b.Status, b.Started = batch.Processing, time.Now().UTC()
		b.Until = b.Started.Add(batch.TimeLimit)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	fault.At(fault.StartFrozen)
	if err := s.removeExcluded(ctx, b); err != nil {
		return nil, err
	}
	units := make([]batch.Unit, 0, b.Total())
	for _, n := range b.Order {
		if _, waits := b.DuplicateOf[n]; waits {
			continue
		}
		units = append(units, batch.Unit{Batch: id, N: n, Generation: 1})
	}
	if err := s.ports.Queue.Add(ctx, units); err != nil {
		return nil, err
	}
	fault.At(fault.StartQueued)
	return b, nil
}

// Requeue queues every unit of a started batch that is missing in the queue: after a restart, a crash, or a lost write. It also
// completes an interrupted cancel. It ignores drafts and ended batches and may be called at any time, by any process. It
// returns all images of a batch that is to be read; the caller passes those that wait for a later time to Queue when they are
// due.
func (s *Service) Requeue(ctx context.Context, id batch.ID) ([]*batch.Image, error) {
	b, err := s.batches.Batch(ctx, id)
	if err != nil || b.Status == batch.Draft || b.Status == batch.Scheduled || b.Status.Final() {
		return nil, err
	}
	if b, err = s.Start(ctx, id); err != nil {
		return nil, err
	}
	if b.Cancel {
		_, err := s.Finish(ctx, id)
		return nil, err
	}
	if err := s.carryOutRetries(ctx, id); err != nil {
		return nil, err
	}
	images, err := s.batches.StoredImages(ctx, b)
	if err != nil {
		return nil, err
	}
	byN := make(map[int]*batch.Image, len(images))
	for _, m := range images {
		byN[m.N] = m
	}
	var units []batch.Unit
	for _, m := range images {
		switch {
		case m.Status.Final(), b.Waits(m, func(n int) *batch.Image { return byN[n] }):
		case !m.NotBefore.After(time.Now()):
			units = append(units, m.Unit())
		}
	}
	return images, s.ports.Queue.Add(ctx, units)
}

// Queue queues one image whose waiting time is over, unless it is final.
func (s *Service) Queue(ctx context.Context, id batch.ID, n int) error {
	m, err := s.batches.Image(ctx, id, n)
	if err != nil || m.Status.Final() {
		return err
	}
	return s.ports.Queue.Add(ctx, []batch.Unit{m.Unit()})
}

// Finish ends a batch whose images are all final. It reports whether the batch has ended; calling it too early or twice
// changes nothing.
func (s *Service) Finish(ctx context.Context, id batch.ID) (bool, error) {
	if err := s.carryOutRetries(ctx, id); err != nil {
		return false, err
	}
	if err := s.cancelImages(ctx, id); err != nil {
		return false, err
	}
	b, err := s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		if b.Order == nil || b.Status.Final() || len(b.RetryIntents) > 0 {
			return false, nil
		}
		images, err := s.batches.StoredImages(ctx, b)
		if err != nil {
			return false, err
		}
		c := doubt.Counted(b, images)
		if c.Done() < len(images) {
			return false, nil
		}
		if err := s.batches.EnterLedger(ctx, b, images); err != nil {
			return false, err
		}
		fault.At(fault.BatchCounted)
		b.Status, b.Pause, b.Cooldown, b.Counts, b.Ended = c.Outcome(), "", nil, c, time.Now().UTC()
		if b.Cancel && c.Canceled > 0 {
			b.Status = batch.Canceled
		}
		return true, nil
	})
	if err != nil {
		return false, err
	}
	if b.Status.Final() {
		fault.At(fault.BatchEnded)
	}
	return b.Status.Final(), nil
}

// removeExcluded removes the excluded images of a batch whose order is frozen. After a crash in between, the leftovers are in no
// order; the consistency check removes them together with uploads that came after the start.
func (s *Service) removeExcluded(ctx context.Context, b *batch.Batch) error {
	stored, err := s.ports.Repository.Images(ctx, b.ID)
	if err != nil {
		return err
	}
	for _, m := range stored {
		if m.Excluded && !b.Holds(m.N) {
			if err := s.batches.RemoveImage(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

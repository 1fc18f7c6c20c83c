package batch

import (
	"context"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// Start freezes order and number of the images of a draft, or of a batch that waits for its time, fixes the engine, and queues every image. It may be called
// again, by anybody, at any time: a start that was cut off is carried on, a started batch stays as it is.
func (s *Service) Start(ctx context.Context, id ID) (*Batch, error) {
	b, err := s.change(ctx, id, func(b *Batch) (bool, error) { return s.close(ctx, b) })
	if err != nil || b.Status != Pending {
		return b, err
	}
	fault.At(fault.StartClosed)
	return s.open(ctx, id)
}

// close is the first half: from here on no upload is acknowledged into the batch unless the order holds it.
func (s *Service) close(ctx context.Context, b *Batch) (bool, error) {
	if b.Status != Draft && b.Status != Scheduled {
		return false, nil
	}
	images, err := s.ports.Repository.Images(ctx, b.ID)
	if err != nil {
		return false, err
	}
	if images, _ = b.arrange(images); len(images) == 0 {
		return false, errs.New(errs.Invalid, "This batch has no images yet. Add at least one picture, then start it.")
	}
	if b.Engine, b.Model, err = s.ports.Readers.Choose(b.Engine); err != nil {
		return false, err
	}
	b.Status, b.StartAt = Pending, time.Time{}
	return true, nil
}

// open is the second half: what is stored now is the batch.
func (s *Service) open(ctx context.Context, id ID) (*Batch, error) {
	b, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Status != Pending || b.Order != nil {
			return false, nil
		}
		images, err := s.ports.Repository.Images(ctx, id)
		if err != nil {
			return false, err
		}
		images, out := b.arrange(images)
		if len(images) == 0 { // the last one was left out in this very moment, too late
			images = out
		}
		b.Order, b.Arranged, b.Twins = numbers(images), nil, twins(images)
		b.Status, b.Started = Processing, time.Now().UTC()
		b.Until = b.Started.Add(Deadline)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	fault.At(fault.StartFrozen)
	if err := s.dropOut(ctx, b); err != nil {
		return nil, err
	}
	units := make([]Unit, 0, b.Total())
	for _, n := range b.Order {
		if _, waits := b.Twins[n]; waits {
			continue
		}
		units = append(units, Unit{Batch: id, N: n, Seq: 1})
	}
	if err := s.ports.Queue.Add(ctx, units); err != nil {
		return nil, err
	}
	fault.At(fault.StartQueued)
	return b, nil
}

// Refill puts into the queue whatever of a started batch should be there and is not: after a restart, a crash, a lost
// write; a cancel that was cut off it carries out. It leaves drafts and ended batches alone and may be called at any time,
// by any process. It returns all images of a batch that is to be read; those that wait for a later time are for Queue, then.
func (s *Service) Refill(ctx context.Context, id ID) ([]*Image, error) {
	b, err := s.Batch(ctx, id)
	if err != nil || b.Status == Draft || b.Status == Scheduled || b.Status.Final() {
		return nil, err
	}
	if b, err = s.Start(ctx, id); err != nil {
		return nil, err
	}
	if b.Cancel {
		_, err := s.Conclude(ctx, id)
		return nil, err
	}
	if err := s.reopen(ctx, id); err != nil {
		return nil, err
	}
	images, err := s.imagesOf(ctx, b)
	if err != nil {
		return nil, err
	}
	byN := make(map[int]*Image, len(images))
	for _, m := range images {
		byN[m.N] = m
	}
	var units []Unit
	for _, m := range images {
		switch {
		case m.Status.Final(), b.Waits(m, func(n int) *Image { return byN[n] }):
		case !m.NotBefore.After(time.Now()):
			units = append(units, m.Unit())
		}
	}
	return images, s.ports.Queue.Add(ctx, units)
}

// Queue puts one image that waited for its time into the queue, if it still waits.
func (s *Service) Queue(ctx context.Context, id ID, n int) error {
	m, err := s.Image(ctx, id, n)
	if err != nil || m.Status.Final() {
		return err
	}
	return s.ports.Queue.Add(ctx, []Unit{m.Unit()})
}

// Conclude ends a batch whose images are all final. It reports whether the batch has ended; calling it too early or
// twice changes nothing.
func (s *Service) Conclude(ctx context.Context, id ID) (bool, error) {
	if err := s.reopen(ctx, id); err != nil {
		return false, err
	}
	if err := s.cancelImages(ctx, id); err != nil {
		return false, err
	}
	b, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Order == nil || b.Status.Final() || len(b.Reopen) > 0 {
			return false, nil
		}
		images, err := s.imagesOf(ctx, b)
		if err != nil {
			return false, err
		}
		var c Counts
		for _, m := range images {
			c.Add(m.Figures(), 1)
		}
		if c.Done() < len(images) {
			return false, nil
		}
		if err := s.enter(ctx, b, images); err != nil {
			return false, err
		}
		fault.At(fault.BatchCounted)
		b.Status, b.Pause, b.Rest, b.Counts, b.Ended = c.Verdict(), "", nil, &c, time.Now().UTC()
		if b.Cancel && c.Canceled > 0 {
			b.Status = Canceled
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

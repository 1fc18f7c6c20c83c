package batch

import (
	"context"
	"slices"
	"time"

	"sheetlift/internal/errs"
)

// Start freezes order and number of a draft's images, fixes the engine, and queues every image. It may be called
// again, by anybody, at any time: a start that was cut off is carried on, a started batch stays as it is.
func (s *Service) Start(ctx context.Context, id ID) (*Batch, error) {
	b, err := s.change(ctx, id, func(b *Batch) (bool, error) { return s.close(ctx, b) })
	if err != nil || b.Status != Pending {
		return b, err
	}
	return s.open(ctx, id)
}

// close is the first half: from here on no upload is acknowledged into the batch unless the order holds it.
func (s *Service) close(ctx context.Context, b *Batch) (bool, error) {
	if b.Status != Draft {
		return false, nil
	}
	images, err := s.ports.Repository.Images(ctx, b.ID)
	if err != nil {
		return false, err
	}
	if len(images) == 0 {
		return false, errs.New(errs.Invalid, "This batch has no images yet. Add at least one picture, then start it.")
	}
	if b.Engine, b.Model, err = s.ports.Readers.Choose(b.Engine); err != nil {
		return false, err
	}
	b.Status = Pending
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
		for _, m := range images {
			b.Order = append(b.Order, m.N)
		}
		b.Status, b.Started = Processing, time.Now().UTC()
		b.Until = b.Started.Add(Deadline)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	units := make([]Unit, 0, b.Total())
	for _, n := range b.Order {
		units = append(units, Unit{Batch: id, N: n, Seq: 1})
	}
	return b, s.ports.Queue.Add(ctx, units)
}

// Retry reads one failed or canceled image again, with all its retries. Repeating it is not an error.
func (s *Service) Retry(ctx context.Context, id ID, n int) error { return s.RetryWith(ctx, id, n, "") }

// RetryWith is Retry with another engine than the batch's, for this image; "" is the batch's.
func (s *Service) RetryWith(ctx context.Context, id ID, n int, engine string) error {
	if engine != "" {
		var err error
		if engine, _, err = s.ports.Readers.Choose(engine); err != nil {
			return err
		}
	}
	m, err := s.Image(ctx, id, n)
	if err != nil {
		return err
	}
	if m.Status != Failed && m.Status != Canceled {
		return nil
	}
	return s.retry(ctx, id, []*Image{m}, engine)
}

// RetryFailed reads all failed images of a batch again and says how many.
func (s *Service) RetryFailed(ctx context.Context, id ID) (int, error) {
	images, err := s.Images(ctx, id)
	if err != nil {
		return 0, err
	}
	failed := slices.DeleteFunc(images, func(m *Image) bool { return m.Status != Failed })
	if len(failed) == 0 {
		return 0, nil
	}
	return len(failed), s.retry(ctx, id, failed, "")
}

// retry writes the intent into the batch first, then carries it out.
func (s *Service) retry(ctx context.Context, id ID, images []*Image, engine string) error {
	_, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Order == nil {
			return false, errs.New(errs.Conflict, "This batch was not started yet; start it first.")
		}
		for _, m := range images {
			r := Reopening{N: m.N, Work: m.Work, Engine: engine}
			if !slices.Contains(b.Reopen, r) {
				b.Reopen = append(b.Reopen, r)
			}
		}
		if b.Status.Final() {
			b.Status, b.Ended, b.Counts = Processing, time.Time{}, nil
		}
		b.Until = time.Now().UTC().Add(Deadline)
		return true, nil
	})
	if err != nil {
		return err
	}
	return s.reopen(ctx, id)
}

// reopen carries out the retries that are written down in the batch, each exactly once.
func (s *Service) reopen(ctx context.Context, id ID) error {
	b, err := s.Batch(ctx, id)
	if err != nil || len(b.Reopen) == 0 {
		return err
	}
	var units []Unit
	for _, r := range b.Reopen {
		m, err := s.changeImage(ctx, id, r.N, func(m *Image) (bool, error) {
			if m.Work != r.Work || m.Status != Failed && m.Status != Canceled {
				return false, nil
			}
			m.Status, m.Failure, m.Ended, m.NotBefore = Retrying, "", time.Time{}, time.Time{}
			m.Work, m.Faults, m.Crashes, m.Engine = m.Work+1, 0, 0, r.Engine
			return true, nil
		})
		if err != nil {
			return err
		}
		units = append(units, Unit{Batch: id, N: m.N, Seq: m.Work})
	}
	if err := s.ports.Queue.Add(ctx, units); err != nil {
		return err
	}
	_, err = s.change(ctx, id, func(now *Batch) (bool, error) {
		before := len(now.Reopen)
		now.Reopen = slices.DeleteFunc(now.Reopen, func(r Reopening) bool { return slices.Contains(b.Reopen, r) })
		return len(now.Reopen) < before, nil
	})
	return err
}

// Resume puts into the queue whatever of a started batch should be there and is not: after a restart, a crash, a lost
// write. It leaves drafts and ended batches alone and may be called at any time, by any process.
func (s *Service) Resume(ctx context.Context, id ID) error {
	b, err := s.Batch(ctx, id)
	if err != nil || b.Status == Draft || b.Status.Final() {
		return err
	}
	if b, err = s.Start(ctx, id); err != nil {
		return err
	}
	if err := s.reopen(ctx, id); err != nil {
		return err
	}
	images, err := s.imagesOf(ctx, b)
	if err != nil {
		return err
	}
	var units []Unit
	for _, m := range images {
		if !m.Status.Final() && !m.NotBefore.After(time.Now()) {
			units = append(units, Unit{Batch: id, N: m.N, Seq: m.Work})
		}
	}
	return s.ports.Queue.Add(ctx, units)
}

// Queue puts one image that waited for its time into the queue, if it still waits.
func (s *Service) Queue(ctx context.Context, id ID, n int) error {
	m, err := s.Image(ctx, id, n)
	if err != nil || m.Status.Final() {
		return err
	}
	return s.ports.Queue.Add(ctx, []Unit{{Batch: id, N: n, Seq: m.Work}})
}

// Conclude ends a batch whose images are all final. It reports whether the batch has ended; calling it too early or
// twice changes nothing.
func (s *Service) Conclude(ctx context.Context, id ID) (bool, error) {
	if err := s.reopen(ctx, id); err != nil {
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
		b.Status, b.Counts, b.Ended = c.Verdict(), &c, time.Now().UTC()
		return true, nil
	})
	if err != nil {
		return false, err
	}
	return b.Status.Final(), nil
}

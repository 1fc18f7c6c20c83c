package batch

import (
	"context"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// Pause holds a started batch back: images that wait stay where they are, and what is being read is read to its end.
// A person's pause takes the place of any other; another reason pauses only what reads. Pausing what is paused, over or
// being canceled changes nothing.
func (s *Service) Pause(ctx context.Context, id ID, why PauseReason) (*Batch, error) {
	if _, err := s.begun(ctx, id); err != nil {
		return nil, err
	}
	return s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Over() || b.Status == Paused && (b.Pause == why || why != PausedByUser) {
			return false, nil
		}
		b.Status, b.Pause, b.Rest = Paused, why, nil
		return true, nil
	})
}

// Resume ends a pause, and the batch goes on where it was. A person's ends any; another reason ends only its own pause.
// Resuming what is not paused changes nothing.
func (s *Service) Resume(ctx context.Context, id ID, why PauseReason) (*Batch, error) {
	return s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Status != Paused || why != PausedByUser && b.Pause != why {
			return false, nil
		}
		b.Status, b.Pause, b.Rest = Processing, "", nil
		b.Until = later(b.Until, time.Now().UTC().Add(Deadline))
		return true, nil
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Cancel ends a started batch: what was read stays, everything else is canceled, and calls that run are cut off on
// every machine. It returns when that is done. Canceling what is over changes nothing; a batch that waits for its time
// becomes a draft again.
func (s *Service) Cancel(ctx context.Context, id ID) (*Batch, error) {
	b, err := s.Batch(ctx, id)
	if err == nil && b.Status == Scheduled {
		return s.Unschedule(ctx, id)
	}
	if _, err = s.begun(ctx, id); err != nil {
		return nil, err
	}
	b, err = s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Over() {
			return false, nil
		}
		b.Cancel, b.Reopen = true, nil
		return true, nil
	})
	if err != nil || b.Status.Final() {
		return b, err
	}
	fault.At(fault.CancelMeant)
	if _, err := s.Conclude(ctx, id); err != nil {
		return nil, err
	}
	fault.At(fault.CancelDone)
	if err := s.ports.Queue.Drop(ctx, id); err != nil {
		return nil, err
	}
	return s.Batch(ctx, id)
}

// begun returns a batch that was started, with a start that was cut off carried on; Conflict for a draft.
func (s *Service) begun(ctx context.Context, id ID) (*Batch, error) {
	b, err := s.Batch(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case b.Order != nil:
		return b, nil
	case b.Status == Pending:
		return s.Start(ctx, id)
	default:
		return nil, errs.New(errs.Conflict, "This batch was not started yet; start it first, or delete it.")
	}
}

// SetPriority says how a batch stands against others, at any time: what waits gives way at once, what is being read is
// read to its end.
func (s *Service) SetPriority(ctx context.Context, id ID, p Priority) (*Batch, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return s.change(ctx, id, func(b *Batch) (bool, error) {
		changed := b.Priority.Level() != p.Level()
		b.Priority = p
		return changed, nil
	})
}

// SetAtOnce changes how many images of a batch are in hand at once, at any time.
func (s *Service) SetAtOnce(ctx context.Context, id ID, n int) (*Batch, error) {
	return s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Options.AtOnce == n {
			return false, nil
		}
		b.Options.AtOnce = n
		return true, s.checkOptions(b.Options)
	})
}

// SetFallback says what becomes of an image of a batch that its engine refuses or has no key for, at any time. With
// FallbackAlways what waits for a later try is tried at once: what no key can read then is read offline. A crash on the
// way leaves the rest of them to their own time.
func (s *Service) SetFallback(ctx context.Context, id ID, f Fallback) (*Batch, error) {
	b, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		changed := b.Options.Fallback != f
		b.Options.Fallback = f
		return changed, s.checkOptions(b.Options)
	})
	if err != nil || f != FallbackAlways || b.Order == nil || b.Over() {
		return b, err
	}
	images, err := s.imagesOf(ctx, b)
	if err != nil {
		return nil, err
	}
	for _, m := range images {
		if m.NotBefore.IsZero() || m.Status.Final() {
			continue
		}
		if _, err := s.changeImage(ctx, id, m.N, waitNoLonger); err != nil {
			return nil, err
		}
		if err := s.Queue(ctx, id, m.N); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func waitNoLonger(m *Image) (bool, error) {
	waited := !m.NotBefore.IsZero() && !m.Status.Final()
	m.NotBefore = time.Time{}
	return waited, nil
}

// cancelImages carries out what Cancel wrote down.
func (s *Service) cancelImages(ctx context.Context, id ID) error {
	b, err := s.Batch(ctx, id)
	if err != nil || !b.Cancel || b.Status.Final() {
		return err
	}
	images, err := s.imagesOf(ctx, b)
	if err != nil {
		return err
	}
	for _, m := range images {
		if m.Status.Final() {
			continue
		}
		if _, err := s.changeImage(ctx, id, m.N, cancelImage); err != nil {
			return err
		}
		fault.At(fault.ImageCanceled)
	}
	return nil
}

// CancelImage takes one image of a started batch out of the work; a call that runs for it is cut off. Canceling what is
// final changes nothing, and an image that was being read afresh keeps what was read before.
func (s *Service) CancelImage(ctx context.Context, id ID, n int) (*Image, error) {
	if _, err := s.begun(ctx, id); err != nil {
		return nil, err
	}
	m, err := s.changeImage(ctx, id, n, cancelImage)
	if err != nil {
		return nil, err
	}
	return m, s.Follow(ctx, id, n)
}

// WhyCanceled marks an attempt that a person cut off; it is nobody's fault.
const WhyCanceled = "canceled"

func cancelImage(m *Image) (bool, error) {
	if m.Status.Final() {
		return false, nil
	}
	now := time.Now().UTC()
	if a := m.Last(); a != nil && a.Ended.IsZero() {
		a.Ended, a.Why = now, WhyCanceled
	}
	m.End(Canceled, "", now)
	return true, nil
}

// End makes m final with a status that is not Completed, and why. What was being read afresh is completed all the same,
// with what was read before.
func (m *Image) End(status Status, failure string, now time.Time) {
	if m.Again {
		status, failure = Completed, ""
	}
	m.Status, m.Failure, m.Ended, m.NotBefore, m.Again, m.Turn = status, failure, now, time.Time{}, false, Turn{}
}

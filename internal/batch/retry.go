package batch

import (
	"context"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// Retry reads one failed or canceled image again, with all its retries. Repeating it is not an error.
func (s *Service) Retry(ctx context.Context, id ID, n int) error {
	_, err := s.RetryWith(ctx, id, []int{n}, With{})
	return err
}

// RetryFailed reads all failed images of a batch again and says how many.
func (s *Service) RetryFailed(ctx context.Context, id ID) (int, error) {
	return s.RetryWith(ctx, id, nil, With{})
}

// ReadTaken reads the images of a batch whose rows were taken from another reading, and says how many.
func (s *Service) ReadTaken(ctx context.Context, id ID) (int, error) {
	images, err := s.Images(ctx, id)
	if err != nil {
		return 0, err
	}
	ns := []int{}
	for _, m := range images {
		if m.Reused() {
			ns = append(ns, m.N)
		}
	}
	return s.RetryWith(ctx, id, ns, With{Fresh: true})
}

// RetryWith reads images again in another way, with all their retries, and says how many: of those named the failed and
// canceled ones, and the completed ones when With.Fresh asks for it, whose rows stand until there are new ones; of nil
// all failed ones. Repeating it is not an error.
func (s *Service) RetryWith(ctx context.Context, id ID, ns []int, with With) (int, error) {
	if err := s.checkWith(&with); err != nil {
		return 0, err
	}
	var images []*Image
	if ns == nil {
		all, err := s.Images(ctx, id)
		if err != nil {
			return 0, err
		}
		images = slices.DeleteFunc(all, func(m *Image) bool { return m.Status != Failed })
	}
	for _, n := range ns {
		m, err := s.Image(ctx, id, n)
		if err != nil {
			return 0, err
		}
		if m.mayReopen(with) {
			images = append(images, m)
		}
	}
	if len(images) == 0 {
		return 0, nil
	}
	return len(images), s.retry(ctx, id, images, with)
}

// checkWith puts the engine's own name into with and refuses what cannot read here.
func (s *Service) checkWith(with *With) error {
	if with.Engine != "" {
		var err error
		if with.Engine, _, err = s.ports.Readers.Choose(with.Engine); err != nil {
			return err
		}
	}
	if len(with.Model) > 100 || strings.ContainsFunc(with.Model, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_')
	}) {
		return errs.New(errs.Invalid, "“%s” cannot be the name of a model; type one such as gemini-3.8-flash.", cleanName(with.Model))
	}
	return nil
}

// mayReopen reports whether m is read again when a person asks for it.
func (m *Image) mayReopen(with With) bool {
	return m.Status == Failed || m.Status == Canceled || m.Status == Completed && with.Fresh
}

// retry writes the intent into the batch first, then carries it out.
func (s *Service) retry(ctx context.Context, id ID, images []*Image, with With) error {
	_, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		switch {
		case b.Order == nil:
			return false, errs.New(errs.Conflict, "This batch was not started yet; start it first.")
		case b.Cancel && !b.Status.Final():
			return false, errs.New(errs.Conflict, "This batch is just being canceled; retry it in a moment.")
		}
		for _, m := range images {
			if r := (Reopening{N: m.N, Work: m.Work, With: with}); !slices.Contains(b.Reopen, r) {
				b.Reopen = append(b.Reopen, r)
			}
		}
		if b.Status.Final() {
			b.Status, b.Ended, b.Counts, b.Cancel = Processing, time.Time{}, nil, false
		}
		b.Until = time.Now().UTC().Add(Deadline)
		return true, nil
	})
	if err != nil {
		return err
	}
	fault.At(fault.RetryMeant)
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
			if m.Work != r.Work || !m.mayReopen(r.With) {
				return false, nil
			}
			m.Again = m.Status == Completed
			m.Status, m.Failure, m.Ended, m.NotBefore = Retrying, "", time.Time{}, time.Time{}
			m.Work, m.Faults, m.Crashes, m.With, m.Turn = m.Work+1, 0, 0, r.With, Turn{}
			m.Fresh = true // a person who asks again does not want the same answer
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
	_, err = s.change(ctx, id, func(now *Batch) (bool, error) {
		before := len(now.Reopen)
		now.Reopen = slices.DeleteFunc(now.Reopen, func(r Reopening) bool { return slices.Contains(b.Reopen, r) })
		return len(now.Reopen) < before, nil
	})
	return err
}

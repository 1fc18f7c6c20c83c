package draft

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// maxOrientationChecks is how many pictures may wait for the orientation check; further ones are skipped, since the result is only a hint.
const maxOrientationChecks = 20_000

// orientationQueue is the queue of uploaded pictures that wait for the orientation check, oldest first.
type orientationQueue struct {
	mu      sync.Mutex
	waiting []orientationCheck
	wake    chan struct{} // wakes the worker
}

// orientationCheck is one picture to check; it is skipped if the image has another picture by then.
type orientationCheck struct {
	batch batch.ID
	n     int
	key   string
}

func (l *orientationQueue) add(m *batch.Image) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) < maxOrientationChecks {
		l.waiting = append(l.waiting, orientationCheck{m.Batch, m.N, m.Picture.Key})
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *orientationQueue) next() (orientationCheck, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.waiting = nil // so that the memory of a large batch is released
		return orientationCheck{}, false
	}
	first := l.waiting[0]
	l.waiting = l.waiting[1:]
	return first, true
}

// WatchTurned adds a note to each picture of a draft that is not upright, one picture after the other, until ctx ends. No
// upload and no start waits for it: a started batch is left unchanged, and pictures not checked when the program ends are never
// checked. Without an OrientationDetector it does nothing.
func (s *Service) WatchTurned(ctx context.Context, log *slog.Logger) error {
	if s.ports.Orientation == nil {
		return nil
	}
	for {
		l, ok := s.orientation.next()
		if !ok {
			select {
			case <-ctx.Done():
				return nil
			case <-s.orientation.wake:
			}
			continue
		}
		if err := s.checkOrientation(ctx, l); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			log.Warn("orientation check failed", "batch", l.batch, "image", l.n, "err", err)
		}
	}
}

func (s *Service) checkOrientation(ctx context.Context, l orientationCheck) error {
	m, err := s.stillRelevant(ctx, l)
	if m == nil || err != nil {
		return err
	}
	data, err := s.ports.Pictures.GetPicture(ctx, l.batch, l.key, batch.Full)
	if errs.Is(err, errs.NotFound) {
		return nil // rotated or removed concurrently
	}
	if err != nil {
		return err
	}
	quarters, err := s.ports.Orientation.Detect(s.markOpening(ctx, m), data)
	if err != nil || quarters == 0 {
		return err
	}
	if m, err = s.stillRelevant(ctx, l); m == nil || err != nil {
		return err
	}
	note := batch.Note{Kind: batch.NoteTurned, Message: "Seems to lie on its side.", QuarterTurns: quarters}
	if quarters == 2 {
		note.Message = "Seems to stand upside down."
	}
	_, err = s.batches.UpdateImage(ctx, l.batch, l.n, func(m *batch.Image) (bool, error) {
		if m.Picture.Key != l.key || slices.ContainsFunc(m.Picture.Notes, func(n batch.Note) bool { return n.Kind == batch.NoteTurned }) {
			return false, nil
		}
		m.Picture.Notes = append(m.Picture.Notes, note)
		return true, nil
	})
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// stillRelevant returns the image to check, or nil if a note on that picture would no longer be of use.
func (s *Service) stillRelevant(ctx context.Context, l orientationCheck) (*batch.Image, error) {
	m, err := s.draftImage(ctx, l.batch, l.n)
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Conflict) || err == nil && (m.Excluded || m.Picture.Key != l.key || m.Suspect != nil) {
		return nil, nil
	}
	return m, err
}

package batch

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"sheetlift/internal/errs"
)

// maxLooks is how many pictures may wait to be looked at; further ones are not looked at, since it is a hint only.
const maxLooks = 20_000

// looks is the pictures that came in and were not looked at yet, oldest first.
type looks struct {
	mu      sync.Mutex
	waiting []look
	stir    chan struct{} // something waits
}

// look is one picture that is to be looked at, unless it is another one by then.
type look struct {
	batch ID
	n     int
	key   string
}

func (l *looks) add(m *Image) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) < maxLooks {
		l.waiting = append(l.waiting, look{m.Batch, m.N, m.Picture.Key})
	}
	select {
	case l.stir <- struct{}{}:
	default:
	}
}

func (l *looks) next() (look, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.waiting = nil // the memory of a large batch goes with it
		return look{}, false
	}
	first := l.waiting[0]
	l.waiting = l.waiting[1:]
	return first, true
}

// WatchTurned puts a note on each picture of a draft that does not stand upright, one picture after the other until ctx
// ends. No upload and no start waits for it: a batch that is started is left as it is, and so is what had not been looked
// at when the program ended. Without a Compass it does nothing.
func (s *Service) WatchTurned(ctx context.Context, log *slog.Logger) error {
	if s.ports.Compass == nil {
		return nil
	}
	for {
		l, ok := s.looks.next()
		if !ok {
			select {
			case <-ctx.Done():
				return nil
			case <-s.looks.stir:
			}
			continue
		}
		if err := s.lookAt(ctx, l); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			log.Warn("whether a picture stands upright could not be told", "batch", l.batch, "image", l.n, "err", err)
		}
	}
}

func (s *Service) lookAt(ctx context.Context, l look) error {
	m, err := s.still(ctx, l)
	if m == nil || err != nil {
		return err
	}
	data, err := s.ports.Pictures.GetPicture(ctx, l.batch, l.key, Full)
	if errs.Is(err, errs.NotFound) {
		return nil // turned or removed this moment
	}
	if err != nil {
		return err
	}
	quarters, err := s.ports.Compass.Turn(ctx, data)
	if err != nil || quarters == 0 {
		return err
	}
	if m, err = s.still(ctx, l); m == nil || err != nil {
		return err
	}
	note := Note{Kind: NoteTurned, Message: "Seems to lie on its side.", Turn: quarters}
	if quarters == 2 {
		note.Message = "Seems to stand upside down."
	}
	_, err = s.changeImage(ctx, l.batch, l.n, func(m *Image) (bool, error) {
		if m.Picture.Key != l.key || slices.ContainsFunc(m.Picture.Notes, func(n Note) bool { return n.Kind == NoteTurned }) {
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

// still is the image that was to be looked at, or nil when there is nothing to be said of that picture any more.
func (s *Service) still(ctx context.Context, l look) (*Image, error) {
	m, err := s.draftImage(ctx, l.batch, l.n)
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Conflict) || err == nil && (m.Out || m.Picture.Key != l.key) {
		return nil, nil
	}
	return m, err
}

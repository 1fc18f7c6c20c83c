package live

import (
	"context"
	"fmt"
	"runtime/debug"
)

// shot is one rendering of a whole topic for everybody who asked for it before it began.
type shot struct {
	done chan struct{} // closed when data and err are set
	data []byte
	err  error
}

// snapshot renders everything as it is at the time of the call or later. All who ask while one is being drawn share the
// next: a thousand browsers that come back after a restart cost two renderings, not a thousand.
func (f *Feed) snapshot(ctx context.Context, t *topic, src Source) ([]byte, error) {
	f.mu.Lock()
	s, first := t.shot, t.shot == nil
	if first {
		s = &shot{done: make(chan struct{})}
		t.shot = s
	}
	f.mu.Unlock()
	if first {
		f.draw(t, s, src)
		return s.data, s.err
	}
	select {
	case <-s.done:
		return s.data, s.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// draw draws s when it is its turn. It goes on when the browser that asked first has left, since others wait for it;
// it ends with the feed.
func (f *Feed) draw(t *topic, s *shot, src Source) {
	defer close(s.done)
	t.turn <- struct{}{} // at most renderLimit away
	defer func() { <-t.turn }()
	f.mu.Lock()
	t.shot = nil // who asks from here on may want to see what this one does not
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(f.life, renderLimit)
	defer cancel()
	defer caught(&s.err)
	s.data, s.err = src.Snapshot(ctx)
}

// caught turns a panic into an error: a page that cannot be drawn must not end the process, and no handler's own
// recovery reaches these goroutines.
func caught(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("drawing panicked: %v\n%s", p, debug.Stack())
	}
}

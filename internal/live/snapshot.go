package live

import (
	"context"
	"fmt"
	"runtime/debug"
)

// snapshotCall is one rendering of a whole topic for all callers that requested it before it began.
type snapshotCall struct {
	done chan struct{} // closed when data and err are set
	data []byte
	err  error
}

// snapshot renders the state at the time of the call or later. All calls during a rendering share the next one: a
// thousand browsers that reconnect after a restart cost two renderings, not a thousand.
func (f *Feed) snapshot(ctx context.Context, t *topic, src Source) ([]byte, error) {
	f.mu.Lock()
	s, first := t.nextSnapshot, t.nextSnapshot == nil
	if first {
		s = &snapshotCall{done: make(chan struct{})}
		t.nextSnapshot = s
	}
	f.mu.Unlock()
	if first {
		f.renderSnapshot(t, s, src)
		return s.data, s.err
	}
	select {
	case <-s.done:
		return s.data, s.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// renderSnapshot renders s once the slot is free. It continues when the first requester has left, since others wait
// for it; it ends with the feed.
func (f *Feed) renderSnapshot(t *topic, s *snapshotCall, src Source) {
	defer close(s.done)
	t.snapshotSlot <- struct{}{} // at most renderLimit away
	defer func() { <-t.snapshotSlot }()
	f.mu.Lock()
	t.nextSnapshot = nil // later callers may need changes that this rendering does not include
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(f.life, renderLimit)
	defer cancel()
	defer recoverTo(&s.err)
	s.data, s.err = src.Snapshot(ctx)
}

// recoverTo turns a panic into an error: a page that cannot be rendered must not end the process, and no handler's
// own recovery covers these goroutines.
func recoverTo(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("drawing panicked: %v\n%s", p, debug.Stack())
	}
}

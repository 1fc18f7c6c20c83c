package extract

import (
	"context"
	"errors"

	"sheetlift/internal/batch"
	"sheetlift/internal/work"
)

// Why a reading is cut off while the program goes on.
var (
	errHeld = errors.New("the batch is held back")
	errOver = errors.New("the image is not wanted any more")
	errCut  = errors.New("the image was let go") // for either reason, or because the program ends
)

// hand is one image in hand. What happens to it or its batch on any machine reaches it through Changes.
type hand struct {
	unit     batch.Unit    // in whose turn it is read
	n        int           // the image
	priority work.Priority // that it waits with
	cut      context.CancelCauseFunc

	// Guarded by Runner.mu:
	state handState
}

type handState int

const (
	waits   handState = iota // for its turn: a pause gives it back
	reads                    // paid for: only the end of its image or batch cuts it off
	settles                  // being written down: nothing cuts it off
)

// grasp takes image n in hand in the turn of a unit; the context ends when it is let go.
func (r *Runner) grasp(ctx context.Context, u batch.Unit, n int, p work.Priority) (*hand, context.Context) {
	ctx, cut := context.WithCancelCause(ctx)
	h := &hand{unit: u, n: n, priority: p, cut: cut}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hands[h] = true
	return h, ctx
}

func (r *Runner) drop(h *hand) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.hands, h)
	h.cut(nil)
}

// becomes notes how far h is; false when it was let go before.
func (r *Runner) becomes(ctx context.Context, h *hand, s handState) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	h.state = s
	return true
}

// letGo cuts off what a change ends or holds back. r.mu is held.
func (r *Runner) letGo(c batch.Change) {
	for h := range r.hands {
		if h.unit.Batch != c.ID || h.state == settles {
			continue
		}
		switch {
		case c.N == 0 && (c.Gone || c.Batch.Over()):
			h.cut(errOver)
		case c.N == 0 && h.state == waits && (c.Batch.Status == batch.Paused || h.priority != priorityOf(c.Batch)):
			h.cut(errHeld)
		case c.N == h.n && (c.Gone || c.Image.Status.Final()):
			h.cut(errOver)
		}
	}
}

// InHand is how many images this process has in hand: that wait for their turn at an engine, are being read, or are
// being written down.
func (r *Runner) InHand() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.hands)
}

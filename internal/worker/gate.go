package worker

import (
	"context"
	"slices"
	"sync"

	"sheetlift/internal/batch"
)

// gate bounds the images of each batch that are claimed and read at the same time in this process. Units are taken from the
// queue a little ahead (see ahead), so that the next image is read as soon as one call has ended and not when its result is stored.
type gate struct {
	mu      sync.Mutex
	batches map[batch.ID]*gatedBatch
}

type gatedBatch struct {
	atOnce, running int
	waiting         []chan struct{} // closed when the call may begin, in order of arrival
}

func newGate() *gate { return &gate{batches: map[batch.ID]*gatedBatch{}} }

// ahead returns how many units of a batch are taken from the queue beyond those that are read at once.
func ahead(atOnce int) int { return atOnce / 2 }

// enter waits until one more image of a batch may be read. leave must be called; only its first call counts. The error is that
// of ctx when it ends first.
func (g *gate) enter(ctx context.Context, id batch.ID, atOnce int) (leave func(), err error) {
	g.mu.Lock()
	l := g.batches[id]
	if l == nil {
		l = &gatedBatch{}
		g.batches[id] = l
	}
	l.atOnce = atOnce // as a person set it last
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	g.admit(id, l)
	g.mu.Unlock()
	select {
	case <-turn:
		return sync.OnceFunc(func() { g.leave(id) }), nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(l.waiting, turn); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	} else { // it was admitted at the same moment
		l.running--
	}
	g.admit(id, l)
	return nil, ctx.Err()
}

func (g *gate) leave(id batch.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.batches[id]
	l.running--
	g.admit(id, l)
}

func (g *gate) admit(id batch.ID, l *gatedBatch) {
	for l.running < l.atOnce && len(l.waiting) > 0 {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		l.running++
	}
	if l.running == 0 && len(l.waiting) == 0 {
		delete(g.batches, id)
	}
}

// atOnce returns how many images of a batch may be read at the same time, as a person set it last.
func (r *Runner) atOnce(id batch.ID) int {
	if b := r.Progress.Stored(id); b != nil {
		return b.Options.AtOnce
	}
	return 1 // it was removed, which the claim finds
}

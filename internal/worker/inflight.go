package worker

import (
	"context"
	"errors"

	"sheetlift/internal/batch"
	"sheetlift/internal/work"
)

// The causes that cancel the context of an attempt while the program goes on.
var (
	errPaused    = errors.New("the batch is paused")
	errCanceled  = errors.New("the image is not wanted any more")
	errPreempted = errors.New("the image was preempted") // for one of the reasons above, or because the program shuts down
)

// inflight is one image that this process works on. Changes to the image or its batch, made on any machine, reach it through
// Changes.
type inflight struct {
	unit     batch.Unit    // the unit whose lease the image is read under
	priority work.Priority // the priority it waits with
	cancel   context.CancelCauseFunc

	// Guarded by Runner.mu; only the goroutine that reads the image changes them:
	n      int // the number of the image: the unit's own until it is chosen
	chosen bool
	phase  phase
}

type phase int

const (
	queued     phase = iota // queued for an engine: a pause of the batch cancels it
	calling                 // the call is paid for: only the end of its image or batch cancels it
	committing              // the result is being stored: nothing cancels it
)

// acquire registers a unit as in work, for its own image until choose has chosen one. The context that it returns is canceled
// when the image is preempted.
func (r *Runner) acquire(ctx context.Context, u batch.Unit, p work.Priority) (*inflight, context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	f := &inflight{unit: u, n: u.N, priority: p, cancel: cancel}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inflight[f] = true
	return f, ctx
}

func (r *Runner) release(f *inflight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.inflight, f)
	f.cancel(nil)
}

// setPhase sets the phase of f. It returns false, and changes nothing, when ctx was canceled before.
func (r *Runner) setPhase(ctx context.Context, f *inflight, p phase) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	f.phase = p
	return true
}

// preempt cancels the images in work that a change ends or pauses. The caller holds r.mu.
func (r *Runner) preempt(c batch.Change) {
	for f := range r.inflight {
		if f.unit.Batch != c.ID || f.phase == committing {
			continue
		}
		switch {
		case c.N == 0 && (c.Gone || c.Batch.Over()):
			f.cancel(errCanceled)
		case c.N == 0 && f.phase == queued && (c.Batch.Status == batch.Paused || f.priority != priorityOf(c.Batch)):
			f.cancel(errPaused)
		case c.N == f.n && (c.Gone || c.Image.Status.Final()):
			f.cancel(errCanceled)
		}
	}
}

// InFlight returns the number of images that this process works on: those that wait for an engine, are being read, or are
// being stored. Units that wait at the gate are not counted.
func (r *Runner) InFlight() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for f := range r.inflight {
		if f.chosen {
			n++
		}
	}
	return n
}

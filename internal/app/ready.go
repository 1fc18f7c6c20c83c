package app

import (
	"context"
	"sync"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/errs"
)

const (
	stuckAfter = 10 * time.Minute // without a call or a finished image, while images wait
	stuckEvery = 15 * time.Second // how often it is looked at
)

// readiness knows whether images that wait get on.
type readiness struct {
	health    func(context.Context) error
	overviews func() []progress.Overview
	keysRest  func() bool // no key can be used now

	mu    sync.Mutex
	last  int       // calls and finished images of all batches
	moved time.Time // when last changed, or nothing waited
}

// Run watches until ctx ends.
func (r *readiness) Run(ctx context.Context) error {
	r.look()
	tick := time.NewTicker(stuckEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			r.look()
		}
	}
}

func (r *readiness) look() {
	done, waits := 0, false
	for _, o := range r.overviews() {
		done += o.Counts.Calls + o.Counts.Completed + o.Counts.Failed + o.Counts.Canceled
		waits = waits || o.Batch.Status == batch.Processing && o.Counts.Pending+o.Counts.Processing > 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.moved.IsZero() || done != r.last || !waits || r.keysRest() {
		r.last, r.moved = done, time.Now()
	}
}

// Check returns nil if the store is healthy and the images of the batches that are being read get on. Paused and scheduled
// batches, images that wait for a later attempt, and a time in which every key rests are no reason.
func (r *readiness) Check(ctx context.Context) error {
	if err := r.health(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.moved.IsZero() && time.Since(r.moved) >= stuckAfter {
		return errs.New(errs.Unavailable, "Images wait, and none was read for %d minutes. Look at the log of the last minutes, then restart the program.", int(time.Since(r.moved).Minutes()))
	}
	return nil
}

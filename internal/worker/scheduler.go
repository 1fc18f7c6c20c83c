// Package worker runs the workers: it takes units from the queue, runs each in a slot of the pool, and processes one
// image from its claim to its rows in the store (attempt.go). The retry policy, which decides how a failure changes the
// image, is in one place (retry_policy.go).
package worker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/run"
	"sheetlift/internal/danger"
	"sheetlift/internal/engine"
	"sheetlift/internal/engine/pieces"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
	"sheetlift/internal/work"
)

const (
	heartbeatEvery = 10 * time.Second // a third of the 30 s after which the queue delivers a unit again
	sweepEvery     = time.Minute      // how often started batches are checked for lost units
	backoff        = time.Second      // after an error of the store
)

// Deps are the dependencies and settings of a runner.
type Deps struct {
	Batches      *batch.Batches
	Runs         *run.Service
	Progress     *progress.Progress
	Repository   batch.Repository
	Queue        batch.Queue
	Pictures     batch.Pictures
	Changes      batch.Changes
	Engines      map[string]engine.Engine // by name
	Cutter       pieces.Cutter            // cuts the long pictures
	ReadingCache batch.ReadingCache       // the cache of readings of other batches; nil for none
	Reuse        time.Duration            // the maximum age of a cached reading; 0 turns the cache off
	Version      string                   // of the program: another version may interpret the same answer differently
	Previews     *Previews                // the previews that were read for drafts; nil for none
	Offline      string                   // the name of the engine that reads the images another engine gave up; "" for none
	Slots        int                      // images in work at once in this process, over all batches
	Grace        time.Duration            // how long running images may continue after Run's context ends
	Danger       *danger.Guard            // marks each picture and answer while it is opened; nil for none
	Log          *slog.Logger

	// Crowded reports whether reading has to wait because the disk is full; waiting is true if it waits already. A nil
	// function means never.
	Crowded func(waiting bool) bool

	// Shared says that other processes may read the same batches. No image is taken ahead then, so that a batch has no more
	// calls at once than it may, over all processes.
	Shared bool

	// Redraw is called when a batch has to be shown differently although the store reports no change. nil: not called.
	Redraw func(batch.ID)
}

// Runner reads the images of all started batches. Any number of processes may each run one over the same store.
type Runner struct {
	Deps
	pool     *work.Pool
	throttle *throttle
	gate     *gate
	closing  sync.WaitGroup // consumers that are being stopped
	jitter   func(time.Duration) time.Duration

	mu       sync.Mutex
	inflight map[*inflight]bool          // the images in work in this process
	changes  map[batch.ID]*batch.Batch   // batches that changed since scheduleLoop last looked; nil: removed
	unseen   map[batch.ID]bool           // of these, the batches that were started when they changed first, and are over
	due      map[imageRef]time.Time      // when images that wait for a retry are due
	indexes  map[batch.ID]*priorityIndex // the order of the images, of each batch that is read in this process
	fresh    map[batch.ID]time.Time      // when batches whose start may still be queueing units are checked
	wake     chan struct{}
}

type imageRef struct {
	id batch.ID
	n  int
}

// New returns a runner; Run starts it.
func New(d Deps) *Runner {
	return &Runner{
		Deps: d, pool: work.New(d.Slots), throttle: newThrottle(d.Slots, len(d.Danger.Left()) > 0), jitter: fullJitter, gate: newGate(),
		inflight: map[*inflight]bool{}, changes: map[batch.ID]*batch.Batch{}, unseen: map[batch.ID]bool{}, due: map[imageRef]time.Time{},
		indexes: map[batch.ID]*priorityIndex{}, fresh: map[batch.ID]time.Time{}, wake: make(chan struct{}, 1),
	}
}

// fullJitter returns a random time up to d.
func fullJitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d + 1)
}

// Run reads until ctx ends. Then it lets running images continue for the grace period, returns the other units to the
// queue and returns.
func (r *Runner) Run(ctx context.Context) error {
	unsubscribe, err := r.Changes.Subscribe(ctx, r.onChange)
	if err != nil {
		return err
	}
	defer unsubscribe()
	r.recoverMarks(ctx)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.scheduleLoop(gctx) })
	g.Go(func() error { return r.finishLoop(gctx) })
	g.Go(func() error { return r.pauseLoop(gctx) })
	g.Go(func() error { return r.watchDisk(gctx) })
	err = g.Wait()

	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Grace)
	defer cancel()
	r.pool.Close(grace)
	return err
}

// offline returns the name of the engine that reads the images another engine gave up; "" when it is not installed.
func (r *Runner) offline() string {
	if r.Engines[r.Offline] == nil {
		return ""
	}
	return r.Offline
}

// onChange records a change and wakes scheduleLoop. It is called by the feed and must not block.
func (r *Runner) onChange(c batch.Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.preempt(c)
	if x := r.indexes[c.ID]; x != nil && c.N > 0 {
		x.apply(c)
	}
	switch {
	case c.N == 0: // Batch is nil if it is gone
		if before := r.changes[c.ID]; before != nil && started(before) && over(c.Batch) {
			r.unseen[c.ID] = true
		}
		r.changes[c.ID] = c.Batch
	case c.Image != nil && c.Image.Status == batch.Retrying && !c.Image.NotBefore.IsZero():
		r.due[imageRef{c.ID, c.N}] = c.Image.NotBefore
	default:
		delete(r.due, imageRef{c.ID, c.N})
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// scheduleLoop opens a consumer for each batch that has to be read and closes it when the batch no longer reads. It queues images
// that waited for a retry when they are due, and sweeps once a minute.
func (r *Runner) scheduleLoop(ctx context.Context) error {
	consumers := map[batch.ID]*consumer{}
	defer r.closing.Wait()
	defer func() {
		for _, c := range consumers {
			r.closing.Go(c.stop) // in parallel: each may wait a second for a delivery in progress
		}
	}()
	sweeps := time.NewTicker(sweepEvery)
	defer sweeps.Stop()
	for {
		r.lookAtChanges(ctx, consumers)
		next := time.NewTimer(r.queueDue(ctx))
		select {
		case <-ctx.Done():
			next.Stop()
			return nil
		case <-r.wake:
		case <-next.C:
		case <-sweeps.C:
			r.sweep(ctx)
		}
		next.Stop()
	}
}

// lookAtChanges adapts the consumers to the batches that changed since the last call.
func (r *Runner) lookAtChanges(ctx context.Context, consumers map[batch.ID]*consumer) {
	changes, unseen := r.takeChanges()
	for id, b := range changes {
		if unseen[id] && consumers[id] == nil { // its queue must be dropped all the same
			consumers[id] = stoppedConsumer()
		}
		r.reconcile(ctx, consumers, id, b)
	}
}

// takeChanges returns the batches that changed, and those of them whose start and end both came since the last call.
func (r *Runner) takeChanges() (changes map[batch.ID]*batch.Batch, unseen map[batch.ID]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changes, unseen = r.changes, r.unseen
	r.changes, r.unseen = map[batch.ID]*batch.Batch{}, map[batch.ID]bool{}
	return changes, unseen
}

// over reports whether b is over or, if nil, gone.
func over(b *batch.Batch) bool { return b == nil || b.Over() }

// started reports whether b was started and is not over, paused or not.
func started(b *batch.Batch) bool { return !b.Over() && b.Order != nil }

func (r *Runner) reconcile(ctx context.Context, consumers map[batch.ID]*consumer, id batch.ID, b *batch.Batch) {
	b = r.Progress.Shown(b)
	reads, over := b != nil && b.Reads(), over(b)
	c := consumers[id]
	if c != nil && (!reads || c.stopped || c.atOnce != b.Options.AtOnce || c.priority != priorityOf(b)) {
		old := c
		r.closing.Go(func() { r.closeConsumer(ctx, old, id, over) })
		delete(consumers, id)
		c = nil
	}
	switch {
	case reads && c == nil:
		r.track(b)
		consumers[id] = r.openConsumer(ctx, b)
	case reads:
		r.track(b)
	case b != nil && started(b): // paused; its last images may end meanwhile
		consumers[id] = stoppedConsumer()
	}
	if !reads {
		r.untrack(id)
	}
}

func priorityOf(b *batch.Batch) work.Priority { return work.Priority(b.Priority.Level()) }

// closeConsumer stops a consumer. If the batch is over, it also drops its queue. If the batch was started again while its consumer closed,
// the queue stays: otherwise images in work would be delivered once more, and paid for twice. If the batch starts again
// between the check and the drop, its new consumer finds the queue gone and fills it again.
func (r *Runner) closeConsumer(ctx context.Context, c *consumer, id batch.ID, over bool) {
	c.stop()
	if !over {
		return
	}
	if b, err := r.Repository.Batch(ctx, id); err == nil && !b.Over() {
		return
	}
	if err := r.Queue.Drop(ctx, id); err != nil && ctx.Err() == nil {
		r.Log.Warn("the queue of a batch that is over could not be removed", "batch", id, "err", err)
	}
	fault.At(fault.QueueDropped)
}

// queueDue queues the images that are due and returns how long until the next one is due, at most an hour.
func (r *Runner) queueDue(ctx context.Context) time.Duration {
	next := time.Hour
	var ready []imageRef
	now := time.Now()
	r.mu.Lock()
	for p, at := range r.due {
		if wait := at.Sub(now); wait > 0 {
			next = min(next, wait)
		} else {
			ready = append(ready, p)
			delete(r.due, p)
		}
	}
	r.mu.Unlock()
	fresh, wait := r.freshDue(now)
	r.check(ctx, fresh)
	next = min(next, wait)
	for _, p := range ready {
		err := r.Runs.Queue(ctx, p.id, p.n)
		fault.At(fault.DueQueued)
		if err != nil && !errs.Is(err, errs.NotFound) && ctx.Err() == nil {
			r.Log.Warn("a waiting image could not be queued; trying again", "batch", p.id, "image", p.n, "err", err)
			r.mu.Lock()
			r.due[p] = now.Add(backoff)
			r.mu.Unlock()
			next = min(next, backoff)
		}
	}
	return next
}

// sweep queues lost units again and finishes batches whose end was missed.
func (r *Runner) sweep(ctx context.Context) { r.check(ctx, r.Progress.Active()) }

func (r *Runner) check(ctx context.Context, ids []batch.ID) {
	for _, id := range ids {
		err := r.requeue(ctx, id)
		if err == nil {
			_, err = r.Runs.Finish(ctx, id)
		}
		if err != nil && !errs.Is(err, errs.NotFound) && ctx.Err() == nil {
			r.Log.Warn("a started batch could not be checked", "batch", id, "err", err)
		}
	}
}

// requeue queues lost units again and records which images wait for a retry, including those that a process which ended was
// waiting for. A state of an image that arrived through Changes meanwhile is newer and stays.
func (r *Runner) requeue(ctx context.Context, id batch.ID) error {
	images, err := r.Runs.Requeue(ctx, id)
	r.index(id, images)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range images {
		if p := (imageRef{id, m.N}); m.NotBefore.After(time.Now()) && !m.Status.Final() && r.due[p].IsZero() {
			r.due[p] = m.NotBefore
		}
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return err
}

// finishLoop finishes batches whose images are all final.
func (r *Runner) finishLoop(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-r.Progress.Finished():
			if _, err := r.Runs.Finish(ctx, id); err != nil && ctx.Err() == nil && !errs.Is(err, errs.NotFound) {
				r.Log.Error("a finished batch could not be ended; the next sweep tries again", "batch", id, "err", err)
			}
		}
	}
}

package worker

import (
	"context"
	"errors"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
	"sheetlift/internal/work"
)

// consumer is the consumer of the queue of one batch. A batch that is paused has a stopped one: its last images may be finished
// meanwhile, and its queue must be dropped then too.
type consumer struct {
	stopped  bool
	atOnce   int
	priority work.Priority
	cancel   context.CancelFunc
	ended    chan struct{}
}

func stoppedConsumer() *consumer {
	c := &consumer{stopped: true, cancel: func() {}, ended: make(chan struct{})}
	close(c.ended)
	return c
}

func (c *consumer) stop() {
	c.cancel()
	<-c.ended
}

// openConsumer starts the consumer of b; stop ends it.
func (r *Runner) openConsumer(ctx context.Context, b *batch.Batch) *consumer {
	ctx, cancel := context.WithCancel(ctx)
	c := &consumer{atOnce: b.Options.AtOnce, priority: priorityOf(b), cancel: cancel, ended: make(chan struct{})}
	go func() { // owned by the consumer: stop waits for it
		defer close(c.ended)
		for ctx.Err() == nil {
			err := r.fetch(ctx, b)
			if err != nil && ctx.Err() == nil {
				r.Log.Warn("fetching work failed; trying again", "batch", b.ID, "err", err)
				sleep(ctx, backoff)
			}
		}
	}()
	return c
}

// fetch passes deliveries to the pool, one at a time, so that the batches share the slots fairly.
func (r *Runner) fetch(ctx context.Context, b *batch.Batch) error {
	if err := r.prepare(ctx, b); err != nil {
		return err
	}
	atOnce := b.Options.AtOnce
	if !r.Shared {
		atOnce += ahead(atOnce)
	}
	queue, err := r.Queue.Open(ctx, b.ID, atOnce)
	if err != nil {
		return err
	}
	defer queue.Close()
	for {
		w, err := queue.Next(ctx)
		if err != nil {
			return err
		}
		if err := r.dispatch(ctx, b, w); err != nil {
			return errors.Join(err, r.nack(ctx, w, 0))
		}
	}
}

// dispatch waits for a slot of the pool and processes a delivery in it. It extends the delivery while it waits.
func (r *Runner) dispatch(ctx context.Context, b *batch.Batch, w batch.Delivery) error {
	heartbeat := r.heartbeat(w)
	err := r.throttle.enter(ctx, b.ID, b.Options.AtOnce)
	if err != nil {
		heartbeat.stop()
		return err
	}
	err = r.pool.Go(ctx, string(b.ID), priorityOf(b), func(base context.Context) {
		defer r.throttle.leave(b.ID)
		defer heartbeat.stop()
		r.handle(base, w, priorityOf(b))
	})
	if err != nil {
		r.throttle.leave(b.ID)
		heartbeat.stop()
	}
	return err
}

// handle processes one delivery: under its lease it reads the images that go before, then the unit's own image, and then
// acknowledges the delivery.
func (r *Runner) handle(ctx context.Context, w batch.Delivery, p work.Priority) {
	u := w.Unit()
	for {
		n, err := r.process(ctx, u, p)
		if err != nil {
			r.nackFailed(ctx, w, n, err)
			return
		}
		if n == u.N {
			break
		}
		fault.At(fault.LeaseUsed)
	}
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWrite)
	defer cancel()
	if err := w.Ack(done); err != nil {
		r.Log.Warn("a finished unit could not be removed; it is dropped when it comes back", "batch", u.Batch, "image", u.N, "err", err)
	}
	fault.At(fault.UnitDone)
}

// process reads one image under the lease of a unit and returns its number. It then queues the images of the same picture,
// which wait for this one.
func (r *Runner) process(ctx context.Context, u batch.Unit, p work.Priority) (n int, err error) {
	f, ctx := r.acquire(ctx, u, p)
	defer r.release(f)
	if err := r.read(ctx, f); err != nil {
		if ctx.Err() != nil {
			return f.n, errPreempted
		}
		return f.n, err
	}
	if err := r.Runs.EnqueueDuplicates(ctx, u.Batch, f.n); err != nil && !errs.Is(err, errs.NotFound) {
		r.Log.Warn("the same picture could not be queued; the next sweep does it", "batch", u.Batch, "image", f.n, "err", err)
	}
	return f.n, nil
}

// nackFailed returns a unit to the queue whose image could not be read now: at once when the image was preempted, after a
// backoff of 1 s when its batch is paused, and after 5 s on any other error.
func (r *Runner) nackFailed(ctx context.Context, w batch.Delivery, n int, err error) {
	switch {
	case errors.Is(err, errPreempted):
		_ = r.nack(ctx, w, 0)
	case errors.Is(err, errPaused):
		_ = r.nack(ctx, w, backoff)
	default:
		r.Log.Error("an image could not be worked on; trying again", "batch", w.Unit().Batch, "image", n, "err", err)
		_ = r.nack(ctx, w, 5*backoff)
	}
}

func (r *Runner) nack(ctx context.Context, w batch.Delivery, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWrite)
	defer cancel()
	err := w.Nack(ctx, d)
	fault.At(fault.UnitBack)
	return err
}

// heartbeat is the keep-alive of a delivery: it tells the queue that a worker still processes the unit.
type heartbeat struct {
	end   context.CancelFunc
	ended chan struct{}
}

func (h *heartbeat) stop() {
	h.end()
	<-h.ended
}

func (r *Runner) heartbeat(w batch.Delivery) *heartbeat {
	ctx, cancel := context.WithCancel(context.Background())
	h := &heartbeat{end: cancel, ended: make(chan struct{})}
	go func() { // owned by the heartbeat: stop waits for it
		defer close(h.ended)
		for sleep(ctx, heartbeatEvery) {
			if err := w.KeepAlive(ctx); err != nil && ctx.Err() == nil {
				r.Log.Warn("a unit could not be extended", "batch", w.Unit().Batch, "image", w.Unit().N, "err", err)
			}
		}
	}()
	return h
}

// sleep waits for d. It returns false, and earlier, when ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// read processes one image, from a unit of work to its rows in the store. It returns nil when the unit is finished,
// whether the image was read, failed, or was removed, and an error when the unit must be delivered again.
func (r *Runner) read(ctx context.Context, f *inflight) error {
	for {
		wait, err := r.readOnce(ctx, f)
		if err != nil || wait < 0 {
			return err
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

// readOnce makes one attempt. It returns the wait before the next one, or a negative time when the unit is finished. Until the
// gate lets the image in, the image keeps its status and is not claimed: it is not one of those in work.
func (r *Runner) readOnce(ctx context.Context, f *inflight) (time.Duration, error) {
	if !r.setPhase(ctx, f, queued) {
		return -1, ctx.Err()
	}
	leave, err := r.gate.enter(ctx, f.unit.Batch, r.atOnce(f.unit.Batch))
	if err != nil {
		return -1, err
	}
	defer leave()
	r.choose(f)
	b, m, err := r.claim(ctx, f)
	if err != nil || m == nil {
		return -1, err
	}
	fault.At(fault.ImageTaken)
	try := &attempt{runner: r, batch: b, inflight: f, tries: m.Tries, readAs: b.ReadAsOf(m)}
	if taken, err := try.reuse(ctx, m); taken || err != nil {
		return -1, err
	}
	reading, err := try.run(ctx, m)
	leave() // the next call does not wait until this result is stored
	fault.At(fault.TryRead)
	switch {
	case !r.setPhase(ctx, f, committing):
		return -1, try.abort(ctx)
	case try.saveErr != nil:
		return -1, try.saveErr
	}
	wait, err := try.finish(ctx, reading, err)
	fault.At(fault.TryKept)
	return wait, err
}

// claim claims the image for the unit and sets its status to processing or retrying. It also ends an attempt that a dead
// process left open. A nil image means that the unit is no longer valid and can be dropped.
func (r *Runner) claim(ctx context.Context, f *inflight) (*batch.Batch, *batch.Image, error) {
	b, err := r.Repository.Batch(ctx, f.unit.Batch)
	if errs.Is(err, errs.NotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if r.Progress.Shown(b).Status == batch.Paused && !b.Over() {
		return nil, nil, errPaused
	}
	valid := false
	m, err := r.update(ctx, f, func(m *batch.Image) bool {
		valid = !b.Over() && m.CanClaim(f.unit)
		if !valid {
			return false
		}
		stopped := closeOpenAttempt(m, time.Now().UTC())
		if m.SetAside() {
			valid = false
			fail(m, "Reading this picture stopped the program three times, so it was set aside. "+
				"Check the picture, or take a new photo of the sheet; you can retry it.", time.Now().UTC())
			return true
		}
		status := batch.Processing
		if m.Tries > 0 {
			status = batch.Retrying
		}
		changed := stopped || m.Status != status || !m.NotBefore.IsZero() || m.Lease != f.unit.Lease()
		m.Status, m.NotBefore, m.Lease = status, time.Time{}, f.unit.Lease()
		return changed
	})
	if errs.Is(err, errs.NotFound) || err == nil && !valid {
		return nil, nil, nil
	}
	return b, m, err
}

// update applies apply to the stored image until the compare-and-swap succeeds; apply returns false to leave the image as it is.
// The state that it found goes into the index at once, so that this process does not select an image again that it cannot
// claim. Before a change that makes the image final, the phase is set to committing: the change comes back through Changes and
// must not cancel the worker that made it.
func (r *Runner) update(ctx context.Context, f *inflight, apply func(*batch.Image) bool) (*batch.Image, error) {
	m, err := r.Batches.UpdateImage(ctx, f.unit.Batch, f.n, func(m *batch.Image) (bool, error) {
		switch {
		case !apply(m):
			return false, nil
		case m.Status.Final() && !r.setPhase(ctx, f, committing):
			return false, ctx.Err()
		}
		return true, nil
	})
	if err != nil {
		r.dropMissing(f, err)
		return nil, err
	}
	r.upsert(m)
	return m, nil
}

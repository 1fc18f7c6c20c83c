// Package extract runs the work: it takes units from the queue, finds each a slot, and leads one image through its
// life (read.go). What a failure means for the image is decided in one place (verdict.go).
package extract

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
	"sheetlift/internal/work"
)

const (
	heartbeat = 10 * time.Second // a third of the 30 s after which the queue takes a unit back
	sweep     = time.Minute      // how often started batches are checked for work that got lost
	backoff   = time.Second      // after an error of the store
)

// Deps is what the runner works with.
type Deps struct {
	Batches    *batch.Service
	Board      *batch.Board
	Repository batch.Repository
	Queue      batch.Queue
	Pictures   batch.Pictures
	Changes    batch.Changes
	Engines    map[string]engine.Engine // by name
	Readings   batch.Readings           // what was read for other batches; nil for none
	Reuse      time.Duration            // how old such a reading may be; 0 for none
	Version    string                   // of the program: another one may understand the same answer otherwise
	Samples    *Samples                 // what was read of drafts already; nil for none
	Offline    string                   // the name of the engine that reads what another one gave up; "" for none
	Slots      int                      // images in hand in this process, over all batches
	Grace      time.Duration            // how long running images may go on when Run's context ends
	Log        *slog.Logger

	// Crowded reports whether what is read has to wait because the disk is full; waiting says whether it waits already.
	// nil is never.
	Crowded func(waiting bool) bool
}

// Runner reads the images of all started batches. Any number of processes may run one over the same store.
type Runner struct {
	Deps
	pool    *work.Pool
	closing sync.WaitGroup // lanes on their way out
	jitter  func(time.Duration) time.Duration

	mu     sync.Mutex
	hands  map[*hand]bool            // what is being read here
	seen   map[batch.ID]*batch.Batch // changed since the loop looked
	due    map[place]time.Time       // images that wait for their time
	lines  map[batch.ID]*line        // who goes next, of the batches that are read here
	wakeUp chan struct{}
}

type place struct {
	id batch.ID
	n  int
}

// New returns a runner; Run starts it.
func New(d Deps) *Runner {
	return &Runner{
		Deps: d, pool: work.New(d.Slots), jitter: fullJitter,
		hands: map[*hand]bool{}, seen: map[batch.ID]*batch.Batch{}, due: map[place]time.Time{},
		lines: map[batch.ID]*line{}, wakeUp: make(chan struct{}, 1),
	}
}

// fullJitter returns a random time up to d.
func fullJitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d + 1)
}

// Run reads until ctx ends, then lets running images go on for the grace, gives the rest back and returns.
func (r *Runner) Run(ctx context.Context) error {
	unsubscribe, err := r.Changes.Subscribe(ctx, r.see)
	if err != nil {
		return err
	}
	defer unsubscribe()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.steer(gctx) })
	g.Go(func() error { return r.conclude(gctx) })
	g.Go(func() error { return r.hold(gctx) })
	err = g.Wait()

	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Grace)
	defer cancel()
	r.pool.Close(grace)
	return err
}

// offline is the engine that reads what another one gave up, if it is there.
func (r *Runner) offline() string {
	if r.Engines[r.Offline] == nil {
		return ""
	}
	return r.Offline
}

// see notes what changed; it must not block.
func (r *Runner) see(c batch.Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.letGo(c)
	if l := r.lines[c.ID]; l != nil && c.N > 0 {
		l.see(c)
	}
	switch {
	case c.N == 0 && c.Gone:
		r.seen[c.ID] = nil
	case c.N == 0:
		r.seen[c.ID] = c.Batch
	case c.Image != nil && c.Image.Status == batch.Retrying && !c.Image.NotBefore.IsZero():
		r.due[place{c.ID, c.N}] = c.Image.NotBefore
	default:
		delete(r.due, place{c.ID, c.N})
		return
	}
	select {
	case r.wakeUp <- struct{}{}:
	default:
	}
}

// steer opens a lane for each batch that is to be read, closes it when it is not, and queues what waited for its time.
func (r *Runner) steer(ctx context.Context) error {
	lanes := map[batch.ID]*lane{}
	defer r.closing.Wait()
	defer func() {
		for _, l := range lanes {
			r.closing.Go(l.stop) // side by side: each may wait a second for what is on its way
		}
	}()
	sweeps := time.NewTicker(sweep)
	defer sweeps.Stop()
	for {
		for id, b := range r.changed() {
			r.adjust(ctx, lanes, id, b)
		}
		next := time.NewTimer(r.queueDue(ctx))
		select {
		case <-ctx.Done():
			next.Stop()
			return nil
		case <-r.wakeUp:
		case <-next.C:
		case <-sweeps.C:
			r.sweep(ctx)
		}
		next.Stop()
	}
}

func (r *Runner) changed() map[batch.ID]*batch.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := r.seen
	r.seen = map[batch.ID]*batch.Batch{}
	return changed
}

func (r *Runner) adjust(ctx context.Context, lanes map[batch.ID]*lane, id batch.ID, b *batch.Batch) {
	reads := b != nil && b.Reads()
	l := lanes[id]
	if l != nil && (!reads || l.atOnce != b.Options.AtOnce || l.priority != priorityOf(b)) {
		old, over := l, b == nil || b.Status.Final() || b.Cancel
		r.closing.Go(func() { r.close(ctx, old, id, over) })
		delete(lanes, id)
		l = nil
	}
	if !reads {
		r.disperse(id)
		return
	}
	r.lineUp(b)
	if l == nil {
		lanes[id] = r.open(ctx, b)
	}
}

func priorityOf(b *batch.Batch) work.Priority { return work.Priority(b.Priority.Level()) }

// close stops a lane; of a batch that is over it forgets the queue, too. A batch that was begun again while its lane closed
// keeps it: what is in hand would otherwise be handed out once more, and paid for twice. Should that happen between looking
// and dropping, its new lane finds its queue gone and fills it anew.
func (r *Runner) close(ctx context.Context, l *lane, id batch.ID, over bool) {
	l.stop()
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

// queueDue queues the images whose time has come and returns how long until the next one is due.
func (r *Runner) queueDue(ctx context.Context) time.Duration {
	next := time.Hour
	var ready []place
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
	for _, p := range ready {
		err := r.Batches.Queue(ctx, p.id, p.n)
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

// sweep puts lost work back and ends batches whose end nobody noticed.
func (r *Runner) sweep(ctx context.Context) {
	for _, id := range r.Board.Active() {
		err := r.refill(ctx, id)
		if err == nil {
			_, err = r.Batches.Conclude(ctx, id)
		}
		if err != nil && ctx.Err() == nil {
			r.Log.Warn("a started batch could not be checked", "batch", id, "err", err)
		}
	}
}

// refill puts lost work back and notes which images wait for their time: those that another process was waiting for
// when it ended. What a change told of an image meanwhile is newer and stays.
func (r *Runner) refill(ctx context.Context, id batch.ID) error {
	images, err := r.Batches.Refill(ctx, id)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range images {
		if l := r.lines[id]; l != nil {
			l.put(m)
		}
		if p := (place{id, m.N}); m.NotBefore.After(time.Now()) && !m.Status.Final() && r.due[p].IsZero() {
			r.due[p] = m.NotBefore
		}
	}
	select {
	case r.wakeUp <- struct{}{}:
	default:
	}
	return err
}

// conclude ends batches whose images are all final.
func (r *Runner) conclude(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-r.Board.Settled():
			if _, err := r.Batches.Conclude(ctx, id); err != nil && ctx.Err() == nil && !errs.Is(err, errs.NotFound) {
				r.Log.Error("a finished batch could not be ended; the next sweep tries again", "batch", id, "err", err)
			}
		}
	}
}

// lane fetches the work of one batch.
type lane struct {
	atOnce   int
	priority work.Priority
	cancel   context.CancelFunc
	ended    chan struct{}
}

func (l *lane) stop() {
	l.cancel()
	<-l.ended
}

// open starts the lane of b; stop ends it.
func (r *Runner) open(ctx context.Context, b *batch.Batch) *lane {
	ctx, cancel := context.WithCancel(ctx)
	l := &lane{atOnce: b.Options.AtOnce, priority: priorityOf(b), cancel: cancel, ended: make(chan struct{})}
	go func() { // owned by the lane: stop waits for it
		defer close(l.ended)
		for ctx.Err() == nil {
			err := r.fetch(ctx, b)
			if err != nil && ctx.Err() == nil {
				r.Log.Warn("fetching work failed; trying again", "batch", b.ID, "err", err)
				pause(ctx, backoff)
			}
		}
	}()
	return l
}

// fetch hands units to the pool, one at a time, so that batches take turns at the slots.
func (r *Runner) fetch(ctx context.Context, b *batch.Batch) error {
	if err := r.refill(ctx, b.ID); err != nil {
		return err
	}
	queue, err := r.Queue.Open(ctx, b.ID, b.Options.AtOnce)
	if err != nil {
		return err
	}
	defer queue.Close()
	for {
		w, err := queue.Next(ctx)
		if err != nil {
			return err
		}
		beat := r.keep(w)
		err = r.pool.Go(ctx, string(b.ID), priorityOf(b), func(base context.Context) {
			defer beat.stop()
			r.serve(base, w, priorityOf(b))
		})
		if err != nil {
			beat.stop()
			return errors.Join(err, r.giveBack(ctx, w, 0))
		}
	}
}

// serve reads one image in the turn of a unit, after those that go before it, and settles the unit.
func (r *Runner) serve(ctx context.Context, w batch.Work, p work.Priority) {
	u := w.Unit()
	for {
		n := r.next(u)
		if err := r.one(ctx, u, n, p); err != nil {
			r.unserved(ctx, w, n, err)
			return
		}
		if n == u.N {
			break
		}
		fault.At(fault.TurnLent)
	}
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWrite)
	defer cancel()
	if err := w.Done(done); err != nil {
		r.Log.Warn("a finished unit could not be removed; it is dropped when it comes back", "batch", u.Batch, "image", u.N, "err", err)
	}
	fault.At(fault.UnitDone)
}

// one reads one image in the turn of a unit.
func (r *Runner) one(ctx context.Context, u batch.Unit, n int, p work.Priority) error {
	h, ctx := r.grasp(ctx, u, n, p)
	defer r.drop(h)
	if err := r.read(ctx, h); err != nil {
		if ctx.Err() != nil {
			return errCut
		}
		return err
	}
	if err := r.Batches.Follow(ctx, u.Batch, n); err != nil && !errs.Is(err, errs.NotFound) {
		r.Log.Warn("the same picture could not be queued; the next sweep does it", "batch", u.Batch, "image", n, "err", err)
	}
	return nil
}

// unserved gives a unit back whose image could not be read now.
func (r *Runner) unserved(ctx context.Context, w batch.Work, n int, err error) {
	switch {
	case errors.Is(err, errCut):
		_ = r.giveBack(ctx, w, 0)
	case errors.Is(err, errHeld):
		_ = r.giveBack(ctx, w, backoff)
	default:
		r.Log.Error("an image could not be worked on; trying again", "batch", w.Unit().Batch, "image", n, "err", err)
		_ = r.giveBack(ctx, w, 5*backoff)
	}
}

func (r *Runner) giveBack(ctx context.Context, w batch.Work, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWrite)
	defer cancel()
	err := w.Back(ctx, d)
	fault.At(fault.UnitBack)
	return err
}

// beat tells the queue that a unit is still in hand.
type beat struct {
	end   context.CancelFunc
	ended chan struct{}
}

func (b *beat) stop() {
	b.end()
	<-b.ended
}

func (r *Runner) keep(w batch.Work) *beat {
	ctx, cancel := context.WithCancel(context.Background())
	b := &beat{end: cancel, ended: make(chan struct{})}
	go func() { // owned by the beat: stop waits for it
		defer close(b.ended)
		for pause(ctx, heartbeat) {
			if err := w.Extend(ctx); err != nil && ctx.Err() == nil {
				r.Log.Warn("a unit could not be extended", "batch", w.Unit().Batch, "image", w.Unit().N, "err", err)
			}
		}
	}()
	return b
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

package batchtest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// unitQueue is the queue of one batch, until it is dropped.
type unitQueue struct {
	units   []batch.Unit
	inHand  map[batch.Unit]bool
	atOnce  int
	dropped bool
}

// Add implements batch.Queue.
func (w *World) Add(ctx context.Context, units []batch.Unit) error {
	for _, u := range units {
		if err := checkUnit(u); err != nil {
			return err
		}
	}
	if err := cmp.Or(ended(ctx), w.fail("add work")); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range units {
		l := w.queue(u.Batch)
		if !l.inHand[u] && !slices.Contains(l.units, u) {
			l.units = append(l.units, u)
			w.added[u] = time.Now()
		}
	}
	w.wake()
	return nil
}

func checkUnit(u batch.Unit) error {
	if !u.Batch.Valid() || u.N < 1 || u.Generation < 0 {
		return errs.New(errs.Invalid, "%v is not a unit of work.", u)
	}
	return nil
}

func (w *World) queue(id batch.ID) *unitQueue {
	if w.queues[id] == nil {
		w.queues[id] = &unitQueue{inHand: map[batch.Unit]bool{}, atOnce: 1}
	}
	return w.queues[id]
}

// wake wakes the consumers that wait for work.
func (w *World) wake() {
	close(w.wait)
	w.wait = make(chan struct{})
}

// Open implements batch.Queue.
func (w *World) Open(ctx context.Context, id batch.ID, atOnce int) (batch.Consumer, error) {
	if err := cmp.Or(ended(ctx), checkID(id)); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.queue(id)
	l.atOnce = max(1, atOnce)
	w.wake()
	return &opened{w: w, l: l, quit: make(chan struct{})}, nil
}

// Drop implements batch.Queue.
func (w *World) Drop(ctx context.Context, id batch.ID) error {
	if err := cmp.Or(ended(ctx), checkID(id)); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.queues[id]; l != nil {
		l.dropped = true
		delete(w.queues, id)
		w.wake()
	}
	return nil
}

// Queued returns how many units of a batch are queued or in flight.
func (w *World) Queued(id batch.ID) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.queue(id)
	return len(l.units) + len(l.inHand)
}

// Crash returns every unit in flight to the queue, as the end of a process does.
func (w *World) Crash() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.queues {
		for u := range l.inHand {
			l.units = append(l.units, u)
		}
		l.inHand = map[batch.Unit]bool{}
	}
	w.wake()
}

// opened is the consumer of one process.
type opened struct {
	w      *World
	l      *unitQueue
	quit   chan struct{} // closed by Close
	closed bool
}

// Next implements batch.Consumer.
func (o *opened) Next(ctx context.Context) (batch.Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		work, wait, err := o.take()
		if work != nil || err != nil {
			return work, err
		}
		select {
		case <-wait:
		case <-o.quit:
		case <-ctx.Done():
		}
	}
}

// take returns the next unit, or a channel that is closed when it is worth asking again.
func (o *opened) take() (batch.Delivery, <-chan struct{}, error) {
	o.w.mu.Lock()
	defer o.w.mu.Unlock()
	switch {
	case o.closed:
		return nil, nil, errs.New(errs.Unavailable, "Work on this batch was stopped here.")
	case o.l.dropped:
		return nil, nil, errs.New(errs.NotFound, "The work of this batch was dropped.")
	case len(o.l.units) == 0 || len(o.l.inHand) >= o.l.atOnce:
		return nil, o.w.wait, nil
	}
	u := o.l.units[0]
	o.l.units = o.l.units[1:]
	o.l.inHand[u] = true
	return &taken{o.w, o.l, u}, nil, nil
}

// Close implements batch.Consumer.
func (o *opened) Close() {
	o.w.mu.Lock()
	defer o.w.mu.Unlock()
	if !o.closed {
		o.closed = true
		close(o.quit)
	}
}

type taken struct {
	w *World
	l *unitQueue
	u batch.Unit
}

// Unit implements batch.Delivery.
func (t *taken) Unit() batch.Unit { return t.u }

// KeepAlive implements batch.Delivery.
func (t *taken) KeepAlive(ctx context.Context) error { return ended(ctx) }

// Ack implements batch.Delivery.
func (t *taken) Ack(ctx context.Context) error {
	if err := ended(ctx); err != nil {
		return err
	}
	t.put(false)
	return nil
}

// Nack implements batch.Delivery.
func (t *taken) Nack(ctx context.Context, d time.Duration) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if d > 0 {
		time.AfterFunc(d, func() { t.put(true) })
		return nil
	}
	t.put(true)
	return nil
}

func (t *taken) put(back bool) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	if t.l.inHand[t.u] {
		delete(t.l.inHand, t.u)
		if back {
			t.l.units = append(t.l.units, t.u)
		}
	}
	t.w.wake()
}

// Package work is the pool of goroutines that do the work: a fixed number of slots, handed out by priority and, within
// one, in the order of asking; an end with grace. It knows nothing of what is done in them.
package work

import (
	"context"
	"errors"
	"sync"
)

// Priority orders those who wait for a slot; a higher one goes first.
type Priority int

// The priorities.
const (
	Low    Priority = -1
	Normal Priority = 0
	High   Priority = 1
)

// ErrClosed is returned to those who ask a pool that takes no more work.
var ErrClosed = errors.New("work: the pool is closed")

// Pool runs functions in goroutines, at most Slots at a time. A function's context ends when the grace of Close is
// over, not when the one who handed it in is gone.
type Pool struct {
	base   context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	free    int
	closed  bool
	waiting []*waiter // by priority, then by time of asking
}

type waiter struct {
	priority Priority
	granted  chan struct{} // closed when the slot is the waiter's, or the pool is closed
	refused  bool
}

// New returns a pool with the given number of slots, at least one. Close must be called.
func New(slots int) *Pool {
	base, cancel := context.WithCancel(context.Background())
	return &Pool{base: base, cancel: cancel, free: max(slots, 1)}
}

// Go waits for a slot and then runs f in it, returning as soon as f is started. It returns ctx's error when ctx ends
// first and ErrClosed once Close was called. One who hands in one function at a time shares the slots fairly with all
// others of its priority.
func (p *Pool) Go(ctx context.Context, priority Priority, f func(context.Context)) error {
	if err := p.acquire(ctx, priority); err != nil {
		return err
	}
	p.done.Go(func() {
		defer p.release()
		f(p.base)
	})
	return nil
}

func (p *Pool) acquire(ctx context.Context, priority Priority) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ErrClosed
	}
	if p.free > 0 && len(p.waiting) == 0 {
		p.free--
		p.mu.Unlock()
		return nil
	}
	w := &waiter{priority: priority, granted: make(chan struct{})}
	p.insert(w)
	p.mu.Unlock()
	select {
	case <-w.granted:
	case <-ctx.Done():
		return p.giveUp(w, ctx.Err())
	}
	if w.refused {
		return ErrClosed
	}
	return nil
}

// insert puts w behind those of its own priority and before those of a lower one.
func (p *Pool) insert(w *waiter) {
	at := len(p.waiting)
	for at > 0 && p.waiting[at-1].priority < w.priority {
		at--
	}
	p.waiting = append(p.waiting, nil)
	copy(p.waiting[at+1:], p.waiting[at:])
	p.waiting[at] = w
}

// giveUp takes w out of the queue; a slot granted at the same moment goes to the next.
func (p *Pool) giveUp(w *waiter, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.waiting {
		if other == w {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			return err
		}
	}
	if w.refused {
		return ErrClosed
	}
	p.next()
	return err
}

func (p *Pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next()
}

// next hands a slot that became free to the first who waits.
func (p *Pool) next() {
	if len(p.waiting) == 0 {
		p.free++
		return
	}
	w := p.waiting[0]
	p.waiting = p.waiting[1:]
	close(w.granted)
}

// Close takes no more work, waits until ctx ends for what runs, then ends the functions' context and waits for them to
// return. It may be called twice, and at the same time; each call returns when all work has returned.
func (p *Pool) Close(ctx context.Context) {
	p.mu.Lock()
	p.closed = true
	for _, w := range p.waiting {
		w.refused = true
		close(w.granted)
	}
	p.waiting = nil
	p.mu.Unlock()

	idle := make(chan struct{})
	go func() { // owned: it ends with the work, which Close waits for
		p.done.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-ctx.Done():
	}
	p.cancel()
	<-idle
}

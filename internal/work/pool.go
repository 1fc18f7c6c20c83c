// Package work is the goroutine pool: a fixed number of slots, granted by priority and fairly between groups of the
// same priority, and a graceful shutdown. It knows nothing of the work done in the slots.
package work

import (
	"context"
	"errors"
	"sync"
)

// Priority orders callers that wait for a slot; a higher one goes first.
type Priority int

// The priorities.
const (
	Low    Priority = -1
	Normal Priority = 0
	High   Priority = 1
)

// ErrClosed means that the pool takes no more work.
var ErrClosed = errors.New("work: the pool is closed")

// reservedShare: one slot in this many is reserved for groups that hold few. One large group may hold the others.
const reservedShare = 9

// Pool runs functions in goroutines, in a limited number of slots. A function's context ends when the grace period
// of Close is over, not when the caller of Go ends.
type Pool struct {
	base    context.Context
	cancel  context.CancelFunc
	closing context.Context
	refuse  context.CancelFunc
	slots   *FairSemaphore

	mu   sync.Mutex // orders done against Close
	done sync.WaitGroup
}

// New returns a pool with the given number of slots, at least one. Close must be called.
func New(slots int) *Pool {
	p := &Pool{slots: NewFairSemaphore(slots, slots/reservedShare)}
	p.base, p.cancel = context.WithCancel(context.Background())
	p.closing, p.refuse = context.WithCancel(context.Background())
	return p
}

// Go waits for a slot, starts f in it and returns. It returns ctx's error when ctx ends first, and ErrClosed once
// Close was called. Groups share the slots fairly with all others of their priority.
func (p *Pool) Go(ctx context.Context, group string, priority Priority, f func(context.Context)) error {
	waiting, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(p.closing, end)()
	if err := p.slots.Enter(waiting, group, priority); err != nil {
		if p.closing.Err() != nil {
			return ErrClosed
		}
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing.Err() != nil {
		p.slots.Leave(group)
		return ErrClosed
	}
	p.done.Go(func() {
		defer p.slots.Leave(group)
		f(p.base)
	})
	return nil
}

// Close refuses new work, waits for running functions until ctx ends, then cancels their context and waits for them
// to return. It may be called twice, and concurrently; each call returns when all work has returned.
func (p *Pool) Close(ctx context.Context) {
	p.mu.Lock()
	p.refuse()
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

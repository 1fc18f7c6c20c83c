// Package work is the pool of goroutines that do the work: a fixed number of slots, handed out by priority and, within
// one, by turns between groups; an end with grace. It knows nothing of what is done in them.
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

// keptShare is which part of the slots is kept for groups that have few of them: what one large batch may have is the
// rest.
const keptShare = 9

// Pool runs functions in goroutines, at most Slots at a time. A function's context ends when the grace of Close is
// over, not when the one who handed it in is gone.
type Pool struct {
	base    context.Context
	cancel  context.CancelFunc
	closing context.Context
	refuse  context.CancelFunc
	gate    *Gate

	mu   sync.Mutex // orders done against Close
	done sync.WaitGroup
}

// New returns a pool with the given number of slots, at least one. Close must be called.
func New(slots int) *Pool {
	p := &Pool{gate: NewGate(slots, slots/keptShare)}
	p.base, p.cancel = context.WithCancel(context.Background())
	p.closing, p.refuse = context.WithCancel(context.Background())
	return p
}

// Go waits for a slot and then runs f in it, returning as soon as f is started. It returns ctx's error when ctx ends
// first and ErrClosed once Close was called. Groups share the slots fairly with all others of their priority.
func (p *Pool) Go(ctx context.Context, group string, priority Priority, f func(context.Context)) error {
	waiting, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(p.closing, end)()
	if err := p.gate.Enter(waiting, group, priority); err != nil {
		if p.closing.Err() != nil {
			return ErrClosed
		}
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing.Err() != nil {
		p.gate.Leave(group)
		return ErrClosed
	}
	p.done.Go(func() {
		defer p.gate.Leave(group)
		f(p.base)
	})
	return nil
}

// Close takes no more work, waits until ctx ends for what runs, then ends the functions' context and waits for them to
// return. It may be called twice, and at the same time; each call returns when all work has returned.
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

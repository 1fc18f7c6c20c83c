package upkeep

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/retention"
)

// Clock runs time-driven work: it starts scheduled batches and erases expired ones. The due times are stored in the
// batches, so they survive every restart, and any number of machines may run a clock.
type Clock struct {
	retention *retention.Service
	log       *slog.Logger

	mu   sync.Mutex
	due  map[batch.ID]time.Time
	wake chan struct{}
}

const (
	// retryAfter is the delay after work failed or turned out not to be due.
	retryAfter = time.Minute
	// maxSleep bounds the sleep: the machine's clock may be changed meanwhile.
	maxSleep = time.Hour
)

// NewClock returns a clock; Run starts it.
func NewClock(deadlines *retention.Service, log *slog.Logger) *Clock {
	return &Clock{retention: deadlines, log: log, due: map[batch.ID]time.Time{}, wake: make(chan struct{}, 1)}
}

// Run follows changes and runs due work until ctx ends.
func (c *Clock) Run(ctx context.Context, changes batch.Changes) error {
	cancel, err := changes.Subscribe(ctx, c.onChange)
	if err != nil {
		return err
	}
	defer cancel()
	for {
		timer := time.NewTimer(c.runDue(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-c.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (c *Clock) onChange(ch batch.Change) {
	if ch.N != 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.due, ch.ID)
	if ch.Gone {
		return
	}
	if deadline, at := c.retention.NextDeadline(ch.Batch); deadline != retention.NoDeadline {
		c.due[ch.ID] = at
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

// runDue runs the due work and returns the time until the next.
func (c *Clock) runDue(ctx context.Context) time.Duration {
	now, next := time.Now(), maxSleep
	var ready []batch.ID
	c.mu.Lock()
	for id, at := range c.due {
		if wait := at.Sub(now); wait > 0 {
			next = min(next, wait)
		} else {
			ready = append(ready, id)
			c.due[id] = now.Add(retryAfter) // until a change sets another time
			next = min(next, retryAfter)
		}
	}
	c.mu.Unlock()
	for _, id := range ready {
		if err := c.retention.RunDue(ctx, id, now); err != nil && ctx.Err() == nil {
			c.log.Warn("due work of a batch failed; retrying", "batch", id, "err", err)
		}
	}
	return next
}

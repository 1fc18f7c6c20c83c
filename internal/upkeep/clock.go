package upkeep

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"sheetlift/internal/batch"
)

// Clock does what time asks for: it starts batches whose time has come and erases those that were kept long enough.
// What is due stands in the batches themselves, so it survives every restart, and any number of machines may have one.
type Clock struct {
	batches *batch.Service
	log     *slog.Logger

	mu   sync.Mutex
	due  map[batch.ID]time.Time
	stir chan struct{}
}

const (
	// again is when a duty that could not be done, or that turned out not to be due, is looked at again.
	again = time.Minute
	// lookAround is how long the clock sleeps at most: the machine's own clock may be set meanwhile.
	lookAround = time.Hour
)

// NewClock returns a clock; Run starts it.
func NewClock(batches *batch.Service, log *slog.Logger) *Clock {
	return &Clock{batches: batches, log: log, due: map[batch.ID]time.Time{}, stir: make(chan struct{}, 1)}
}

// Run follows changes and does what is due until ctx ends.
func (c *Clock) Run(ctx context.Context, changes batch.Changes) error {
	cancel, err := changes.Subscribe(ctx, c.see)
	if err != nil {
		return err
	}
	defer cancel()
	for {
		timer := time.NewTimer(c.work(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-c.stir:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (c *Clock) see(ch batch.Change) {
	if ch.N != 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.due, ch.ID)
	if ch.Gone {
		return
	}
	if duty, at := c.batches.Due(ch.Batch); duty != batch.NoDuty {
		c.due[ch.ID] = at
		select {
		case c.stir <- struct{}{}:
		default:
		}
	}
}

// work does what is due and returns how long until something else is.
func (c *Clock) work(ctx context.Context) time.Duration {
	now, next := time.Now(), lookAround
	var ready []batch.ID
	c.mu.Lock()
	for id, at := range c.due {
		if wait := at.Sub(now); wait > 0 {
			next = min(next, wait)
		} else {
			ready = append(ready, id)
			c.due[id] = now.Add(again) // until a change says otherwise
			next = min(next, again)
		}
	}
	c.mu.Unlock()
	for _, id := range ready {
		if err := c.batches.Do(ctx, id, now); err != nil && ctx.Err() == nil {
			c.log.Warn("what was due for a batch could not be done; trying again", "batch", id, "err", err)
		}
	}
	return next
}

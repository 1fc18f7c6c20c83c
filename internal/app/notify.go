package app

import (
	"context"
	"strconv"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/web"
)

// notifyAfter passes on each change of the store after Progress has seen it. Open pages draw a batch from Progress: a page that
// hears of a change before Progress would draw the old state and would not hear of the change again.
type notifyAfter struct {
	batch.Changes
	after func(batch.Change)
}

// Subscribe implements batch.Changes.
func (t notifyAfter) Subscribe(ctx context.Context, f func(batch.Change)) (cancel func(), err error) {
	return t.Changes.Subscribe(ctx, func(c batch.Change) {
		f(c)
		t.after(c)
	})
}

// notifyPages marks a change of the store on the feed.
func (a *App) notifyPages(c batch.Change) {
	item := ""
	if c.N > 0 {
		item = strconv.Itoa(c.N)
	}
	a.touch(item, web.LiveTopics(c.ID)...)
	a.wake()
}

// wake signals that the first page may have changed.
func (a *App) wake() {
	select {
	case a.moved <- struct{}{}:
	default: // a signal is pending already
	}
}

// notifyEvery is the minimum time between two updates of the open pages of keys and of batches: people cannot read more than
// two a second.
const notifyEvery = 500 * time.Millisecond

// notifyStartPages marks the first page on the feed after each signal of wake. Without open pages that costs nothing.
func (a *App) notifyStartPages(ctx context.Context) error {
	topics := web.StartTopics()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.moved:
		}
		a.touch("", topics...)
		sleep(ctx, notifyEvery)
	}
}

// touch marks an item of some topics as changed on the feed; the item "" is the head of the page alone.
func (a *App) touch(item string, topics ...string) {
	for _, topic := range topics {
		a.feed.Invalidate(topic, item)
	}
}

// sleep waits for d, or less when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

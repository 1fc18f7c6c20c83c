package app

import (
	"context"
	"strconv"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/web"
)

// told is the store's changes, each passed on when the board has seen it: what open pages show of a batch is drawn from the
// board, and whoever is told before it draws what was, and is not told again.
type told struct {
	batch.Changes
	after func(batch.Change)
}

// Subscribe implements batch.Changes.
func (t told) Subscribe(ctx context.Context, f func(batch.Change)) (cancel func(), err error) {
	return t.Changes.Subscribe(ctx, func(c batch.Change) {
		f(c)
		t.after(c)
	})
}

// tellPages marks on the feed what changed in the store.
func (a *App) tellPages(c batch.Change) {
	item := ""
	if c.N > 0 {
		item = strconv.Itoa(c.N)
	}
	a.touch(item, web.LiveTopics(c.ID)...)
	a.stir()
}

// stir says that the first page may show something else now.
func (a *App) stir() {
	select {
	case a.moved <- struct{}{}:
	default: // said already, and not heard yet
	}
}

// tellEvery is the least time between two words to the open pages of keys and of batches: more than two a second nobody
// can read.
const tellEvery = 500 * time.Millisecond

// tellStartPages marks on the feed when something about batches or keys changes. Where nobody looks that costs nothing.
func (a *App) tellStartPages(ctx context.Context) error {
	topics := web.StartTopics()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.moved:
		}
		a.touch("", topics...)
		rest(ctx, tellEvery)
	}
}

// touch marks an item of some topics as changed; the item "" means the head alone.
func (a *App) touch(item string, topics ...string) {
	for _, topic := range topics {
		a.feed.Touch(topic, item)
	}
}

// rest waits for d, or less when ctx ends.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

package store

import (
	"context"
	"strings"
	"sync"
	"time"

	"sheetlift/internal/batch"
)

// changeRoom is how many changes may wait for the goroutine that tells of them before the watches wait, too.
const changeRoom = 256

// changes tells all subscribers of the process from one watch of each bucket. The watches cost every writer a little,
// so they start with the first subscriber, and there is never a second pair.
type changes struct {
	s    *Store
	in   chan change
	asks chan func()   // run by the goroutine between two changes
	quit chan struct{} // closed by close
	done chan struct{} // closed when the goroutine is gone

	mu      sync.Mutex
	started bool
	closed  bool
	stops   []func()

	// Of the goroutine alone:
	batches map[batch.ID]*batch.Batch
	subs    map[int]func(batch.Change)
	next    int
	told    uint64                     // the newest revision of an image that all subscribers know of
	waiting map[uint64][]chan struct{} // closed when told has reached it
}

// catchUp is how long the word of a change may take to come back to whoever made it; it takes a millisecond.
const catchUp = time.Second

type change struct {
	doc
	image bool
}

func newChanges(s *Store) *changes {
	return &changes{
		s: s, in: make(chan change, changeRoom), asks: make(chan func()), quit: make(chan struct{}),
		done: make(chan struct{}), batches: map[batch.ID]*batch.Batch{}, subs: map[int]func(batch.Change){},
		waiting: map[uint64][]chan struct{}{},
	}
}

// Subscribe implements batch.Changes. Batches and images are watched each in their own order: a batch may be seen
// completed a moment before its last image. When a batch is gone, so are its images; they are not told one by one.
func (s *Store) Subscribe(ctx context.Context, f func(batch.Change)) (cancel func(), err error) {
	c := s.changes
	if err := c.start(ctx); err != nil {
		return nil, s.fail(ctx, err)
	}
	var id int
	err = c.ask(ctx, func() {
		for _, b := range c.batches {
			f(batch.Change{ID: b.ID, Batch: b})
		}
		id, c.next = c.next, c.next+1
		c.subs[id] = f
	})
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return func() {
		// Either the goroutine takes it out, or it is gone and calls nobody.
		_ = c.ask(context.Background(), func() { delete(c.subs, id) })
	}, nil
}

// CatchUp implements batch.Changes.
func (s *Store) CatchUp(ctx context.Context) error {
	c, upTo, told := s.changes, s.images.written.Load(), make(chan struct{})
	ctx, cancel := context.WithTimeout(ctx, catchUp)
	defer cancel()
	err := c.ask(ctx, func() {
		if c.told >= upTo {
			close(told)
			return
		}
		c.waiting[upTo] = append(c.waiting[upTo], told)
	})
	if err != nil {
		return s.fail(ctx, err)
	}
	select {
	case <-told:
		return nil
	case <-ctx.Done():
		return s.fail(ctx, ctx.Err())
	}
}

// reached notes what all subscribers know of.
func (c *changes) reached(rev uint64) {
	c.told = rev
	for upTo, all := range c.waiting {
		if upTo > rev {
			continue
		}
		for _, told := range all {
			close(told)
		}
		delete(c.waiting, upTo)
	}
}

// ask has the goroutine run f and waits until it has.
func (c *changes) ask(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	select {
	case c.asks <- func() { defer close(ran); f() }:
		<-ran
		return nil
	case <-c.done:
		return errClosed()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start loads the batches and begins to watch, once; a start that failed may be repeated.
func (c *changes) start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errClosed()
	}
	if c.started {
		return nil
	}
	afterBatch, err := c.s.batches.lastSeq(ctx)
	if err != nil {
		return err
	}
	afterImage, err := c.s.images.lastSeq(ctx)
	if err != nil {
		return err
	}
	docs, err := c.s.batches.load(ctx, "*")
	if err != nil {
		return err
	}
	clear(c.batches)
	for _, d := range docs {
		b, err := decodeBatch(d)
		if err != nil {
			return err
		}
		c.batches[b.ID] = b
	}
	for _, w := range []struct {
		b     *bucket
		after uint64
	}{{c.s.batches, afterBatch}, {c.s.images, afterImage}} {
		stop, err := w.b.watch(ctx, w.after, func(d doc) { c.take(change{d, w.b == c.s.images}) })
		if err != nil {
			c.stopWatches()
			return err
		}
		c.stops = append(c.stops, stop)
	}
	c.started = true
	go c.run() // owned by close, which waits for done
	return nil
}

func (c *changes) take(ch change) {
	select {
	case c.in <- ch:
	case <-c.quit:
	}
}

func (c *changes) run() {
	defer close(c.done)
	for {
		select {
		case <-c.quit:
			return
		case f := <-c.asks:
			f()
		case ch := <-c.in:
			if told, ok := c.change(ch); ok {
				for _, f := range c.subs {
					f(told)
				}
			}
			if ch.image {
				c.reached(ch.rev)
			}
		}
	}
}

// change makes of a document what subscribers are told, and keeps the copy of the batches.
func (c *changes) change(ch change) (batch.Change, bool) {
	if ch.image {
		if ch.gone {
			id, _, _ := strings.Cut(ch.key, ".")
			return batch.Change{ID: batch.ID(id), N: numberOf(ch.key), Gone: true}, true
		}
		ctx, cancel := context.WithTimeout(c.s.ctx, patience) // what stands aside may wait for an election
		defer cancel()
		m, err := c.s.decodeImage(ctx, ch.doc)
		if err != nil {
			// Replaced meanwhile: the newer change is on its way. Anything else every reader of the image will hear.
			c.s.log.Warn("store: a change of an image could not be read", "image", ch.key, "error", err)
			return batch.Change{}, false
		}
		return batch.Change{ID: m.Batch, N: m.N, Image: m}, true
	}
	id := batch.ID(ch.key)
	if ch.gone {
		_, known := c.batches[id]
		delete(c.batches, id)
		return batch.Change{ID: id, Gone: true}, known
	}
	if have := c.batches[id]; have != nil && have.Rev >= ch.rev {
		return batch.Change{}, false // it was in the load already
	}
	b, err := decodeBatch(ch.doc)
	if err != nil {
		c.s.log.Error("store: a change of a batch could not be read", "batch", ch.key, "error", err)
		return batch.Change{}, false
	}
	c.batches[id] = b
	return batch.Change{ID: id, Batch: b}, true
}

func (c *changes) stopWatches() {
	for _, stop := range c.stops {
		stop()
	}
	c.stops = nil
}

func (c *changes) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	close(c.quit)
	c.stopWatches()
	if !c.started {
		close(c.done)
	}
	<-c.done
}

package store

import (
	"context"
	"strings"
	"sync"
	"time"

	"sheetlift/internal/batch"
)

// changeRoom is the buffer between the watches and the goroutine that calls the subscribers; when it is full, the
// watches wait.
const changeRoom = 256

// changes delivers changes to all subscribers of the process from one watch per bucket. The watches cost every
// writer a little, so they start with the first subscriber and exist only once.
type changes struct {
	s     *Store
	in    chan change
	calls chan func()   // run by the goroutine between two changes
	quit  chan struct{} // closed by close
	done  chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	started bool
	closed  bool
	stops   []func()

	// Used by the goroutine only:
	batches   map[batch.ID]*batch.Batch
	subs      map[int]func(batch.Change)
	next      int
	delivered uint64                     // the newest image revision that all subscribers got
	waiting   map[uint64][]chan struct{} // closed when delivered has reached the revision
}

// catchUpTimeout bounds the time until a change comes back to the process that made it; it takes a millisecond.
const catchUpTimeout = time.Second

type change struct {
	doc
	image bool
}

func newChanges(s *Store) *changes {
	return &changes{
		s: s, in: make(chan change, changeRoom), calls: make(chan func()), quit: make(chan struct{}),
		done: make(chan struct{}), batches: map[batch.ID]*batch.Batch{}, subs: map[int]func(batch.Change){},
		waiting: map[uint64][]chan struct{}{},
	}
}

// Subscribe implements batch.Changes. Batches and images are watched separately, each in order: a batch may appear
// completed a moment before its last image. The removal of a batch includes its images; there is no change for each
// of them.
func (s *Store) Subscribe(ctx context.Context, f func(batch.Change)) (cancel func(), err error) {
	c := s.changes
	if err := c.start(ctx); err != nil {
		return nil, s.fail(ctx, err)
	}
	var id int
	err = c.do(ctx, func() {
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
		// Either the goroutine removes it, or it has ended and calls no subscriber.
		_ = c.do(context.Background(), func() { delete(c.subs, id) })
	}, nil
}

// CatchUp implements batch.Changes.
func (s *Store) CatchUp(ctx context.Context) error {
	c, upTo, delivered := s.changes, s.images.lastWritten.Load(), make(chan struct{})
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	if !c.watched() && ctx.Err() == nil {
		return nil
	}
	err := c.do(ctx, func() {
		if c.delivered >= upTo {
			close(delivered)
			return
		}
		c.waiting[upTo] = append(c.waiting[upTo], delivered)
	})
	if err != nil {
		return s.fail(ctx, err)
	}
	select {
	case <-delivered:
		return nil
	case <-ctx.Done():
		return s.fail(ctx, ctx.Err())
	}
}

// watched reports whether there was a subscription, or the store is closed.
func (c *changes) watched() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started || c.closed
}

// markDelivered records the newest revision that all subscribers got.
func (c *changes) markDelivered(rev uint64) {
	c.delivered = rev
	for upTo, all := range c.waiting {
		if upTo > rev {
			continue
		}
		for _, delivered := range all {
			close(delivered)
		}
		delete(c.waiting, upTo)
	}
}

// do runs f on the goroutine and waits for it.
func (c *changes) do(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	select {
	case c.calls <- func() { defer close(ran); f() }:
		<-ran
		return nil
	case <-c.done:
		return errClosed()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start loads the batches and opens the watches, once. It may be repeated after an error.
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
		stop, err := w.b.watch(ctx, w.after, func(d doc) { c.enqueue(change{d, w.b == c.s.images}) })
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

func (c *changes) enqueue(ch change) {
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
		case f := <-c.calls:
			f()
		case ch := <-c.in:
			if delivered, ok := c.change(ch); ok {
				for _, f := range c.subs {
					f(delivered)
				}
			}
			if ch.image {
				c.markDelivered(ch.rev)
			}
		}
	}
}

// change converts a document to the subscribers' form, and updates the copy of the batches.
func (c *changes) change(ch change) (batch.Change, bool) {
	if ch.image {
		if ch.gone {
			id, _, _ := strings.Cut(ch.key, ".")
			return batch.Change{ID: batch.ID(id), N: numberOf(ch.key), Gone: true}, true
		}
		ctx, cancel := context.WithTimeout(c.s.ctx, retryLimit) // offloaded rows may wait for an election
		defer cancel()
		m, err := c.s.decodeImage(ctx, ch.doc)
		if err != nil {
			// Replaced meanwhile: the newer change follows. Every reader of the image sees any other error.
			c.s.log.Warn("store: a change of an image could not be read", "image", ch.key, "err", err)
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
		return batch.Change{}, false // it was part of the load already
	}
	b, err := decodeBatch(ch.doc)
	if err != nil {
		c.s.log.Error("store: a change of a batch could not be read", "batch", ch.key, "err", err)
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

// Package live is what open browsers see change: a feed of topics, each with items that are marked when they change and
// rendered once for everybody who looks. It carries bytes and knows nothing of what they mean.
//
// Nothing is queued for a browser: each connection has the newest state of what it was not sent yet, and at most one
// event on its way. Whoever reads slowly gets fewer, newer events and slows nobody; whoever stops reading is cut off.
package live

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/r3labs/sse/v2"

	"sheetlift/internal/errs"
)

const (
	// interval is how long changes are gathered before they are rendered: a person does not see an eighth of a second,
	// and 1,000 changes a second become 8 events.
	interval = 120 * time.Millisecond
	// headEvery is how often the head goes with changed items at most: it sums up a page, and costs a browser as much as
	// fifty rows do.
	headEvery = 500 * time.Millisecond
	// heartbeat keeps proxies from cutting a silent connection; most do so after 60 s or 30 s.
	heartbeat = 15 * time.Second
	// writeLimit is how long a browser may not take what it is sent before it is cut off.
	writeLimit = 10 * time.Second
	// snapshotFrom is the number of waiting items from which one snapshot is cheaper than so many single ones.
	snapshotFrom = 400
	// retryAfter is how long a topic rests after a rendering that failed: the store needs a moment, the log too.
	retryAfter = 2 * time.Second
	// renderLimit bounds one rendering, so that a stuck store cannot hold a topic for ever.
	renderLimit = 10 * time.Second
)

// Source renders a topic. Each call sees the state at the time of the call or a later one.
type Source interface {
	// Snapshot renders everything; it replaces whatever a page shows.
	Snapshot(ctx context.Context) ([]byte, error)
	// Delta renders the items named, by item, and the head, which goes before them. An item may be left out.
	Delta(ctx context.Context, items []string) (byItem map[string][]byte, head []byte, err error)
}

// Options of a feed.
type Options struct {
	MaxConns int          // connections at once, over all topics; 0 is 5,000
	Log      *slog.Logger // nil is silent
}

// Feed carries changes to browsers. Touch and Serve may be called from anywhere; Run must be running for anything to
// be sent.
type Feed struct {
	log      *slog.Logger
	server   *sse.Server
	maxConns int
	dirty    chan struct{} // something was touched
	life     context.Context
	stop     context.CancelFunc

	mu     sync.Mutex
	closed bool
	count  int
	topics map[string]*topic // those that somebody looks at
}

type topic struct {
	conns     map[*conn]struct{}
	items     map[string]struct{} // touched since the last tick
	touched   bool
	rendering bool
	headed    time.Time     // when a head was sent last
	headDue   bool          // and one is held back
	turn      chan struct{} // held by who draws a snapshot: one at a time
	shot      *shot         // the snapshot that will be drawn next, if somebody asked for one
}

// New returns a feed.
func New(o Options) *Feed {
	if o.MaxConns == 0 {
		o.MaxConns = 5000
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	server := sse.New()
	server.AutoStream = true
	server.AutoReplay = false // it would keep every event for ever
	server.BufferSize = 1
	server.SplitData = true
	server.Headers = map[string]string{"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
	life, stop := context.WithCancel(context.Background())
	return &Feed{
		log: o.Log, server: server, maxConns: o.MaxConns, life: life, stop: stop,
		dirty: make(chan struct{}, 1), topics: map[string]*topic{},
	}
}

// Touch marks an item of a topic as changed; the item "" means the head alone. It never blocks. Call it after the
// change can be read.
func (f *Feed) Touch(name, item string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.topics[name]
	if t == nil {
		return
	}
	f.touch(t, item)
}

func (f *Feed) touch(t *topic, items ...string) {
	t.touched = true
	for _, item := range items {
		if item != "" {
			t.items[item] = struct{}{}
		}
	}
	select {
	case f.dirty <- struct{}{}:
	default:
	}
}

// Run renders what was touched until ctx ends; then it ends all connections, and later ones are refused.
func (f *Feed) Run(ctx context.Context) error {
	var renders sync.WaitGroup
	defer renders.Wait()
	defer f.close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.dirty:
		}
		f.mu.Lock()
		for _, t := range f.topics {
			if t.touched && !t.rendering {
				t.rendering = true
				renders.Go(func() { f.render(ctx, t) })
			}
		}
		f.mu.Unlock()
		tick := time.NewTimer(interval)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		tick.Stop()
	}
}

// render renders what was touched of a topic once and hands it to all connections.
func (f *Feed) render(ctx context.Context, t *topic) {
	f.mu.Lock()
	items := make([]string, 0, len(t.items))
	for item := range t.items {
		items = append(items, item)
	}
	clear(t.items)
	t.touched = false
	var src Source
	begun := make(map[*conn]uint64, len(t.conns)) // the snapshot that each had when this rendering began
	for c := range t.conns {
		src, begun[c] = c.src, c.generation()
	}
	f.mu.Unlock()

	var byItem map[string][]byte
	var head []byte
	var err error
	if src != nil && len(items) <= snapshotFrom {
		byItem, head, err = delta(ctx, src, items)
	}
	if err != nil && ctx.Err() == nil {
		f.log.Warn("a page could not be brought up to date; trying again", "err", err)
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
		}
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	t.rendering = false
	if err != nil {
		f.touch(t, items...)
		return
	}
	if f.holdsHead(t, len(items) > 0) {
		head = nil
	}
	late := false
	for c := range t.conns {
		generation, known := begun[c]
		switch {
		case len(items) > snapshotFrom:
			c.wantSnapshot()
		case !known || !c.merge(generation, byItem, head):
			late = true // a snapshot came in between, which may be older or newer than this
		}
	}
	switch {
	case late:
		f.touch(t, items...)
	case t.touched: // while it was rendered; the word for it may have been taken already
		f.touch(t)
	}
}

// holdsHead reports whether the head is left out this time, to come a moment later. One that comes alone is not held back:
// then it is what changed.
func (f *Feed) holdsHead(t *topic, items bool) bool {
	wait := headEvery - time.Since(t.headed)
	if !items || wait <= 0 {
		t.headed = time.Now()
		return false
	}
	if !t.headDue {
		t.headDue = true
		time.AfterFunc(wait, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			t.headDue = false
			f.touch(t)
		})
	}
	return true
}

func delta(ctx context.Context, src Source, items []string) (byItem map[string][]byte, head []byte, err error) {
	defer caught(&err)
	ctx, cancel := context.WithTimeout(ctx, renderLimit)
	defer cancel()
	return src.Delta(ctx, items)
}

func (f *Feed) add(name string, c *conn) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return errs.New(errs.Unavailable, "Sheetlift is stopping. Reload the page in a moment.")
	}
	if f.count >= f.maxConns {
		return errs.New(errs.Unavailable, "Too many pages are open. This one does not update by itself for now; reload it.")
	}
	f.count++
	t := f.topics[name]
	if t == nil {
		t = &topic{conns: map[*conn]struct{}{}, items: map[string]struct{}{}, turn: make(chan struct{}, 1)}
		f.topics[name] = t
	}
	c.topic = t
	t.conns[c] = struct{}{}
	return nil
}

func (f *Feed) remove(name string, c *conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count--
	t := f.topics[name]
	delete(t.conns, c)
	if len(t.conns) == 0 {
		delete(f.topics, name)
	}
}

func (f *Feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.stop()
	for _, t := range f.topics {
		for c := range t.conns {
			c.end()
		}
	}
}

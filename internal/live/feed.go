// Package live sends changes to open browsers: a feed of topics, each with items that are invalidated when they
// change and rendered once for all viewers. It carries bytes and does not interpret them.
//
// No queue is kept per browser: each connection holds the newest state not sent yet, and at most one event is being
// sent. A slow reader gets fewer, newer events and delays no other; a reader that stops is disconnected.
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
	// interval is how long changes are collected before they are rendered: a person does not notice an eighth of a
	// second, and 1,000 changes a second become 8 events.
	interval = 120 * time.Millisecond
	// headEvery is the minimum time between heads that are sent with changed items: the head summarises a page, and
	// costs a browser as much as fifty rows.
	headEvery = 500 * time.Millisecond
	// heartbeat keeps proxies from closing a silent connection; most do so after 60 s or 30 s.
	heartbeat = 15 * time.Second
	// writeLimit is how long a write to a browser may take before it is disconnected.
	writeLimit = 10 * time.Second
	// snapshotFrom is the number of waiting items from which one snapshot is cheaper than single items.
	snapshotFrom = 400
	// retryAfter is the pause of a topic after a failed rendering: the store needs a moment, and the log must not
	// flood.
	retryAfter = 2 * time.Second
	// renderLimit bounds one rendering, so that a stuck store cannot block a topic for ever.
	renderLimit = 10 * time.Second
)

// Source renders a topic. Each call sees the state at the time of the call or a later one.
type Source interface {
	// Snapshot renders everything; it replaces the content of the page.
	Snapshot(ctx context.Context) ([]byte, error)
	// Delta renders the named items, by item, and the head, which precedes them. An item may be left out.
	Delta(ctx context.Context, items []string) (byItem map[string][]byte, head []byte, err error)
}

// Options of a feed.
type Options struct {
	MaxConns int          // connections at once, over all topics; 0: 5,000
	Log      *slog.Logger // nil: silent
}

// Feed carries changes to browsers. Invalidate and Serve are safe for concurrent use; Run must be running for
// anything to be sent.
type Feed struct {
	log      *slog.Logger
	server   *sse.Server
	maxConns int
	dirty    chan struct{} // something was invalidated
	life     context.Context
	stop     context.CancelFunc

	mu     sync.Mutex
	closed bool
	count  int
	topics map[string]*topic // topics with connections
}

type topic struct {
	conns        map[*conn]struct{}
	items        map[string]struct{} // invalidated since the last tick
	dirty        bool
	rendering    bool
	headSent     time.Time     // time of the last head sent
	headDue      bool          // a delayed head is pending
	snapshotSlot chan struct{} // held while a snapshot is rendered: one at a time
	nextSnapshot *snapshotCall // the next snapshot to be rendered, if one was requested
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

// Invalidate marks an item of a topic as changed; the item "" means the head alone. It never blocks. Call it once
// the change can be read.
func (f *Feed) Invalidate(name, item string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.topics[name]
	if t == nil {
		return
	}
	f.invalidate(t, item)
}

// Refresh invalidates the head of a topic and sends it even if it is the one that was sent last: the pages may show another state
// meanwhile, from the answer to an act. Call it once that answer is rendered.
func (f *Feed) Refresh(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.topics[name]
	if t == nil {
		return
	}
	for c := range t.conns {
		c.forget()
	}
	f.invalidate(t)
}

func (f *Feed) invalidate(t *topic, items ...string) {
	t.dirty = true
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

// Run renders invalidated items until ctx ends; then it ends all connections, and later ones are refused.
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
			if t.dirty && !t.rendering {
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

// render renders the invalidated items of a topic once and passes them to all connections.
func (f *Feed) render(ctx context.Context, t *topic) {
	f.mu.Lock()
	items := make([]string, 0, len(t.items))
	for item := range t.items {
		items = append(items, item)
	}
	clear(t.items)
	t.dirty = false
	var src Source
	begun := make(map[*conn]uint64, len(t.conns)) // the generation of each connection when this rendering began
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
		f.log.Warn("rendering changes of a page failed; retrying", "err", err)
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
		}
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	t.rendering = false
	if err != nil {
		f.invalidate(t, items...)
		return
	}
	if f.delayHead(t, len(items) > 0) {
		head = nil
	}
	late := false
	for c := range t.conns {
		generation, known := begun[c]
		switch {
		case len(items) > snapshotFrom:
			c.wantSnapshot()
		case !known || !c.merge(generation, byItem, head):
			late = true // a snapshot overlapped, which may be older or newer than this
		}
	}
	switch {
	case late:
		f.invalidate(t, items...)
	case t.dirty: // during the rendering; its signal may have been consumed already
		f.invalidate(t)
	}
}

// delayHead reports whether to leave the head out now and send it a moment later. A head without items is not
// delayed: then it is the change.
func (f *Feed) delayHead(t *topic, items bool) bool {
	wait := headEvery - time.Since(t.headSent)
	if !items || wait <= 0 {
		t.headSent = time.Now()
		return false
	}
	if !t.headDue {
		t.headDue = true
		time.AfterFunc(wait, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			t.headDue = false
			f.invalidate(t)
		})
	}
	return true
}

func delta(ctx context.Context, src Source, items []string) (byItem map[string][]byte, head []byte, err error) {
	defer recoverTo(&err)
	ctx, cancel := context.WithTimeout(ctx, renderLimit)
	defer cancel()
	return src.Delta(ctx, items)
}

// ErrStopping is the answer to a stream that is opened while the program stops.
var ErrStopping error = errs.New(errs.Unavailable, "Sheetlift is stopping. Reload the page in a moment.")

func (f *Feed) add(name string, c *conn) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrStopping
	}
	if f.count >= f.maxConns {
		return errs.New(errs.Unavailable, "Too many pages are open. This one does not update by itself for now; reload it.")
	}
	f.count++
	t := f.topics[name]
	if t == nil {
		t = &topic{conns: map[*conn]struct{}{}, items: map[string]struct{}{}, snapshotSlot: make(chan struct{}, 1)}
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

// Stopping returns a channel that is closed when the feed ends its streams. Other requests that wait for changes end with it.
func (f *Feed) Stopping() <-chan struct{} { return f.life.Done() }

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

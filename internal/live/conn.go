package live

import (
	"bytes"
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/r3labs/sse/v2"
)

// conn is one open browser.
type conn struct {
	topic *topic
	src   Source
	end   context.CancelFunc
	wake  chan struct{}

	mu       sync.Mutex
	snapshot bool              // a snapshot is due
	gen      uint64            // snapshots begun
	busy     bool              // a snapshot is being rendered
	items    map[string][]byte // newest rendering of what was not sent yet
	head     []byte
	sent     []byte // the last head, or the snapshot after it: the same again is no news
}

// Serve sends a topic to one browser until it leaves, the feed ends, or it stops reading: first everything, then what
// changes. It returns an error only if nothing was sent. The caller has checked that this person may see the topic.
func (f *Feed) Serve(w http.ResponseWriter, r *http.Request, topic string, src Source) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c := &conn{src: src, end: cancel, wake: make(chan struct{}, 1), items: map[string][]byte{}, snapshot: true}
	// Known to the feed first, snapshot second: what changes in between is not lost.
	if err := f.add(topic, c); err != nil {
		return err
	}
	defer f.remove(topic, c)

	id := rand.Text()
	out := &acked{ResponseWriter: w, control: http.NewResponseController(w), end: cancel, sent: make(chan struct{}, 1)}
	var pump sync.WaitGroup
	pump.Go(func() {
		defer cancel()
		f.pump(ctx, c, id, out.sent)
	})
	// Which stream is ours to say, not the browser's; and no event is ever sent twice, so a last id means nothing.
	own := r.Clone(ctx)
	own.URL = &url.URL{Path: r.URL.Path, RawQuery: "stream=" + id}
	own.Header.Del("Last-Event-ID")
	f.server.ServeHTTP(out, own)
	cancel()
	pump.Wait()
	_ = out.control.SetWriteDeadline(time.Now().Add(writeLimit)) // the last one is over; the end of the answer needs one
	return nil
}

// pump sends one event at a time: the next one when the last was written to the connection.
func (f *Feed) pump(ctx context.Context, c *conn, id string, sent <-chan struct{}) {
	select { // the first flush says that the stream exists and we are on it
	case <-sent:
	case <-ctx.Done():
		return
	}
	beat := time.NewTimer(heartbeat)
	defer beat.Stop()
	for {
		event, err := f.next(ctx, c)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				f.log.Warn("a page could not be drawn; its browser connects again", "err", err)
			}
			return
		case event == nil:
			beat.Reset(heartbeat)
			select {
			case <-ctx.Done():
				return
			case <-c.wake:
				continue
			case <-beat.C:
				event = &sse.Event{Event: []byte("beat"), Data: []byte("still here")} // heard by the page, unlike a comment
			}
		}
		f.server.Publish(id, event)
		select {
		case <-sent:
		case <-ctx.Done():
			return
		}
	}
}

// next returns the event that brings the browser up to date, or nil if it is.
func (f *Feed) next(ctx context.Context, c *conn) (*sse.Event, error) {
	c.mu.Lock()
	if c.snapshot || len(c.items) > snapshotFrom {
		c.snapshot, c.busy = false, true
		c.gen++
		clear(c.items)
		c.head = nil
		c.mu.Unlock()
		data, err := f.snapshot(ctx, c.topic, c.src)
		c.mu.Lock()
		c.busy, c.sent = false, data
		c.mu.Unlock()
		return frame(data), err
	}
	defer c.mu.Unlock()
	if len(c.items) == 0 && len(c.head) == 0 {
		return nil, nil
	}
	data := bytes.Clone(c.head)
	for _, item := range slices.Sorted(maps.Keys(c.items)) {
		data = append(append(data, '\n'), c.items[item]...)
	}
	clear(c.items)
	c.head = nil
	return frame(data), nil
}

// frame is an event whose data cannot break out of it: a carriage return would end a line of the protocol.
func frame(data []byte) *sse.Event {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	data = bytes.Trim(data, "\n")
	if len(data) == 0 {
		return nil // an event without data ends all subscribers of its stream
	}
	return &sse.Event{Data: data}
}

// generation counts the snapshots begun; odd while one is being rendered.
func (c *conn) generation() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stamp()
}

func (c *conn) stamp() uint64 {
	if c.busy {
		return 2*c.gen + 1
	}
	return 2 * c.gen
}

// merge takes a rendering that began at the given generation. It refuses one that a snapshot began or ended beside,
// since nobody knows which of the two is newer.
func (c *conn) merge(generation uint64, byItem map[string][]byte, head []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy || c.stamp() != generation {
		return false
	}
	maps.Copy(c.items, byItem)
	if len(head) > 0 && !bytes.Equal(head, c.sent) {
		c.head, c.sent = head, head
	}
	if len(c.items)+len(c.head) > 0 { // who is woken for nothing starts to wait for the next heartbeat anew
		c.stir()
	}
	return true
}

func (c *conn) wantSnapshot() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshot = true
	c.stir()
}

func (c *conn) stir() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// acked gathers the many small writes of an event into one, bounds how long it may take, and says when it is done.
type acked struct {
	http.ResponseWriter
	control *http.ResponseController
	end     context.CancelFunc // of the connection
	buf     bytes.Buffer
	sent    chan struct{}
}

// Write gathers.
func (a *acked) Write(p []byte) (int, error) { return a.buf.Write(p) }

// Flush sends. A browser that does not take it in time loses its connection.
func (a *acked) Flush() {
	_ = a.control.SetWriteDeadline(time.Now().Add(writeLimit))
	_, err := a.ResponseWriter.Write(a.buf.Bytes())
	a.buf.Reset()
	if err != nil || a.control.Flush() != nil {
		a.end() // and no acknowledgement: nothing more goes this way
		return
	}
	select {
	case a.sent <- struct{}{}:
	default:
	}
}

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

// conn is the connection of one open page.
type conn struct {
	topic *topic
	src   Source
	end   context.CancelFunc
	wake  chan struct{}

	mu       sync.Mutex
	snapshot bool              // a snapshot is due
	gen      uint64            // number of snapshots begun
	busy     bool              // a snapshot is being rendered
	items    map[string][]byte // newest rendering of each item not sent yet
	head     []byte
	sent     []byte // the last head, or the snapshot after it; an identical one is not sent again
}

// Serve sends a topic to one browser until it disconnects, the feed ends, or it stops reading: first a snapshot,
// then changes. It returns an error only if nothing was sent. The caller has checked that this person may see the
// topic.
func (f *Feed) Serve(w http.ResponseWriter, r *http.Request, topic string, src Source) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c := &conn{src: src, end: cancel, wake: make(chan struct{}, 1), items: map[string][]byte{}, snapshot: true}
	// Registered first, snapshot second: no change in between is lost.
	if err := f.add(topic, c); err != nil {
		return err
	}
	defer f.remove(topic, c)

	id := rand.Text()
	out := &ackWriter{ResponseWriter: w, control: http.NewResponseController(w), end: cancel, sent: make(chan struct{}, 1)}
	var pump sync.WaitGroup
	pump.Go(func() {
		defer cancel()
		f.pump(ctx, c, id, out.sent)
	})
	// The server chooses the stream, not the browser; and no event is ever sent twice, so a last id has no meaning.
	own := r.Clone(ctx)
	own.URL = &url.URL{Path: r.URL.Path, RawQuery: "stream=" + id}
	own.Header.Del("Last-Event-ID")
	f.server.ServeHTTP(out, own)
	cancel()
	pump.Wait()
	_ = out.control.SetWriteDeadline(time.Now().Add(writeLimit)) // the last one has passed; ending the response needs one
	return nil
}

// pump sends one event at a time: the next one once the last was written to the connection.
func (f *Feed) pump(ctx context.Context, c *conn, id string, sent <-chan struct{}) {
	select { // the first flush means that the stream exists and the connection is subscribed
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
				f.log.Warn("rendering a page failed; the browser reconnects", "err", err)
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
				event = &sse.Event{Event: []byte("beat"), Data: []byte("still here")} // visible to the page, unlike a comment
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

// frame returns an event whose data cannot break out of it: a carriage return would end a line of the protocol.
func frame(data []byte) *sse.Event {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	data = bytes.Trim(data, "\n")
	if len(data) == 0 {
		return nil // an event without data ends all subscribers of its stream
	}
	return &sse.Event{Data: data}
}

// generation is twice the number of snapshots begun; odd while one is being rendered.
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

// merge adds a rendering that began at the given generation. It refuses one that overlaps a snapshot, since either
// may be the newer one.
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
	if len(c.items)+len(c.head) > 0 { // a needless wake-up would restart the wait for the heartbeat
		c.wakeUp()
	}
	return true
}

// forget lets the next head be sent also if it is the one that was sent last.
func (c *conn) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = nil
}

func (c *conn) wantSnapshot() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshot = true
	c.wakeUp()
}

func (c *conn) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// ackWriter buffers the many small writes of an event into one, bounds its duration, and signals when it is sent.
type ackWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	end     context.CancelFunc // of the connection
	buf     bytes.Buffer
	sent    chan struct{}
}

// Write buffers.
func (a *ackWriter) Write(p []byte) (int, error) { return a.buf.Write(p) }

// Flush sends the buffer. A browser that does not accept it in time loses its connection.
func (a *ackWriter) Flush() {
	_ = a.control.SetWriteDeadline(time.Now().Add(writeLimit))
	_, err := a.ResponseWriter.Write(a.buf.Bytes())
	a.buf.Reset()
	if err != nil || a.control.Flush() != nil {
		a.end() // and no acknowledgement: nothing more is sent on this connection
		return
	}
	select {
	case a.sent <- struct{}{}:
	default:
	}
}

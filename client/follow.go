package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// ErrDeleted is the end of following a batch that was deleted.
var ErrDeleted = errors.New("the batch was deleted")

// Event is a change of a batch: one of its fields is set.
type Event struct {
	Batch *Batch `json:"batch"`
	Image *Image `json:"image"`
	Gone  bool   `json:"gone"` // the batch was deleted
}

const (
	silence = 45 * time.Second // the server sends a beat every 15 s: a stream that is silent for so long is dead
	reopen  = time.Second      // between two openings of the stream
	maxLine = 16 << 20         // bytes of one line of the stream
)

// Follow calls each with every change of a batch until the batch has ended; the first events tell its state and that of all its
// images, and so do those after a lost connection. An error of each ends it. It returns ErrDeleted for a batch that was deleted, and
// nil for one that was canceled.
func (c *Client) Follow(ctx context.Context, id string, each func(Event) error) error {
	for {
		ended, err := c.follow(ctx, id, each)
		if ended || err != nil {
			return err
		}
		select {
		case <-time.After(reopen):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow reads one stream to its end. ended is false if the stream broke off before the batch ended.
func (c *Client) follow(ctx context.Context, id string, each func(Event) error) (ended bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	res, err := c.send(ctx, http.MethodGet, address(id, "/events"), map[string]string{"Accept": "text/event-stream"}, nil)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	dead := errors.New("no sign of life")
	watch := time.AfterFunc(silence, func() { cancel(dead) })
	defer watch.Stop()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for lines.Scan() {
		watch.Reset(silence)
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if data = strings.TrimSpace(data); !ok || !strings.HasPrefix(data, "{") {
			continue
		}
		var event Event
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			return false, err
		}
		if err := each(event); err != nil {
			return false, err
		}
		if event.Gone {
			return true, ErrDeleted
		}
		ended = ended || event.Batch != nil && event.Batch.Final()
		if ended {
			return c.settle(ctx, id, each)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return false, lines.Err()
	}
	if ctx.Err() != nil && context.Cause(ctx) != dead {
		return false, ctx.Err()
	}
	return false, nil // the connection was lost
}

// settle tells the final state of a batch that has ended and of its images: the stream may have ended before their lines.
func (c *Client) settle(ctx context.Context, id string, each func(Event) error) (bool, error) {
	images, err := c.Images(ctx, id)
	if err != nil {
		return true, err
	}
	for _, m := range images {
		if err := each(Event{Image: m}); err != nil {
			return true, err
		}
	}
	b, err := c.Batch(ctx, id)
	if err == nil {
		err = each(Event{Batch: b})
	}
	return true, err
}

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// markSign precedes the time of a change, in microseconds, in the text of the changed row.
const markSign = '@'

// crowd is a batch of many images in the running program, most of them read, that is held back so that a benchmark can
// change its images in the store as fast as it likes.
type crowd struct {
	p      *process
	id     batch.ID
	images []*batch.Image
}

// made is one change: which image, and when its save began.
type made struct {
	n  int
	at int64 // µs
}

// newCrowd has n sheets read by the simulated Gemini, and pauses before the end.
func newCrowd(b *testing.B, n int) *crowd {
	b.Helper()
	_, environ := fake(b, 6, 5*time.Millisecond)
	p := run(b, append(environ, "SHEETLIFT_DATA="+b.TempDir()+"/data")...)
	id := p.draft(b, sheets(n))
	waitFor(b, func() bool { // as a person does after the answer that the store is too busy to start so many images at once
		code, _ := p.act(b, "/batches/"+id+"/start", url.Values{"preset": {"inventory"}, "at_once": {"16"}, "retries": {"3"}})
		return code == http.StatusOK
	})
	waitFor(b, func() bool {
		_, s := p.get(b, "/batch-status/"+id)
		return s["completed_images"].(float64) > float64(n)*3/4
	})
	p.act(b, "/batches/"+id+"/pause", url.Values{})
	c := &crowd{p: p, id: batch.ID(id)}
	var err error
	if c.images, err = p.app.Store().Images(b.Context(), c.id); err != nil {
		b.Fatal(err)
	}
	rows := c.images[0].Rows
	for _, m := range c.images { // images that are read later get as many rows as those that are read
		if len(m.Rows) == 0 {
			m.Rows = rows
		}
	}
	return c
}

// change makes changes for so long, so many a second, to one image after the other in a mixed order, and returns those
// that were made. Eight at a time wait for the store.
func (c *crowd) change(b *testing.B, rate int, during time.Duration) []made {
	b.Helper()
	const hands = 8
	var mu sync.Mutex
	var all []made
	begun := time.Now()
	total := int(during.Seconds() * float64(rate))
	var group sync.WaitGroup
	for hand := range hands {
		group.Go(func() {
			for i := hand; i < total; i += hands {
				wait(b.Context(), time.Until(begun.Add(time.Duration(i)*time.Second/time.Duration(rate))))
				// Each hand has images of its own, and goes through them by a stride that misses none.
				change, err := c.mark(b.Context(), c.images[i/hands*37%(len(c.images)/hands)*hands+hand])
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				all = append(all, change)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	slices.SortFunc(all, func(x, y made) int { return int(x.at - y.at) })
	return all
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// mark saves the image in the next status of its life, with the instant where its row shows it.
func (c *crowd) mark(ctx context.Context, m *batch.Image) (made, error) {
	next := map[batch.Status]batch.Status{
		batch.Processing: batch.Retrying, batch.Retrying: batch.Completed, batch.Completed: batch.Processing,
	}[m.Status]
	if next == "" {
		next = batch.Processing
	}
	now := time.Now()
	text := string(markSign) + strconv.FormatInt(now.UnixMicro(), 10)
	last := batch.Attempt{N: 1, Engine: "gemini", Key: text, Started: now.Add(-time.Second)}
	if next != batch.Processing {
		last.Ended = now
	}
	if next == batch.Retrying {
		last.Why, last.Message = "busy", text
	}
	m.Status, m.Attempts, m.Tries = next, []batch.Attempt{last}, 1
	if m.Ended = (time.Time{}); next.Final() {
		m.Ended = now
	}
	err := c.p.app.Store().SaveImage(ctx, m)
	if errs.Is(err, errs.Conflict) { // the runner gave it back just now
		stored, err := c.p.app.Store().Image(ctx, c.id, m.N)
		if err != nil {
			return made{}, err
		}
		m.Rev = stored.Rev
		return c.mark(ctx, m)
	}
	return made{m.N, now.UnixMicro()}, err
}

// reader is a browser as far as its connection goes.
type reader struct {
	delays []time.Duration
	newest int64 // mark
	seen   map[int64]bool
	bytes  int
}

// read follows the batch until a mark from until on was seen, or the context ends. Marks from since on count.
func (r *reader) read(ctx context.Context, client *http.Client, address string, open func(), since, until *mark) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", res.Status)
	}
	buf, kept := make([]byte, 64<<10), 0
	for {
		n, err := res.Body.Read(buf[kept:])
		now := time.Now().UnixMicro()
		if r.bytes == 0 {
			open()
		}
		r.bytes += n
		n += kept
		kept = r.scan(buf[:n], now, since.get())
		if last := until.get(); last > 0 && r.newest >= last {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the stream ended: %w", err)
		}
		copy(buf, buf[n-kept:n])
	}
}

// markLength is that of the sign and the microseconds since 1970.
const markLength = 1 + 16

// scan notes the marks in data and returns how many bytes at its end may be the beginning of one.
func (r *reader) scan(data []byte, now, since int64) (kept int) {
	for i := 0; i < len(data); {
		at := slices.Index(data[i:], markSign)
		if at < 0 {
			return 0
		}
		i += at
		if len(data)-i < markLength {
			return len(data) - i
		}
		if mark, err := strconv.ParseInt(string(data[i+1:i+markLength]), 10, 64); err == nil {
			r.newest = max(r.newest, mark)
			if since > 0 && mark >= since && !r.seen[mark] { // a row may say it twice
				r.seen[mark] = true
				r.delays = append(r.delays, time.Duration(now-mark)*time.Microsecond)
			}
		}
		i++
	}
	return 0
}

// mark is an instant that is set once, while others look.
type mark struct {
	mu sync.Mutex
	at int64
}

func (m *mark) get() int64 { m.mu.Lock(); defer m.mu.Unlock(); return m.at }

func (m *mark) set(at int64) { m.mu.Lock(); defer m.mu.Unlock(); m.at = at }

// stuck opens a connection that asks for the live wire and reads nothing, ever.
func (c *crowd) stuck(b *testing.B) {
	b.Helper()
	host := strings.TrimPrefix(c.p.url, "http://")
	conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		b.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /batches/"+string(c.id)+"/events HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
		b.Fatal(err)
	}
}

// crowdOf follows the batch with so many readers while it changes, and returns how long each change took to each reader.
func (c *crowd) crowdOf(b *testing.B, readers, rate int, during time.Duration) (delays []time.Duration, bytes int) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: readers}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(b.Context(), during+time.Minute)
	defer cancel()
	all := make([]*reader, readers)
	var opened, group sync.WaitGroup
	var since, until mark
	for i := range all {
		all[i] = &reader{seen: map[int64]bool{}}
		opened.Add(1)
		group.Go(func() {
			err := all[i].read(ctx, client, c.p.url+"/batches/"+string(c.id)+"/events", sync.OnceFunc(opened.Done), &since, &until)
			if err != nil && !errors.Is(err, context.Canceled) {
				b.Errorf("reader %d: %v", i, err)
			}
		})
	}
	opened.Wait()
	c.change(b, rate, 2*time.Second) // until all have their snapshot
	since.set(time.Now().UnixMicro())
	c.change(b, rate, during)
	until.set(time.Now().UnixMicro())
	c.change(b, 1, time.Second) // the one that ends it comes after all others
	group.Wait()
	for _, r := range all {
		delays = append(delays, r.delays...)
		bytes += r.bytes
	}
	return delays, bytes
}

// at is the q-th quantile of all, 0.99 for the 99th percentile.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

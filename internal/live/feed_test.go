package live_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sheetlift/internal/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counter is a source whose items are numbers that only grow.
type counter struct {
	mu        sync.Mutex
	n         map[string]int
	snapshots atomic.Int32
	deltas    atomic.Int32
	pad       string
	head      atomic.Int32
	fail      atomic.Bool
	gate      chan struct{} // if set, a rendered snapshot waits for it
}

func (c *counter) set(item string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[item] = n
}

func (c *counter) draw(items ...string) map[string][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	drawn := map[string][]byte{}
	for _, item := range items {
		drawn[item] = fmt.Appendf(nil, "%s=%d %s", item, c.n[item], c.pad)
	}
	return drawn
}

func (c *counter) Snapshot(context.Context) ([]byte, error) {
	c.snapshots.Add(1)
	if c.fail.Load() {
		return nil, errors.New("the store is away")
	}
	c.mu.Lock()
	var all []string
	for item := range c.n {
		all = append(all, item)
	}
	c.mu.Unlock()
	out := []byte("snapshot")
	for _, line := range c.draw(all...) {
		out = append(append(out, '\n'), line...)
	}
	if c.gate != nil {
		<-c.gate
	}
	return out, nil
}

func (c *counter) Delta(_ context.Context, items []string) (map[string][]byte, []byte, error) {
	c.deltas.Add(1)
	return c.draw(items...), fmt.Appendf(nil, "head %d", c.head.Load()), nil
}

// feed runs a feed behind a server until the test ends.
func feed(t *testing.T, src live.Source, o live.Options) (*live.Feed, string) {
	t.Helper()
	f := live.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = f.Run(ctx) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := f.Serve(w, r, "topic", src); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(func() {
		cancel()
		group.Wait()
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return f, server.URL
}

// browser reads events like a browser.
type browser struct {
	body   io.ReadCloser
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func open(t *testing.T, url string) *browser {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"?stream=somebody-elses", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "x-1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("answered %d as %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	b := &browser{body: res.Body, lines: bufio.NewScanner(res.Body), cancel: cancel}
	b.lines.Buffer(nil, 64<<20)
	t.Cleanup(b.leave)
	return b
}

func (b *browser) leave() { b.cancel(); _ = b.body.Close() }

// event returns the data of the next event, "" when the stream ended.
func (b *browser) event() string {
	var data []string
	for b.lines.Scan() {
		line := b.lines.Text()
		switch {
		case line == "" && data != nil:
			return strings.Join(data, "\n")
		case strings.HasPrefix(line, "data: "):
			data = append(data, strings.TrimPrefix(line, "data: "))
		}
	}
	return ""
}

// until reads events until one holds the text.
func (b *browser) until(t *testing.T, text string) string {
	t.Helper()
	for {
		e := b.event()
		if e == "" {
			t.Fatalf("the stream ended before %q came", text)
		}
		if strings.Contains(e, text) {
			return e
		}
	}
}

func TestABrowserSeesEverythingFirstAndThenWhatChanges(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1, "b": 1}}
	f, url := feed(t, src, live.Options{})
	b := open(t, url)
	if e := b.event(); !strings.HasPrefix(e, "snapshot") || !strings.Contains(e, "a=1") || !strings.Contains(e, "b=1") {
		t.Fatalf("the first event is %q", e)
	}
	src.set("b", 2)
	f.Invalidate("topic", "b")
	if e := b.until(t, "b=2"); !strings.HasPrefix(e, "head 0\n") || strings.Contains(e, "a=") {
		t.Errorf("the change came as %q", e)
	}
	src.head.Add(1)
	f.Invalidate("topic", "")
	if e := b.event(); e != "head 1" {
		t.Errorf("the head came as %q", e)
	}
}

func TestAHeadThatIsTheSameAgainIsNotSent(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1}}
	f, url := feed(t, src, live.Options{})
	b := open(t, url)
	b.event()
	f.Invalidate("topic", "")
	b.until(t, "head 0")
	for range 2 {
		before := src.deltas.Load()
		f.Invalidate("topic", "") // rendered again with the same result
		for src.deltas.Load() == before {
			<-time.After(time.Millisecond)
		}
	}
	src.set("a", 2)
	f.Invalidate("topic", "a")
	if e := b.event(); e != "a=2 " {
		t.Errorf("then came %q", e)
	}
	late := open(t, url)
	late.event() // a late connection gets it all the same
	src.head.Add(1)
	f.Invalidate("topic", "")
	if e := b.event(); e != "head 1" {
		t.Errorf("a new head came as %q", e)
	}
	late.until(t, "head 1") // the previous one may have been under way to all, and this connection had not had it
}

func TestARefreshedHeadIsSentThoughItIsTheSame(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1}}
	f, url := feed(t, src, live.Options{})
	b := open(t, url)
	b.event()
	f.Invalidate("topic", "")
	b.until(t, "head 0")
	for range 3 {
		f.Refresh("topic")
		b.until(t, "head 0")
	}
	f.Refresh("a topic without readers")
}

func TestEachChangeIsDrawnOnceForEverybody(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 0}}
	f, url := feed(t, src, live.Options{})
	var all []*browser
	for range 30 {
		b := open(t, url)
		b.until(t, "a=0")
		all = append(all, b)
	}
	before := src.deltas.Load()
	for i := 1; i <= 100; i++ {
		src.set("a", i)
		f.Invalidate("topic", "a")
	}
	for _, b := range all {
		b.until(t, "a=100")
	}
	if drawn := src.deltas.Load() - before; drawn > 3 {
		t.Errorf("100 changes at once were drawn %d times", drawn)
	}
}

func TestAReaderThatStopsSlowsNobody(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 0}, pad: strings.Repeat("x", 2<<20)}
	f, url := feed(t, src, live.Options{})
	stuck, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	if err := stuck.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(stuck, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") // and never reads
	good := open(t, url)
	good.until(t, "a=0")
	for i := 1; i <= 12; i++ {
		src.set("a", i)
		f.Invalidate("topic", "a")
		good.until(t, fmt.Sprintf("a=%d", i))
	}
}

func TestNothingIsLostBesideASnapshot(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1}, gate: make(chan struct{})}
	f, url := feed(t, src, live.Options{})
	b := open(t, url)
	for src.snapshots.Load() == 0 {
		<-time.After(time.Millisecond)
	}
	src.set("a", 2) // after the snapshot was rendered, before it is sent
	f.Invalidate("topic", "a")
	before := src.deltas.Load()
	for src.deltas.Load() == before {
		<-time.After(time.Millisecond)
	}
	close(src.gate)
	b.until(t, "a=2")
}

func TestManyChangesBecomeOneSnapshot(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{}}
	f, url := feed(t, src, live.Options{})
	b := open(t, url)
	b.event()
	items := make([]string, 2000)
	for i := range items {
		items[i] = fmt.Sprint("i", i)
		src.set(items[i], 7)
	}
	for _, item := range items {
		f.Invalidate("topic", item)
	}
	snapshot := false
	for e := ""; !strings.Contains(e, "i1999=7"); {
		if e = b.event(); e == "" {
			t.Fatal("the stream ended")
		}
		snapshot = snapshot || strings.HasPrefix(e, "snapshot")
	}
	if !snapshot { // the last few may be sent separately if this took longer than the interval
		t.Error("2,000 changes came one by one")
	}
}

func TestHostileTextStaysInsideItsEvent(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1}, pad: "x\revent: done\rdata: no\r\n\r\nid: 9\n\n: c"}
	_, url := feed(t, src, live.Options{})
	b := open(t, url)
	e := b.event()
	for _, part := range []string{"event: done", "data: no", "id: 9", ": c"} {
		if !strings.Contains(e, part) {
			t.Errorf("%q got out of the event %q", part, e)
		}
	}
}

func TestTooManyAreRefusedAndThoseThatLeaveMakeRoom(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1}}
	_, url := feed(t, src, live.Options{MaxConns: 2})
	first, second := open(t, url), open(t, url)
	first.event()
	second.event()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the third got %d", res.StatusCode)
	}
	first.leave()
	for {
		res, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
	}
}

func TestASnapshotThatFailsEndsTheStreamSoThatTheBrowserComesAgain(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1}}
	src.fail.Store(true)
	_, url := feed(t, src, live.Options{})
	if e := open(t, url).event(); e != "" {
		t.Errorf("got %q", e)
	}
	src.fail.Store(false)
	open(t, url).until(t, "a=1")
}

func TestComingAndGoingLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1}}
	f, url := feed(t, src, live.Options{})
	stop := make(chan struct{})
	var noise, readers sync.WaitGroup
	noise.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				src.set("a", i)
				f.Invalidate("topic", "a")
			}
		}
	})
	for range 16 {
		readers.Go(func() {
			for range 25 {
				ctx, cancel := context.WithCancel(context.Background())
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
				if err == nil {
					var res *http.Response
					if res, err = http.DefaultClient.Do(req); err == nil {
						_, err = res.Body.Read(make([]byte, 1))
						_ = res.Body.Close()
					}
				}
				cancel()
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	noise.Wait()
}

func TestTheEndOfTheFeedEndsItsStreams(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1}}
	f := live.New(live.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = f.Run(ctx) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := f.Serve(w, r, "topic", src); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	b := open(t, server.URL)
	b.event()
	cancel()
	group.Wait()
	if e := b.event(); e != "" {
		t.Errorf("after the end came %q", e)
	}
	res, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after the end a new one got %d", res.StatusCode)
	}
}

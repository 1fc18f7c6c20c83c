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
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/live"
)

// pipes is a listener with in-memory connections, so that their deadlines use virtual time.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	ended chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.ended) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// dial requests the topic and returns the browser's end; nothing is read yet.
func (p *pipes) dial(t *testing.T) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	p.conns <- server
	if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return client
}

// inBubble runs a feed behind a real HTTP server on in-memory connections, all on virtual time.
func inBubble(t *testing.T, src live.Source, test func(t *testing.T, f *live.Feed, p *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := live.New(live.Options{})
		ctx, cancel := context.WithCancel(context.Background())
		p := &pipes{conns: make(chan net.Conn), ended: make(chan struct{})}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := f.Serve(w, r, "topic", src); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
			}
		})}
		var group sync.WaitGroup
		group.Go(func() { _ = f.Run(ctx) })
		group.Go(func() { _ = server.Serve(p) })
		test(t, f, p)
		cancel()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		group.Wait()
	})
}

// reading reads a connection to its end and yields its lines.
func reading(c net.Conn) <-chan string {
	lines := make(chan string, 10_000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(c); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}

// next waits for a line that holds the text and returns the time that passed.
func next(t *testing.T, lines <-chan string, text string) time.Duration {
	t.Helper()
	begin := time.Now()
	for line := range lines {
		if strings.Contains(line, text) {
			return time.Since(begin)
		}
	}
	t.Fatalf("the stream ended before %q came", text)
	return 0
}

func TestAnIdleStreamShowsALifeSignEvery15Seconds(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1}}
	inBubble(t, src, func(t *testing.T, f *live.Feed, p *pipes) {
		c := p.dial(t)
		defer c.Close()
		lines := reading(c)
		next(t, lines, "a=1")
		for range 40 { // ten minutes
			if waited := next(t, lines, "event: beat"); waited != 15*time.Second {
				t.Fatalf("after %v", waited)
			}
		}
		src.set("a", 2)
		f.Invalidate("topic", "a")
		if waited := next(t, lines, "a=2"); waited > 250*time.Millisecond {
			t.Errorf("a change after ten idle minutes took %v", waited)
		}
	})
}

func TestAReaderThatStopsIsCutOffAfterTenSecondsAndOthersGoOn(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 0}}
	inBubble(t, src, func(t *testing.T, f *live.Feed, p *pipes) {
		stuck, good := p.dial(t), p.dial(t) // a pipe has no buffer: a side that does not read accepts nothing
		defer stuck.Close()
		defer good.Close()
		lines := reading(good)
		next(t, lines, "a=0")
		for i := 1; i <= 80; i++ { // twenty seconds
			src.set("a", i)
			f.Invalidate("topic", "a")
			if waited := next(t, lines, fmt.Sprintf("a=%d ", i)); waited > 250*time.Millisecond {
				t.Fatalf("change %d took %v", i, waited)
			}
			<-time.After(250 * time.Millisecond)
		}
		if _, err := stuck.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the one that stopped is still connected: %v", err)
		}
	})
}

func TestChangesAreGatheredForAnEighthOfASecond(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 0}}
	inBubble(t, src, func(t *testing.T, f *live.Feed, p *pipes) {
		c := p.dial(t)
		defer c.Close()
		lines := reading(c)
		next(t, lines, "a=0")
		for i := 1; i <= 10_000; i++ {
			src.set("a", i)
			f.Invalidate("topic", "a")
			<-time.After(time.Millisecond)
		}
		next(t, lines, "a=10000 ")
		if drawn := src.deltas.Load(); drawn < 81 || drawn > 86 {
			t.Errorf("a thousand changes a second for ten seconds were drawn %d times", drawn)
		}
	})
}

func TestNothingIsDrawnForNobody(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 0}}
	inBubble(t, src, func(t *testing.T, f *live.Feed, p *pipes) {
		for range 100_000 {
			f.Invalidate("topic", "a")
			f.Invalidate("another", "a")
		}
		<-time.After(time.Second)
		if n := src.deltas.Load() + src.snapshots.Load(); n != 0 {
			t.Errorf("%d drawings without a browser", n)
		}
	})
}

func TestAllWhoComeAtOnceShareASnapshot(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1}}
	inBubble(t, src, func(t *testing.T, f *live.Feed, p *pipes) {
		src.gate = make(chan struct{}) // of the bubble, so that waiting for it counts as waiting
		var all []<-chan string
		for i := range 100 {
			c := p.dial(t)
			defer c.Close()
			all = append(all, reading(c))
			if i == 0 {
				synctest.Wait() // the first one's is being rendered
				src.set("a", 2)
			}
		}
		synctest.Wait()
		close(src.gate)
		next(t, all[0], "a=1 ")
		for _, lines := range all[1:] {
			next(t, lines, "a=2 ")
		}
		if drawn := src.snapshots.Load(); drawn != 2 {
			t.Errorf("a hundred browsers at once cost %d snapshots", drawn)
		}
	})
}

func TestTheFirstToAskMayLeaveWithoutHarmToTheOthers(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 1}}
	inBubble(t, src, func(t *testing.T, f *live.Feed, p *pipes) {
		src.gate = make(chan struct{}) // of the bubble, so that waiting for it counts as waiting
		running := reading(p.dial(t))
		synctest.Wait()
		first := p.dial(t) // its snapshot is the next, and the third one's
		reading(first)
		synctest.Wait()
		third := reading(p.dial(t))
		synctest.Wait()
		_ = first.Close()
		synctest.Wait()
		close(src.gate)
		next(t, running, "a=1 ")
		next(t, third, "a=1 ")
	})
}

// panicking is a source that cannot render.
type panicking struct{ snapshot, delta bool }

func (p panicking) Snapshot(context.Context) ([]byte, error) {
	if p.snapshot {
		panic("no ink")
	}
	return []byte("snapshot"), nil
}

func (p panicking) Delta(context.Context, []string) (map[string][]byte, []byte, error) {
	if p.delta {
		panic("no paper")
	}
	return nil, []byte("head"), nil
}

func TestAPanicWhileDrawingEndsOneStreamAndNotTheProcess(t *testing.T) {
	t.Parallel()
	inBubble(t, panicking{snapshot: true}, func(t *testing.T, f *live.Feed, p *pipes) {
		c := p.dial(t)
		defer c.Close()
		for range reading(c) { // to its end
		}
		res := httptest.NewRecorder()
		if err := f.Serve(res, httptest.NewRequest(http.MethodGet, "/", nil), "topic", panicking{snapshot: true}); err != nil || strings.Contains(res.Body.String(), "ink") {
			t.Errorf("%v: %q", err, res.Body)
		}
	})
	inBubble(t, panicking{delta: true}, func(t *testing.T, f *live.Feed, p *pipes) {
		c := p.dial(t)
		defer c.Close()
		lines := reading(c)
		next(t, lines, "snapshot")
		f.Invalidate("topic", "a")
		next(t, lines, "event: beat") // the feed continues
	})
}

func TestBesideChangesTheHeadComesTwiceASecondAndItsLastStateAlways(t *testing.T) {
	t.Parallel()
	src := &counter{n: map[string]int{"a": 0}}
	inBubble(t, src, func(t *testing.T, f *live.Feed, p *pipes) {
		c := p.dial(t)
		defer c.Close()
		lines := reading(c)
		next(t, lines, "a=0")
		<-time.After(time.Second)
		const changes = 100
		for i := 1; i <= changes; i++ { // for two seconds
			src.head.Store(int32(i))
			src.set("a", i)
			f.Invalidate("topic", "a")
			<-time.After(20 * time.Millisecond)
		}
		heads, items := 0, 0
		last := fmt.Sprintf("head %d", changes)
		for line := range lines {
			if strings.Contains(line, "head ") {
				heads++
			}
			if strings.Contains(line, "a=") {
				items++
			}
			if strings.Contains(line, last) {
				break
			}
		}
		if heads > 6 || items < 10 {
			t.Errorf("in two seconds came %d heads and %d times what changed", heads, items)
		}
		<-time.After(time.Second)
		src.head.Store(-7)
		f.Invalidate("topic", "")
		if waited := next(t, lines, "head -7"); waited > 200*time.Millisecond {
			t.Errorf("a head that changes alone came after %v", waited)
		}
	})
}

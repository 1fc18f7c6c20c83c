package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sheetlift/internal/engine/gemini/simulator"
)

// cut is a line between browsers and the program that can be broken.
type cut struct {
	url string

	mu    sync.Mutex
	conns []net.Conn
	dead  bool
}

// line lays one to the program.
func (p *process) line(t *testing.T) *cut {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cut{url: "http://" + l.Addr().String()}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { c.join(near, strings.TrimPrefix(p.url, "http://")) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.sever(true)
		group.Wait()
	})
	return c
}

func (c *cut) join(near net.Conn, to string) {
	defer near.Close()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	c.mu.Lock()
	dead := c.dead
	c.conns = append(c.conns, near, far)
	c.mu.Unlock()
	if dead {
		return
	}
	go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
	_, _ = io.Copy(near, far)
}

// sever ends all connections; dead also refuses later ones.
func (c *cut) sever(dead bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = dead
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// forgiven lists the messages of Chromium about connections that a test broke.
var forgiven = []string{"ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "network error", "Failed to fetch", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_CLOSED", "ERR_SOCKET_NOT_CONNECTED"}

const allRead = "document.querySelectorAll('#rows tr.is-completed').length == %d"

func TestAPageIsRightAgainAfterItsConnectionBroke(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 200*time.Millisecond)
	p := run(t, environ...)
	line := p.line(t)
	_, started := p.post(t, "?max_concurrent=2", sheets(16))
	b := browser(t)
	b.do(chromedp.Navigate(line.url + "/batches/" + started["job_id"].(string)))
	b.until("document.querySelectorAll('#rows tr.is-completed').length >= 2")
	b.script("window.sameDocument = true")
	line.sever(true)
	b.until("document.querySelector('#lost')")
	p.ended(t, started["job_id"].(string), time.Minute)
	line.sever(false)
	b.until(fmt.Sprintf(allRead, 16) + " && document.querySelector('#progress[data-final]') && !document.querySelector('#lost')")
	if !b.is("window.sameDocument") {
		t.Error("the page was loaded anew")
	}
	b.forgive(forgiven...)
}

// sight tells the page whether anybody can see it, as a browser does.
func (b *tab) sight(seen bool) {
	b.t.Helper()
	b.script(fmt.Sprintf(`Object.defineProperty(document, "hidden", { configurable: true, get: () => %t });
		document.dispatchEvent(new Event("visibilitychange"))`, !seen))
}

func TestATabOutOfSightSaysHowFarItIsAndIsRightWhenSomebodyLooks(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 200*time.Millisecond)
	p := run(t, environ...)
	_, started := p.post(t, "?max_concurrent=2", sheets(24))
	id := started["job_id"].(string)
	p.act(t, "/batches/"+id+"/pause", url.Values{})
	b := browser(t)
	b.do(chromedp.Navigate(p.url + "/batches/" + id))
	b.click("#tell")
	b.sight(false)
	p.act(t, "/batches/"+id+"/resume", url.Values{})
	p.ended(t, id, time.Minute)
	b.until("document.title.startsWith('✓ 24 of 24 read')")
	if b.is(fmt.Sprintf(allRead, 24)) {
		t.Error("the wire was not cut")
	}
	b.sight(true)
	b.until(fmt.Sprintf(allRead, 24) + " && !document.title.includes('✓')")
}

func TestEightTabsSideBySideAreAllRight(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 400*time.Millisecond)
	p := run(t, environ...)
	_, started := p.post(t, "?max_concurrent=2", sheets(16))
	address := p.url + "/batches/" + started["job_id"].(string)
	b := browser(t)
	tabs := []*tab{b}
	for range 7 {
		tabs = append(tabs, newTab(t, b.ctx))
	}
	for _, b := range tabs {
		b.do(chromedp.Navigate(address))
		b.until("document.querySelectorAll('#rows tr').length == 16")
	}
	for _, b := range tabs {
		b.until(fmt.Sprintf(allRead, 16))
	}
}

func TestRowsStayAsAPersonPutThemWhileTheyChange(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 3, 200*time.Millisecond)
	bad := simulator.PayloadAnswer("400-unable-to-process-image")
	for _, n := range []string{"1", "2", "3"} { // whichever reads first fails its picture
		gemini.SetKey(simulator.Key{Value: canary + "-" + n, Label: "key " + n, Latency: 200 * time.Millisecond, Script: []simulator.Answer{bad}})
	}
	p := run(t, environ...)
	_, started := p.post(t, "?max_concurrent=2", sheets(16))
	b := browser(t)
	b.do(chromedp.Navigate(p.url + "/batches/" + started["job_id"].(string)))
	b.click("#live [data-sort=name]")
	b.click("#live [data-sort=name]")
	names := "[...document.querySelectorAll('#rows .c-name a')].map((a) => a.textContent).join()"
	var want []string
	for i := 16; i > 0; i-- {
		want = append(want, fmt.Sprintf("sheet-%03d", i))
	}
	backwards := names + " == '" + strings.Join(want, ",") + "'"
	b.until(backwards + " && document.querySelector('[aria-sort=descending] [data-sort=name]')")
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "sheet-01"))
	shown := "[...document.querySelectorAll('#rows tr')].filter((r) => r.offsetParent).length == 7"
	b.until(shown)
	b.until("document.querySelector('#progress[data-final]')")
	b.until("document.querySelectorAll('#rows :is(.is-completed, .is-failed)').length == 16")
	b.until(backwards + " && " + shown)
	b.do(chromedp.Reload())
	b.until(backwards + " && " + shown + " && document.querySelector('#q').value == 'sheet-01'")
	b.click("#live [data-sort=status]")
	b.until("document.querySelector('#rows tr').classList.contains('is-failed')")
}

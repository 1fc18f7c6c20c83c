package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// slow is a server before the program that holds back what is sent until it is let go.
type slow struct {
	url string

	mu      sync.Mutex
	arrived int           // since it was last let go
	gate    chan struct{} // closed when the held may go on
	cut     bool          // they, and whatever comes after them, are hung up on instead
}

// slowly lays one.
func (p *process) slowly(t *testing.T) *slow {
	t.Helper()
	s := &slow{gate: make(chan struct{})}
	to, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	onwards := &httputil.ReverseProxy{FlushInterval: -1, ErrorHandler: func(http.ResponseWriter, *http.Request, error) {}, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost || strings.HasSuffix(r.URL.Path, ".xlsx") {
			if s.hold(r) {
				panic(http.ErrAbortHandler)
			}
		}
		onwards.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.letGo(true)
		server.CloseClientConnections() // live wires last
		server.Close()
	})
	s.url = server.URL
	return s
}

func (s *slow) hold(r *http.Request) (cut bool) {
	s.mu.Lock()
	cut = s.cut // a browser asks again by itself
	s.arrived++
	gate := s.gate
	s.mu.Unlock()
	if cut {
		return true
	}
	select {
	case <-gate:
	case <-r.Context().Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut
}

// letGo has what is held go on, or hangs up on it, and returns how many there were.
func (s *slow) letGo(cut bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.arrived
	s.arrived, s.cut = 0, cut
	close(s.gate)
	s.gate = make(chan struct{})
	return n
}

func (s *slow) holds() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived > 0
}

// twice presses something two times while its answer is held back. What the page shows meanwhile it writes down itself: while
// a browser waits for the next page, it answers no questions.
func (b *tab) twice(s *slow, selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.readyState == 'complete' && document.querySelector(%q)", selector))
	b.script(fmt.Sprintf(`(() => {
		window.before = true;
		sessionStorage.heard = "not at all";
		const by = document.querySelector(%q);
		by.click();
		setTimeout(() => { // before anything is painted
			sessionStorage.heard = by.getAttribute("aria-busy") + " " + getComputedStyle(by, "::before").animationName;
			by.click();
		});
	})()`, selector))
	waitFor(b.t, s.holds)
}

// once lets go of what twice pressed.
func (b *tab) once(s *slow, selector string) {
	b.t.Helper()
	if n := s.letGo(false); n != 1 {
		b.t.Errorf("%s was sent %d times", selector, n)
	}
}

// heard is that nothing is busy any more, and what was pressed was.
func (b *tab) heard(selector string) {
	b.t.Helper()
	b.until(free)
	if !b.is("sessionStorage.heard === 'true runs'") {
		b.t.Errorf("%s does not show that it was heard: %s", selector, b.value("sessionStorage.heard"))
	}
}

func (b *tab) value(of string) string {
	value, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+of+")"))
	return value
}

const free = "document.readyState == 'complete' && !document.querySelector('[aria-busy=true]')"

// onward presses what leads to another page, or the same one anew.
func (b *tab) onward(s *slow, selector, then string) {
	b.t.Helper()
	b.twice(s, selector)
	b.once(s, selector)
	b.until("!window.before && " + then)
	b.heard(selector)
}

// here presses what leaves the page as it is.
func (b *tab) here(s *slow, selector, then string) {
	b.t.Helper()
	b.twice(s, selector)
	b.until("sessionStorage.heard != 'not at all'")
	b.once(s, selector)
	b.until("window.before && " + then)
	b.heard(selector)
}

func TestWhateverIsPressedShowsAtOnceThatItWasHeardAndIsSentOnce(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 400*time.Millisecond)
	p := run(t, environ...)
	_, started := p.post(t, "", sheets(2))
	done := started["job_id"].(string)
	p.ended(t, done, time.Minute)
	draft := p.draft(t, sheets(24))
	s := p.slowly(t)
	b := browser(t)
	at := func(path string) { b.do(chromedp.Navigate(s.url + path)) }

	at("/")
	b.onward(s, "#b-"+done+" .c-act button", unlisted(done))
	b.onward(s, "#deleted button", "document.querySelector('#rows')")

	at("/batches/" + draft + "?step=names")
	b.here(s, "#leave-24, #out-24", "!document.querySelector('#name-24')")
	b.onward(s, ".actions button[name=go]", "document.querySelector('#columns')")
	b.here(s, "button[value=try]", "document.querySelector('#trial').textContent.trim()")
	b.onward(s, ".actions button.primary", "document.querySelector('#rows')")
	b.here(s, "#steer form[action$='/pause'] button", "document.querySelector('#steer form[action$=\"/resume\"]')")
	b.here(s, "#steer form[action$='/resume'] button", "document.querySelector('#steer form[action$=\"/pause\"]')")
	b.here(s, "#steer form[action$='/cancel'] button", "document.querySelector('#progress[data-final]')")
	b.here(s, "#actions a[download]", "true")

	at("/batches/" + done + "/rows")
	b.script("document.querySelector('#replace input[name=find]').value = '1'")
	b.onward(s, "#replace button[value=count]", "document.querySelector('#replace b')")
	at("/keys")
	b.onward(s, ".key form[action$='/test'] button", "document.querySelector('#note .banner')")
	at("/figures")
	b.onward(s, "footer button[value=es]", "document.documentElement.lang == 'es'")

	// The check page says so beside its buttons.
	at("/batches/" + done + "/images/1")
	b.until("document.querySelector('#check')")
	b.script("document.querySelector('#check').click(); setTimeout(() => { window.told = document.querySelector('#saved').dataset.state; })")
	b.until("window.told == 'saving'")
	waitFor(t, s.holds)
	s.letGo(false)
	b.until("location.pathname.endsWith('/images/2')") // the next one, when it is saved
}

func TestAButtonIsFreeAgainAfterAnErrorAndSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 400*time.Millisecond)
	p := run(t, environ...)
	_, started := p.post(t, "?max_concurrent=1", sheets(12))
	id := started["job_id"].(string)
	draft := p.draft(t, sheets(3))
	s := p.slowly(t)
	b := browser(t)

	// The line breaks: nothing was done, and the page says so until something works again.
	b.do(chromedp.Navigate(s.url + "/batches/" + id))
	pause := "#steer form[action$='/pause'] button"
	b.twice(s, pause)
	s.letGo(true)
	b.heard(pause)
	b.until("document.querySelector('#note #unsent').textContent.includes('did not answer')")
	s.letGo(false)
	b.here(s, pause, "document.querySelector('#steer form[action$=\"/resume\"]') && !document.querySelector('#unsent')")

	// The server refuses: what was pressed is there still, and the page is.
	b.do(chromedp.Navigate(s.url + "/batches/" + draft + "?step=names"))
	b.until("document.querySelectorAll('#names input[name^=name-]').length == 3")
	p.act(t, "/batches/"+draft+"/start", url.Values{"preset": {"inventory"}, "at_once": {"1"}, "retries": {"3"}})
	b.here(s, "#do-pattern", "document.querySelector('#note .banner') && document.querySelectorAll('#names input[name^=name-]').length == 3")
	b.forgive(append([]string{"409", "422"}, forgiven...)...)

	// The browser is stopped while it waits for the next page.
	b.do(chromedp.Navigate(s.url + "/keys"))
	test := ".key form[action$='/test'] button"
	b.until("document.querySelector(\"" + test + "\")")
	b.script("setTimeout(() => { sessionStorage.asked = document.querySelector('[aria-busy=true]') !== null; stop(); }, 300)")
	b.twice(s, test)
	b.heard(test)
	if !b.is("window.before && sessionStorage.asked == 'true'") {
		t.Error("it did not wait for the next page")
	}
}

package e2e_test

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

	"sheetlift/internal/engine/gemini/simulator"
)

// slow is a reverse proxy before the program. It holds back each POST and each download of a workbook until letGo.
type slow struct {
	url string

	mu      sync.Mutex
	arrived int           // requests that arrived since the last letGo
	told    bool          // the page has recorded how it was when the button was pressed
	gate    chan struct{} // closed when the held requests may go on
	cut     bool          // the held requests and all later ones are aborted instead
}

// slowly starts a slow proxy before the program; it ends with the test.
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
		if r.URL.Path == recorded {
			s.record(true)
			w.WriteHeader(http.StatusNoContent)
			return
		}
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

// letGo lets the held requests go on, or aborts them if cut, and returns their number.
func (s *slow) letGo(cut bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.arrived
	s.arrived, s.cut = 0, cut
	close(s.gate)
	s.gate = make(chan struct{})
	return n
}

// recorded is the address that a page calls when it has recorded its state; it ends at the proxy.
const recorded = "/recorded-by-the-test"

func (s *slow) record(told bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = told
}

func (s *slow) holds() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived > 0 && s.told
}

// twice presses an element two times while its answer is held back. A script in the page records the state of the page
// meanwhile, because a browser that waits for the next page evaluates no expressions for the test.
func (b *tab) twice(s *slow, selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.readyState == 'complete' && document.querySelector(%q)", selector))
	s.record(false)
	b.script(fmt.Sprintf(`(() => {
		window.before = true;
		sessionStorage.heard = "not at all";
		const by = document.querySelector(%q);
		by.click();
		setTimeout(() => { // before anything is painted
			sessionStorage.heard = by.getAttribute("aria-busy") + " " + getComputedStyle(by, "::before").animationName;
			by.click();
			fetch(%q, { keepalive: true });
		});
	})()`, selector, recorded))
	waitFor(b.t, s.holds)
}

// once lets the request that twice caused go on, and checks that there was only one.
func (b *tab) once(s *slow, selector string) {
	b.t.Helper()
	if n := s.letGo(false); n != 1 {
		b.t.Errorf("%s was sent %d times", selector, n)
	}
}

// heard checks that the pressed element was shown as busy, and that nothing is busy any more.
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

// onward presses an element that leads to another page, or loads the same one again.
func (b *tab) onward(s *slow, selector, then string) {
	b.t.Helper()
	b.twice(s, selector)
	b.once(s, selector)
	b.until("!window.before && " + then)
	b.heard(selector)
}

// here presses an element that does not lead to another page.
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
	_, environ := fake(t, 3, 2*time.Second) // the batch has to be at work until it is canceled
	p := run(t, environ...)
	_, started := p.post(t, "", sheets(2))
	done := started["job_id"].(string)
	p.ended(t, done, time.Minute)
	draft := p.draft(t, sheets(24))
	s := p.slowly(t)
	b := browser(t)
	b.forgive("Form submission canceled because the form is not connected") // the second press, when the answer was faster
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
	b.here(s, "#actions a[href$='.xlsx']", "true")

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
	gemini, environ := fake(t, 1, 0)
	done := make(chan struct{})
	held := simulator.HeldAnswer(done, simulator.SheetAnswer()) // the batch does not end before its buttons were pressed
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Always: &held})
	p := run(t, environ...)
	_, started := p.post(t, "?max_concurrent=1", sheets(2))
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

	// The server refuses: the page and the pressed element are still there.
	b.do(chromedp.Navigate(s.url + "/batches/" + draft + "?step=names"))
	b.until("document.querySelectorAll('#names input[name^=name-]').length == 3")
	p.act(t, "/batches/"+draft+"/start", url.Values{"preset": {"inventory"}, "at_once": {"1"}, "retries": {"3"}})
	b.here(s, "#do-pattern", "document.querySelector('#note .banner') && document.querySelectorAll('#names input[name^=name-]').length == 3")
	b.forgive(append([]string{"409", "422"}, forgiven...)...)

	close(done)

	// The browser is stopped while it waits for the next page.
	b.do(chromedp.Navigate(s.url + "/keys"))
	test := ".key form[action$='/test'] button"
	b.until("document.querySelector(\"" + test + "\")")
	b.script(`addEventListener("click", () => { // its time begins with the press: stopped before, the page would wait for ever
		setTimeout(() => { sessionStorage.asked = document.querySelector("[aria-busy=true]") !== null; stop(); }, 2000);
	}, { capture: true, once: true })`)
	b.twice(s, test)
	b.heard(test)
	if !b.is("window.before && sessionStorage.asked == 'true'") {
		t.Error("it did not wait for the next page")
	}
}

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

// answersHeld is a reverse proxy before the program. It passes on the answer to a POST only when let was called or the test ends.
func (p *process) answersHeld(t *testing.T) (address string, let func()) {
	t.Helper()
	to, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	held := make(chan struct{})
	let = sync.OnceFunc(func() { close(held) })
	onwards := &httputil.ReverseProxy{FlushInterval: -1, ErrorHandler: func(http.ResponseWriter, *http.Request, error) {},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodPost {
				<-held
			}
			return nil
		},
	}
	server := httptest.NewServer(onwards)
	t.Cleanup(func() {
		let()
		server.CloseClientConnections() // live wires last
		server.Close()
	})
	return server.URL, let
}

func TestAnAnswerThatComesLateDoesNotBringBackAnOlderStateOfThePage(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 2, 0)
	p := run(t, environ...)
	refused := simulator.TextAnswer("no table here")
	for i := range 2 {
		gemini.SetKey(simulator.Key{Value: fmt.Sprintf("%s-%d", canary, i+1), Label: fmt.Sprintf("key %d", i+1), Always: &refused})
	}
	_, started := p.post(t, "?max_retries=0", sheets(2))
	id := started["job_id"].(string)
	p.ended(t, id, time.Minute)
	for i := range 2 {
		gemini.SetKey(simulator.Key{Value: fmt.Sprintf("%s-%d", canary, i+1), Label: fmt.Sprintf("key %d", i+1)})
	}
	before := len(gemini.Calls())
	address, let := p.answersHeld(t)
	b := browser(t)
	b.do(chromedp.Navigate(address + "/batches/" + id))
	b.until("document.querySelectorAll('#rows tr.is-failed').length == 2 && document.querySelector('#progress[data-final]') && document.querySelector('#feed')._htmx?.sse")
	if code := p.retryThrough(t, b, id); code != "" {
		t.Fatal(code)
	}
	waitFor(t, func() bool { return len(gemini.Calls()) == before+1 })
	b.until("document.querySelector('#row-1.is-completed') && document.querySelector('#progress[data-final]')")
	let()
	b.until("document.querySelector('#say').textContent.includes('is read again')")
	b.do(chromedp.Evaluate[chromedp.Void]("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"))
	if !b.is("document.querySelector('#row-1.is-completed') && document.querySelector('#progress[data-final]')") {
		t.Errorf("the late answer left the row as %s", b.value("document.querySelector('#row-1').className"))
	}
}

// retryThrough sends the form that reads image 1 again, as its button does.
func (p *process) retryThrough(t *testing.T, b *tab, id string) (problem string) {
	t.Helper()
	form := fmt.Sprintf("#row-1 form[action$='/batches/%s/images/1/retry']:not(.instead)", id)
	if !b.is("document.querySelector(" + quoted(form) + ")") {
		return "the row has no form to read it again: " + b.value("document.querySelector('#row-1').innerHTML")
	}
	b.script("document.querySelector(" + quoted(form) + ").requestSubmit()")
	return ""
}

func quoted(s string) string { return "`" + strings.ReplaceAll(s, "`", "") + "`" }

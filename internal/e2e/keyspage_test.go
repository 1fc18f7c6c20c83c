package e2e_test

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sheetlift/internal/engine/gemini/simulator"
)

func TestTheKeysPageFollowsWhatHappensWithoutAReload(t *testing.T) {
	t.Parallel()
	expectWarnings(t, keyRefused, keyMisset)
	gemini, environ := fake(t, 6, 30*time.Millisecond)
	p := run(t, environ...)
	b := browser(t)
	b.do(chromedp.Navigate(p.url + "/keys"))
	b.until("document.querySelectorAll('.key').length == 6")
	b.do(chromedp.Evaluate[chromedp.Void]("window.sameDocument = true; document.querySelector('#failures-0').open = true"))

	dead, limited := simulator.PayloadAnswer("403-leaked"), simulator.RefusedAnswer(7, 40*time.Second)
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Always: &dead})
	gemini.SetKey(simulator.Key{Value: canary + "-2", Label: "key 2", Always: &limited})
	blocked, money := simulator.PayloadAnswer("403-api-key-service-blocked"), simulator.PayloadAnswer("429-prepayment-credits-depleted")
	gemini.SetKey(simulator.Key{Value: canary + "-4", Label: "key 4", Always: &blocked})
	gemini.SetKey(simulator.Key{Value: canary + "-5", Label: "key 5", Always: &money})
	p.act(t, "/keys/disable", url.Values{"label": {"key 6"}})
	_, started := p.post(t, "", sheets(30))
	p.ended(t, started["job_id"].(string), time.Minute)

	b.until("document.querySelector('#key-0 .status.bad')")
	if text := b.text("#key-0"); !strings.Contains(text, "Needs you") || !strings.Contains(text, "Google says that this key is not valid") {
		t.Errorf("the dead key shows %q", text)
	}
	b.until("document.querySelector('#failures-0').open && document.querySelectorAll('#failures-0 li').length == 1")
	b.until("document.querySelectorAll('#key-2 .spark .good').length > 0 && document.querySelectorAll('#key-0 .spark .other').length > 0")
	b.until("document.querySelector('#ready').textContent.includes('1 of 6 keys ready')")
	// The countdown is the browser's own: it goes on while nothing is sent.
	const seconds = "parseInt(/^Back in (\\d+) s$/.exec(document.querySelector('#key-1 [data-back]').textContent)[1])"
	b.until("(window.first = " + seconds + ") > 30")
	b.until(seconds + " < window.first")
	if !b.is("window.sameDocument") {
		t.Error("the page was loaded anew")
	}
	b.shot("10-keys-in-every-state")
	b.accessible("keys, followed")
}

// listen returns the events of an event stream, one by one, until the test ends.
func (p *process) listen(t *testing.T, path string) <-chan string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	events := make(chan string)
	go func() { // ends with the body, or the test
		defer close(events)
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 8<<20)
		var event strings.Builder
		beat := false
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "event: ") {
				beat = true
			}
			if lines.Text() == "" && event.Len() > 0 {
				if !beat {
					select {
					case events <- event.String():
					case <-t.Context().Done():
						return
					}
				}
				event.Reset()
				beat = false
			}
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				event.WriteString(data + "\n")
			}
		}
	}()
	return events
}

func TestAnOpenPageOfKeysIsToldAtMostTwiceASecondAndOnlyNews(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 20*time.Millisecond)
	p := run(t, environ...)
	events := p.listen(t, "/keys/events")
	last := <-events
	if !strings.Contains(last, "No call was made yet.") {
		t.Errorf("the first is %.300q", last)
	}
	begun, sent := time.Now(), 0
	p.post(t, "?max_concurrent=3", sheets(16))
	for !strings.Contains(last, "16 calls in all") || strings.Contains(last, "Reading") {
		event := <-events
		if event == last {
			t.Error("the same was sent twice")
		}
		last = event
		sent++
	}
	if most := 2 + int(2*time.Since(begun).Seconds()); sent > most {
		t.Errorf("%d events in %v", sent, time.Since(begun))
	}
}

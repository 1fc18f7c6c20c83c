package e2e_test

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sheetlift/internal/engine/gemini/simulator"
)

// listed is a condition on the row of a batch on the first page.
func listed(id, text string) string {
	return fmt.Sprintf("document.querySelector('#b-%s')?.textContent.replaceAll(/\\s+/g, ' ').includes(%q)", id, text)
}

func unlisted(id string) string { return fmt.Sprintf("!document.querySelector('#b-%s')", id) }

func TestTheFirstPageFollowsBatchesAndKeysWithoutAReload(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 300*time.Millisecond)
	p := run(t, environ...)
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	b.until("document.querySelector('#feed')._htmx?.sse && document.querySelector('#batches .empty')")
	french := newTab(t, b.ctx)
	french.do(chromedp.Navigate(p.url))
	french.choose("fr")
	both, fr := []*tab{b, french}, words(t, "fr")
	for _, tab := range both {
		tab.script("window.sameDocument = true; window.seen = []")
		tab.script("new MutationObserver(() => seen.push(document.querySelector('#batches .meter')?.textContent.trim())).observe(document.querySelector('#batches'), { subtree: true, childList: true, characterData: true })")
	}

	// One that runs advances, and ends.
	_, started := p.post(t, "?max_concurrent=2", sheets(12))
	first := started["job_id"].(string)
	b.until(listed(first, "Reading"))
	french.until(listed(first, fr["state.reading"]))
	p.ended(t, first, time.Minute)
	b.until(listed(first, "Completed") + " && " + listed(first, "12 of 12"))
	french.until(listed(first, fr["status.completed"]) + " && " + listed(first, fmt.Sprintf(fr["recent.of"], "12", "12")))
	if !b.is("new Set(seen.filter((s) => s && !/^(0|12) of/.test(s))).size >= 2") {
		t.Error("the batch was not seen to advance")
	}

	// One that is made elsewhere comes, fills, is put off, is deleted and brought back.
	second := p.draft(t, sheets(3))
	b.until(listed(second, "Not started") + " && " + listed(second, "3 pictures"))
	b.until("document.querySelector('#batches tbody tr').id == 'b-" + second + "'")
	at := time.Now().Add(3 * time.Hour).UTC().Format("2006-01-02T15:04")
	p.act(t, "/batches/"+second+"/start", url.Values{"preset": {"inventory"}, "at_once": {"2"}, "retries": {"3"}, "when": {"later"}, "at": {at}, "zone": {"0"}})
	b.until(listed(second, "Starts later"))
	french.until(listed(second, fr["status.scheduled"]))
	p.act(t, "/batches/"+second+"/delete", url.Values{})
	for _, tab := range both {
		tab.until(unlisted(second) + " && document.querySelector('#deleted form[action$=\"" + second + "/undelete\"]')")
	}
	p.act(t, "/batches/"+second+"/undelete", url.Values{})
	for _, tab := range both {
		tab.until("document.querySelector('#b-" + second + "') && !document.querySelector('#deleted form')")
	}

	// So do the keys.
	p.act(t, "/keys/disable", url.Values{"label": {"key 1"}})
	b.until("document.querySelector('#ready').textContent.includes('2 of 3 keys ready')")
	french.until(fmt.Sprintf("document.querySelector('#ready').textContent.includes(%q)", fmt.Sprintf(fr["ready"], 2, 3)))
	for _, tab := range both {
		if !tab.is("window.sameDocument") {
			t.Error("a page was loaded anew")
		}
	}
	for selector, key := range map[string]string{"#batches thead": "recent.rows", "#reader": "reader.gemini"} {
		if said, _, _ := strings.Cut(fr[key], "%"); !strings.Contains(french.text(selector), strings.TrimSpace(said)) {
			t.Errorf("%s says %q in French", selector, french.text(selector))
		}
	}
	b.accessible("the first page, followed")
	b.shot("11-start-followed")
}

func TestTheFirstPageFollowsWhatHappensOnAnotherMachine(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 150*time.Millisecond)
	nats := onNATS(t, 1, 2)
	here, there := run(t, append(nats[0], environ...)...), run(t, append(nats[1], environ...)...)
	b := browser(t)
	b.do(chromedp.Navigate(here.url))
	b.script("window.sameDocument = true")
	_, started := there.post(t, "?max_concurrent=2", sheets(8))
	id := started["job_id"].(string)
	b.until(listed(id, "Completed") + " && " + listed(id, "8 of 8"))
	there.act(t, "/batches/"+id+"/delete", url.Values{})
	b.until(unlisted(id) + " && document.querySelector('#batches .empty')")
	if !b.is("window.sameDocument") {
		t.Error("the page was loaded anew")
	}
}

func TestTheFirstPageSaysWhoReadsAsSoonAsThatChanges(t *testing.T) {
	t.Parallel()
	gemini := simulator.Start(t, simulator.Options{Keys: []simulator.Key{{Value: canary + "-1", Label: "Ann"}}})
	p := run(t, "GEMINI_BASE_URL="+gemini.URL)
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	b.until("document.querySelector('#reader form[action=\"/demo\"]') && document.querySelector('#ready').textContent.includes('offline')")
	private := b.text("#privacy")
	b.script("window.sameDocument = true")
	p.act(t, "/keys", url.Values{"key": {canary + "-1"}, "label": {"Ann"}})
	b.until("document.querySelector('#reader').textContent.includes('Google Gemini through 1 key') && !document.querySelector('#reader form')")
	b.until("document.querySelector('#ready').textContent.includes('1 of 1')")
	if b.text("#privacy") == private {
		t.Errorf("it still says %q", private)
	}
	if !b.is("window.sameDocument") {
		t.Error("the page was loaded anew")
	}
}

func TestPicturesAreSentWhileTheFirstPageIsFollowed(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 20*time.Millisecond)
	p := run(t, environ...)
	_, started := p.post(t, "", sheets(2))
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	b.until(listed(started["job_id"].(string), "Completed"))
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), sheetFiles(t, 6)))
	b.until("document.querySelectorAll('#cards img').length == 6")
	if !b.is("[...document.querySelectorAll('[data-rest]')].every((e) => e.hidden) && !document.querySelector('#feed')") {
		t.Error("what makes room for the pictures came back")
	}
}

func TestAnOpenFirstPageIsToldAtMostTwiceASecondAndOnlyNews(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 10*time.Millisecond)
	p := run(t, environ...)
	events := p.listen(t, "/events")
	last := <-events
	if !strings.Contains(last, "No batch yet") {
		t.Errorf("the first is %.300q", last)
	}
	begun, sent := time.Now(), 0
	p.post(t, "?max_concurrent=8", sheets(16))
	for !strings.Contains(last, "16 of 16") || !strings.Contains(last, "Completed") {
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

func TestTheFirstPageCountsThePicturesOfDraftsFromBeforeARestart(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 1, 0)
	environ = append(environ, "SHEETLIFT_DATA="+filepath.Join(t.TempDir(), "data"))
	p := run(t, environ...)
	p.draft(t, sheets(3))
	p.stop()
	_, page, _ := run(t, environ...).fetch(t, "/")
	if !strings.Contains(string(page), "3 pictures") {
		t.Error("a draft of three pictures is not listed as one")
	}
}

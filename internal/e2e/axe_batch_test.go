package e2e_test

import (
	"net/url"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
)

// change sets an image as a runner would.
func (p *process) change(t testing.TB, id string, n int, f func(*batch.Image)) {
	t.Helper()
	m, err := p.app.Store().Image(t.Context(), batch.ID(id), n)
	if err != nil {
		t.Fatal(err)
	}
	f(m)
	if err := p.app.Store().SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// attempt is one that failed for this reason, or a good one.
func attempt(why engine.Why, message string) batch.Attempt {
	at := time.Now().Add(-time.Minute)
	return batch.Attempt{N: 1, Engine: "gemini", Key: "key 2", Started: at, Ended: at.Add(18 * time.Second), Why: string(why), Message: message}
}

// scheduled is a batch of n sheets that starts in three hours.
func (p *process) scheduled(t testing.TB, n int) (id string) {
	t.Helper()
	id = p.draft(t, sheets(n))
	later := time.Now().Add(3 * time.Hour).UTC().Format("2006-01-02T15:04")
	p.act(t, "/batches/"+id+"/start", url.Values{"preset": {"inventory"}, "at_once": {"2"}, "retries": {"3"}, "when": {"later"}, "at": {later}, "zone": {"0"}})
	return id
}

// TestBatchesAreAccessibleInLightAndDark checks the pages of batches in every status, with menus and questions open.
func TestBatchesAreAccessibleInLightAndDark(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, time.Hour)
	p := run(t, environ...)
	b := browser(t)
	b.opens(p.url+"/batches/"+p.scheduled(t, 2), ".countdown")
	b.accessible("live, scheduled")

	_, started := p.post(t, "?max_concurrent=2", sheets(7))
	id := started["job_id"].(string)
	page := p.url + "/batches/" + id
	b.opens(page, "#rows tr.is-processing")
	b.accessible("live, running")
	b.until("document.querySelector('#row-7 .c-act > button')")
	b.click("#row-7 .c-act > button")
	b.until("document.querySelector('#menu-7:popover-open')")
	b.accessible("live, the menu of a row")
	b.click("#menu-7 button[value=high]")
	b.until("document.querySelector('#row-7.is-moved') && !document.querySelector(':popover-open')")
	b.click("#more summary")
	b.accessible("live, the menu")
	b.click("#more summary")
	b.press("?", 191, 0)
	b.until("document.querySelector('#keyboard[open]')")
	b.accessible("live, the keys that it has")
	b.press("Escape", 27, 0)
	b.click("#steer form[action$='/pause'] button")
	b.until("document.querySelector('#steer form[action$=\"/resume\"]')")
	b.accessible("live, paused")

	// Every status and every note that an image can have, beside each other.
	for n, f := range map[int]func(*batch.Image){
		3: func(m *batch.Image) {
			m.Status, m.Tries, m.Ended, m.Attempts = batch.Completed, 2, time.Now(), []batch.Attempt{attempt(engine.BadAnswer, "The answer was cut off."), attempt("", "")}
			m.Rows, m.Issues = doubtful()
		},
		4: func(m *batch.Image) {
			m.Status, m.Tries, m.Ended, m.Failure, m.Attempts = batch.Failed, 1, time.Now(), "The picture shows no table.", []batch.Attempt{attempt(engine.BadPicture, "The picture shows no table.")}
		},
		5: func(m *batch.Image) {
			m.Status, m.Tries, m.NotBefore, m.Attempts = batch.Retrying, 1, time.Now().Add(time.Hour), []batch.Attempt{attempt(engine.BadAnswer, "The answer was cut off.")}
		},
	} {
		p.change(t, id, n, f)
	}
	b.until("document.querySelector('#row-3.has-doubt') && document.querySelector('#row-4.is-failed') && document.querySelector('#row-5.is-retrying')")
	b.accessible("live, every status")
	b.click("#filters [data-filter=failed]")
	b.script("document.querySelector('#q').value = 'nobody'; document.querySelector('#q').dispatchEvent(new Event('input'))")
	b.until("!document.querySelector('#nothing').hidden")
	b.accessibleAtDesk("live, nothing found")
	b.script("sessionStorage.clear()")
	b.opens(page+"/images/4", "#result")
	b.accessible("check, failed")
	b.opens(page+"/images/5", "#result")
	b.click("#about .menu summary")
	b.accessible("check, retrying, its menu open")
	b.opens(page, "#rows")
	b.click("#steer form[action$='/cancel'] button")
	b.until("document.querySelector('#progress[data-final]')")
	b.accessible("live, ended")
	b.opens(p.url, ".recent")
	b.accessible("start, with batches")
	p.act(t, "/batches/"+id+"/delete", url.Values{})
	b.opens(p.url, ".banner form[action$='/undelete']")
	b.accessible("start, one deleted")
	b.opens(page, ".error")
	b.accessibleAtDesk("a batch that was deleted")
	b.forgive("404", "410", "422")
}

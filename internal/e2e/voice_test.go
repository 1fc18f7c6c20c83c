package e2e_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"sheetlift/internal/engine/gemini/simulator"
)

// listens is a script that records each text of the page's live region from now on with its time, and how often the progress
// changed meanwhile. The time is the one that the page itself looked at last before it spoke: a busy machine hears it later.
const listens = `(() => {
	window.heard = []; window.changes = 0; window.moved = 0;
	const now = Date.now;
	let looked = now();
	Date.now = () => looked = now();
	const voice = document.querySelector("#say");
	new MutationObserver(() => heard.push({ at: looked, text: voice.textContent, final: document.querySelector("#progress").hasAttribute("data-final") })).observe(voice, { childList: true, characterData: true, subtree: true });
	document.addEventListener("htmx:after:swap", () => { changes++; });
})()`

func TestTheLivePageSpeaksEveryTenSecondsAtMostAndOnceAtTheEnd(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 1, 0)
	// The last picture is read when two sentences were heard, however long the page takes to open.
	heardTwice := make(chan struct{})
	script := slices.Repeat([]simulator.Answer{simulator.SlowAnswer(500*time.Millisecond, simulator.SheetAnswer())}, 24)
	script[23] = simulator.HeldAnswer(heardTwice, simulator.SheetAnswer())
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Script: script})
	p := run(t, environ...)
	id := p.draft(t, sheets(24))
	b := browser(t)
	p.act(t, "/batches/"+id+"/start", url.Values{"preset": {"inventory"}, "at_once": {"1"}, "retries": {"3"}})
	b.opens(p.url+"/batches/"+id, "#rows")
	b.script(listens)

	// With prefers-reduced-motion nothing moves, although there are animations without it.
	b.until("document.getAnimations().length > 0")
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
	}); err != nil {
		t.Fatal(err)
	}
	b.until("document.getAnimations().length === 0")
	b.script("(function watch() { moved += document.getAnimations().length; requestAnimationFrame(watch); })()")

	b.until("heard.length >= 2")
	close(heardTwice)
	b.until("document.querySelector('#progress[data-final]') && heard.some((h) => h.final)")
	b.until("document.querySelectorAll('#rows tr.is-completed').length == 24")
	said, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("JSON.stringify(heard)"))
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		At    float64
		Text  string
		Final bool
	}
	if err := json.Unmarshal([]byte(said), &all); err != nil {
		t.Fatal(err)
	}
	ends := 0
	for i, h := range all {
		if h.Final {
			ends++
		} else if i > 0 && h.At-all[i-1].At < 10_000 {
			t.Errorf("%q comes %.1f s after %q", h.Text, (h.At-all[i-1].At)/1000, all[i-1].Text)
		}
	}
	if ends != 1 || len(all) < 3 || !all[len(all)-1].Final {
		t.Errorf("what is said is %+v; the end is said %d times", all, ends)
	}
	if !b.is("changes > 3 * heard.length") {
		t.Error("nothing changed on the page, so its silence proves nothing")
	}
	if !b.is("moved === 0") {
		t.Error("something moved for a person who asked for no motion")
	}
}

func TestWhatAnActCameToIsHeard(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 1, 10*time.Millisecond)
	unable := simulator.PayloadAnswer("400-unable-to-process-image")
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Script: []simulator.Answer{unable}})
	p := run(t, environ...)
	_, started := p.post(t, "", sheets(2))
	id := started["job_id"].(string)
	p.ended(t, id, time.Minute)
	b := browser(t)
	page := p.url + "/batches/" + id
	b.opens(page, "#retry-all button")
	b.script(listens)
	b.click("#retry-all button")
	b.until("document.querySelector('#progress[data-final]') && document.querySelectorAll('#rows tr.is-completed').length == 2")
	b.until("heard.some((h) => h.text.includes('They are read again.'))")
	b.click("#more summary")
	b.click("#more form[action$='/settings'] button")
	b.until("heard.some((h) => h.text.includes('Saved.')) || " + heard("Saved."))

	// A message of a new page is announced when the page is loaded.
	b.opens(page+"/rows", "#replace")
	word := b.text("#lines .cell[data-column='4']")
	b.click("#replace summary")
	b.do(chromedp.SendKeys(chromedp.CSS("[name=find]"), word))
	b.do(chromedp.SendKeys(chromedp.CSS("[name=with]"), "gone"))
	b.click("button[value=count]")
	b.until(heard("Cells found"))
	b.until("document.activeElement.value == 'replace'")
	b.click("#replace button[value=replace]")
	b.until("document.querySelector('#replaced') && " + heard("eplaced"))
	b.until("document.activeElement.closest('#replaced')")
	b.click("#replaced button")
	b.until("!document.querySelector('#replaced form') && document.querySelector('#say').textContent != ''")
	b.opens(p.url, ".recent")
	b.click(".recent form[action$='/delete'] button")
	b.until("document.querySelector('.banner') && " + heard("was deleted"))
	b.until("document.activeElement.closest('.banner')")
}

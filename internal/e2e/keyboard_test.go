package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"sheetlift/internal/engine/gemini/simulator"
)

const shift = 8 // the bit of the Shift key

// keyboard uses a page with the keyboard alone. Each key is pressed as a keyboard does. At each stop the focus must be visible
// and nothing may cover it.
type keyboard struct{ *tab }

// codes are the virtual codes of keys that have more than a letter on them.
var codes = map[string]int64{
	"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "F2": 113, "/": 191, "?": 191,
}

func (k keyboard) key(key string, modifiers ...int64) {
	k.t.Helper()
	code, held := codes[key], int64(0)
	if code == 0 {
		code = int64(strings.ToUpper(key)[0])
	}
	for _, m := range modifiers {
		held |= m
	}
	k.press(key, code, held)
}

// typed types a text where the focus is.
func (k keyboard) typed(text string) {
	k.t.Helper()
	for _, letter := range text {
		k.key(string(letter))
	}
}

// unseen is a script that returns why the focus is not visible, or "": no element has it, its mark is not drawn, the element
// has no size or is out of sight, or something covers it.
const unseen = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return "nothing has the focus";
	const drawn = (m) => { const s = m && getComputedStyle(m); return s && (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none"); };
	if (![e, e.closest("label"), e.closest("tr, li")].some((m, i) => i < 2 && drawn(m))) return "its mark is not drawn";
	const shown = e.classList.contains("pick") || e.matches("[type=radio]") ? e.closest("label") : e, r = shown.getBoundingClientRect();
	if (r.width === 0 || r.height === 0) return "it has no size";
	if (r.bottom <= 0 || r.top >= innerHeight || r.right <= 0 || r.left >= innerWidth) return "it is out of sight";
	const x = Math.max(r.left, 0) + Math.min(r.width, innerWidth) / 2, y = (Math.max(r.top, 0) + Math.min(r.bottom, innerHeight)) / 2;
	const top = document.elementFromPoint(Math.min(x, innerWidth - 1), y);
	if (top && !shown.contains(top) && !top.contains(shown)) return "it lies under " + top.outerHTML.slice(0, 120);
	return "";
})()`

// here is a script that returns the HTML of the element with the focus, cut to 140 characters.
const here = `(() => { const e = document.activeElement; return e ? e.outerHTML.replace(/\s+/g, " ").slice(0, 140) : ""; })()`

func (k keyboard) ask(js string) string {
	k.t.Helper()
	s, err := chromedp.Run(k.ctx, chromedp.Evaluate[string](js))
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

// mustShow holds the focus to being seen. It may be on its way for a moment while a page changes.
func (k keyboard) mustShow() {
	k.t.Helper()
	var wrong string
	for range 20 {
		if wrong = k.ask(unseen); wrong == "" {
			return
		}
		k.do(chromedp.Evaluate[chromedp.Void]("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"))
	}
	k.t.Errorf("the focus does not show: %s: %s", wrong, k.ask(here))
}

// to presses Tab until an element that matches the selector has the focus, and checks that each stop on the way is visible.
func (k keyboard) to(selector string, back ...bool) {
	k.t.Helper()
	var held []int64
	if len(back) > 0 {
		held = []int64{shift}
	}
	var passed []string
	for range 150 {
		k.key("Tab", held...)
		if k.is("document.activeElement && document.activeElement !== document.body") { // past the last stop the browser's own come
			k.mustShow()
		}
		if k.is(fmt.Sprintf("document.activeElement?.matches(%q)", selector)) {
			return
		}
		passed = append(passed, k.ask(here))
	}
	k.t.Fatalf("Tab does not come to %s in 150 steps; it came past\n%s", selector, strings.Join(passed[:25], "\n"))
}

// keeps waits for a change, and then holds the page to have left the focus somewhere.
func (k keyboard) keeps(condition string) {
	k.t.Helper()
	k.until(condition)
	k.mustShow()
}

func TestAPersonReadsABatchWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 3, time.Hour)
	p := run(t, environ...)
	b := browser(t)
	k := keyboard{b}
	downloads := t.TempDir()
	if _, err := chromedp.Call(b.ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: downloads, BrowserContextID: b.context()}); err != nil {
		t.Fatal(err)
	}

	// The first page: the skip link, and the button that chooses files. The files are set without the dialog of the browser.
	b.do(chromedp.Navigate(p.url))
	b.until("document.readyState == 'complete'")
	k.key("Tab")
	k.mustShow()
	if !b.is("document.activeElement.matches('.skip')") {
		t.Errorf("the first stop is %s", k.ask(here))
	}
	k.to("[data-choose] input")
	b.do(chromedp.SetUploadFiles(chromedp.CSS(pick), sheetFiles(t, 4)))
	b.until("document.querySelectorAll('#cards img').length == 4 && document.querySelector('#onwards a').href.endsWith('?step=names')")
	k.mustShow()
	k.to("#onwards a.primary")
	k.key("Enter")

	// Names: one is typed, Enter moves on, one picture is left out and taken in again, the rest is named by a pattern.
	b.until("document.querySelector('#name-1') && document.readyState == 'complete'")
	k.to("#name-1")
	k.key("a", ctrl)
	k.typed("Hall A")
	k.key("Enter")
	k.keeps("document.activeElement.id == 'name-2'")
	k.to("#later-3")
	k.key("Enter")
	k.keeps("document.querySelector('#cards li:last-child').id == 'shot-3' && document.querySelector('#say').textContent.includes('4')")
	k.to("#out-3")
	k.key(" ")
	k.keeps("document.querySelectorAll('#cards li').length == 3 && document.querySelector('#say').textContent.includes('left out')")
	k.to("#actions button.primary")
	k.key("Enter")

	// Columns: another table by an arrow, its own columns changed; how many at once; the way past all of it to Start.
	b.until("document.querySelector('#columns') && document.readyState == 'complete'")
	k.to("#preset-inventory")
	k.key("ArrowRight")
	k.keeps("!document.querySelector('#preset-inventory').checked && document.activeElement.matches('[name=preset]:checked') && document.querySelector('[name=from]').value == document.activeElement.value")
	k.key("ArrowLeft")
	k.keeps("document.querySelector('#preset-inventory').checked && document.querySelector('[name=from]').value == 'inventory'")
	const columns = "document.querySelectorAll('#columns .column:not(.heads)').length == "
	k.to("#do-own")
	k.key("Enter")
	k.keeps(columns + "5")
	k.to("#do-add")
	k.key("Enter")
	k.keeps(columns + "6 && document.activeElement.id == 'name-5'")
	k.to("#do-remove-5")
	k.key("Enter")
	k.keeps(columns + "5")
	first := k.ask("document.querySelector('#name-0').value")
	k.to("#do-up-1", true)
	k.key("Enter") // the image that is first now cannot go up any more
	k.keeps(fmt.Sprintf("document.querySelector('#name-1').value == %q && document.querySelector('#do-up-0').disabled", first))
	k.to("[name=at_once]")
	k.typed("1")
	b.do(chromedp.Evaluate[chromedp.Void]("window.scrollTo(0, 0)"))
	k.to("#actions button.primary")
	k.key("Enter")
	b.until("document.querySelectorAll('#rows tr').length == 3 && document.querySelector('#row-1.is-processing')")
	steersByKeyboard(k, gemini)
	checksByKeyboard(k)

	// The workbook: past the rows in three steps.
	b.until("document.querySelector('#actions a[href$=\"workbook.xlsx\"]') && document.readyState == 'complete'")
	k.to(".skip[href='#actions']")
	k.key("Enter")
	k.to("#actions a[href$='workbook.xlsx']")
	k.key("Enter")
	waitFor(t, func() bool {
		books, err := filepath.Glob(filepath.Join(downloads, "*.xlsx"))
		return err == nil && len(books) == 1
	})
}

// heard is true when this was said.
func heard(words string) string {
	return fmt.Sprintf("document.querySelector('#say').textContent.includes(%q)", words)
}

// steersByKeyboard pauses a batch, has an image read first, cancels one and has it read again, and opens menus and dialogs.
func steersByKeyboard(k keyboard, gemini *simulator.Server) {
	k.to("#steer form[action$='/pause'] button")
	k.key("Enter")
	k.keeps("document.querySelector('#steer form[action$=\"/resume\"]') && " + heard("Paused."))
	k.to("#more > summary")
	k.key("Enter")
	k.keeps("document.querySelector('#more').open")
	k.to("#more select")
	k.key("Escape")
	k.keeps("!document.querySelector('#more').open && document.activeElement.matches('#more > summary')")
	k.key("?")
	k.keeps("document.querySelector('#keyboard').open && document.activeElement.closest('#keyboard')")
	for range 3 {
		k.key("Tab")
		if !k.is("document.activeElement === document.body || document.activeElement.closest('#keyboard')") {
			k.t.Errorf("behind the open dialog the focus comes to %s", k.ask(here))
		}
	}
	k.to("#single")
	k.key(" ")
	k.key("Escape")
	k.keeps("!document.querySelector('#keyboard').open && document.activeElement.matches('#more > summary')")
	k.key("f")
	k.key("?")
	if !k.is("document.querySelector('#live').dataset.show == 'all' && !document.querySelector('#keyboard').open") {
		k.t.Error("keys without Ctrl act, though they are switched off")
	}
	k.to("[data-keyboard]")
	k.key("Enter")
	k.to("#single")
	k.key(" ")
	k.key("Escape")
	k.to("#more > summary", true)
	k.key("f")
	k.keeps("document.querySelector('#live').dataset.show == 'failed'")
	k.key("a")
	k.keeps("document.querySelector('#live').dataset.show == 'all'")

	k.to("#row-4 .c-act > button")
	k.key("Enter")
	k.until("document.querySelector('#menu-4:popover-open')")
	k.key("Escape")
	k.keeps("!document.querySelector(':popover-open') && document.activeElement.matches('#row-4 .c-act > button')")
	k.key("Enter")
	k.to("#menu-4 button[value=high]")
	k.key("Enter")
	k.keeps("!document.querySelector(':popover-open') && " + heard("sheet-004: is read next."))
	k.to("#row-1 .c-act > button", true)
	k.key("Enter")
	k.to("#menu-1 form:last-child button")
	k.key(" ")
	k.keeps("document.querySelector('#row-1.is-canceled') && " + heard("Hall A: is canceled."))
	doubtful := simulator.TextAnswer(`[{"Item_Description":"Chair","Quantity":"many","Tag_Number":"T-1"},{"Item_Description":"Desk","Quantity":"some","Tag_Number":"T-2"}]`)
	for i := range 3 {
		gemini.SetKey(simulator.Key{Value: fmt.Sprintf("%s-%d", canary, i+1), Label: fmt.Sprintf("key %d", i+1), Always: &doubtful})
	}
	k.to("#steer form[action$='/resume'] button", true)
	k.key("Enter")
	k.keeps("document.querySelectorAll('#rows tr.is-completed').length == 2 && document.querySelector('#progress[data-final]')")
	k.to("#row-1 .c-act button")
	k.key("Enter")
	k.keeps(heard("Hall A: is read again.") + " || document.querySelectorAll('#rows tr.is-completed').length == 3")
	k.keeps("document.querySelectorAll('#rows tr.is-completed').length == 3 && document.querySelector('#progress[data-final]')")

	// Those in doubt are chosen, and one is opened.
	k.to("#filters [data-filter=doubt]", true)
	k.key(" ")
	k.keeps("document.querySelector('#live').dataset.show == 'doubt'")
	k.to("#row-1 .c-name a")
	k.key("Enter")
}

// checksByKeyboard goes from doubt to doubt, corrects, finds right, takes back, and is done with an image.
func checksByKeyboard(k keyboard) {
	k.until("location.pathname.endsWith('/images/1') && document.readyState == 'complete' && document.querySelector('#lines .cell[tabindex=\"0\"]')")
	k.to("#lines .cell[tabindex='0']")
	k.key("n")
	k.keeps("document.activeElement.dataset.why")
	k.key("F2")
	k.keeps("document.activeElement.classList.contains('editor')")
	k.typed("0123")
	k.key("Enter")
	k.keeps(allSaved + " && [...document.querySelectorAll('#lines .cell')].some((c) => c.dataset.text == '0123') && " + heard("Saved."))
	doubts := "document.querySelectorAll('#lines .cell[data-why]').length"
	k.key("n")
	before := k.ask("String(" + doubts + ")")
	k.key("Enter")
	k.keeps(allSaved + " && " + doubts + " == " + before + " - 1 && " + heard("Found right."))
	k.key("z", ctrl)
	k.keeps(allSaved + " && " + doubts + " == " + before + " && " + heard("The doubt is back."))
	k.to("#undo")
	k.key("Enter") // nothing is left to take back, so the button cannot keep the focus
	k.keeps(allSaved + " && document.querySelector('#undo').disabled && " + heard("The change was taken back."))
	k.to("#lines .cell[tabindex='0']", true)
	k.key("Enter", ctrl)
	k.until("!location.pathname.endsWith('/images/1') && document.readyState == 'complete' && document.querySelector('#back')")
	k.key("b")
	k.until("document.querySelector('#rows')")
}

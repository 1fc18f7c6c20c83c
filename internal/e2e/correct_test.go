package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/xuri/excelize/v2"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// press presses a key as a keyboard does.
func (b *tab) press(key string, code int64, modifiers int64) {
	b.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		p := input.DispatchKeyEventParams{Type: kind, Key: key, WindowsVirtualKeyCode: code, Modifiers: modifiers}
		if kind == input.DispatchKeyEventTypeKeyDown && modifiers == 0 && (len(key) == 1 || key == "Enter") {
			p.Text = map[bool]string{true: "\r", false: key}[key == "Enter"]
		}
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, p); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *tab) script(js string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](js))
}

const ctrl = 2 // the bit of the Ctrl key

const allSaved = "document.querySelector('#saved').dataset.state == 'saved'"

func TestAPersonCorrectsWithTheKeyboardAloneAndNothingIsLost(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	_, started := p.post(t, "", sheets(2))
	id := started["job_id"].(string)
	p.ended(t, id, 2*time.Minute)
	b := browser(t)
	b.do(chromedp.Navigate(p.url + "/batches/" + id + "/images/1"))
	b.until("document.querySelector('#lines .cell[tabindex=\"0\"]') && document.querySelector('#stage img').naturalWidth > 0")
	b.script("document.querySelector('#lines tr .cell').focus()")
	b.until("Number(document.querySelector('#band').getAttribute('width')) > 0")
	b.shot("10-check")

	// F2, a text, Enter: it is there at once, saved, and the cursor is one row below.
	b.press("F2", 113, 0)
	b.until("document.activeElement.classList.contains('editor')")
	b.script("document.activeElement.value = ''")
	b.do(chromedp.SendKeys(chromedp.CSS(".editor"), "Typed by hand"))
	b.press("Enter", 13, 0)
	b.until("document.querySelector('#lines tr .cell').dataset.text == 'Typed by hand' && document.querySelector('#lines tr .cell').classList.contains('edited')")
	b.until(allSaved)
	b.until("document.activeElement.closest('tr')?.sectionRowIndex == 1")
	b.shot("11-edited")

	// Undo restores the text as it was read.
	b.press("z", 90, ctrl)
	b.until("document.querySelector('#lines tr .cell').dataset.text != 'Typed by hand'")

	// Somebody else changes a cell: the text typed here is kept and both are shown.
	b.script("document.querySelector('#lines tr .cell').focus()")
	other := newTab(t, b.ctx)
	other.do(chromedp.Navigate(p.url + "/batches/" + id + "/images/1"))
	other.until("document.querySelector('#lines tr .cell')")
	edit := func(b *tab, text string) {
		b.script("document.querySelector('#lines tr .cell').focus()")
		b.press("F2", 113, 0)
		b.until("document.activeElement.classList.contains('editor')")
		b.script("document.activeElement.value = ''")
		b.do(chromedp.SendKeys(chromedp.CSS(".editor"), text))
		b.press("Enter", 13, 0)
	}
	edit(other, "Theirs")
	other.until(allSaved)
	edit(b, "Mine")
	b.until("document.querySelector('#clash')")
	if said := b.text("#clash"); !strings.Contains(said, "Theirs") || !strings.Contains(said, "Mine") {
		t.Errorf("the clash says %q", said)
	}
	b.forgive("409")
	b.shot("12-clash")
	b.click("#clashform button")
	b.until("document.querySelector('#lines tr .cell').dataset.text == 'Mine' && !document.querySelector('#clash')")

	// While the network is away an edit waits, and is sent when it is back.
	b.script("window.fetchBefore = fetch; window.fetch = () => Promise.reject(new Error('away'))")
	edit(b, "Typed offline")
	b.until("document.querySelector('#saved').dataset.state == 'waits'")
	b.script("window.fetch = window.fetchBefore; dispatchEvent(new Event('online'))")
	b.until(allSaved)

	// Checked, and the next image.
	b.press("Enter", 13, ctrl)
	b.until("location.pathname.endsWith('/images/2')")
	b.until("document.querySelector('#checkbar b').textContent.startsWith('1 of 2')")

	// All rows: find and replace, counted, done, undone; a row leads to its picture.
	b.do(chromedp.Navigate(p.url + "/batches/" + id + "/rows"))
	b.until("document.querySelectorAll('#lines tr').length > 2")
	b.shot("13-rows")
	if !b.is("[...document.querySelectorAll('#lines .cell')].some((c) => c.dataset.text == 'Typed offline')") {
		t.Error("the edit is not among all rows")
	}
	b.script("document.querySelector('#replace').open = true; document.querySelector('[name=find]').value = 'typed OFFLINE'; document.querySelector('[name=with]').value = 'Replaced'")
	b.click("button[value=count]")
	b.until("document.querySelector('#replace button[value=replace]')")
	b.shot("14-replace")
	b.click("#replace button[value=replace]")
	b.until("document.querySelector('#replaced') && [...document.querySelectorAll('#lines .cell')].some((c) => c.dataset.text == 'Replaced')")
	b.click("#replaced button")
	b.until("[...document.querySelectorAll('#lines .cell')].some((c) => c.dataset.text == 'Typed offline')")
	b.click("#lines tr:nth-child(2) th a")
	b.until("document.querySelector('#stage') && document.activeElement.classList.contains('cell')")
	if row := b.text("#lines tr.lit th"); row != "2" {
		t.Errorf("the picture opens at row %q", row)
	}
}

func TestEveryEditOnTheCheckPageCanBeTakenBack(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	_, started := p.post(t, "", sheets(1))
	id := started["job_id"].(string)
	p.ended(t, id, 2*time.Minute)
	b := browser(t)
	b.do(chromedp.Navigate(p.url + "/batches/" + id + "/images/1"))
	b.until("document.querySelector('#lines .cell[tabindex=\"0\"]') && document.querySelector('#stage img').naturalWidth > 0")

	// The text of the grid, cell by cell with its doubts: it is the same before an edit and after its undo.
	const says = "[...document.querySelectorAll('#lines tr')].map((r) => [...r.querySelectorAll('.cell')].map((c) => c.dataset.text + '|' + (c.dataset.why ?? '')).join(';')).join('\\n')"
	b.script("window.before = " + says)
	rows := "document.querySelectorAll('#lines tr').length"
	b.script("window.rows = " + rows)
	for _, e := range []struct {
		name string
		do   func()
		done string
	}{
		{"a doubt found right with Enter, from doubt to doubt", func() {
			b.press("n", 78, 0)
			b.script("window.doubts = document.querySelectorAll('#lines .cell[data-why]').length; document.querySelector('#lines .cell[tabindex=\"0\"]').focus()")
			b.press("Enter", 13, 0)
		}, "document.querySelectorAll('#lines .cell[data-why]').length == window.doubts - 1 && document.querySelector('#lines .cell[tabindex=\"0\"]').dataset.why"},
		{"a cell emptied with Delete", func() {
			b.script("document.querySelector('#lines tr .cell').focus()")
			b.press("Delete", 46, 0)
		}, "document.querySelector('#lines tr .cell').dataset.text == ''"},
		{"a row added", func() { b.click("#rowtools [data-do=add]") }, rows + " == window.rows + 1"},
		{"a row moved down", func() {
			b.script("document.querySelector('#lines tr .cell').focus()")
			b.click("#rowtools [data-do=down]")
		}, "window.before.split('\\n')[0] == " + says + ".split('\\n')[1]"},
		{"a row deleted", func() {
			b.script("document.querySelector('#lines tr .cell').focus()")
			b.click("#rowtools [data-do=delete]")
		}, rows + " == window.rows - 1"},
		{"the image checked", func() { b.click("#check") }, "document.querySelector('#uncheck')"},
	} {
		e.do()
		b.until(allSaved)
		b.until(e.done)
		b.until("!document.querySelector('#undo').disabled")
		b.press("z", 90, ctrl)
		b.until(allSaved)
		b.until(says + " == window.before && !document.querySelector('#uncheck')")
		if t.Failed() {
			t.Fatalf("not taken back: %s", e.name)
		}
	}
	if history := b.text("#history summary"); !strings.HasPrefix(history, "12 changes") {
		t.Errorf("of six edits and their undoing the history says %q", history)
	}
}

// TestNobodyLeavesAnEditBehind acts as a hurried person: presses Enter at once, goes to the next picture while an edit is
// sent, leaves the page while the network is down, marks a picture as checked that was read again meanwhile.
func TestNobodyLeavesAnEditBehind(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	_, started := p.post(t, "", sheets(2))
	id := started["job_id"].(string)
	p.ended(t, id, 2*time.Minute)
	b := browser(t)
	image := p.url + "/batches/" + id + "/images/1"
	open := func(b *tab) {
		t.Helper()
		b.do(chromedp.Navigate(image))
		b.until("document.querySelector('#lines .cell[tabindex=\"0\"]') && document.querySelector('#stage img').naturalWidth > 0")
	}
	text := func(n int) string {
		return fmt.Sprintf("document.querySelectorAll('#lines tr .cell')[%d].dataset.text", n)
	}
	typed := func(b *tab, what string) {
		t.Helper()
		b.script("document.querySelector('#lines tr .cell').focus()")
		b.press("F2", 113, 0)
		b.until("document.activeElement.classList.contains('editor')")
		b.script("document.activeElement.value = ''")
		b.do(chromedp.SendKeys(chromedp.CSS(".editor"), what))
	}

	// The page says that Enter finds the cell right, so it does without a click into the grid first; held down it does
	// not wave the next ones through unseen.
	open(b)
	b.until("document.activeElement == document.body && !document.querySelector('#accept').disabled")
	b.script("window.doubts = document.querySelectorAll('#lines .cell[data-why]').length")
	b.press("Enter", 13, 0)
	b.until(allSaved)
	b.script("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', repeat: true, bubbles: true })); document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', repeat: true, bubbles: true }))")
	b.until(allSaved)
	if !b.is("document.querySelectorAll('#lines .cell[data-why]').length == window.doubts - 1") {
		t.Error("Enter on a page just opened did not accept one doubt")
	}

	// A link pressed while the edit is on its way waits for it, and asks nothing.
	b.script("window.fetchBefore = fetch; window.fetch = (...a) => new Promise((go) => { window.letGo = () => go(window.fetchBefore(...a)); })")
	typed(b, "Typed and off")
	b.click("#next")
	b.until("window.letGo")
	if !b.is("location.pathname.endsWith('/images/1')") {
		t.Fatal("the page was left before the edit was saved")
	}
	b.script("window.letGo()")
	b.until("location.pathname.endsWith('/images/2') && document.querySelector('#lines .cell')")
	open(b)
	if !b.is(text(0) + " == 'Typed and off'") {
		t.Error("the edit was lost on the way to the next picture")
	}

	// Typed without a network, and gone: the next page of any kind sends it.
	b.script("window.fetch = () => Promise.reject(new Error('away'))")
	typed(b, "Typed without a network")
	b.press("Enter", 13, 0)
	b.until("document.querySelector('#saved').dataset.state == 'waits'")
	other := newTab(t, b.ctx)
	other.do(chromedp.Navigate(p.url + "/batches/" + id))
	other.until("document.querySelectorAll('#rows tr').length == 2 && !Object.keys(localStorage).some((k) => k.startsWith('edits:'))")
	open(other)
	if !other.is(text(0) + " == 'Typed without a network'") {
		t.Error("what was typed without a network is not there")
	}

	// Read anew by somebody else meanwhile, a picture is not taken for checked, nor left as if it were.
	third := newTab(t, b.ctx)
	open(third)
	p.ask(t, "POST", id+"/images/1/retry", `{"fresh": true}`)
	p.ended(t, id, 2*time.Minute)
	third.press("Enter", 13, ctrl)
	third.until("document.querySelector('#saved').dataset.state == 'refused'")
	third.until("document.querySelector('#about, #note').textContent.trim() != ''")
	if !third.is("location.pathname.endsWith('/images/1') && document.querySelector('#check')") {
		t.Error("the refused check was passed over")
	}
	third.forgive("409")
	b.script("window.fetch = window.fetchBefore ?? fetch")
}

func TestDatesThatMayMeanTwoDaysAreSettledAtAPressAndStandInTheWorkbookAsDates(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 2, 10*time.Millisecond)
	p := run(t, environ...)
	_, started := p.post(t, "?columns=receipt", sheets(2))
	id := started["job_id"].(string)
	p.ended(t, id, time.Minute)
	receipts, _ := table.Preset("receipt")
	at := slices.IndexFunc(receipts.Columns, func(c table.Column) bool { return c.Type == table.Date })
	for n, text := range []string{"25/12/25", "03/04/2026"} {
		p.change(t, id, n+1, func(m *batch.Image) {
			m.Rows = []table.Row{{Cells: slices.Repeat([]table.Cell{{Text: "7", State: table.Read}}, len(receipts.Columns))}}
			m.Rows[0].Cells[at].Text = text
			m.Issues = receipts.Check(nil, m.Rows)
		})
	}
	b := browser(t)
	b.opens(p.url+"/batches/"+id+"/rows", "#dates form")
	if said := b.text("#dates"); !strings.Contains(said, "2 dates") || !strings.Contains(said, "03/04/2026") || !strings.Contains(said, "2026-03-04 (month first)") {
		t.Errorf("it asks %q", said)
	}
	b.accessible("all rows, dates in doubt")
	b.shot("13-dates")
	b.click("#dates button[value=day]")
	b.until("document.querySelector('#replaced') && !document.querySelector('#dates form')")
	for _, day := range []string{"2026-04-03", "2025-12-25"} {
		b.until("[...document.querySelectorAll('#lines .cell')].some((c) => c.dataset.text == '" + day + "')")
	}
	rows, err := p.workbook(t, id).GetRows("All rows", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range []string{"46115", "46016"} { // as Excel counts days
		if !slices.ContainsFunc(rows, func(row []string) bool { return slices.Contains(row, day) }) {
			t.Errorf("%s is no date of the workbook: %v", day, rows)
		}
	}
	b.click("#replaced button")
	b.until("document.querySelector('#dates form')")
	for _, text := range []string{"03/04/2026", "25/12/25"} {
		b.until("[...document.querySelectorAll('#lines .cell')].some((c) => c.dataset.text == '" + text + "')")
	}

	// A person types one of them, and the question follows: it no longer asks for the order, but for the century.
	b.until("document.querySelector('#grid').ariaRowCount")
	b.script("[...document.querySelectorAll('#lines .cell')].find((c) => c.dataset.text == '03/04/2026').focus()")
	b.press("F2", 113, 0)
	b.until("document.activeElement.classList.contains('editor')")
	b.script("document.activeElement.value = '2026-04-03'")
	b.press("Enter", 13, 0)
	b.until("document.querySelector('#dates button[value=either]')")
	b.accessibleAtDesk("all rows, years of two digits")
	b.click("#dates button[value=either]")
	b.until("document.querySelector('#replaced') && !document.querySelector('#dates form')")
}

func TestUnsentEditsGoWithTheSession(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_PASSWORD=a-long-enough-password", "SHEETLIFT_ENGINE=auto")
	b := browser(t)
	b.opens(p.url, "form.login")
	b.do(chromedp.SendKeys(chromedp.CSS("[name=password]"), "a-long-enough-password"))
	b.click("form.login .primary")
	b.until("document.readyState == 'complete' && document.querySelector('form[action=\"/logout\"]')") // its scripts, too
	b.script("localStorage.setItem('edits:b1', 'canary'); localStorage.setItem('missing:b1', 'canary'); localStorage.setItem('single', 'no')")
	b.script("document.querySelector('form[action=\"/logout\"] button').click()")
	b.until("document.querySelector('form.login')")
	if !b.is("localStorage.getItem('single') === 'no' && !localStorage.getItem('edits:b1') && !localStorage.getItem('missing:b1')") {
		kept, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("Object.keys(localStorage).join()"))
		t.Errorf("an edit that was not sent is still there for the next person, or a choice is gone: %s", kept)
	}
}

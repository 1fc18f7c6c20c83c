package e2e_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

const alt = 1

// types presses a key that writes a character.
func (b *tab) types(key string) {
	b.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		p := input.DispatchKeyEventParams{Type: kind, Key: key}
		if kind == input.DispatchKeyEventTypeKeyDown {
			p.Text = key
		}
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, p); err != nil {
			b.t.Fatal(err)
		}
	}
}

// pastes gives the focused element a text as the clipboard does.
func (b *tab) pastes(text string) {
	b.t.Helper()
	b.script(fmt.Sprintf("(() => { const d = new DataTransfer(); d.setData('text/plain', %q); document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: d, bubbles: true, cancelable: true })); })()", text))
}

func TestTheGridOfAllRowsIsASpreadsheet(t *testing.T) {
	t.Parallel()
	dir, id := readAlready(t, 3, 100)
	p := run(t, "SHEETLIFT_ENGINE=tesseract", "SHEETLIFT_DATA="+dir, "SHEETLIFT_BACKUPS=0")
	b := browser(t)
	page := p.url + "/batches/" + string(id) + "/rows"
	b.opens(page, "#sheet.live-grid #lines .cell[tabindex='0']")
	b.forgive("404") // the pictures themselves are not there
	b.until("document.querySelector('#grid').ariaRowCount == '301' && document.querySelectorAll('#lines tr').length < 80")
	cell := func(row, column int) string {
		return fmt.Sprintf("document.querySelector('#lines tr[id$=\"-%d\"]')?.cells[%d]", row, column+1)
	}
	text := func(row, column int, want string) {
		t.Helper()
		b.until(fmt.Sprintf("%s.dataset.text == %q && !document.querySelector('.editor')", cell(row, column), want))
	}
	stored := func(row, column int, want string) {
		t.Helper()
		b.until(allSaved)
		m, err := p.app.Store().Image(t.Context(), id, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Rows[row-1].Cells[column-1].Text; got != want {
			t.Errorf("row %d, column %d is stored as %q, want %q", row, column, got, want)
		}
	}
	b.script(cell(1, 1) + ".focus()")

	// Typing replaces, Enter goes down, Tab to the right, F2 edits, Escape leaves it as it was.
	b.types("D")
	b.until("document.activeElement.classList.contains('editor') && document.activeElement.value == 'D'")
	b.do(chromedp.SendKeys(chromedp.CSS(".editor"), "esk"))
	b.press("Enter", 13, 0)
	text(1, 1, "Desk")
	stored(1, 1, "Desk")
	b.until("document.activeElement == " + cell(2, 1))
	b.press("F2", 113, 0)
	b.until("document.activeElement.classList.contains('editor')")
	b.do(chromedp.SendKeys(chromedp.CSS(".editor"), "thrown away"))
	b.press("Escape", 27, 0)
	b.until("document.activeElement == " + cell(2, 1))
	b.press("Tab", 9, 0)
	b.until("document.activeElement == " + cell(2, 2))

	// A block is pasted, and taken back and done again as one.
	b.pastes("5\tSN-1\r\n6\t\"two\nlines\"\r\n7\tSN-3\r\n")
	text(4, 3, "SN-3")
	stored(2, 2, "5")
	stored(3, 3, "two\nlines")
	b.press("z", 90, ctrl)
	b.until(allSaved)
	text(4, 3, "SN-000003")
	stored(3, 3, "SN-000002")
	b.press("y", 89, ctrl)
	text(4, 3, "SN-3")
	stored(4, 3, "SN-3")

	// A range: filled down, copied, emptied.
	b.script(cell(1, 1) + ".focus()")
	b.press("ArrowDown", 40, shift)
	b.press("ArrowDown", 40, shift)
	b.until("document.querySelectorAll('#lines .cell.in').length == 3")
	b.press("d", 68, ctrl)
	text(3, 1, "Desk")
	stored(3, 1, "Desk")
	b.script("window.copied = new DataTransfer(); document.activeElement.dispatchEvent(new ClipboardEvent('copy', { clipboardData: copied, bubbles: true, cancelable: true }))")
	b.until("copied.getData('text/plain') == 'Desk\\r\\nDesk\\r\\nDesk'")
	b.press("Delete", 46, 0)
	text(3, 1, "")
	stored(2, 1, "")

	// Rows: one is inserted, and deleted.
	b.script(cell(5, 1) + ".focus()")
	b.press("Insert", 45, alt)
	b.until("document.querySelector('#grid').ariaRowCount == '302'")
	b.until(allSaved)
	b.script(cell(101, 1) + ".focus()") // the new row has the next number
	b.press("Delete", 46, alt)
	b.until("document.querySelector('#grid').ariaRowCount == '301'")
	b.until(allSaved)

	// Far rows come when they are scrolled to; tabs, search and order act at once.
	b.press("End", 35, ctrl)
	b.until("document.activeElement.id == 'c-3-100-5'")
	b.click("#tabs [data-tab=edited]")
	b.until("document.querySelector('#grid').ariaRowCount == '5' && location.search.includes('tab=edited')")
	b.click("#tabs [data-tab='']")
	b.script("document.querySelector('#q').focus()")
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "sn-000097"))
	b.until("document.querySelector('#grid').ariaRowCount == '2' && document.querySelector('#found').textContent.startsWith('1 of 300')")
	b.script("document.querySelector('#q').value = ''; document.querySelector('#q').dispatchEvent(new Event('input', { bubbles: true }))")
	b.until("document.querySelector('#grid').ariaRowCount == '301'")
	b.click("thead [data-sort='3']")
	b.click("thead [data-sort='3']")
	b.until("document.querySelector('th[aria-sort=descending]') && document.querySelector('#lines tr .cell[data-column=\"2\"]').dataset.text == 'two\\nlines'")
	b.accessibleAtDesk("all rows, sorted, as a grid")
}

func TestCellsGoToAndFromTheClipboardAsSpreadsheetsWriteThem(t *testing.T) {
	t.Parallel()
	dir, id := readAlready(t, 1, 3)
	p := run(t, "SHEETLIFT_ENGINE=tesseract", "SHEETLIFT_DATA="+dir, "SHEETLIFT_BACKUPS=0")
	b := browser(t)
	b.opens(p.url+"/batches/"+string(id)+"/rows", "#sheet.live-grid")
	b.forgive("404")
	for _, one := range []struct{ text, want string }{
		{"a\tb\r\nc\td\r\n", `[["a","b"],["c","d"]]`},
		{"a", `[["a"]]`},
		{"", `[[""]]`},
		{"\"x\ty\"\t\"say \"\"no\"\"\"\n\"two\nlines\"", `[["x\ty","say \"no\""],["two\nlines"]]`},
		{"\"never closed\tb", `[["\"never closed","b"]]`},
		{"5\" pipe\t6", `[["5\" pipe","6"]]`},
		{"a\n\nb", `[["a"],[""],["b"]]`},
	} {
		b.until(fmt.Sprintf("JSON.stringify(tsv.read(%q)) == %q", one.text, one.want))
	}
	// A thousand tables of the characters that matter come back as they went.
	b.until(`(() => {
		let seed = 7;
		const next = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n, signs = ["a", "\"", "\t", "\n", "\r\n", " ", "é", ""];
		for (let k = 0; k < 1000; k++) {
			const width = 1 + next(4);
			const rows = Array.from({ length: 1 + next(4) }, () => Array.from({ length: width }, () => Array.from({ length: next(5) }, () => signs[next(8)]).join("")));
			if (rows.length > 1 && rows.at(-1).join("") === "" && width === 1) continue; // a last blank cell alone is the end of the line before
			if (JSON.stringify(tsv.read(tsv.write(rows))) !== JSON.stringify(rows)) { console.error(JSON.stringify(rows)); return false; }
		}
		return true;
	})()`)
}

func TestTheCellInQuestionIsWhollySeenOnALongSheet(t *testing.T) {
	t.Parallel()
	dir, id := readAlready(t, 1, 400)
	p := run(t, "SHEETLIFT_ENGINE=tesseract", "SHEETLIFT_DATA="+dir, "SHEETLIFT_BACKUPS=0")
	b := browser(t)
	b.forgive("404") // the pictures themselves are not there
	for _, size := range []struct{ width, height int64 }{{1440, 900}, {1024, 768}} {
		if _, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: size.width, Height: size.height, DeviceScaleFactor: 1}); err != nil {
			t.Fatal(err)
		}
		b.opens(p.url+"/batches/"+string(id)+"/images/1", "#lines .cell[tabindex='0']")
		for i := range 20 {
			b.press("n", 78, 0)
			b.until("(() => { const c = document.querySelector('#lines .cell[tabindex=\"0\"]'), r = c.getBoundingClientRect(); return [r.top + 3, r.bottom - 3].every((y) => c.contains(document.elementFromPoint(r.x + r.width / 2, y))); })()")
			if t.Failed() {
				t.Fatalf("%d × %d, doubt %d", size.width, size.height, i)
			}
		}
	}
}

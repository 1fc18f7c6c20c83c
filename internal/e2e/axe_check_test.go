package e2e_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// doubtful returns the reading of an inventory sheet, with cells in every state and doubts of every kind.
func doubtful() ([]table.Row, []table.Issue) {
	cell := func(text string, state table.State) table.Cell { return table.Cell{Text: text, State: state} }
	rows := []table.Row{
		{Cells: []table.Cell{cell("1", ""), cell("Chair", ""), cell("Hall", ""), cell("0O123", table.Guessed), cell("2", "")}},
		{Cells: []table.Cell{cell("2", ""), cell("", table.Unreadable), cell("", table.Blank), cell("1O123", ""), cell("many", "")}},
		{Cells: []table.Cell{cell("3", ""), cell("Desk", ""), cell("Hall", ""), cell("20123", ""), cell("1", "")}},
	}
	return rows, []table.Issue{
		{Row: 0, Column: 3, Kind: table.KindGuessed, Message: "The print is smudged."},
		{Row: 1, Column: 1, Kind: table.KindUnreadable, Message: "Nothing can be read."},
		{Row: 1, Column: 4, Kind: table.KindRule, Message: "Not a number."},
		{Row: -1, Column: -1, Kind: table.KindRows, Message: "A row is missing."},
	}
}

// doubted is a batch of n sheets that were read, each with doubts.
func (p *process) doubted(t testing.TB, n int) (id string) {
	t.Helper()
	_, started := p.post(t, "", sheets(n))
	id = started["job_id"].(string)
	p.ended(t, id, time.Minute)
	for i := range n {
		p.change(t, id, i+1, func(m *batch.Image) {
			m.Rows, m.Issues = doubtful()
			m.Text = "Chair 12"
			m.Attempts = append([]batch.Attempt{attempt("bad answer", "The answer was cut off.")}, m.Attempts...)
		})
	}
	return id
}

// TestWhatWasReadIsAccessibleInLightAndDark looks at the check page and at all rows, while a person corrects.
func TestWhatWasReadIsAccessibleInLightAndDark(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 2, 10*time.Millisecond)
	p := run(t, environ...)
	id := p.doubted(t, 3)
	page := p.url + "/batches/" + id
	b := browser(t)
	current := "#lines .cell[tabindex=\"0\"]"
	b.opens(page+"/images/1", current)
	b.accessible("check, with doubts")
	b.script("document.querySelectorAll('#result details').forEach((d) => { d.open = true; })")
	b.accessible("check, with all opened")
	b.opens(page+"/images/1", current)
	b.press("F2", 113, 0)
	b.until("document.activeElement.classList.contains('editor')")
	b.accessible("check, typing")
	b.do(chromedp.SendKeys(chromedp.CSS(".editor"), "Mine"))
	b.press("Enter", 13, 0)
	b.until(allSaved + " && document.querySelector('#history')")
	b.script("document.querySelector('#history details').open = true")
	b.accessible("check, with its history")
	b.script("document.querySelector('#lines tr .cell:last-child').dataset.text = 'seen before'; document.querySelector('#lines tr .cell:last-child').focus()")
	b.press("Delete", 46, 0)
	b.until("document.querySelector('#clash')")
	b.forgive("409")
	b.accessible("check, with a clash")
	b.click("#clashform a")
	b.until("!document.querySelector('#clash') && document.readyState == 'complete' && document.querySelector('#check')")
	b.press("?", 191, 0)
	b.until("document.querySelector('#keyboard[open]')")
	b.accessibleAtDesk("check, the keys that it has")
	b.press("Escape", 27, 0)
	b.click("#check")
	b.until("location.pathname.endsWith('/2')")
	b.opens(page+"/images/1?row=1", "#edit")
	b.accessible("check, checked, and a row as a form")

	b.opens(page+"/rows", current)
	b.accessible("all rows")
	b.opens(page+"/rows?doubts=1&image=2&sort=-2", "#lines tr")
	b.accessibleAtDesk("all rows, filtered")
	b.opens(page+"/rows?q=nobody", "#result .empty")
	b.accessible("all rows, none found")
	b.opens(page+"/rows", current)
	b.click("#replace summary")
	b.script("document.querySelector('[name=find]').value = 'desk'; document.querySelector('[name=with]').value = 'Table'")
	b.click("button[value=count]")
	b.until("document.querySelector('#replace button[value=replace]')")
	b.accessible("all rows, replacing counted")
	b.click("#replace button[value=replace]")
	b.until("document.querySelector('#replaced')")
	b.accessible("all rows, replaced")
}

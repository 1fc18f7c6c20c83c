package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// asked is a batch of pictures with so many doubts on each, whose places on the picture are known. The first doubt of the first
// offered pictures has a value to choose.
func (p *process) asked(t testing.TB, pictures, doubts, offered int) (id string) {
	t.Helper()
	_, started := p.post(t, "", sheets(pictures))
	id = started["job_id"].(string)
	p.ended(t, id, 2*time.Minute)
	for n := 1; n <= pictures; n++ {
		p.change(t, id, n, func(m *batch.Image) {
			m.Rows, m.Issues = nil, nil
			for r := range doubts + 2 {
				row := table.Row{Box: &table.Box{Top: 150 + 40*r, Left: 60, Bottom: 180 + 40*r, Right: 940}}
				for c, text := range []string{"Office chair", fmt.Sprint(r + 1), fmt.Sprintf("SN-%02d%02d", n, r), fmt.Sprintf("TAG%02d%02d", n, r), "Good"} {
					row.Cells = append(row.Cells, table.Cell{Text: text, State: table.Read, Box: &table.Box{Top: 155 + 40*r, Left: 70 + 175*c, Bottom: 175 + 40*r, Right: 200 + 175*c}})
				}
				m.Rows = append(m.Rows, row)
			}
			for r := range doubts {
				issue := table.Issue{Row: r, Column: 2, Kind: table.KindGuessed, Message: "This was guessed; compare it with the picture."}
				if r == 0 && n <= offered {
					m.Rows[r].Cells[3].Text = fmt.Sprintf("TAGO%d", 7700+n)
					issue = table.Issue{Row: r, Column: 3, Kind: table.KindForm, Message: fmt.Sprintf("Most values of this column are written another way, and this may be “TAG0%d”: such letters and digits look alike. Compare it with the picture.", 7700+n)}
				} else {
					m.Rows[r].Cells[2].State = table.Guessed
				}
				m.Issues = append(m.Issues, issue)
			}
		})
	}
	return id
}

// queueReady is true when a question is shown whole: with its crop and its rows.
const queueReady = "document.querySelector('main.queue[data-ready]') && document.querySelector('#crop canvas') && document.querySelector('#rows .cell.at')"

// onQueue opens the queue of a batch.
func (b *tab) onQueue(p *process, id string) {
	b.t.Helper()
	b.do(chromedp.Navigate(p.url + "/batches/" + id + "/check"))
	b.until(queueReady)
}

// saved waits until every answer is with the server.
func (b *tab) saved() {
	b.t.Helper()
	b.until("!Object.keys(localStorage).some((k) => k.startsWith('edits:'))")
}

func TestAClerkAnswersAHundredDoubtsWithAHundredAndTenKeysAtMost(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 2, 10*time.Millisecond)
	p := run(t, environ...)
	id := p.asked(t, 20, 5, 10)
	b := browser(t)
	b.onQueue(p, id)
	if of := b.text("#count"); of != "1 of 100" {
		t.Fatalf("the queue says %q", of)
	}
	pressed := 0
	for i := range 100 {
		b.until(fmt.Sprintf("document.querySelector('#count b').textContent == '%d' && %s && document.querySelector('#right').ariaDisabled == 'false'", i+1, queueReady))
		if b.is("document.querySelector('#offers .offer')") {
			b.press("1", 49, 0)
		} else {
			b.press("Enter", 13, 0)
		}
		pressed++
	}
	b.until("document.querySelector('main.finish')")
	if pressed > 110 {
		t.Errorf("it took %d key presses", pressed)
	}
	if title := b.text("h1"); title != "All 100 are checked" {
		t.Errorf("the end says %q", title)
	}
	right, chosen := 0, 0
	for n := 1; n <= 20; n++ {
		m, err := p.app.Store().Image(t.Context(), batch.ID(id), n)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range m.Rows {
			for _, c := range row.Cells {
				switch {
				case c.State == table.Accepted:
					right++
				case c.State == table.Edited && c.Text == fmt.Sprintf("TAG0%d", 7700+n):
					chosen++
				case c.State != table.Read:
					t.Errorf("image %d has a cell %+v", n, c)
				}
			}
		}
	}
	if right != 90 || chosen != 10 {
		t.Errorf("%d were found right and %d chosen", right, chosen)
	}
	if !b.is("document.activeElement.matches('[download]')") {
		t.Error("Enter does not download at the end")
	}
}

// wholly says which of the elements of a question are not wholly visible.
const wholly = `(() => {
	const covered = (selector, inside) => {
		const e = document.querySelector(selector);
		if (!e || !e.checkVisibility()) return selector + " is not there";
		const r = e.getBoundingClientRect();
		if (r.left < -1 || r.top < -1 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1) return selector + " reaches out: " + JSON.stringify(r);
		for (const [x, y] of [[0.02, 0.1], [0.98, 0.1], [0.5, 0.5], [0.02, 0.9], [0.98, 0.9]]) {
			const at = document.elementFromPoint(r.left + r.width * x, r.top + r.height * y);
			if (!at || !(e.contains(at) || at.contains(e) && !inside || inside && at.closest(inside))) return selector + " lies under " + (at?.outerHTML ?? "").slice(0, 80);
		}
		return "";
	};
	const wide = innerWidth > 760;
	const frame = document.querySelector("#marks .frame").getBoundingClientRect(), stage = document.querySelector("#stage").getBoundingClientRect();
	const lit = frame.width > 4 && frame.left >= stage.left && frame.right <= stage.right && frame.top >= stage.top + 20 && frame.bottom <= stage.bottom - 20 ? "" : "the lit cell is not on the stage: " + JSON.stringify([frame, stage]);
	return [lit, wide ? covered("#rows .cell.at") : "", covered("#crop"), covered("#v", ".value"), covered("#right"), covered("#unreadable"), covered("#skip"),
		document.documentElement.scrollWidth > innerWidth ? "the page scrolls sideways" : ""].filter(Boolean).join("; ");
})()`

func TestAQuestionIsWhollyVisibleOnEveryScreen(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 2, 10*time.Millisecond)
	p := run(t, environ...)
	id := p.asked(t, 3, 16, 1)
	for _, size := range [][2]int64{{1440, 900}, {1920, 1080}, {1024, 768}, {390, 844}} {
		b := browser(t)
		b.do(chromedp.EmulateViewport(size[0], size[1]))
		b.onQueue(p, id)
		for i := range 48 {
			b.until(fmt.Sprintf("document.querySelector('#count b').textContent == '%d' && %s", i+1, queueReady))
			if bad, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](wholly)); err != nil || bad != "" {
				t.Errorf("%d×%d, doubt %d: %s %v", size[0], size[1], i+1, bad, err)
				break
			}
			if i < 47 {
				b.press("ArrowRight", 39, 1)
			}
		}
		b.end()
	}
}

func TestTheQueueSkipsUndoesAndMarksAsUnreadable(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 2, 10*time.Millisecond)
	p := run(t, environ...)
	id := p.asked(t, 2, 3, 0)
	b := browser(t)
	b.onQueue(p, id)
	first := b.text("#head")
	b.press("s", 83, 1)
	b.until("document.querySelector('#head').textContent.trim().replace(/\\s+/g, ' ') != '" + first + "'")
	if at := b.text("#count"); at != "1 of 6" {
		t.Errorf("after a skip it says %q", at)
	}
	second := b.text("#head")
	b.press("u", 85, 1)
	b.until("document.querySelector('#count b').textContent == '2'")
	b.do(chromedp.SendKeys(chromedp.CSS("#v"), "SN-TYPED"))
	if label := b.text("#right span"); label != "Save, next" {
		t.Errorf("a typed value is confirmed by %q", label)
	}
	b.press("Enter", 13, 0)
	b.until("document.querySelector('#count b').textContent == '3'")
	b.saved()
	cell := func(n, row int) table.Cell {
		m, err := p.app.Store().Image(t.Context(), batch.ID(id), n)
		if err != nil {
			t.Fatal(err)
		}
		return m.Rows[row].Cells[2]
	}
	if c := cell(1, 1); c.State != table.Lost || c.Text != "" {
		t.Errorf("the unreadable cell is %+v", c)
	}
	if c := cell(1, 2); c.State != table.Edited || c.Text != "SN-TYPED" {
		t.Errorf("the typed cell is %+v", c)
	}
	b.press("z", 90, ctrl)
	b.until("document.querySelector('#v').value == 'SN-0102'")
	b.press("z", 90, ctrl)
	b.until("document.querySelector('#head').textContent.trim().replace(/\\s+/g, ' ') == '" + second + "'")
	b.saved()
	if c := cell(1, 1); c.State != table.Guessed || c.Text != "SN-0101" {
		t.Errorf("after undo the cell is %+v", c)
	}
	// Undo reaches answers of an earlier visit.
	b.press("Enter", 13, 0)
	b.saved()
	b.onQueue(p, id)
	if at := b.text("#count"); at != "1 of 5" {
		t.Errorf("a later visit begins with %q", at)
	}
	b.press("z", 90, ctrl)
	b.until("document.querySelector('#count').textContent.trim().endsWith('of 6') && document.querySelector('#head').textContent.trim().replace(/\\s+/g, ' ') == '" + second + "'")
	// Escape leaves the field, then the page.
	b.do(chromedp.SendKeys(chromedp.CSS("#v"), "x"))
	b.press("Escape", 27, 0)
	b.until("document.querySelector('#v').value == 'SN-0101'")
	b.press("Escape", 27, 0)
	b.until("location.pathname == '/batches/" + id + "'")
}

func TestAllOfAKindAreConfirmedTogetherAndTakenBackTogether(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 2, 10*time.Millisecond)
	p := run(t, environ...)
	id := p.asked(t, 3, 4, 0)
	b := browser(t)
	b.onQueue(p, id)
	b.press("a", 65, 1)
	b.until("document.querySelector('#same').open && document.querySelectorAll('#twins canvas').length == 10")
	b.until("document.activeElement.matches('#twins input')")
	b.press("ArrowRight", 39, 0)
	b.press(" ", 32, 0)
	b.until("document.querySelector('#allright span').textContent == '9 are right, next'")
	b.press("Enter", 13, 0)
	b.until("!document.querySelector('#same').open")
	b.saved()
	left := func() string { return b.text(".qbar [data-kind=''] .left") }
	if n := left(); n != "3" {
		t.Errorf("%s are left", n)
	}
	b.press("z", 90, ctrl)
	b.until("document.querySelector('.qbar [data-kind=\"\"] .left').textContent == '12'")
	b.saved()
	b.onQueue(p, id)
	if n := b.text("#count"); n != "1 of 12" {
		t.Errorf("after undo the queue has %s", n)
	}
}

func TestADoubtThatAnotherPersonSettledIsSkippedWithAWord(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 2, 10*time.Millisecond)
	p := run(t, environ...)
	id := p.asked(t, 2, 3, 0)
	b := browser(t)
	b.onQueue(p, id)
	other := newBrowser(t)
	other.onQueue(p, id)
	other.press("Enter", 13, 0)
	other.saved()
	b.until("!document.querySelector('#told').hidden && document.querySelector('#told').textContent.includes('Somebody else answered')")
	if at := b.text("#count"); at != "2 of 6" {
		t.Errorf("it goes on with %q", at)
	}
	// Both change the same cell: theirs stands until somebody decides.
	b.script("window.fetchBefore = fetch; window.fetch = () => Promise.reject(new Error('away'))")
	other.do(chromedp.SendKeys(chromedp.CSS("#v"), "Theirs"))
	other.press("Enter", 13, 0)
	other.saved()
	b.do(chromedp.SendKeys(chromedp.CSS("#v"), "Mine"))
	b.press("Enter", 13, 0)
	b.until("document.querySelector('#kept').textContent.includes('No connection')")
	b.forgive("409")
	b.script("window.fetch = window.fetchBefore; dispatchEvent(new Event('online'))")
	b.saved()
	b.press("Enter", 13, 0)
	b.until("document.querySelector('#reason').textContent.includes('Mine') && document.querySelector('#v').value == 'Theirs'")
	b.press("u", 85, 1) // take mine
	b.saved()
	m, err := p.app.Store().Image(t.Context(), batch.ID(id), 1)
	if err != nil || m.Rows[1].Cells[2].Text != "Mine" {
		t.Errorf("the cell is %+v, %v", m.Rows[1].Cells[2], err)
	}
}

func TestTheQueueIsAccessibleAndLight(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 2, 10*time.Millisecond)
	p := run(t, environ...)
	id := p.asked(t, 3, 4, 2)
	b := browser(t)
	b.onQueue(p, id)
	b.accessible("queue")
	b.desk()
	b.press("a", 65, 1)
	b.until("document.querySelector('#same').open && document.querySelectorAll('#twins canvas').length > 1")
	b.accessibleAtDesk("queue, several of a kind")
	b.press("Escape", 27, 0)
	kb := b.number(`performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource")).filter((e) => !/picture|thumb/.test(e.name)).reduce((s, e) => s + e.encodedBodySize, 0) / 1000`)
	if kb > 120 {
		t.Errorf("the page weighs %.0f kB without pictures", kb)
	}
	for range 12 {
		b.press("Enter", 13, 0)
		b.saved()
		b.until("document.querySelector('main.finish') || document.querySelector('#right').ariaDisabled == 'false'")
		if b.is("document.querySelector('main.finish')") {
			break
		}
	}
	b.until("document.querySelector('main.finish') && document.readyState == 'complete'")
	b.accessible("the end of the queue")
}

func TestTheQueueWorksWithoutScripts(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 2, 10*time.Millisecond)
	p := run(t, environ...)
	id := p.asked(t, 1, 3, 1)
	b := browser(t)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(p.url + "/batches/" + id + "/check"))
	b.until("document.querySelector('#right')")
	for i, press := range []string{"#offers .offer", "#right", "#unreadable"} {
		if of := b.text("#count"); !strings.HasPrefix(of, "1 of "+fmt.Sprint(3-i)) {
			t.Errorf("it says %q", of)
		}
		b.click(press)
		b.until(fmt.Sprintf("document.querySelector('main.finish') || document.querySelector('#count').textContent.includes('of %d')", 2-i))
	}
	if title := b.text("h1"); title != "All 3 are checked" {
		t.Errorf("the end says %q", title)
	}
	b.click("#undo")
	b.until("document.querySelector('#right')")
}

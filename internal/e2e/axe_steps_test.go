package e2e_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const pick = "#uploader input[type=file]"

// TestTheStepsAreAccessibleInLightAndDark goes from the first page to the start of a batch, and checks every page and state
// that a clerk may meet on the way.
func TestTheStepsAreAccessibleInLightAndDark(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 20*time.Millisecond)
	p := run(t, environ...)
	hold, lose := make(chan struct{}), make(chan struct{})
	d := guard(t, p, func(filename string, try int, next func()) bool {
		switch {
		case filename == "": // which files there are, asked after one was lost
			<-lose
		case filename > "sheet-004.jpg" && filename < "sheet-007.jpg":
			<-hold
			if filename == "sheet-005.jpg" && try == 1 {
				return false
			}
		}
		next()
		return true
	})
	files := sheetFiles(t, 9)
	note := filepath.Join(filepath.Dir(files[0]), "notes.txt")
	write(t, note, []byte("no picture"))
	b := browser(t)
	b.opens(d.url, "#uploader")
	b.accessible("start, empty")

	// Files in every state: here, refused, on their way, held back, lost.
	b.do(chromedp.SetUploadFiles(chromedp.CSS(pick), append(files[:3:3], note)))
	b.until("document.querySelectorAll('#cards img').length == 3 && document.querySelectorAll('#refused li').length == 1")
	b.accessible("upload, three here and one refused")
	b.do(chromedp.SetUploadFiles(chromedp.CSS(pick), files[4:6]))
	b.until("[...document.querySelectorAll('#cards .under')].filter((u) => u.textContent.includes('prepared')).length == 2")
	b.click("[data-pause]")
	b.do(chromedp.SetUploadFiles(chromedp.CSS(pick), files[6:8]))
	b.until("[...document.querySelectorAll('#cards .under')].filter((u) => u.textContent.includes('waiting')).length == 2")
	b.accessible("upload, held back")
	close(hold)
	b.until("document.querySelector('[data-note]').textContent.includes('lost')")
	b.accessibleAtDesk("upload, connection lost")
	close(lose)
	b.click("[data-pause]")
	b.until("document.querySelectorAll('#cards img').length == 7")
	b.accessible("upload, all here")
	b.forgive("422", "502")

	b.click("#onwards a[href$='?step=names']")
	b.until("document.querySelector('#names')")
	namesAreAccessible(b)
	b.click(".steps a[href$='?step=pictures']")
	b.until("document.querySelector('#uploader')")
	b.accessible("pictures of a draft")
	b.click(".steps a[href$='?step=columns']")
	b.until("document.querySelector('#columns')")
	columnsAreAccessible(b)
}

func namesAreAccessible(b *tab) {
	b.t.Helper()
	b.accessible("names")
	b.script("document.querySelector('#pattern').value = 'Hall {n}'")
	b.click("#do-pattern")
	b.until("document.querySelector('#undo')")
	b.accessible("names, changed")
	b.click("#out-2")
	b.until("document.querySelector('#out-n').textContent == '1'")
	for i, tool := range []string{"replace", "paste"} {
		b.script("[...document.querySelectorAll('.naming > details')].forEach((d, i) => { d.open = i === " + []string{"1", "2"}[i] + "; })")
		b.accessibleAtDesk("names, " + tool)
	}
	b.click(".tabs a[href*='show=out']")
	b.until("document.querySelector('.left-out')")
	b.accessible("names, left out")
	b.click(".tabs a[href*='show=look']")
	b.until("location.search.includes('look') && document.readyState == 'complete'")
	b.accessibleAtDesk("names, to look at")
	b.click(".showing > a")
	b.until("document.querySelector('#cards.list, main p.soft')")
	b.click(".tabs a:first-child")
	b.until("document.querySelector('#cards.list #name-1')")
	b.accessible("names, as a list")
}

func columnsAreAccessible(b *tab) {
	b.t.Helper()
	b.accessible("columns, ready-made")
	b.click("#preset-any")
	b.until("document.querySelector('#preset-any').checked && !document.querySelector('#columns .fixed')")
	b.accessibleAtDesk("columns, as they are found")
	b.click("#do-suggest")
	b.until("document.querySelectorAll('#columns .column:not(.heads)').length >= 4 && document.querySelector('#note .banner')")
	b.accessible("columns, suggested")
	b.script(`document.querySelectorAll('.column .more, .saved').forEach((d) => { d.open = true; });
		const type = document.querySelector('.column select'); type.value = 'choice'; type.dispatchEvent(new Event('change', { bubbles: true }));
		document.querySelector('[name=choices]').value = 'new, old'`)
	b.do(chromedp.SendKeys(chromedp.CSS("#save-as"), "Equipment"))
	b.click("#do-save")
	b.until("document.querySelector('.template input[name^=template-]')")
	b.script("document.querySelectorAll('.column .more').forEach((d) => { d.open = true; })")
	b.click("button[name=do][value=try]")
	b.until("document.querySelectorAll('#trial tbody tr').length > 2")
	b.accessible("columns of one's own, saved and tried")
	b.script("document.querySelector('#name-1').value = document.querySelector('#name-0').value")
	b.click("#actions button.primary")
	b.until("document.querySelector('#note .banner.bad') && document.readyState == 'complete'")
	b.click("details.menu.up > summary")
	if !b.is("document.querySelector('input[name=at]').value.endsWith('T20:00')") {
		b.t.Errorf("the time that is proposed for a later start is %q", b.value("document.querySelector('input[name=at]').value"))
	}
	b.accessible("columns, one name twice, and the menu of a later start")
	b.forgive("422")
}

package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"sheetlift/internal/engine/gemini/simulator"
)

// phone makes the tab one of a phone of this height: touched, and without a mouse.
func (b *tab) phone(height int64) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true}); err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: height, DeviceScaleFactor: 2, Mobile: true}); err != nil {
		b.t.Fatal(err)
	}
}

// tap touches the middle of an element, where a finger can reach it.
func (b *tab) tap(selector string) {
	b.t.Helper()
	b.until("document.querySelector(" + strconv.Quote(selector) + ")")
	if !b.is("(() => { const e = document.querySelector(" + strconv.Quote(selector) + "), r = e.getBoundingClientRect(), at = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2); return e.contains(at); })()") {
		b.snap("phone-covered")
		b.t.Fatalf("%s cannot be touched: it is out of sight or something lies over it", selector)
	}
	x, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64]("(() => { const r = document.querySelector("+strconv.Quote(selector)+").getBoundingClientRect(); return r.x + r.width / 2; })()"))
	if err != nil {
		b.t.Fatal(err)
	}
	y, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64]("(() => { const r = document.querySelector("+strconv.Quote(selector)+").getBoundingClientRect(); return r.y + r.height / 2; })()"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range []input.DispatchTouchEventParams{
		{Type: input.DispatchTouchEventTypeTouchStart, TouchPoints: []*input.TouchPoint{{X: x, Y: y}}},
		{Type: input.DispatchTouchEventTypeTouchEnd, TouchPoints: []*input.TouchPoint{}},
	} {
		if _, err := chromedp.Call(b.ctx, input.DispatchTouchEvent, p); err != nil {
			b.t.Fatal(err)
		}
	}
}

// snap takes a screenshot of the phone's screen, if the flag asks for screenshots.
func (b *tab) snap(name string) {
	b.t.Helper()
	if !*shots {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("..", "..", "screenshots", name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// inSight is true of an element that nothing covers and that is whole on the screen.
func inSight(selector string) string {
	return "(() => { const e = document.querySelector(" + strconv.Quote(selector) + "); if (!e) return false; const r = e.getBoundingClientRect(); " +
		"return r.top >= 0 && r.bottom <= visualViewport.height && r.left >= 0 && r.left < innerWidth && [r.top + 2, r.bottom - 2].every((y) => e.contains(document.elementFromPoint(r.left + Math.min(r.width, innerWidth - r.left) / 2, y))); })()"
}

func TestAPersonCorrectsOnAPhoneWithThePictureInSightAndTheCellAboveTheKeyboard(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	_, started := p.post(t, "", sheets(2))
	id := started["job_id"].(string)
	p.ended(t, id, 2*time.Minute)
	b := browser(t)
	b.phone(844)
	b.do(chromedp.Navigate(p.url + "/batches/" + id + "/images/1"))
	b.until("document.querySelector('#lines .cell[tabindex=\"0\"]') && document.querySelector('#stage img').naturalWidth > 0")
	b.snap("phone-1-check")
	for _, wanted := range []string{"#stage", "#asks", "#lines .cell[tabindex=\"0\"]", "#checkbar"} {
		if !b.is(inSight(wanted)) {
			t.Errorf("%s is not in sight when the page opens", wanted)
		}
	}
	if b.is("document.documentElement.scrollWidth > innerWidth") {
		t.Error("the page is wider than the phone")
	}

	// A touch makes the last row's cell the current one, a second opens it; the picture stays in sight above the on-screen keyboard.
	b.script("document.querySelector('#lines tr:last-child .cell').scrollIntoView({block: 'nearest'})")
	b.tap("#lines tr:last-child .cell")
	b.until("document.querySelector('#lines tr:last-child').classList.contains('lit') && !document.querySelector('.editor')")
	b.snap("phone-2-touched")
	b.tap("#lines tr:last-child .cell")
	b.until("document.activeElement.classList.contains('editor')")
	b.phone(430) // the keyboard is there
	b.until("innerHeight == 430 && " + inSight(".editor"))
	b.snap("phone-3-typing")
	if !b.is(inSight("#stage")) {
		t.Error("the picture is out of sight while a person types")
	}
	b.script("document.activeElement.value = ''")
	b.do(chromedp.SendKeys(chromedp.CSS(".editor"), "By thumb"))
	b.press("Enter", 13, 0)
	b.phone(844)
	b.until(allSaved)
	b.until("document.querySelector('#lines tr:last-child .cell').dataset.text == 'By thumb'")
	b.tap("#undo")
	b.until("document.querySelector('#lines tr:last-child .cell').dataset.text != 'By thumb'")
	b.until(allSaved)

	// The image is done with, and the next one is there.
	b.tap("#check")
	b.until("location.pathname.endsWith('/images/2')")
	b.until("document.querySelector('#checkbar b').textContent.startsWith('1 of 2')")
	b.do(chromedp.Navigate(p.url + "/batches/" + id + "/rows"))
	b.until("document.querySelectorAll('#lines tr').length > 2")
	b.snap("phone-4-rows")
	if b.is("document.documentElement.scrollWidth > innerWidth") {
		t.Error("all rows are wider than the phone")
	}
}

func TestABatchThatEndedWithoutRowsOffersItsFileQuietlyAndItsMenuBesideItsName(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 1, 10*time.Millisecond)
	bad := simulator.PayloadAnswer("400-unable-to-process-image")
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Always: &bad})
	p := run(t, environ...)
	_, started := p.post(t, "", sheets(2))
	id := started["job_id"].(string)
	p.ended(t, id, time.Minute)
	b := browser(t)
	b.do(chromedp.Navigate(p.url + "/batches/" + id))
	b.until("document.querySelector('#actions a[download]') && !document.querySelector('#actions .primary')")
	b.phone(844)
	b.until("document.querySelector('#more').getBoundingClientRect().top < document.querySelector('h1').getBoundingClientRect().bottom")
	b.tap("#more > summary")
	b.until("document.querySelector('#more .sheet').getBoundingClientRect().left >= 0 && document.documentElement.scrollWidth <= innerWidth")
}

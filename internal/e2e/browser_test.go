package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"sheetlift/internal/engine/gemini/simulator"
)

var shots = flag.Bool("shots", false, "write screenshots of every page to screenshots/")

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	for _, step := range steps {
		err := chromedp.Do(b.ctx, step)
		for again := 0; again < 20 && err != nil && strings.Contains(err.Error(), "Could not find node with given id"); again++ {
			err = chromedp.Do(b.ctx, step) // the page came anew between finding the element and using it
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

// is evaluates a condition on the page.
func (b *tab) is(condition string) bool {
	ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+condition+")"))
	return err == nil && ok
}

// text is the text of the first element that matches.
func (b *tab) text(selector string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q)?.textContent ?? ''", selector)))
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(strings.Fields(s), " ")
}

// until waits for a condition on the page, through navigations.
func (b *tab) until(condition string) {
	b.t.Helper()
	poll := time.NewTicker(25 * time.Millisecond)
	defer poll.Stop()
	limit := time.After(2 * time.Minute)
	for !b.is(condition) {
		select {
		case <-poll.C:
		case <-limit:
			b.shot("stuck")
			here, _ := chromedp.Run(b.ctx, chromedp.Location())
			b.t.Fatalf("after two minutes this is still not so on %s: %s\nThe page says %q, and aloud %q; busy are %q\nIts batch: %.500q\nIts rows: %.1000q",
				here, condition, b.text("#note"), b.text("#say"), b.text("[aria-busy=true]"), strings.TrimSpace(b.text("#progress")+" "+b.text("#count")+" "+b.text("#head")), b.text("#rows"))
		}
	}
}

// click presses an element with the mouse. A live page that is drawn anew in this moment may move or replace the element, and
// the press misses it; such a press has no effect, and the element is pressed again. Where scripts are off, nothing is drawn
// anew and no listener runs, so the element is pressed once.
func (b *tab) click(selector string) {
	b.t.Helper()
	for range 10 {
		b.until(fmt.Sprintf("document.querySelector(%q)", selector))
		b.script(fmt.Sprintf(`(() => {
			addEventListener("probe", () => { window.missed = true; }, { once: true });
			dispatchEvent(new Event("probe"));
			addEventListener("click", (event) => {
				window.missed = !event.target.closest(%[1]q) && !event.target.closest("label")?.control?.matches(%[1]q);
				if (window.missed) { event.preventDefault(); event.stopImmediatePropagation(); }
			}, { capture: true, once: true });
		})()`, selector))
		b.do(chromedp.Click(chromedp.CSS(selector)))
		if !b.is("window.missed === true") { // on a new page it is not defined
			return
		}
	}
	b.shot("missed")
	b.t.Fatalf("ten presses of %s missed it", selector)
}

// shot takes the four pictures of a page, if they are asked for.
func (b *tab) shot(name string) {
	b.t.Helper()
	if !*shots {
		return
	}
	dir := filepath.Join("..", "..", "screenshots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range []struct {
		name, scheme  string
		width, height int64
	}{{"desk-light", "light", 1440, 1000}, {"desk-dark", "dark", 1440, 1000}, {"phone-light", "light", 390, 844}, {"phone-dark", "dark", 390, 844}} {
		b.scheme(v.scheme)
		b.viewport(v.width, v.height)
		b.until("document.getAnimations().every((a) => a.effect.getTiming().iterations === Infinity || a.playState === 'finished')")
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+"-"+v.name+".png"), png, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	b.scheme("light")
	b.viewport(1440, 1000)
}

// viewport sets the size of the page in CSS pixels and returns when the page is laid out in it: a press that is aimed before
// falls on another element.
func (b *tab) viewport(width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
	b.awaits(fmt.Sprintf(`new Promise((done) => {
		const look = () => requestAnimationFrame(innerWidth === %d ? () => requestAnimationFrame(done) : look);
		look();
	})`, width))
}

// awaits waits for a promise of the page.
func (b *tab) awaits(promise string) {
	b.t.Helper()
	answer, err := chromedp.Call(b.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: promise, AwaitPromise: new(true)})
	if err != nil {
		b.t.Fatal(err)
	}
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("%s: %+v", promise, answer.ExceptionDetails)
	}
}

func (b *tab) scheme(scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// enter presses Enter as a keyboard does: the page's handler of the key decides whether the key is also typed.
func (b *tab) enter() {
	b.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		p := input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}
		if kind == input.DispatchKeyEventTypeKeyDown {
			p.Text = "\r"
		}
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, p); err != nil {
			b.t.Fatal(err)
		}
	}
}

// drop lets files fall onto the middle of the page, as from a file manager.
func (b *tab) drop(files ...string) {
	b.t.Helper()
	data := &input.DragData{Items: []*input.DragDataItem{}, Files: files, DragOperationsMask: 1}
	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		if _, err := chromedp.Call(b.ctx, input.DispatchDragEvent, input.DispatchDragEventParams{Type: kind, X: 700, Y: 300, Data: data}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// sheetFiles writes sheets 1 to n to disk, for a browser to choose.
func sheetFiles(t testing.TB, n int) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, f := range sheets(n) {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, f.data, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestAPersonTurnsSixtyPicturesIntoAWorkbook(t *testing.T) {
	t.Parallel()
	latency := 400 * time.Millisecond
	if *shots { // slow enough to be caught in the act
		latency = 3 * time.Second
	}
	gemini, environ := fake(t, 6, latency)
	bad := simulator.PayloadAnswer("400-unable-to-process-image")
	for _, n := range []string{"1", "2"} { // every key is tried, so each of the two fails one picture
		gemini.SetKey(simulator.Key{Value: canary + "-" + n, Label: "key " + n, Latency: latency, Script: []simulator.Answer{bad}})
	}
	p := run(t, environ...)
	files := sheetFiles(t, 60)
	b := browser(t)

	// 1 and 2: upload by picker and by drop, with thumbnails.
	b.do(chromedp.Navigate(p.url))
	b.shot("1-start")
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), files[:58]))
	b.until("document.querySelectorAll('#cards img').length == 58")
	b.drop(files[58:]...)
	b.until("document.querySelectorAll('#cards img').length == 60")
	b.until("[...document.querySelectorAll('#cards img')].slice(0, 3).every((i) => i.naturalWidth > 0)")
	b.shot("2-uploaded")
	b.click("#onwards a[href$='?step=names']")

	// 3: names; Enter moves on.
	b.until("document.querySelectorAll('#names input[name^=name-]').length == 60")
	b.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('input[name=name-1]').select()"))
	b.do(chromedp.SendKeys(chromedp.CSS("input[name=name-1]"), "Hall A, shelf 1"))
	b.enter()
	b.until("document.activeElement.name == 'name-2'")
	b.shot("3-names")
	b.click(".actions button[name=go]")

	// 4: columns; the inventory is chosen by default.
	b.until("document.querySelector('input[type=radio][value=inventory]')?.checked")
	b.shot("4-columns")
	b.click(".actions button.primary")

	// 5: live. Rows change without a reload; two fail; one is retried by its own button, the rest by the other.
	b.until("document.querySelectorAll('#rows tr').length == 60")
	b.do(chromedp.Evaluate[chromedp.Void]("window.sameDocument = true"))
	b.until("document.querySelectorAll('#rows tr.is-completed').length >= 5")
	b.until("document.querySelectorAll('#rows tr.is-failed').length == 2")
	b.until("document.querySelectorAll('#rows tr.is-completed').length >= 15")
	b.shot("5-live")
	b.click("#rows tr.is-failed .c-act button")
	b.until("document.querySelectorAll('#rows tr.is-failed').length == 1")
	b.click("#retry-all button")
	b.until("document.querySelectorAll('#rows tr.is-completed').length == 60")
	b.until("document.querySelector('#actions a.primary')") // the doubts first, if there are any
	if !b.is("window.sameDocument") {
		t.Error("the page was loaded anew in between")
	}
	b.shot("6-done")
	if total := b.text("#progress"); !strings.Contains(total, "60") {
		t.Errorf("the progress says %q", total)
	}
	second := newTab(t, b.ctx)
	here, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	second.do(chromedp.Navigate(here))
	second.until("document.querySelectorAll('#rows tr.is-completed').length == 60")

	// 6: the workbook, with the picture's name and nobody's rows mixed up.
	id := here[strings.LastIndexByte(here, '/')+1:]
	book := p.workbook(t, id)
	want := wantRows(60)
	for i := range simulator.Rows(1) {
		want[i][0] = "Hall A, shelf 1"
	}
	checkRows(t, book, want)

	b.click("#rows tr:first-child a")
	b.until("document.querySelector('#stage img')?.naturalWidth > 0")
	b.shot("7-image")
	if *shots {
		b.do(chromedp.Navigate(here + "/check"))
		b.until("document.querySelector('#right')?.checkVisibility() && document.querySelector('#paper img')?.naturalWidth > 0 && document.readyState == 'complete'")
		b.shot("7-queue")
		b.do(chromedp.Navigate(here + "/rows"))
		b.until("document.querySelectorAll('#lines tr:not(.hole)').length > 10")
		b.shot("7-rows")
	}
	b.do(chromedp.Navigate(p.url + "/keys"))
	b.until("document.querySelector('#keys')")
	b.shot("8-keys")
	b.do(chromedp.Navigate(p.url))
	b.until("document.querySelector('a[href*=\"" + id + "\"]')")
	b.shot("9-start-with-batches")
}

func TestAPageHealsItselfWhenTheServerComesBack(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	_, environ := fake(t, 3, 300*time.Millisecond)
	address := freeAddress(t)
	environ = append(environ, "SHEETLIFT_DATA="+data, "SHEETLIFT_ADDR="+address, "SHEETLIFT_GRACE=0s")
	p := run(t, environ...)
	_, started := p.post(t, "?max_concurrent=2", sheets(24))
	b := browser(t)
	b.do(chromedp.Navigate(p.url + "/batches/" + started["job_id"].(string)))
	b.until("document.querySelectorAll('#rows tr.is-completed').length >= 2")
	p.stop()
	run(t, environ...)
	b.until("document.querySelectorAll('#rows tr.is-completed').length == 24")
	b.forgive("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "network error", "Failed to fetch", "ERR_EMPTY_RESPONSE")
}

package app_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"sheetlift/internal/engine/gemini/simulator"
)

// accessible runs axe-core over the page, in light on a desk and in dark on a phone, and reports every violation.
func (b *tab) accessible(name string) {
	b.t.Helper()
	axe, err := os.ReadFile(filepath.Join("testdata", "axe", "axe.min.js"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, v := range []struct {
		scheme string
		width  int64
	}{{"light", 1440}, {"dark", 390}} {
		b.scheme(v.scheme)
		b.do(chromedp.EmulateViewport(v.width, 900))
		b.until("document.getAnimations().every((a) => a.effect.getTiming().iterations === Infinity || a.playState === 'finished')")
		for _, violation := range b.violations(string(axe)) {
			b.t.Errorf("%s, %s, %d px: %s", name, v.scheme, v.width, violation)
		}
	}
	b.scheme("light")
	b.do(chromedp.EmulateViewport(1440, 1000))
}

func (b *tab) violations(axe string) []string {
	b.t.Helper()
	script := `(async () => { if (!window.axe) { ` + axe + ` }
		const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
		return JSON.stringify(violations.map((v) => ({ id: v.id, nodes: v.nodes.map((n) => n.target.join(" ") + " — " + n.failureSummary) }))); })()`
	answer, err := chromedp.Call(b.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: script, AwaitPromise: new(true), ReturnByValue: new(true)})
	if err != nil {
		b.t.Fatal(err)
	}
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("axe-core failed: %+v", answer.ExceptionDetails)
	}
	var text string
	var found []struct {
		ID    string
		Nodes []string
	}
	if err := json.Unmarshal(answer.Result.Value, &text); err != nil {
		b.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		b.t.Fatal(err)
	}
	var all []string
	for _, f := range found {
		all = append(all, fmt.Sprintf("%s at %s", f.ID, strings.Join(f.Nodes[:min(3, len(f.Nodes))], "; ")))
	}
	return all
}

func TestEveryPageIsAccessibleInLightAndDark(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 3, 100*time.Millisecond)
	unable := simulator.PayloadAnswer("400-unable-to-process-image")
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Latency: 100 * time.Millisecond, Script: []simulator.Answer{unable, unable}})
	p := run(t, environ...)
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	b.accessible("start, empty")
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), sheetFiles(t, 12)))
	b.until("document.querySelectorAll('#cards img').length == 12")
	b.accessible("start, uploaded")
	b.click("#onwards a[href$='?step=names']")
	b.until("document.querySelector('#names')")
	b.accessible("names")
	b.click(".steps a[href$='?step=pictures']")
	b.until("document.querySelector('#uploader')")
	b.accessible("pictures")
	b.click(".steps a[href$='?step=columns']")
	b.until("document.querySelector('#columns')")
	b.accessible("columns, ready-made")
	b.click("#do-own")
	b.until("document.querySelectorAll('#columns .column:not(.heads)').length == 5")
	b.do(chromedp.Evaluate[chromedp.Void]("document.querySelectorAll('.column .more, .saved').forEach((d) => { d.open = true; })"))
	b.do(chromedp.SendKeys(chromedp.CSS("#save-as"), "Equipment"))
	b.click("#do-save")
	b.until("document.querySelector('.template input[name^=template-]')")
	b.click("button[name=do][value=try]")
	b.until("document.querySelectorAll('#trial tbody tr').length > 2 || document.querySelector('#note .banner.bad')")
	b.accessible("columns, own")
	b.click(".actions button.primary")
	b.until("document.querySelectorAll('#rows tr.is-completed').length >= 4")
	b.accessible("live")
	b.until("document.querySelector('#progress[data-final]')")
	b.accessible("live, ended")
	b.click("#rows tr.is-completed a")
	b.until("document.querySelector('#stage img')?.naturalWidth > 0")
	b.accessible("image")
	for name, path := range map[string]string{"keys": "/keys", "start": "/", "an error": "/nothing-here"} {
		b.do(chromedp.Navigate(p.url + path))
		b.until("document.querySelector('main')")
		b.accessible(name)
	}
	b.forgive("404", "422", "400", "503")

	locked := run(t, "SHEETLIFT_PASSWORD=a-long-enough-password", "SHEETLIFT_ENGINE=auto")
	b.do(chromedp.Navigate(locked.url))
	b.until("document.querySelector('form.login')")
	b.accessible("sign in")
}

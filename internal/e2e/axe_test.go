package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is the script of axe-core, which finds the barriers of a page for people with a disability.
var axe = sync.OnceValues(func() (string, error) {
	script, err := os.ReadFile(filepath.Join("testdata", "axe", "axe.min.js"))
	return string(script), err
})

// In another scheme nothing but the colours is another.
const (
	everyRule   = `resultTypes: ["violations"]`
	colourRules = everyRule + `, runOnly: ["color-contrast", "link-in-text-block"]`
)

// accessible checks the page in its present state: no violation in light and dark, on a desk and on a phone, a single live
// region, and a layout that fits in 320 pixels, which is also the width of a window of 1280 pixels at a zoom of 400 %.
func (b *tab) accessible(name string) {
	b.t.Helper()
	b.accessibleAtDesk(name)
	b.scheme("dark")
	b.viewport(390, 900)
	b.keepsRules(name+", on a phone, dark", everyRule)
	for _, width := range []int64{320, 640} {
		b.viewport(width, 900)
		b.reflows(name, width)
	}
	b.desk()
}

// accessibleAtDesk is for states in which a phone shows nothing new.
func (b *tab) accessibleAtDesk(name string) {
	b.t.Helper()
	b.keepsRules(name+", light", everyRule)
	b.scheme("dark")
	b.keepsRules(name+", dark", colourRules)
	b.desk()
	b.hasOneVoice(name)
}

func (b *tab) desk() {
	b.t.Helper()
	b.scheme("light")
	b.viewport(1440, 1000)
}

// keepsRules lets axe-core look at the page as it is.
func (b *tab) keepsRules(name, rules string) {
	b.t.Helper()
	b.script(`if (!document.adoptedStyleSheets.length) { const all = new CSSStyleSheet(); all.replaceSync("* { content-visibility: visible !important; }"); document.adoptedStyleSheets = [all]; }`) // elements out of sight have stale colours
	b.until("document.getAnimations().every((a) => a.effect.getTiming().iterations === Infinity || a.playState === 'finished')")
	for _, violation := range b.violations(rules) {
		b.t.Errorf("%s: %s", name, violation)
	}
}

func (b *tab) violations(rules string) []string {
	b.t.Helper()
	lib, err := axe()
	if err != nil {
		b.t.Fatal(err)
	}
	if !b.is("window.axe") {
		b.script(lib)
	}
	answer, err := chromedp.Call(b.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: `(async () => {
		const { violations } = await window.axe.run(document, { ` + rules + ` });
		return JSON.stringify(violations.map((v) => ({ id: v.id, nodes: v.nodes.map((n) => n.target.join(" ") + " — " + n.failureSummary) }))); })()`,
		AwaitPromise: new(true), ReturnByValue: new(true)})
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

// hasOneVoice holds the page to one region that speaks without being asked; alerts, which interrupt, are another matter.
func (b *tab) hasOneVoice(name string) {
	b.t.Helper()
	voices, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("[aria-live]:not([aria-live=off], [role=alert]), [role=status], [role=log], output")].map((e) => "#" + e.id + "." + e.className).join(" ")`))
	if err != nil {
		b.t.Fatal(err)
	}
	if voices != "#say.sr" {
		b.t.Errorf("%s speaks with %q and not with one voice", name, voices)
	}
}

// reflows holds the page to its width; grids and rows of tabs may scroll by themselves.
func (b *tab) reflows(name string, width int64) {
	b.t.Helper()
	wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(() => {
		const inner = (e) => { for (e = e.parentElement; e && e !== document.body; e = e.parentElement) if (getComputedStyle(e).overflowX !== "visible") return true; return false; };
		if (document.documentElement.scrollWidth <= innerWidth) return "";
		return innerWidth + " < " + document.documentElement.scrollWidth + " " + [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !inner(e)).slice(-3).map((e) => e.outerHTML.slice(0, 160)).join("\n");
	})()`))
	if err != nil {
		b.t.Fatal(err)
	}
	if wide != "" {
		b.t.Errorf("%s is wider than %d pixels: %s", name, width, wide)
	}
}

// opens goes to an address and waits until the page and its scripts are there.
func (b *tab) opens(address, there string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
	b.until("document.readyState == 'complete' && document.querySelector(" + fmt.Sprintf("%q", there) + ")")
}

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sheetlift/internal/engine/gemini/simulator"
)

// words are the texts of a language's file, by key.
func words(t *testing.T, tag string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "views", "words", tag+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Words map[string]string }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Words
}

// strangers finds English text on a page in another language.
type strangers struct {
	english []*regexp.Regexp // every English text of the pages with a different translation
	small   *regexp.Regexp   // frequent English words that exist neither in French nor in Spanish
}

func newStrangers(t *testing.T, tag string) strangers {
	t.Helper()
	place := regexp.MustCompile(`%(?:\[\d+\])?[a-z]|\{\w+\}`)
	letters := regexp.MustCompile(`\p{L}{3,}`)
	own, same := words(t, tag), map[string]bool{}
	for _, text := range own {
		same[text] = true
	}
	s := strangers{small: regexp.MustCompile(`(?i)\b(the|of|and|is|are|was|were|with|not|this|that|your|by|to|it|has|have|for|from)\b`)}
	for key, text := range words(t, "en") {
		if text == own[key] || same[text] || !letters.MatchString(place.ReplaceAllString(text, "")) {
			continue
		}
		var b strings.Builder
		from := 0
		for _, at := range place.FindAllStringIndex(text, -1) {
			b.WriteString(regexp.QuoteMeta(text[from:at[0]]) + "(.*)")
			from = at[1]
		}
		s.english = append(s.english, regexp.MustCompile("^"+b.String()+regexp.QuoteMeta(text[from:])+"$"))
	}
	return s
}

// seen is a script that returns the texts that a page shows or holds ready, without texts of people and of sheets.
const seen = `(() => {
	const out = [], theirs = "footer, script, style, kbd, code, .cell, .label, .fixed b, #grid thead, .c-name .sub, option[value]:not([value=''])";
	const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
	for (let n = walk.nextNode(); n; n = walk.nextNode()) if (!n.parentElement.closest(theirs)) out.push(n.data);
	for (const e of document.querySelectorAll("*")) {
		if (e.closest(theirs)) continue;
		for (const a of e.attributes) if (/^(title|alt|placeholder|aria-label|aria-description)$|^data-(say|tip|title|lost)/.test(a.name)) out.push(a.value);
	}
	return JSON.stringify([...new Set(out.map((s) => s.replace(/\s+/g, " ").trim()).filter(Boolean))]);
})()`

// speaks fails the test for each English text on the page in the browser, and if the page does not declare the language tag.
func (b *tab) speaks(tag, page string, s strangers) {
	b.t.Helper()
	list, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](seen))
	if err != nil {
		b.t.Fatal(err)
	}
	var texts []string
	if err := json.Unmarshal([]byte(list), &texts); err != nil {
		b.t.Fatal(err)
	}
	if len(texts) < 10 {
		b.t.Errorf("%s: only %d texts were found", page, len(texts))
	}
	if !b.is(fmt.Sprintf("document.documentElement.lang == %q", tag)) {
		b.t.Errorf("%s does not say that it is in %s", page, tag)
	}
	for _, text := range texts {
		for _, english := range s.english {
			if english.MatchString(text) {
				b.t.Errorf("%s in %s says %q", page, tag, text)
			}
		}
		if found := s.small.FindString(text); found != "" {
			b.t.Errorf("%s in %s says “%s” in %q", page, tag, found, text)
		}
	}
}

// choose presses the language at the foot of the page and waits for the page in it.
func (b *tab) choose(tag string) {
	b.t.Helper()
	b.script("window.before = true")
	b.click("footer button[value=" + tag + "]")
	b.until(fmt.Sprintf("!window.before && document.readyState == 'complete' && document.documentElement.lang == %q", tag))
}

// fits holds a page to the width of a phone.
func (b *tab) fits(tag, page string) {
	b.t.Helper()
	b.viewport(390, 844)
	if !b.is("document.documentElement.scrollWidth <= innerWidth") {
		wide, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("main *, header *, footer *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("table, #stage, .tabs, svg")).slice(-3).map((e) => e.outerHTML.slice(0, 200)).join("\n")`))
		b.t.Errorf("%s in %s is wider than a phone: %s", page, tag, wide)
	}
	if *shots {
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("..", "..", "screenshots", tag+"-"+strings.ReplaceAll(page, "/", "-")+".png"), png, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	b.viewport(1440, 1000)
}

func TestAClerkWhoReadsFrenchOrSpanishMeetsNoEnglish(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 2, 300*time.Millisecond)
	bad := simulator.PayloadAnswer("400-unable-to-process-image")
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Latency: 300 * time.Millisecond, Script: []simulator.Answer{bad}})
	p := run(t, environ...)
	files := sheetFiles(t, 6)
	empty := filepath.Join(filepath.Dir(files[0]), "leer.txt")
	if err := os.WriteFile(empty, []byte("nur Text"), 0o600); err != nil {
		t.Fatal(err)
	}
	french := newStrangers(t, "fr")
	b := browser(t)

	// The language is chosen once, in sight, and kept.
	b.do(chromedp.Navigate(p.url))
	b.choose("fr")
	b.speaks("fr", "start", french)
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), append(files, empty)))
	b.until("document.querySelectorAll('#cards img').length == 6 && document.querySelector('#refused').textContent.includes('leer.txt')")
	b.speaks("fr", "upload", french)
	b.click("#onwards a[href$='?step=names']")
	b.until("document.querySelectorAll('#names input[name^=name-]').length == 6")
	b.speaks("fr", "names", french)
	b.click(".actions button[name=go]")
	b.until("document.querySelector('input[type=radio][value=inventory]')?.checked")
	b.speaks("fr", "columns", french)
	b.click(".actions button.primary")
	b.until("document.querySelectorAll('#rows tr').length == 6")
	b.speaks("fr", "live", french)
	b.until("document.querySelectorAll('#rows tr.is-completed').length == 5 && document.querySelectorAll('#rows tr.is-failed').length == 1")
	b.speaks("fr", "end", french)
	batch, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	b.click("#rows tr.is-completed a")
	b.until("document.querySelector('#lines .cell[tabindex=\"0\"]') && document.querySelector('#stage img').naturalWidth > 0")
	b.speaks("fr", "check", french)
	b.script("document.querySelector('#lines tr .cell').focus()")
	b.press("F2", 113, 0)
	b.until("document.activeElement.classList.contains('editor')")
	b.do(chromedp.SendKeys(chromedp.CSS(".editor"), "42"))
	b.press("Enter", 13, 0)
	b.until(allSaved)
	b.speaks("fr", "edited", french)
	image, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}

	for _, tag := range []string{"fr", "es"} {
		s := newStrangers(t, tag)
		b.do(chromedp.Navigate(p.url))
		b.choose(tag)
		for name, at := range map[string]string{
			"start": p.url, "batch": batch, "image": image, "rows": batch + "/rows", "keys": p.url + "/keys", "nothing": p.url + "/batches/none",
		} {
			b.do(chromedp.Navigate(at))
			b.until("document.querySelector('main') && document.readyState == 'complete'")
			b.speaks(tag, name, s)
			b.fits(tag, name)
		}
	}
	b.forgive("404", "422") // the file that is no picture, the batch that is none
}

func TestTheLanguageIsTheOneTheBrowserAsksForUntilAnotherIsChosen(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 1, 0)
	p := run(t, environ...)
	speaks := func(asks, chosen string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Language", asks)
		if chosen != "" {
			req.AddCookie(&http.Cookie{Name: "language", Value: chosen})
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		head := make([]byte, 200)
		if _, err := res.Body.Read(head); err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(`<html lang="(\w*)"`).FindStringSubmatch(string(head))[1]
	}
	for _, c := range [][3]string{
		{"", "", "en"}, {"fr-CA,fr;q=0.9,en;q=0.8", "", "fr"}, {"es-419", "", "es"}, {"de-DE,de;q=0.9", "", "en"},
		{"de,es;q=0.5", "", "es"}, {"fr", "es", "es"}, {"fr", "en", "en"}, {"fr", "nonsense", "fr"},
	} {
		if got := speaks(c[0], c[1]); got != c[2] {
			t.Errorf("a browser that asks for %q and chose %q hears %q, not %q", c[0], c[1], got, c[2])
		}
	}
}

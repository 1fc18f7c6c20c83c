package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/xuri/excelize/v2"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine/gemini/simulator"
)

func TestAnImageRaisedInOneProcessIsReadNextByAll(t *testing.T) {
	t.Parallel()
	const images, atOnce = 24, 2
	gemini, environ := fake(t, 4, 250*time.Millisecond)
	var all []*process
	for _, nats := range onNATS(t, 1, 2) {
		all = append(all, run(t, slices.Concat(environ, nats)...))
	}
	_, started := all[0].post(t, fmt.Sprintf("?max_concurrent=%d", atOnce), sheets(images))
	id := started["job_id"].(string)
	waitFor(t, func() bool { return len(gemini.Calls()) >= atOnce })
	for n, priority := range map[int]string{20: "high", 21: "high", 22: "high", 8: "low"} {
		for _, p := range all { // two people, one in front of each
			p.act(t, fmt.Sprintf("/batches/%s/images/%d/priority", id, n), url.Values{"priority": {priority}})
		}
	}
	before := len(gemini.Calls())
	if status := all[1].ended(t, id, time.Minute); status["completed_images"] != float64(images) {
		t.Errorf("ended with %v", status)
	}
	calls := gemini.Calls()
	slices.SortFunc(calls, func(a, b simulator.Call) int { return a.At.Compare(b.At) })
	if len(calls) != images {
		t.Errorf("%d calls for %d images", len(calls), images)
	}
	at := map[int]int{}
	var order []int
	for i, c := range calls {
		at[c.Sheet], order = i, append(order, c.Sheet)
	}
	for _, raised := range []int{20, 21, 22} { // those that ran at the press, and those that a process had just taken
		if at[raised] > before+3*atOnce {
			t.Errorf("image %d was raised after %d calls and read as number %d of %v", raised, before, at[raised]+1, order)
		}
	}
	if at[8] < images-2*atOnce {
		t.Errorf("image 8 was to be read last and was number %d of %v", at[8]+1, order)
	}
	checkRows(t, all[0].workbook(t, id), wantRows(images))
}

func TestAPersonSteersFromTheRowsTheMenuAndTheFirstPage(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 3, time.Hour)
	p := run(t, environ...)
	_, started := p.post(t, "?max_concurrent=2", sheets(9))
	page := p.url + "/batches/" + started["job_id"].(string)
	b := browser(t)
	b.do(chromedp.Navigate(page))
	b.until("document.querySelectorAll('#rows tr.is-processing').length == 2")

	// A row: read next, read last, canceled.
	b.click("#row-7 .c-act > button")
	b.until("document.querySelector('#menu-7:popover-open')")
	b.shot("steer-row-menu")
	b.click("#menu-7 button[value=high]")
	b.until("document.querySelector('#row-7.is-moved .c-note').textContent.includes('Is read next')")
	b.until("!document.querySelector(':popover-open')")
	b.click("#row-3 .c-act > button")
	b.click("#menu-3 button[value=low]")
	b.until("document.querySelector('#row-3.is-moved .c-note').textContent.includes('Is read last')")
	b.click("#row-4 .c-act > button")
	b.click("#menu-4 form:last-child button")
	b.until("document.querySelector('#row-4.is-canceled')")
	b.shot("steer-rows")

	// The head: paused, and canceled, which hangs up on Gemini.
	b.click("#steer form[action$='/pause'] button")
	b.until("document.querySelector('#steer form[action$=\"/resume\"]')")
	b.shot("steer-paused")
	b.click("#more summary")
	b.shot("steer-menu")
	b.click("#more summary")
	b.click("#steer form[action$='/cancel'] button")
	b.until("document.querySelectorAll('#rows tr.is-canceled').length == 9")
	if calls := gemini.Calls(); len(calls) != 2 || calls[0].Kind != "left" {
		t.Errorf("after the cancel Gemini has %d calls", len(calls))
	}

	// Deleted, and restored. Meanwhile the page of the batch may still request a thumbnail or its feed, and gets 404.
	b.forgive("404")
	b.script("document.querySelector(\"#more form[action$='/delete'] button\").click()")
	b.until("location.pathname == '/' && document.querySelector('.banner form[action$=\"/undelete\"]')")
	b.shot("steer-undo")
	b.script("document.querySelector(\".banner form[action$='/undelete'] button\").click()")
	b.until("location.href == '" + page + "'")

	// A start at a time, with its countdown, and now.
	id := p.draft(t, sheets(2))
	later := time.Now().Add(3 * time.Hour).UTC().Format("2006-01-02T15:04")
	form := url.Values{"preset": {"inventory"}, "at_once": {"2"}, "retries": {"3"}, "when": {"later"}, "at": {later}, "zone": {"0"}}
	p.act(t, "/batches/"+id+"/start", form)
	b.do(chromedp.Navigate(p.url + "/batches/" + id))
	b.until("document.querySelector('.countdown')?.textContent.startsWith('2:')")
	before := b.text(".countdown")
	b.until(fmt.Sprintf("document.querySelector('.countdown').textContent.trim() != %q", before))
	b.shot("steer-scheduled")
	b.click("#steer form[action$='/start'] button")
	b.until("document.querySelectorAll('#rows tr.is-processing').length == 2")
	if !strings.Contains(b.text("#steer"), "Pause") {
		t.Errorf("after Start now the head offers %q", b.text("#steer"))
	}
}

// TestTheExamplesForProgramsWork runs the lines of docs/api.md as they stand there, with a shell and curl.
func TestTheExamplesForProgramsWork(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed here", tool)
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := ""
	for _, block := range strings.Split(string(text), "```sh\n")[1:] {
		lines, _, _ := strings.Cut(block, "```")
		script += lines
	}
	const there = "http://127.0.0.1:8080/"
	if !strings.Contains(script, there) || !strings.Contains(script, "If-Match") {
		t.Fatal("docs/api.md has no examples")
	}
	_, environ := fake(t, 2, 50*time.Millisecond)
	p := run(t, environ...)
	dir := t.TempDir()
	for i, f := range sheets(3) {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("sheet-%d.jpg", i+1)), f.data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-eu", "-c", strings.ReplaceAll(script, there, p.url+"/"))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pages, err := os.ReadFile(filepath.Join(dir, "pages.json"))
	if rows, lines := bytes.Count(pages, []byte(`"row":`)), bytes.Count(pages, []byte("\n")); err != nil || rows != len(wantRows(3)) || lines != (rows+1)/2 {
		t.Errorf("%d rows came in %d pages, %v", rows, lines, err)
	}
	figures, err := http.Get(p.url + "/api/v1/figures")
	if err != nil {
		t.Fatal(err)
	}
	defer figures.Body.Close()
	var days struct{ Days []batch.Day }
	if err := json.NewDecoder(figures.Body).Decode(&days); err != nil || len(days.Days) != 1 || days.Days[0].Read != 3 || days.Days[0].Calls != 4 {
		t.Errorf("the figures of the day are %+v, %v", days, err)
	}
	if _, page, _ := p.fetch(t, "/figures"); !strings.Contains(string(page), "All together") {
		t.Error("the page of figures shows nothing")
	}
	book, err := excelize.OpenFile(filepath.Join(dir, "november.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	want := wantRows(3)
	for _, row := range want {
		row[0] = map[string]string{"sheet-001": "Hall A", "sheet-002": "Hall B", "sheet-003": "Hall C"}[row[0]]
	}
	checkRows(t, book, want)
}

package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"
)

// BenchmarkBatch drives 100 pictures through a simulated Gemini that takes 1.2 s a call, 5 at once, from Start to the
// last image completed. The ideal is 100 / 5 × 1.2 s = 24 s.
func BenchmarkBatch(b *testing.B) {
	const images, atOnce, call = 100, 5, 1200 * time.Millisecond
	files := sheets(images)
	for b.Loop() {
		gemini, environ := fake(b, 6, call)
		p := run(b, append(environ, "SHEETLIFT_DATA="+b.TempDir()+"/data")...)
		id := p.draft(b, files)
		begun := time.Now()
		p.start(b, id, atOnce)
		if status := p.ended(b, id, 5*time.Minute); status["completed_images"] != float64(images) {
			b.Fatalf("ended with %v", status)
		}
		_, status := p.get(b, "/batch-status/"+id)
		ended, err := time.Parse(time.RFC3339, status["completed_at"].(string))
		if err != nil {
			b.Fatal(err)
		}
		took := ended.Sub(begun)
		checkRows(b, p.workbook(b, id), wantRows(images))
		calls := gemini.Calls()
		ideal := time.Duration(images/atOnce) * call
		b.ReportMetric(took.Seconds(), "s/batch")
		b.ReportMetric(took.Seconds()/ideal.Seconds(), "×ideal")
		b.ReportMetric(float64(len(calls))/images, "calls/image")
		b.ReportMetric(peakMB(b), "MB-peak")
		p.stop()
	}
}

// BenchmarkReadAgain reads 50 pictures through a simulated Gemini that takes 1.2 s a call, 5 at once, then the same
// pictures as another batch, then 40 of them twice each. The ideal of the first is 50 / 5 × 1.2 s = 12 s, that of the
// others nothing.
func BenchmarkReadAgain(b *testing.B) {
	const images, atOnce, call = 50, 5, 1200 * time.Millisecond
	files, want := sheets(images), wantRows(images)
	var twice []file
	var wantTwice [][]string
	for n := range 40 {
		twice = append(twice, files[n], files[n])
		rows := wantRows(n + 1)[len(wantRows(n)):]
		wantTwice = append(wantTwice, rows...)
		for _, row := range wantRows(n + 1)[len(wantRows(n)):] {
			wantTwice = append(wantTwice, append([]string{row[0] + " (2)"}, row[1:]...)) // equal names are told apart
		}
	}
	for b.Loop() {
		gemini, environ := fake(b, 6, call)
		p := run(b, append(environ, "SHEETLIFT_DATA="+b.TempDir()+"/data")...)
		first := p.readFor(b, files, want, 0, atOnce)
		again := p.readFor(b, files, want, images, atOnce)
		b.ReportMetric(first.Seconds(), "s/first")
		b.ReportMetric(again.Seconds(), "s/again")
		b.ReportMetric(p.readFor(b, twice, wantTwice, len(twice), atOnce).Seconds(), "s/twice")
		b.ReportMetric(first.Seconds()/again.Seconds(), "×faster")
		b.ReportMetric(float64(len(gemini.Calls()))/images, "calls/image")
		p.stop()
	}
}

// readFor has files read as a batch of their own, of which so many come from earlier readings, and returns the time from
// Start to the end.
func (p *process) readFor(b *testing.B, files []file, want [][]string, cached, atOnce int) time.Duration {
	b.Helper()
	id := p.draft(b, files)
	begun := time.Now()
	p.start(b, id, atOnce)
	status := p.ended(b, id, 5*time.Minute)
	if status["completed_images"] != float64(len(files)) || status["cached_images"] != float64(cached) {
		b.Fatalf("ended with %v", status)
	}
	ended, err := time.Parse(time.RFC3339, status["completed_at"].(string))
	if err != nil {
		b.Fatal(err)
	}
	checkRows(b, p.workbook(b, id), want)
	return ended.Sub(begun)
}

// draft uploads the files one by one, as the page does, and returns the batch.
func (p *process) draft(b testing.TB, files []file) string {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, p.url+"/batches", nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	_, made := p.do(b, req)
	id := made["id"].(string)
	for i, f := range files {
		url := fmt.Sprintf("%s/batches/%s/images/upload-%04d?position=%d&filename=%s", p.url, id, i, i+1, f.name)
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPut, url, bytes.NewReader(f.data))
		if err != nil {
			b.Fatal(err)
		}
		if code, answer := p.do(b, req); code != http.StatusCreated {
			b.Fatalf("%d: %v", code, answer)
		}
	}
	return id
}

// start presses Start on the columns page.
func (p *process) start(b *testing.B, id string, atOnce int) {
	b.Helper()
	form := url.Values{"preset": {"inventory"}, "at_once": {strconv.Itoa(atOnce)}, "retries": {"3"}}
	res, err := http.PostForm(p.url+"/batches/"+id+"/start", form)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(res.Body)
		b.Fatalf("Start answered %s: %s\n%s", res.Status, answer, p.log)
	}
}

// peakMB is the most memory this process ever had, with the simulated Gemini in it.
func peakMB(b *testing.B) float64 { return memoryOf(b, os.Getpid(), "VmHWM:") }

package e2e_test

import (
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/store"
	"sheetlift/internal/store/storetest"
)

// read has the files read as a batch of their own.
func (p *process) read(t testing.TB, query string, files []file) (id string, status map[string]any) {
	t.Helper()
	code, started := p.post(t, query, files)
	if code != 200 {
		t.Fatalf("%d: %v", code, started)
	}
	id = started["job_id"].(string)
	return id, p.ended(t, id, time.Minute)
}

// results are the results of a batch as the first version's endpoint gives them.
func (p *process) results(t testing.TB, id string) []map[string]any {
	t.Helper()
	_, answer := p.get(t, "/batch-results/"+id)
	var all []map[string]any
	for _, one := range answer["results"].([]any) {
		all = append(all, one.(map[string]any))
	}
	return all
}

// costs checks how many calls were made since it was asked last.
func costs(t *testing.T, gemini *simulator.Server) func(what string, want int) {
	t.Helper()
	before := 0
	return func(what string, want int) {
		t.Helper()
		now := len(gemini.Calls())
		if now-before != want {
			t.Errorf("%s cost %d calls, want %d", what, now-before, want)
		}
		before = now
	}
}

// sameReading opens a data folder that nobody uses and checks that the images of two batches hold the same, and that those
// of the second come from an earlier reading. It counts the doubts and the places on the pictures that came along.
func sameReading(t *testing.T, data, first, second string) (doubts, boxes int) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	of := func(id string) []*batch.Image {
		images, err := s.Images(t.Context(), batch.ID(id))
		if err != nil {
			t.Fatal(err)
		}
		return images
	}
	one, two := of(first), of(second)
	for i, m := range one {
		taken := two[i]
		if !reflect.DeepEqual(m.Rows, taken.Rows) || !reflect.DeepEqual(m.Issues, taken.Issues) || m.Text != taken.Text {
			t.Errorf("image %d: %v and %v, %v and %v", m.N, m.Rows, taken.Rows, m.Issues, taken.Issues)
		}
		if taken.CachedFrom == nil || len(taken.Attempts) > 0 || taken.Tries > 0 || m.CachedFrom != nil {
			t.Errorf("image %d comes from %v after %d tries, the first one from %v", m.N, taken.CachedFrom, taken.Tries, m.CachedFrom)
		}
		doubts += len(taken.Issues)
		for _, row := range taken.Rows {
			for _, c := range row.Cells {
				if c.Box != nil {
					boxes++
				}
			}
		}
	}
	if len(one) == 0 || len(one) != len(two) {
		t.Errorf("%d and %d images", len(one), len(two))
	}
	return doubts, boxes
}

func TestTheSamePicturesInALaterBatchCostNothingAndGiveTheSame(t *testing.T) {
	t.Parallel()
	const images = 6
	data := filepath.Join(t.TempDir(), "data")
	gemini, environ := fake(t, 2, 10*time.Millisecond)
	environ = append(environ, "SHEETLIFT_DATA="+data)
	cost := costs(t, gemini)
	p := run(t, environ...)
	first, _ := p.read(t, "", sheets(images))
	cost("the first batch", images)
	second, status := p.read(t, "", sheets(images))
	cost("the second batch", 0)
	if status["cached_images"] != float64(images) || status["completed_images"] != float64(images) {
		t.Errorf("ended with %v", status)
	}
	checkRows(t, p.workbook(t, second), wantRows(images))
	for _, r := range p.results(t, second) {
		if at, err := time.Parse(time.RFC3339, fmt.Sprint(r["read_at"])); r["engine"] != "cache" || err != nil || time.Since(at) > time.Minute || r["retry_count"] != 0.0 {
			t.Errorf("the result says %v", r)
		}
	}
	if summary := p.summary(t, second); !strings.Contains(summary, "Taken over at no cost|6") || strings.Count(summary, "|an earlier reading, ") != images {
		t.Errorf("the summary says %s", summary)
	}

	// A restart forgets nothing, and a reading that was taken over is taken from the first reading again.
	p.stop()
	sameReading(t, data, first, second)
	p = run(t, environ...)
	third, _ := p.read(t, "", sheets(images+1))
	cost("a batch with one picture more", 1)
	if one, three := p.results(t, second)[0]["read_at"], p.results(t, third)[0]["read_at"]; one != three {
		t.Errorf("read at %v, and then at %v", one, three)
	}
}

func TestBoxesAndDoubtsOfTesseractComeAlong(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("tesseract"); err != nil {
		t.Skip("tesseract is not installed here; make test installs it")
	}
	data := filepath.Join(t.TempDir(), "data")
	p := run(t, "SHEETLIFT_ENGINE=tesseract", "SHEETLIFT_DATA="+data)
	first, _ := p.read(t, "", sheets(2))
	second, _ := p.read(t, "", sheets(2))
	p.stop()
	if doubts, boxes := sameReading(t, data, first, second); doubts == 0 || boxes == 0 {
		t.Errorf("%d doubts and %d places on the pictures came along", doubts, boxes)
	}
}

func TestAnotherQuestionIsAsked(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	gemini, environ := fake(t, 2, time.Millisecond)
	environ = append(environ, "SHEETLIFT_DATA="+data)
	cost := costs(t, gemini)
	p := run(t, environ...)
	p.read(t, "", sheets(2))
	cost("the first batch", 2)
	p.read(t, "?columns=receipt", sheets(2))
	cost("other columns", 2)
	_, status := p.read(t, "?engine=tesseract", sheets(2))
	if cost("another engine", 0); status["cached_images"] != 0.0 {
		t.Errorf("what Gemini read stands for what Tesseract reads: %v", status)
	}
	id, _ := p.read(t, "", sheets(2))
	cost("the same", 0)
	// The model that reads counts, also when a person has an image read again and names no model.
	p.retry(t, id, 1, url.Values{"model": {"gemini-other"}, "fresh": {"yes"}})
	cost("another model by hand", 1)
	p.stop()

	p = run(t, append(environ, "GEMINI_MODEL=gemini-other")...)
	p.read(t, "", sheets(2))
	cost("another model, that read one of them", 1)
	p.stop()
	p = run(t, append(environ, "SHEETLIFT_REUSE=off")...)
	p.read(t, "", sheets(2))
	cost("the same when nothing is to be used again", 2)
}

func TestReadAfreshCallsAndTakesThePlaceOfTheEarlierReading(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 2, time.Millisecond)
	cost := costs(t, gemini)
	p := run(t, environ...)
	p.read(t, "", sheets(2))
	cost("the first batch", 2)
	afresh, status := p.read(t, "?fresh=true", sheets(2))
	cost("read afresh", 2)
	if at := p.results(t, afresh)[0]["read_at"]; status["cached_images"] != 0.0 || at != nil {
		t.Errorf("read afresh, it says %v and %v", status, at)
	}
	third, _ := p.read(t, "", sheets(2))
	cost("the third batch", 0)
	// The fresh reading replaced the first one in the cache: when its batch is deleted, the first one does not come back.
	if code, _ := p.act(t, "/batches/"+afresh+"/delete", nil); code != 200 {
		t.Fatal(code)
	}
	p.read(t, "", sheets(2))
	cost("the fourth batch", 2)
	if at := p.results(t, third)[0]["read_at"]; at == nil {
		t.Error("the third batch lost what it had taken over")
	}
	if code, answer := p.post(t, "?fresh=perhaps", sheets(1)); code != 422 && code != 400 {
		t.Errorf("a word that is neither: %d %v", code, answer)
	}
}

func TestReadingsGoWhenTheirBatchIsDeleted(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	gemini, environ := fake(t, 2, time.Millisecond)
	cost := costs(t, gemini)
	p := run(t, append(environ, "SHEETLIFT_DATA="+data)...)
	first, _ := p.read(t, "", sheets(2))
	second, _ := p.read(t, "", sheets(2))
	cost("both batches", 2)
	p.act(t, "/batches/"+first+"/delete", nil)
	p.stop()
	s, err := store.Open(t.Context(), store.Config{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := s.Inventory().Stored(t.Context())
	_ = s.Close()
	if err != nil || len(stored.Readings) > 0 {
		t.Errorf("remembered of a batch that was deleted a moment ago: %v, %v", stored.Readings, err)
	}
	p = run(t, append(environ, "SHEETLIFT_DATA="+data)...)
	p.read(t, "", sheets(2))
	cost("a batch after that", 2)
	checkRows(t, p.workbook(t, second), wantRows(2))
}

func TestARetryByHandReadsAfresh(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 2, time.Millisecond)
	cost := costs(t, gemini)
	p := run(t, environ...)
	p.read(t, "", sheets(2))
	id, _ := p.read(t, "", sheets(2))
	cost("both batches", 2)
	p.retry(t, id, 1, url.Values{"fresh": {"yes"}})
	cost("a retry of what was taken over", 1)
	results := p.results(t, id)
	if results[0]["read_at"] != nil || results[0]["engine"] != "gemini" || results[1]["engine"] != "cache" {
		t.Errorf("the results say %v", results)
	}

	// One that failed is read, too, though another batch has read the same picture meanwhile.
	refused := simulator.PayloadAnswer("503-overloaded")
	gemini.SetOutage(&refused)
	_, started := p.post(t, "?max_retries=0", sheets(3)[2:])
	failing := started["job_id"].(string)
	waitFor(t, func() bool { return len(gemini.Calls()) > 3 })
	p.act(t, "/batches/"+failing+"/images/1/cancel", nil)
	gemini.SetOutage(nil)
	p.ended(t, failing, time.Minute)
	p.read(t, "", sheets(3)[2:])
	before := len(gemini.Calls())
	p.retry(t, failing, 1, nil)
	if calls := len(gemini.Calls()) - before; calls != 1 {
		t.Errorf("a retry of one that was canceled cost %d calls", calls)
	}
}

// retry has an image of a batch that has ended read again by hand, and waits for it.
func (p *process) retry(t testing.TB, id string, n int, form url.Values) {
	t.Helper()
	if code, page := p.act(t, fmt.Sprintf("/batches/%s/images/%d/retry", id, n), form); code != 200 {
		t.Fatalf("%d: %s", code, page)
	}
	p.ended(t, id, time.Minute)
}

func TestWhatAPersonChangedIsNotTakenOver(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 2, time.Millisecond)
	cost := costs(t, gemini)
	p := run(t, environ...)
	first, _ := p.read(t, "", sheets(1))
	cost("the first batch", 1)
	was := p.results(t, first)[0]["table_data"].([]any)[0].(map[string]any)["Item_Description"].(string)
	edit := url.Values{"do": {"cell"}, "reading": {"1"}, "row": {"1"}, "column": {"0"}, "text": {"Typed by hand"}, "seen": {was}}
	if code, page := p.act(t, "/batches/"+first+"/images/1/edits", edit); code != 200 {
		t.Fatalf("%d: %s", code, page)
	}
	p.act(t, "/batches/"+first+"/images/1/edits", url.Values{"do": {"delete"}, "reading": {"1"}, "row": {"2"}})
	if got := fmt.Sprint(p.results(t, first)[0]["table_data"]); !strings.Contains(got, "Typed by hand") {
		t.Fatalf("nothing was changed: %s", got)
	}
	second, _ := p.read(t, "", sheets(1))
	cost("the second batch", 0)
	checkRows(t, p.workbook(t, second), wantRows(1))
}

func TestPicturesThatComeTwiceAndWereReadBeforeNeedNoSweep(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 2, time.Millisecond)
	cost := costs(t, gemini)
	p := run(t, append(environ, "SHEETLIFT_DATA="+filepath.Join(t.TempDir(), "data"))...)
	once := sheets(8)
	p.read(t, "", once)
	cost("the first batch", 8)
	_, started := p.post(t, "", append(once, once...))
	status := p.ended(t, started["job_id"].(string), 30*time.Second) // the sweep comes after a minute
	cost("the same, each twice", 0)
	if status["completed_images"] != 16.0 || status["cached_images"] != 16.0 {
		t.Errorf("ended with %v", status)
	}
}

func TestTwoProcessesShareWhatWasRead(t *testing.T) {
	t.Parallel()
	node := storetest.Start(t, 1)
	gemini, environ := fake(t, 2, time.Millisecond)
	environ = append(environ, "SHEETLIFT_NATS_URL="+node.URL(), "SHEETLIFT_SECRET="+strings.Repeat("s", 32))
	cost := costs(t, gemini)
	p, q := run(t, environ...), run(t, environ...)
	first, _ := p.read(t, "", sheets(3))
	cost("the first batch", 3)
	second, _ := q.read(t, "", sheets(3))
	cost("the second batch, on another process", 0)
	checkRows(t, q.workbook(t, second), wantRows(3))
	q.act(t, "/batches/"+first+"/delete", nil)
	p.read(t, "", sheets(3))
	cost("a batch after the first was deleted", 3)
}

// summary is the sheet Summary of a batch's workbook, its cells parted by bars.
func (p *process) summary(t testing.TB, id string) string {
	t.Helper()
	rows, err := p.workbook(t, id).GetRows("Summary")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, row := range rows {
		all.WriteString(strings.Join(row, "|") + "\n")
	}
	return all.String()
}

func TestPagesSayWhatWasTakenOverAndOfferToReadItAfresh(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 2, time.Millisecond)
	p := run(t, environ...)
	p.read(t, "", sheets(5))
	id, _ := p.read(t, "", sheets(6))
	b := browser(t)
	b.do(chromedp.Navigate(p.url + "/batches/" + id))
	b.until("document.querySelectorAll('#rows tr.is-completed').length == 6")
	if note := b.text("#row-1 .c-note"); !strings.Contains(note, "Taken over from an earlier reading (today") || !strings.Contains(note, "cost nothing") {
		t.Errorf("the row says %q", note)
	}
	if note := b.text("#row-6 .c-note"); strings.Contains(note, "Taken over") {
		t.Errorf("the row of the new picture says %q", note)
	}
	if line := b.text("#progress .line"); !strings.Contains(line, "5 taken over, cost nothing") {
		t.Errorf("the progress says %q", line)
	}
	b.shot("15-taken-over")

	// The picture's own page says it, too, and has it read afresh.
	b.do(chromedp.Navigate(p.url + "/batches/" + id + "/images/1"))
	b.until("document.querySelector('#about .banner')")
	if said := b.text("#about"); !strings.Contains(said, "Taken over from an earlier reading") || !strings.Contains(said, "Read it again") {
		t.Errorf("the page says %q", said)
	}
	b.shot("16-taken-over-check")
	b.accessible("a picture that was taken over")
	b.click("#about .menu summary")
	b.click("#about .menu form[action$=retry] button")
	b.until("document.querySelector('#about .status.completed') && !document.querySelector('#about .banner')")
	if calls := len(gemini.Calls()); calls != 7 {
		t.Errorf("%d calls, want 7", calls)
	}

	// All the rest in one go.
	b.do(chromedp.Navigate(p.url + "/batches/" + id))
	b.until("document.querySelector('#retry-all button')")
	if label := b.text("#retry-all button"); !strings.Contains(label, "Read the 4 taken over again") {
		t.Errorf("the button says %q", label)
	}
	b.click("#retry-all button")
	b.until("document.querySelectorAll('#rows tr.is-completed').length == 6 && !document.querySelector('#retry-all button')")
	waitFor(t, func() bool { return len(gemini.Calls()) == 11 })

	// Before the start it is a choice.
	d := picked(t, p, 2)
	d.until("document.querySelector('select[name=before]')")
	d.script("document.querySelector('select[name=before]').scrollIntoView({block: 'center'})")
	d.shot("17-read-before")
	d.script("document.querySelector('select[name=before]').value = 'afresh'")
	d.click("button.primary[form=form]")
	d.until("document.querySelectorAll('#rows tr.is-completed').length == 2")
	if calls := len(gemini.Calls()); calls != 13 {
		t.Errorf("%d calls, want 13: two were to be read afresh", calls)
	}
}

package web_test

import (
	"net/url"
	"testing"
	"time"

	"sheetlift/internal/batch"
)

// readLately stores an ended batch of 20 pictures that took 6 s and a cent each.
func (d *desk) readLately(change func(*batch.Batch)) {
	d.t.Helper()
	b := d.draft("a")
	x := d.stored(b.ID)
	x.Status, x.Engine, x.Model, x.Order, x.Started, x.Ended = batch.Completed, "gemini", "model-1", []int{1}, time.Now().Add(-time.Hour), time.Now()
	x.Counts = &batch.Counts{Completed: 20, Calls: 20, Tokens: 20_000, USD: 0.2, Working: 2 * time.Minute}
	change(x)
	if err := d.world.SaveBatch(d.t.Context(), x); err != nil {
		d.t.Fatal(err)
	}
	d.progress.Until(d.t.Context(), x.ID, func(b *batch.Batch) bool { return b != nil && b.Status == x.Status })
}

func TestBeforeTheStartThePageSaysWhatIsKnownOfTimeAndPrice(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	b := d.draft("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
	page := "/batches/" + string(b.ID) + "?step=columns"
	d.get(page).has(t, 200, `id="estimate"`, "model-1 has read nothing here lately, so time and price are not known yet.")
	d.readLately(func(*batch.Batch) {})
	d.get(page).has(t, 200, "About 15 s and US$ 0.10", "as the last 20 pictures that model-1 read")

	form := url.Values{"from": {"inventory"}, "preset": {"inventory"}, "at_once": {"1"}, "retries": {"3"}}
	d.htmx("/batches/"+string(b.ID)+"/columns", form).has(t, 200, "About 1 min and US$ 0.10")

	d.readLately(func(x *batch.Batch) { x.Counts.Unpriced = 1 })
	d.get(page).has(t, 200, "at a price that is not known", "as the last 40 pictures")
	d.get(page).lacks(t, "US$ 0.10")
}

func TestWhatABatchWasExpectedToTakeIsToldBesideWhatItTook(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	d.readLately(func(*batch.Batch) {})
	b := d.draft("one", "two")
	here := "/batches/" + string(b.ID)
	form := url.Values{"from": {"inventory"}, "preset": {"inventory"}, "at_once": {"5"}, "retries": {"3"}}
	d.post(here+"/start", form).goesTo(t, here)
	if e := d.stored(b.ID).Estimate; e == nil || e.Images != 2 || e.From != 20 || !e.Priced || e.Model != "model-1" {
		t.Errorf("the estimate that is kept is %+v", e)
	}
	d.get(here).has(t, 200, "about 5 s and US$ 0.02 expected")
}

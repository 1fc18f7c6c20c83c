package progress_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/table"
)

func TestAnEstimateFollowsFromWhatTheSameModelReadLately(t *testing.T) {
	t.Parallel()
	l := progress.Lately{Images: 20, Calls: 22, Tokens: 40_000, Working: 20 * 6 * time.Second, USD: 0.24}
	e := l.Estimate(60, 5, 0)
	if e.Took < 70*time.Second || e.Took > 80*time.Second || !e.Priced || e.USD < 0.719 || e.USD > 0.721 || e.From != 20 || e.Images != 60 {
		t.Errorf("60 pictures of 6 s, five at once: %+v", e)
	}
	if e = l.Estimate(1, 1, 0); e.Took != 6*time.Second {
		t.Errorf("one picture takes %v", e.Took)
	}
	if e = l.Estimate(60, 5, 11); e.Took != 6*time.Minute {
		t.Errorf("with 11 calls a minute, 66 calls take %v", e.Took)
	}
	l.Unpriced = 1
	if e = l.Estimate(60, 5, 0); e.Priced {
		t.Error("a price is told although one of the calls has none")
	}
	if e = (progress.Lately{}).Estimate(60, 5, 10); e.Took != 0 || e.Priced || e.From != 0 {
		t.Errorf("from nothing: %+v", e)
	}
}

func TestOnlyWhatWasReadTheSameWayLatelyCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, w := batchtest.New(t)
		b, stop := follow(w)
		defer stop()
		store := func(change func(*batch.Batch)) {
			t.Helper()
			inventory, _ := table.Preset(table.Default)
			x := &batch.Batch{
				ID: batch.NewID(), Name: "x", Status: batch.Completed, Table: inventory, Engine: "gemini", Model: "m", Order: []int{1, 2, 3, 4}, Started: time.Now().Add(-time.Hour),
				Counts: &batch.Counts{Completed: 3, Failed: 1, FromCache: 1, Calls: 4, Tokens: 4000, USD: 0.3, Working: 12 * time.Second},
			}
			change(x)
			if err := w.CreateBatch(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
		store(func(*batch.Batch) {})
		store(func(x *batch.Batch) { x.Model = "other" })
		store(func(x *batch.Batch) { x.Thinking = "high" })
		store(func(x *batch.Batch) { x.Engine = "tesseract" })
		store(func(x *batch.Batch) { x.Table.Single = true })
		store(func(x *batch.Batch) { x.Started = time.Now().Add(-31 * 24 * time.Hour) })
		store(func(x *batch.Batch) { x.Counts.Completed, x.Counts.Failed = 1, 3 })
		store(func(x *batch.Batch) { x.Counts.Working = 0 }) // of an older program
		store(func(x *batch.Batch) { x.Status, x.Order, x.Counts = batch.Draft, nil, nil })
		synctest.Wait()
		want := progress.Lately{Images: 3, Calls: 4, Tokens: 4000, Working: 12 * time.Second, USD: 0.3}
		if got := b.Lately("gemini", "m", "", false); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		for range 100 {
			store(func(*batch.Batch) {})
		}
		synctest.Wait()
		if got := b.Lately("gemini", "m", "", false); got.Images < 200 || got.Images > 203 {
			t.Errorf("%d images count, want the newest 200", got.Images)
		}
	})
}

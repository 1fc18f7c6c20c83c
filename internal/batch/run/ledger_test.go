package run_test

import (
	"fmt"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/errs"
)

func TestTheFiguresOfADayOutliveTheirBatchesAndCountEachOnce(t *testing.T) {
	t.Parallel()
	world := batchtest.NewWorld()
	s := usecases.New(usecases.Ports{
		Repository: world, Queue: world, Pictures: world, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"gemini"}, Ledger: world,
	}, usecases.Limits{MaxImages: 100})
	today := time.Now().UTC()
	yesterday := today.AddDate(0, 0, -1)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// ended returns a batch with one image completed in its second attempt, one failed image, and one without an attempt.
	ended := func() batch.ID {
		id := batchtest.NewDraft(t, s)
		for i := range 3 {
			batchtest.Add(t, s, id, fmt.Sprintf("upload-%d", i), i+1)
		}
		_, err := s.Run.Start(t.Context(), id)
		must(err)
		for n, f := range map[int]func(m *batch.Image){
			1: func(m *batch.Image) {
				m.Status, m.Ended, m.Tries = batch.Completed, today, 2
				m.Attempts = []batch.Attempt{
					{N: 1, Engine: "gemini", Started: yesterday, Ended: yesterday, Why: "bad_answer", Prompt: 100, USD: 0.25, Priced: true},
					{N: 2, Engine: "gemini", Started: today, Ended: today, Prompt: 100, Output: 10, USD: 0.5, Priced: true},
				}
			},
			2: func(m *batch.Image) {
				m.Status, m.Ended, m.Tries, m.Failure = batch.Failed, today, 1, "It shows no table."
				m.Attempts = []batch.Attempt{{N: 1, Engine: "tesseract", Started: today, Ended: today, Why: "bad_picture"}}
			},
			3: func(m *batch.Image) {
				m.Status, m.Ended, m.CachedFrom = batch.Completed, today, &batch.CachedFrom{Read: yesterday}
			},
		} {
			m, err := world.Image(t.Context(), id, n)
			must(err)
			f(m)
			must(world.SaveImage(t.Context(), m))
		}
		return id
	}
	check := func(when string, batches int) {
		t.Helper()
		n := batches
		want := []batch.Day{
			{Day: today.Format(time.DateOnly), Engine: "gemini", Read: 2 * n, FromCache: n, Calls: n, Tokens: 110 * n, USD: 0.5 * float64(n)},
			{Day: today.Format(time.DateOnly), Engine: "tesseract", Failed: n, Calls: n},
			{Day: yesterday.Format(time.DateOnly), Engine: "gemini", Calls: n, Tokens: 100 * n, USD: 0.25 * float64(n)},
		}
		got, err := s.Batches.Days(t.Context())
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\n%+v, %v, want\n%+v", when, got, err, want)
		}
	}

	one, two := ended(), ended()
	if days, err := s.Batches.Days(t.Context()); err != nil || len(days) != 0 {
		t.Errorf("before the end: %v, %v", days, err)
	}
	world.Fail(func(op string) error {
		if op == "enter" {
			return errs.New(errs.Unavailable, "The ledger is locked away.")
		}
		return nil
	})
	if done, err := s.Run.Finish(t.Context(), one); done || err == nil {
		t.Errorf("a batch ended without its figures: %v, %v", done, err)
	}
	world.Fail(nil)
	for range 2 {
		for _, id := range []batch.ID{one, two} {
			done, err := s.Run.Finish(t.Context(), id)
			if must(err); !done {
				t.Fatal("a batch did not end")
			}
		}
		check("two batches ended", 2)
	}
	for range 2 {
		must(s.Retention.Erase(t.Context(), one))
		check("one is erased", 2)
	}
	deleted := ended() // erased before its own end
	must(s.Retention.Erase(t.Context(), deleted))
	check("one more was erased while it was read", 3)
	must(s.Retention.Erase(t.Context(), batchtest.NewDraft(t, s)))
	check("a draft counts nothing", 3)
	must(world.Enter(t.Context(), batch.NewID(), []batch.Day{{Day: today.Add(-batch.LedgerKeep).AddDate(0, 0, -1).Format(time.DateOnly), Engine: "gemini", Read: 9}}))
	check("what is older than is kept is left out", 3)
}

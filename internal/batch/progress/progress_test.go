package progress_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// follow runs a Progress over w until the returned function is called.
func follow(w *batchtest.World) (*progress.Progress, func()) {
	b := progress.New(w, slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { _ = b.Run(ctx, w, ready) })
	<-ready
	return b, func() { cancel(); group.Wait() }
}

func finish(t *testing.T, w *batchtest.World, id batch.ID, n int, status batch.Status, rows int) {
	t.Helper()
	m, err := w.Image(t.Context(), id, n)
	if err != nil {
		t.Fatal(err)
	}
	m.Status, m.Ended, m.Tries = status, time.Now(), m.Tries+1
	m.Rows = make([]table.Row, rows)
	m.Attempts = append(m.Attempts, batch.Attempt{N: m.Tries, Prompt: 10, Output: 5, USD: 0.5, Priced: true, Ended: m.Ended})
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestProgressShowsPaceAndCost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, w := batchtest.New(t)
		b, stop := follow(w)
		defer stop()
		id := batchtest.NewDraft(t, s)
		for i := range 10 {
			batchtest.Add(t, s, id, fmt.Sprintf("upload-%d", i), i+1)
		}
		if o, err := b.Overview(t.Context(), id); err != nil || o.Images != 10 {
			t.Errorf("the draft has %d images: %v", o.Images, err)
		}
		if _, err := s.Run.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 6; n++ {
			<-time.After(2 * time.Second)
			finish(t, w, id, n, batch.Completed, 3)
		}
		finish(t, w, id, 7, batch.Failed, 0)
		synctest.Wait()
		o, err := b.Overview(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		c := o.Counts
		if o.Images != 10 || c.Completed != 6 || c.Failed != 1 || c.Pending != 3 || c.Rows != 18 || c.Calls != 7 || c.Tokens != 105 || c.USD != 3.5 {
			t.Errorf("got %+v", o)
		}
		// Six ends in the ten seconds after the first one: 36 a minute, so the remaining three take five seconds.
		if o.PerMinute < 35 || o.PerMinute > 37 || o.Left < 4*time.Second || o.Left > 6*time.Second {
			t.Errorf("pace %.1f a minute, %v left", o.PerMinute, o.Left)
		}
		select {
		case id := <-b.Finished():
			t.Errorf("%s is not settled yet", id)
		default:
		}
		for n := 8; n <= 10; n++ {
			finish(t, w, id, n, batch.Completed, 1)
		}
		if got := <-b.Finished(); got != id {
			t.Errorf("%s settled", got)
		}
		if _, err := s.Run.Finish(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		o, err = b.Overview(t.Context(), id)
		if err != nil || o.Batch.Status != batch.Completed || o.Counts.Completed != 9 || o.Left != 0 {
			t.Errorf("in the end: %+v, %v", o, err)
		}
	})
}

func TestProgressThatStartsLateReportsBatchesWhoseImagesAreFinal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, w := batchtest.New(t)
		id := batchtest.NewDraft(t, s)
		batchtest.Add(t, s, id, "upload-1", 1)
		if _, err := s.Run.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		finish(t, w, id, 1, batch.Completed, 1)
		b, stop := follow(w)
		defer stop()
		if got := <-b.Finished(); got != id {
			t.Errorf("%s settled", got)
		}
	})
}

func TestARemovedBatchLeavesProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, w := batchtest.New(t)
		b, stop := follow(w)
		defer stop()
		id := batchtest.NewDraft(t, s)
		batchtest.Add(t, s, id, "upload-1", 1)
		if err := s.Draft.RemoveImage(t.Context(), id, 1); err != nil {
			t.Fatal(err)
		}
		if o, err := b.Overview(t.Context(), id); err != nil || o.Images != 0 {
			t.Errorf("%d images after the removal: %v", o.Images, err)
		}
		batchtest.Add(t, s, id, "upload-2", 1)
		if o, err := b.Overview(t.Context(), id); err != nil || o.Images != 1 {
			t.Errorf("%d images after a new one in its place: %v", o.Images, err)
		}
		if err := s.Retention.Discard(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Overview(t.Context(), id); !errs.Is(err, errs.NotFound) || len(b.Overviews()) != 0 {
			t.Errorf("it is still there: %v", err)
		}
	})
}

package progress_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/table"
)

// loads is a world that counts the loads of all images and can delay or fail them.
type loads struct {
	*batchtest.World
	n    atomic.Int32
	gate chan struct{} // if set, a load waits for it after it has read
	late error         // returned by CatchUp
}

func (l *loads) Images(ctx context.Context, id batch.ID) ([]*batch.Image, error) {
	l.n.Add(1)
	images, err := l.World.Images(ctx, id)
	if l.gate != nil {
		<-l.gate
	}
	return images, err
}

func (l *loads) CatchUp(context.Context) error { return l.late }

// copies returns a service that shows images from a cache, the world below it, and a function that stops the cache.
func cache(t *testing.T) (*usecases.Services, *loads, func()) {
	t.Helper()
	w := &loads{World: batchtest.NewWorld()}
	c := progress.NewImageCache(w, w)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	synctest.Wait() // until Run has subscribed
	return usecases.New(usecases.Ports{
		Repository: w, Queue: w, Pictures: w, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"gemini"}, ImageCache: c, DraftIndex: c,
	}, usecases.Limits{MaxImages: 100}), w, func() { cancel(); running.Wait() }
}

// same compares images by their stored fields.
func same(a, b []*batch.Image) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}

func TestWhatIsShownFromCopiesIsWhatIsStoredWhateverChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		presses := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 40).Draw(rt, "presses")
		which := rapid.SliceOfN(rapid.IntRange(1, 6), len(presses), len(presses)).Draw(rt, "images")
		synctest.Test(t, func(t *testing.T) {
			s, w, stop := cache(t)
			defer stop()
			id := batchtest.NewDraft(t, s)
			batchtest.Add(t, s, id, "upload-000", 1)
			for i, kind := range presses {
				n := which[i]
				if err := press(t, s, w, id, kind, i, n); err != nil {
					rt.Errorf("press %d: %v", kind, err)
					return
				}
				shown, err := s.Batches.Images(t.Context(), id)
				plain := usecases.New(usecases.Ports{Repository: w.World, Readers: batchtest.Readers{"gemini"}}, usecases.Limits{})
				stored, storedErr := plain.Batches.Images(t.Context(), id)
				if (err == nil) != (storedErr == nil) || !same(shown, stored) {
					rt.Errorf("after press %d shown are %+v, %v; stored are %+v, %v", kind, shown, err, stored, storedErr)
				}
			}
		})
	})
}

// press changes something about image n of a batch, if that is allowed.
func press(t *testing.T, s *usecases.Services, w *loads, id batch.ID, kind, i, n int) error {
	t.Helper()
	m, err := w.World.Image(t.Context(), id, n)
	there := err == nil
	switch {
	case kind == 0 && !there:
		upload := draft.Upload{ID: fmt.Sprintf("upload-%d-%d", i, n), Filename: "a.jpg", Position: n, Body: strings.NewReader(fmt.Sprint(i))}
		_, _ = s.Draft.AddImages(t.Context(), id, upload) // refused after the start
	case kind == 1 && there:
		return w.RemoveImage(t.Context(), m)
	case kind == 2 && there:
		m.Name, m.Rows = fmt.Sprintf("name %d", i), append(m.Rows, table.Row{Cells: []table.Cell{{Text: "x"}}})
		return w.SaveImage(t.Context(), m)
	case kind == 3:
		<-time.After(2 * time.Minute) // after three of these the cache entry is evicted
	case kind == 4:
		_, _ = s.Run.Start(t.Context(), id) // Invalid if the batch is empty
	}
	return nil
}

func TestAllWhoAskAtOnceShareOneLoadAndSeeWhatChangedMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, w, stop := cache(t)
		defer stop()
		id := batchtest.NewDraft(t, s)
		for i := range 3 {
			batchtest.Add(t, s, id, fmt.Sprintf("upload-%d", i), i+1)
		}
		if _, err := s.Run.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		<-time.After(20 * time.Minute) // the entry is evicted
		synctest.Wait()
		before := w.n.Load()
		w.gate = make(chan struct{})
		impatient, leave := context.WithCancel(t.Context())
		var asked sync.WaitGroup
		asked.Go(func() { _, _ = s.Batches.Images(impatient, id) })
		synctest.Wait()
		leave() // the first caller gives up
		for range 9 {
			asked.Go(func() {
				images, err := s.Batches.Images(t.Context(), id)
				if err != nil || len(images) != 3 || images[1].Tries != 7 {
					t.Errorf("shown are %d images, %v", len(images), err)
				}
			})
		}
		synctest.Wait()
		m, err := w.World.Image(t.Context(), id, 2)
		if err != nil {
			t.Fatal(err)
		}
		m.Tries = 7 // after the load has read, before it returns
		if err := w.SaveImage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		close(w.gate)
		asked.Wait()
		if n := w.n.Load() - before; n != 1 {
			t.Errorf("ten who asked at once cost %d loads", n)
		}
	})
}

func TestWhenTheWordOfAChangeIsLostWhatIsStoredIsShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, w, stop := cache(t)
		defer stop()
		id := batchtest.NewDraft(t, s)
		batchtest.Add(t, s, id, "upload-1", 1)
		before := w.n.Load()
		for range 5 {
			if images, err := s.Batches.Images(t.Context(), id); err != nil || len(images) != 1 {
				t.Fatalf("shown are %d images: %v", len(images), err)
			}
		}
		if n := w.n.Load() - before; n != 0 {
			t.Errorf("looking again cost %d loads", n)
		}
		w.late = errors.New("nobody told")
		if images, err := s.Batches.Images(t.Context(), id); err != nil || len(images) != 1 || w.n.Load() == before {
			t.Errorf("shown are %d images after %d loads: %v", len(images), w.n.Load()-before, err)
		}
	})
}

func TestWhatOneReaderMarksAnotherDoesNotSee(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, w, stop := cache(t)
		defer stop()
		columns := table.Table{Columns: []table.Column{{Name: "Serial", Type: table.Text, Unique: true}}}
		b, err := s.Draft.Create(t.Context(), draft.NewBatch{Table: &columns})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			batchtest.Add(t, s, b.ID, fmt.Sprintf("upload-%d", i), i+1)
		}
		if b, err = s.Run.Start(t.Context(), b.ID); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 2; n++ {
			m, err := w.World.Image(t.Context(), b.ID, n)
			if err != nil {
				t.Fatal(err)
			}
			m.Status, m.Rows = batch.Completed, []table.Row{{Cells: []table.Cell{{Text: "KX-77"}}}}
			m.Issues = append(make([]table.Issue, 0, 8), table.Issue{Row: 0, Column: 0, Kind: table.KindConfidence})
			if err := w.SaveImage(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			images, err := s.Batches.Images(t.Context(), b.ID)
			if err != nil {
				t.Fatal(err)
			}
			if len(images[0].Issues) != 1 {
				t.Fatalf("the first image has %+v", images[0].Issues)
			}
			if doubt.MarkDuplicates(b, images); len(images[0].Issues) != 2 {
				t.Fatalf("marked, it has %+v", images[0].Issues)
			}
		}
	})
}

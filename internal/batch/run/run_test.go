package run_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/errs"
)

func TestStartFreezesTheOrderAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	for _, n := range []int{3, 1, 2, 5} {
		batchtest.Add(t, s, id, fmt.Sprintf("upload-%d", n), n)
	}
	if err := s.Draft.RemoveImage(t.Context(), id, 2); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := s.Run.Start(context.Background(), id); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	b, err := s.Batches.Batch(t.Context(), id)
	if err != nil || !slices.Equal(b.Order, []int{1, 3, 5}) || w.Queued(id) != 3 {
		t.Errorf("order %v, %d units, %v", b.Order, w.Queued(id), err)
	}
	if _, err := s.Draft.SetOptions(t.Context(), id, batch.DefaultOptions(), ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("settings after the start: got %v", err)
	}
	if err := s.Draft.RemoveImage(t.Context(), id, 1); !errs.Is(err, errs.Conflict) {
		t.Errorf("removing after the start: got %v", err)
	}
	_, err = s.Draft.AddImages(t.Context(), id, draft.Upload{ID: "upload-late", Position: 9, Body: strings.NewReader("x")})
	if !errs.Is(err, errs.Conflict) {
		t.Errorf("an upload after the start: got %v", err)
	}
}

func TestAnEmptyBatchIsNotStarted(t *testing.T) {
	t.Parallel()
	s, _ := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	if _, err := s.Run.Start(t.Context(), id); !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
	if b, _ := s.Batches.Batch(t.Context(), id); b.Status != batch.Draft {
		t.Errorf("it is %s now", b.Status)
	}
}

// An upload that races with Start is either acknowledged and part of the order, or refused and removed.
func TestAnAcknowledgedUploadIsNeverLostToStart(t *testing.T) {
	t.Parallel()
	for round := range 50 {
		s, _ := batchtest.New(t)
		id := batchtest.NewDraft(t, s)
		batchtest.Add(t, s, id, "upload-first", 1)
		var group sync.WaitGroup
		acknowledged := make(chan int, 40)
		for i := range 20 {
			group.Go(func() {
				taken, err := s.Draft.AddImages(context.Background(), id, draft.Upload{ID: fmt.Sprintf("upload-%03d", i), Position: i + 2, Body: strings.NewReader("x")})
				switch {
				case err == nil:
					acknowledged <- taken.Images[0].N
				case !errs.Is(err, errs.Conflict):
					t.Error(err)
				}
			})
			if i == round%20 {
				group.Go(func() {
					if _, err := s.Run.Start(context.Background(), id); err != nil {
						t.Error(err)
					}
				})
			}
		}
		group.Wait()
		close(acknowledged)
		b, err := s.Batches.Batch(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for n := range acknowledged {
			if !slices.Contains(b.Order, n) {
				t.Errorf("round %d: image %d was acknowledged and is not in %v", round, n, b.Order)
			}
		}
		if _, err := s.Batches.Images(t.Context(), id); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
}

func TestAStartThatWasCutOffIsCarriedOn(t *testing.T) {
	t.Parallel()
	for cut := 1; cut <= 3; cut++ {
		s, w := batchtest.New(t)
		id := batchtest.NewDraft(t, s)
		batchtest.Add(t, s, id, "upload-1", 1)
		batchtest.Add(t, s, id, "upload-2", 2)
		ops := 0
		w.Fail(func(string) error {
			if ops++; ops >= cut {
				return errs.New(errs.Unavailable, "The machine is dead.")
			}
			return nil
		})
		if _, err := s.Run.Start(t.Context(), id); err == nil {
			t.Fatalf("cut %d: the start did not notice", cut)
		}
		w.Fail(nil)
		if _, err := s.Run.Requeue(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		b, err := s.Run.Start(t.Context(), id)
		if err == nil {
			_, err = s.Run.Requeue(t.Context(), id)
		}
		if err != nil || b.Status != batch.Processing || b.Total() != 2 || w.Queued(id) != 2 {
			t.Errorf("cut %d: %s, %d images, %d units, %v", cut, b.Status, b.Total(), w.Queued(id), err)
		}
	}
}

// end makes an image final, as the worker does.
func end(t *testing.T, w *batchtest.World, id batch.ID, n int, status batch.Status) {
	t.Helper()
	m, err := w.Image(t.Context(), id, n)
	if err != nil {
		t.Fatal(err)
	}
	m.Status = status
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestABatchEndsOnlyWhenAllItsImagesAreFinal(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	batchtest.Add(t, s, id, "upload-1", 1)
	batchtest.Add(t, s, id, "upload-2", 2)
	if _, err := s.Run.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	end(t, w, id, 1, batch.Failed)
	if over, err := s.Run.Finish(t.Context(), id); over || err != nil {
		t.Errorf("ended too early: %v, %v", over, err)
	}
	end(t, w, id, 2, batch.Failed)
	if over, err := s.Run.Finish(t.Context(), id); !over || err != nil {
		t.Errorf("did not end: %v, %v", over, err)
	}
	b, _ := s.Batches.Batch(t.Context(), id)
	if b.Status != batch.Failed || b.Counts.Failed != 2 {
		t.Errorf("got %s, %+v", b.Status, b.Counts)
	}
}

// A retry that is interrupted at any point is completed by the next Requeue, exactly once.
func TestARetryIsNeitherLostNorDoubledWhereverItIsCutOff(t *testing.T) {
	t.Parallel()
	for cut := 1; cut <= 6; cut++ {
		s, w := batchtest.New(t)
		id := batchtest.NewDraft(t, s)
		for i := range 3 {
			batchtest.Add(t, s, id, fmt.Sprintf("upload-%d", i), i+1)
		}
		if _, err := s.Run.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		for n, status := range map[int]batch.Status{1: batch.Completed, 2: batch.Failed, 3: batch.Failed} {
			end(t, w, id, n, status)
		}
		if _, err := s.Run.Finish(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := w.Drop(t.Context(), id); err != nil { // the units were acknowledged
			t.Fatal(err)
		}
		ops := 0
		w.Fail(func(string) error {
			if ops++; ops == cut {
				return errs.New(errs.Unavailable, "The machine is dead.")
			}
			return nil
		})
		_, cutOff := s.Run.RetryFailed(t.Context(), id)
		w.Fail(nil)
		if cutOff != nil {
			if _, err := s.Run.Requeue(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Run.Finish(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if cut == 1 { // nothing was written: the person got an error and retries
			if _, err := s.Run.RetryFailed(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		b, _ := s.Batches.Batch(t.Context(), id)
		images, err := s.Batches.Images(t.Context(), id)
		if err != nil || b.Status != batch.Processing || len(b.RetryIntents) != 0 || w.Queued(id) != 2 {
			t.Fatalf("cut %d: %s, %v to do, %d units, %v", cut, b.Status, b.RetryIntents, w.Queued(id), err)
		}
		for _, m := range images[1:] {
			if m.Status != batch.Retrying || m.Generation != 2 {
				t.Errorf("cut %d: image %d is %s at unit %d", cut, m.N, m.Status, m.Generation)
			}
		}
	}
}

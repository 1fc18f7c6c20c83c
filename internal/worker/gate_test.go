package worker_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
)

func TestTheNextCallDoesNotWaitUntilAResultIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.single, b.reuse = true, time.Hour
		b.beforePut = func() { <-time.After(200 * time.Millisecond) } // a store that is slow to sync
		defer b.process()()
		began := time.Now()
		id := b.start(options(8), pictures(80)...)
		got, _ := b.wait(id, time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 80 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		if b.engine.most != 8 {
			t.Errorf("%d calls at once, want 8", b.engine.most)
		}
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("80 images of 1 s, 8 at once, took %v; with a pause of 0.2 s after each it is 12 s", took)
		}
	})
}

func TestTheEngineKnowsHowManyImagesHaveNoCallYet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.single = true
		var mu sync.Mutex
		var before, after []int
		b.engine.enter = func(_ context.Context, req engine.Request) (func(), error) {
			mu.Lock()
			defer mu.Unlock()
			if req.AtOnce != 1 {
				t.Errorf("the engine is told of %d calls at once", req.AtOnce)
			}
			before = append(before, req.Behind())
			return func() {
				mu.Lock()
				defer mu.Unlock()
				after = append(after, req.Behind())
			}, nil
		}
		defer b.process()()
		id := b.start(options(1), pictures(4)...)
		if got, _ := b.wait(id, time.Minute); got.Status != batch.Completed {
			t.Fatalf("ended as %s", got.Status)
		}
		if !slices.Equal(before, []int{4, 3, 2, 1}) || !slices.Equal(after, []int{3, 2, 1, 0}) {
			t.Errorf("%v images without a call before each call, %v while it ran", before, after)
		}
	})
}

func TestNearTheEndAFaultCostsItsOwnTimeAndNoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		b.engine.scripts["p000"] = []error{failure(engine.BadAnswer, 0), failure(engine.BadAnswer, 0)}
		o := options(2)
		o.RetryDelay = 10 * time.Minute
		began := time.Now()
		id := b.start(o, "p000")
		if got, _ := b.wait(id, time.Hour); got.Status != batch.Completed {
			t.Fatalf("ended as %s", got.Status)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("three calls of 1 s took %v", took)
		}
	})
}

func TestAnImageAtTheGateIsPendingAndGivesWayToOneThatIsReadNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.single = true // units are taken ahead
		defer b.process()()
		id := b.start(options(4), pictures(12)...)
		<-time.After(500 * time.Millisecond)
		if c := b.counts(id); c.Processing != 4 || c.Pending != 8 {
			t.Fatalf("4 at once: %+v", c)
		}
		at := b.images(id)
		for _, m := range at {
			if m.Status == batch.Pending && m.Lease != (batch.Lease{}) {
				t.Errorf("%s is claimed and waits", m.Name)
			}
		}
		if _, err := b.service.Settings.SetImagePriority(t.Context(), id, at["p011"].N, batch.High); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second) // the four have been read, and the next four are
		if got := b.images(id)["p011"].Status; got != batch.Processing {
			t.Errorf("the image to be read next is %s", got)
		}
		if _, err := b.service.Run.Pause(t.Context(), id, batch.PausedByUser); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		if c := b.counts(id); c.Completed != 8 || c.Pending != 4 {
			t.Errorf("a minute after the pause: %+v", c)
		}
		if _, err := b.service.Run.Resume(t.Context(), id, batch.PausedByUser); err != nil {
			t.Fatal(err)
		}
		got, images := b.wait(id, time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 12 || b.engine.peak() != 4 {
			t.Errorf("ended as %s with %+v", got.Status, got.Counts)
		}
		for name, m := range images {
			if m.Tries != 1 || b.engine.callsOf(name) != 1 {
				t.Errorf("%s was read %d times", name, m.Tries)
			}
		}
	})
}

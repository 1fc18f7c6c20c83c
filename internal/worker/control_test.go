package worker_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// counts returns the number of a batch's images by status.
func (b *bench) counts(id batch.ID) (c batch.Counts) {
	b.t.Helper()
	for _, m := range b.images(id) {
		c.Add(m.Figures(table.Table{}), 1)
	}
	return c
}

// runningNow returns the number of calls in progress.
func (s *scripted) runningNow() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// twice runs f as two people at once, and each of them twice.
func (b *bench) twice(f func() error) {
	b.t.Helper()
	for range 2 {
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := f(); err != nil {
					b.t.Error(err)
				}
			})
		}
		both.Wait()
	}
}

func TestAPauseReadsToTheEndWhatIsPaidForAndHoldsTheRestBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		defer b.process()()                                                 // two machines
		b.engine.before = func(ctx context.Context, picture string) error { // two wait for a key
			if picture == "p003" || picture == "p004" {
				return waitFor(ctx, 3*time.Second)
			}
			return nil
		}
		id := b.start(options(5), pictures(20)...)
		<-time.After(500 * time.Millisecond)
		b.twice(func() error { _, err := b.service.Run.Pause(t.Context(), id, batch.PausedByUser); return err })
		<-time.After(time.Minute)
		got, _ := b.service.Batches.Batch(t.Context(), id)
		if c := b.counts(id); got.Status != batch.Paused || got.Pause != batch.PausedByUser || c.Completed != 3 || c.Pending != 17 {
			t.Fatalf("a minute later the batch is %s and stands at %+v", got.Status, c)
		}
		for _, why := range []batch.PauseReason{batch.PausedByKeys, batch.PausedByDisk} { // they may not end a person's pause
			if got, err := b.service.Run.Resume(t.Context(), id, why); err != nil || got.Status != batch.Paused {
				t.Errorf("resumed because of %s: %s, %v", why, got.Status, err)
			}
			if got, err := b.service.Run.Pause(t.Context(), id, why); err != nil || got.Pause != batch.PausedByUser {
				t.Errorf("paused because of %s: %s, %v", why, got.Pause, err)
			}
		}
		b.twice(func() error { _, err := b.service.Run.Resume(t.Context(), id, batch.PausedByUser); return err })
		got, images := b.wait(id, time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 20 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		for name, m := range images {
			if m.Tries != 1 {
				t.Errorf("%s was read %d times", name, m.Tries)
			}
		}
	})
}

func waitFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestACancelCutsOffWhatRunsOnEveryMachineAndKeepsWhatWasRead(t *testing.T) {
	t.Parallel()
	for _, paused := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			defer b.process()()
			defer b.process()()
			b.engine.scripts["p001"] = []error{failure(engine.Busy, time.Hour)}
			id := b.start(options(4), pictures(20)...)
			<-time.After(1500 * time.Millisecond)
			if paused {
				if _, err := b.service.Run.Pause(t.Context(), id, batch.PausedByUser); err != nil {
					t.Fatal(err)
				}
			}
			running := b.engine.runningNow()
			began := time.Now()
			b.twice(func() error { _, err := b.service.Run.Cancel(t.Context(), id); return err })
			synctest.Wait()
			if took, left := time.Since(began), b.engine.runningNow(); running == 0 || left != 0 || took > 100*time.Millisecond {
				t.Errorf("of %d calls %d run %v later", running, left, took)
			}
			got, images := b.wait(id, time.Second)
			if got.Status != batch.Canceled || got.Counts.Completed != 3 || got.Counts.Canceled != 17 || b.world.Queued(id) != 0 {
				t.Fatalf("ended as %s with %+v and %d units", got.Status, got.Counts, b.world.Queued(id))
			}
			for name, m := range images {
				if last := m.Last(); last != nil && last.Ended.IsZero() {
					t.Errorf("a try of %s never ended", name)
				}
			}
			b.twice(func() error { // after the end it must change nothing
				_, err := b.service.Run.Pause(t.Context(), id, batch.PausedByUser)
				return err
			})
			for _, m := range images { // and the canceled images can be read after all
				if err := b.service.Run.Retry(t.Context(), id, m.N); err != nil {
					t.Fatal(err)
				}
			}
			if got, _ := b.wait(id, 2*time.Hour); got.Status != batch.Completed || got.Counts.Completed != 20 {
				t.Errorf("after the retry: %s with %+v", got.Status, got.Counts)
			}
		})
	}
}

func TestACancelThatWasCutOffIsCarriedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.start(options(4), pictures(5)...)
		ops := 0
		b.world.Fail(func(string) error {
			if ops++; ops > 3 {
				return errs.New(errs.Unavailable, "The machine is dead.")
			}
			return nil
		})
		if _, err := b.service.Run.Cancel(t.Context(), id); err == nil {
			t.Fatal("nothing failed")
		}
		b.world.Fail(nil)
		defer b.process()()
		got, _ := b.wait(id, 2*time.Minute)
		if got.Status != batch.Canceled || got.Counts.Canceled != 5 || len(b.engine.calls) != 0 {
			t.Errorf("ended as %s with %+v after %d calls", got.Status, got.Counts, len(b.engine.calls))
		}
	})
}

func TestOneImageIsCanceledAloneAndWhatWasReadAfreshKeepsItsRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		id := b.start(options(2), pictures(4)...)
		<-time.After(500 * time.Millisecond)
		b.twice(func() error { _, err := b.service.Run.CancelImage(t.Context(), id, 1); return err })
		got, images := b.wait(id, time.Minute)
		if m := images["p000"]; got.Status != batch.Completed || got.Counts.Completed != 3 || m.Status != batch.Canceled || m.Last().Why != batch.WhyCanceled {
			t.Fatalf("ended as %s with %+v; the image is %s", got.Status, got.Counts, m.Status)
		}

		b.engine.scripts["p001"] = []error{nil, failure(engine.Refused, 0)}
		for n, afresh := range map[int]bool{2: true, 3: true, 4: false} {
			if _, err := b.service.Run.RetryWith(t.Context(), id, []int{n}, batch.ReadAs{Fresh: afresh}); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(500 * time.Millisecond)
		if _, err := b.service.Run.CancelImage(t.Context(), id, 3); err != nil {
			t.Fatal(err)
		}
		_, images = b.wait(id, time.Minute)
		for name, tries := range map[string]int{"p001": 2, "p002": 2, "p003": 1} {
			if m := images[name]; m.Status != batch.Completed || m.Tries != tries || len(m.Rows) != 1 || m.Failure != "" {
				t.Errorf("%s is %s after %d tries with %d rows", name, m.Status, m.Tries, len(m.Rows))
			}
		}
	})
}

func TestADeletedBatchIsLetGoAtOnceAndGoesOnWhenBroughtBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		defer b.process()()
		id := b.start(options(4), pictures(10)...)
		<-time.After(500 * time.Millisecond)
		b.twice(func() error { return b.service.Retention.Delete(t.Context(), id) })
		synctest.Wait()
		if left := b.engine.runningNow(); left != 0 {
			t.Errorf("%d calls still run", left)
		}
		if _, err := b.service.Batches.Images(t.Context(), id); !errs.Is(err, errs.NotFound) {
			t.Errorf("it still shows: %v", err)
		}
		<-time.After(30 * time.Second)
		b.twice(func() error { _, err := b.service.Retention.Undelete(t.Context(), id); return err })
		if got, _ := b.wait(id, time.Minute); got.Status != batch.Completed || got.Counts.Completed != 10 {
			t.Errorf("brought back it is %s with %+v", got.Status, got.Counts)
		}
	})
}

func TestABatchErasedWhileItIsReadLeavesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		id := b.start(options(4), pictures(10)...)
		<-time.After(1500 * time.Millisecond)
		b.twice(func() error { return b.service.Retention.Erase(t.Context(), id) })
		<-time.After(time.Minute)
		images, err := b.world.Images(t.Context(), id)
		if err != nil || len(images) != 0 || b.world.PictureCount() != 0 || b.world.Queued(id) != 0 {
			t.Errorf("%d images, %d pictures, %d units are left: %v", len(images), b.world.PictureCount(), b.world.Queued(id), err)
		}
		if _, err := b.service.Retention.Undelete(t.Context(), id); !errs.Is(err, errs.NotFound) {
			t.Errorf("it came back: %v", err)
		}
	})
}

func TestARetryMayTakeAnotherEngineOrModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.offline = &scripted{took: time.Second, calls: map[string]int{}}
		defer b.process()()
		for _, p := range pictures(3) {
			b.engine.scripts[p] = []error{failure(engine.Refused, 0)}
		}
		id := b.start(options(3), pictures(3)...)
		b.wait(id, time.Minute)
		if _, err := b.service.Run.RetryWith(t.Context(), id, []int{1}, batch.ReadAs{Engine: "offline"}); err != nil {
			t.Fatal(err)
		}
		n, err := b.service.Run.RetryWith(t.Context(), id, nil, batch.ReadAs{Model: "model-2"})
		if err != nil || n != 2 {
			t.Fatalf("%d images are retried: %v", n, err)
		}
		_, images := b.wait(id, time.Minute)
		for name, want := range map[string]string{"p000": "offline ", "p001": "scripted model-2", "p002": "scripted model-2"} {
			if a := images[name].Last(); a.Why != "" || b.asked(a) != want {
				t.Errorf("%s was read by %q: %+v", name, b.asked(a), a)
			}
		}
		if _, err := b.service.Run.RetryWith(t.Context(), id, nil, batch.ReadAs{Model: "../model"}); !errs.Is(err, errs.Invalid) {
			t.Errorf("a name that no model has: %v", err)
		}
	})
}

// asked returns the engine and model requested in an attempt. The attempt's Model names the model that answered.
func (b *bench) asked(a *batch.Attempt) string {
	if a.Engine == "offline" {
		return a.Engine + " "
	}
	b.engine.mu.Lock()
	defer b.engine.mu.Unlock()
	return a.Engine + " " + b.engine.models[a.N]
}

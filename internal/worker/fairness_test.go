package worker_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/upkeep"
	"sheetlift/internal/work"
)

// narrow limits the engine to so many calls at once, as few keys do, shared fairly between batches.
func (b *bench) narrow(places int) {
	gate := work.NewFairSemaphore(places, 0)
	b.engine.enter = func(ctx context.Context, req engine.Request) (func(), error) {
		return func() { gate.Leave(req.Batch) }, gate.Enter(ctx, req.Batch, work.Priority(req.Priority))
	}
}

func TestABatchOfTenBehindOneOfAThousandEndsWithinTwiceItsTime(t *testing.T) {
	for name, places := range map[string]int{"slots are short": 64, "capacity is short": 4} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.narrow(places)
			defer b.process()()
			began := time.Now()
			b.wait(b.start(options(5), pictures(10)...), time.Minute)
			alone := time.Since(began)

			large := b.start(options(64), pictures(1000)...)
			<-time.After(3500 * time.Millisecond)
			began = time.Now()
			small, _ := b.wait(b.start(options(5), pictures(10)...), time.Minute)
			if took := time.Since(began); small.Status != batch.Completed || took > 2*alone+200*time.Millisecond {
				t.Errorf("%s: it took %v and is %s; alone it takes %v", name, took, small.Status, alone)
			}
			if got, _ := b.wait(large, time.Hour); got.Counts.Completed != 1000 {
				t.Errorf("%s: the large one ended with %+v", name, got.Counts)
			}
		})
	}
}

func TestAPriorityChangesWhoGoesFirstWhileBothAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.narrow(4)
		defer b.process()()
		first, second := b.start(options(8), pictures(100)...), b.start(options(8), pictures(100)...)
		<-time.After(5500 * time.Millisecond)
		b.twice(func() error { _, err := b.service.Settings.SetPriority(t.Context(), second, batch.High); return err })
		b.twice(func() error { _, err := b.service.Settings.SetPriority(t.Context(), first, batch.Low); return err })
		got, _ := b.wait(second, time.Minute)
		if behind := b.counts(first).Completed; got.Status != batch.Completed || behind > 20 {
			t.Errorf("when the high one is %s, %d images of the low one are read", got.Status, behind)
		}
		if got, _ := b.wait(first, time.Minute); got.Counts.Completed != 100 || got.Counts.Calls != 100 {
			t.Errorf("the low one ended with %+v", got.Counts)
		}
		if _, err := b.service.Settings.SetPriority(t.Context(), first, "urgent"); !errs.Is(err, errs.Invalid) {
			t.Errorf("a priority that there is not: %v", err)
		}
	})
}

// clock runs the clock of one process.
func (b *bench) clock() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- upkeep.NewClock(b.service.Retention, slog.New(slog.DiscardHandler)).Run(ctx, b.world)
	}()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
	}
}

func TestABatchStartsAtItsTimeAcrossRestartsAndIsErasedWhenItWasKeptLongEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		stop := b.clock()
		id := b.draft(options(5), pictures(5)...)
		at := time.Now().Add(10 * time.Hour)
		b.twice(func() error { _, err := b.service.Run.Schedule(t.Context(), id, at); return err })
		<-time.After(5 * time.Hour)
		stop()
		defer b.clock()()
		defer b.clock()() // on two machines
		<-time.After(5*time.Hour - time.Second)
		end := b.process()
		defer end()
		if got, _ := b.service.Batches.Batch(t.Context(), id); got.Status != batch.Scheduled || len(b.engine.calls) != 0 {
			t.Fatalf("a second before its time the batch is %s after %d calls", got.Status, len(b.engine.calls))
		}
		got, _ := b.wait(id, time.Minute)
		if got.Status != batch.Completed || got.Started.Sub(at).Abs() > time.Second || got.Counts.Calls != 5 {
			t.Fatalf("it is %s, started at %v instead of %v, with %+v", got.Status, got.Started, at, got.Counts)
		}

		end()
		<-time.After(settings.DefaultKeep - 2*time.Second)
		if _, err := b.service.Batches.Batch(t.Context(), id); err != nil {
			t.Fatalf("before its time: %v", err)
		}
		<-time.After(time.Minute)
		if _, err := b.world.Batch(t.Context(), id); !errs.Is(err, errs.NotFound) || b.world.PictureCount() != 0 {
			t.Errorf("after it %d pictures are left: %v", b.world.PictureCount(), err)
		}
	})
}

func TestWhatIsKeptLongerOrBroughtBackIsNotErasedAndWhatIsDeletedIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		end := b.process()
		defer b.clock()()
		forever, month, gone, back := b.start(options(5), "a"), b.start(options(5), "b"), b.start(options(5), "c"), b.start(options(5), "d")
		for id, keep := range map[batch.ID]time.Duration{forever: settings.KeepForever, month: 30 * 24 * time.Hour} {
			if _, err := b.service.Settings.SetKeep(t.Context(), id, keep); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.service.Settings.SetKeep(t.Context(), month, time.Minute); !errs.Is(err, errs.Invalid) {
			t.Errorf("a minute: %v", err)
		}
		for _, id := range []batch.ID{forever, month, gone, back} {
			b.wait(id, time.Minute)
		}
		end()
		left := b.draft(options(5), "e")
		<-time.After(settings.DefaultKeep - 4*time.Hour)
		fresh := b.draft(options(5), "f")
		for _, id := range []batch.ID{gone, back} {
			if err := b.service.Retention.Delete(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.service.Retention.Undelete(t.Context(), back); err != nil {
			t.Fatal(err)
		}
		b.stored("after a deletion", 2*batch.UndoFor, map[batch.ID]bool{forever: true, month: true, gone: false, back: true, left: true, fresh: true})
		b.stored("after the default", 6*time.Hour, map[batch.ID]bool{forever: true, month: true, back: false, left: false, fresh: true})
		b.stored("after a month", 30*24*time.Hour, map[batch.ID]bool{forever: true, month: false, fresh: false})
	})
}

func (b *bench) stored(when string, later time.Duration, want map[batch.ID]bool) {
	b.t.Helper()
	<-time.After(later)
	for id, there := range want {
		if _, err := b.world.Batch(b.t.Context(), id); (err == nil) != there {
			b.t.Errorf("%s: %v, want it kept: %v", when, err, there)
		}
	}
}

func TestATimeThatPassedOrABatchThatStartedCannotBeScheduled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.draft(options(5), "a")
		for _, at := range []time.Time{time.Now(), time.Now().Add(-time.Hour), time.Now().Add(400 * 24 * time.Hour)} {
			if _, err := b.service.Run.Schedule(t.Context(), id, at); !errs.Is(err, errs.Invalid) {
				t.Errorf("%v: %v", at, err)
			}
		}
		soon := time.Now().Add(time.Hour)
		if _, err := b.service.Run.Schedule(t.Context(), b.draft(options(5)), soon); !errs.Is(err, errs.Invalid) {
			t.Errorf("without pictures: %v", err)
		}
		if _, err := b.service.Run.Schedule(t.Context(), id, soon); err != nil {
			t.Fatal(err)
		}
		if got, err := b.service.Run.Cancel(t.Context(), id); err != nil || got.Status != batch.Draft {
			t.Errorf("canceled, it is %s: %v", got.Status, err)
		}
		if _, err := b.service.Run.Schedule(t.Context(), id, soon); err != nil {
			t.Fatal(err)
		}
		if got, err := b.service.Run.Start(t.Context(), id); err != nil || got.Status != batch.Processing || !got.StartAt.IsZero() {
			t.Errorf("started now, it is %s: %v", got.Status, err)
		}
		if _, err := b.service.Run.Schedule(t.Context(), id, soon); !errs.Is(err, errs.Conflict) {
			t.Errorf("after the start: %v", err)
		}
	})
}

func TestTheSamePictureTwiceIsReadOnceAndAfreshWhenAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		defer b.process()()
		b.engine.scripts["odd one"] = []error{failure(engine.Refused, 0)}
		id := b.start(options(5), "same", "other", "same", "same", "odd one", "odd one")
		got, err := b.wait(id, time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 5 || got.Counts.Failed != 1 || got.Counts.Rows != 5 {
			t.Fatalf("ended as %s with %+v, %v", got.Status, got.Counts, err)
		}
		if n := b.engine.callsOf("same"); n != 1 {
			t.Errorf("one picture was read %d times", n)
		}
		if n := b.engine.callsOf("odd one"); n != 2 {
			t.Errorf("what could not be read the first time was read %d times", n)
		}
		for n, duplicate := range map[int]int{1: 0, 3: 1, 4: 1, 6: 0} {
			m, err := b.service.Batches.Image(t.Context(), id, n)
			if err != nil || m.Status != batch.Completed || m.DuplicateOf != duplicate || len(m.Rows) != 1 {
				t.Errorf("image %d is %s with the rows of %d: %v", n, m.Status, m.DuplicateOf, err)
			}
		}
		synctest.Wait() // the queue of the ended batch was just dropped: at this moment its images could be delivered twice
		b.twice(func() error {
			_, err := b.service.Run.RetryWith(t.Context(), id, []int{3}, batch.ReadAs{Fresh: true})
			return err
		})
		b.wait(id, time.Minute)
		if m, _ := b.service.Batches.Image(t.Context(), id, 3); m.DuplicateOf != 0 || m.Tries != 1 || b.engine.callsOf("same") != 2 {
			t.Errorf("read afresh it has the rows of %d after %d tries and %d calls", m.DuplicateOf, m.Tries, b.engine.callsOf("same"))
		}
	})
}

func TestWhoWaitsForTheSamePictureIsReadWhenTheFirstIsCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		id := b.start(options(5), "same", "same")
		<-time.After(500 * time.Millisecond)
		if _, err := b.service.Run.CancelImage(t.Context(), id, 1); err != nil {
			t.Fatal(err)
		}
		got, _ := b.wait(id, time.Minute)
		if m, _ := b.service.Batches.Image(t.Context(), id, 2); got.Status != batch.Completed || m.Status != batch.Completed || m.Tries != 1 {
			t.Errorf("the second is %s after %d tries", m.Status, m.Tries)
		}
	})
}

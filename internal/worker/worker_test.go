package worker_test

import (
	"context"
	"maps"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestABatchEndsWithEveryImageReadOnceAndNoMoreAtOnceThanAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		began := time.Now()
		id := b.start(options(5), pictures(50)...)
		got, images := b.wait(id, time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 50 || got.Counts.Rows != 50 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		if b.engine.most != 5 {
			t.Errorf("%d at once, want 5", b.engine.most)
		}
		if took := time.Since(began); took > 10500*time.Millisecond {
			t.Errorf("50 images of 1 s, 5 at once, took %v", took)
		}
		for name, m := range images {
			if m.Rows[0].Cells[0].Text != "row of "+name || m.Tries != 1 || b.engine.calls[name] != 1 {
				t.Errorf("%s: rows %v, %d tries, %d calls", name, m.Rows, m.Tries, b.engine.calls[name])
			}
		}
		if n := b.world.Queued(id); n != 0 {
			t.Errorf("%d units are left in the queue", n)
		}
	})
}

func TestWhatIsNotTheImagesFaultCostsNoRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		for range 30 {
			b.engine.scripts["p000"] = append(b.engine.scripts["p000"], failure(engine.Busy, 0), failure(engine.Unreachable, 0))
		}
		id := b.start(options(5), pictures(2)...)
		got, images := b.wait(id, time.Hour)
		m := images["p000"]
		if got.Status != batch.Completed || m.Status != batch.Completed || m.Faults != 0 {
			t.Fatalf("batch %s, image %s with %d faults: %s", got.Status, m.Status, m.Faults, m.Failure)
		}
		if m.Tries != 61 || len(m.Attempts) != batch.MaxAttempts || m.Attempts[0].N != 12 {
			t.Errorf("%d tries, %d kept, the first of them %d", m.Tries, len(m.Attempts), m.Attempts[0].N)
		}
	})
}

func TestAnImageThatWaitsHoldsNoPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		b.engine.scripts["p000"] = []error{failure(engine.Busy, 10*time.Minute)}
		began := time.Now()
		id := b.start(options(1), pictures(20)...)
		<-time.After(30 * time.Second)
		images := b.images(id)
		waiting := images["p000"]
		if waiting.Status != batch.Retrying || waiting.NotBefore.IsZero() {
			t.Errorf("the waiting image is %s until %v", waiting.Status, waiting.NotBefore)
		}
		delete(images, "p000")
		for name, m := range images {
			if m.Status != batch.Completed {
				t.Errorf("%s is %s while another one waits", name, m.Status)
			}
		}
		got, _ := b.wait(id, time.Hour)
		if took := time.Since(began); got.Status != batch.Completed || took < 10*time.Minute || took > 10*time.Minute+5*time.Second {
			t.Errorf("ended as %s after %v", got.Status, took)
		}
	})
}

func TestTheImagesOwnFaultsEndWithItsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		bad := failure(engine.BadAnswer, 0)
		b.engine.scripts["p000"] = []error{bad, bad, bad, bad, bad}
		b.engine.scripts["p001"] = []error{bad, bad, bad}
		b.engine.scripts["p002"] = []error{failure(engine.Refused, 0)}
		b.engine.scripts["p003"] = []error{errPanic, bad}
		id := b.start(options(5), pictures(5)...)
		got, images := b.wait(id, time.Hour)
		if got.Status != batch.Completed || got.Counts.Failed != 2 || got.Counts.Completed != 3 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		for name, calls := range map[string]int{"p000": 4, "p001": 4, "p002": 1, "p003": 3, "p004": 1} {
			if b.engine.calls[name] != calls {
				t.Errorf("%s: %d calls, want %d", name, b.engine.calls[name], calls)
			}
		}
		if m := images["p002"]; m.Failure != "It went wrong for the reason refused." {
			t.Errorf("the sentence is %q", m.Failure)
		}

		if n, err := b.service.Run.RetryFailed(t.Context(), id); err != nil || n != 2 {
			t.Fatalf("retrying all failed: %d, %v", n, err)
		}
		got, images = b.wait(id, time.Hour)
		if got.Status != batch.Completed || got.Counts.Failed != 0 || images["p000"].Status != batch.Completed {
			t.Errorf("after the retry: %s with %+v", got.Status, got.Counts)
		}
	})
}

func TestTheDelayDoublesUpToItsCapWithFullJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		o := options(1)
		o.MaxRetries, o.RetryDelay = 10, time.Minute
		for range 10 {
			b.engine.scripts["p000"] = append(b.engine.scripts["p000"], failure(engine.BadAnswer, 0))
		}
		id := b.start(o, "p000")
		_, images := b.wait(id, 3*time.Hour)
		m := images["p000"]
		if m.Status != batch.Completed || m.Tries != 11 {
			t.Fatalf("%s after %d tries", m.Status, m.Tries)
		}
		most := time.Minute
		for i := 1; i < len(m.Attempts); i++ {
			if wait := m.Attempts[i].Started.Sub(m.Attempts[i-1].Ended); wait > most+time.Second {
				t.Errorf("try %d came after %v, want at most %v", i+1, wait, most)
			}
			most = min(2*most, 10*time.Minute)
		}
	})
}

func TestADayWithoutTheServiceEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		var day []error
		for range 100 {
			day = append(day, &engine.Failure{Why: engine.Unreachable, Message: "Google did not answer."})
		}
		b.engine.scripts["p000"] = day
		b.engine.took = 30 * time.Minute
		id := b.start(options(1), "p000")
		got, images := b.wait(id, 30*time.Hour)
		m := images["p000"]
		if got.Status != batch.Failed || m.Status != batch.Failed || m.Tries != 49 {
			t.Errorf("batch %s, image %s after %d tries: %s", got.Status, m.Status, m.Tries, m.Failure)
		}
	})
}

func TestACrashInTheMiddleLosesNothingAndDoublesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		stop := b.process()
		id := b.start(options(5), pictures(20)...)
		<-time.After(2500 * time.Millisecond)
		b.world.Fail(func(string) error { return errs.New(errs.Unavailable, "The machine is dead.") })
		stop()
		b.world.Fail(nil)
		b.world.Crash()
		defer b.process()()
		got, images := b.wait(id, time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 20 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		extra := 0
		for name, m := range images {
			if len(m.Rows) != 1 {
				t.Errorf("%s has %d rows", name, len(m.Rows))
			}
			extra += b.engine.calls[name] - 1
		}
		if extra > 5 {
			t.Errorf("%d calls were made twice, more than were in hand", extra)
		}
	})
}

func TestADayOfRestartsWhileWaitingForAKeySetsNothingAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		open := make(chan struct{})
		b.engine.before = func(ctx context.Context, _ string) error {
			select {
			case <-open:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		id := b.start(options(2), pictures(4)...)
		for range 6 {
			stop := b.process()
			<-time.After(time.Hour)
			stop()
			b.world.Crash()
		}
		close(open)
		defer b.process()()
		got, images := b.wait(id, time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 4 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		for name, m := range images {
			if m.Tries != 1 || m.Crashes != 0 {
				t.Errorf("%s: %d tries, %d crashes", name, m.Tries, m.Crashes)
			}
		}
	})
}

func TestStoppingLetsRunningImagesFinishWithinTheGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.engine.took = 15 * time.Second
		stop := b.process()
		id := b.start(options(2), pictures(6)...)
		<-time.After(time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("stopping took %v, although what ran needed 14 s", took)
		}
		done := 0
		for _, m := range b.images(id) {
			if m.Status == batch.Completed {
				done++
			}
		}
		if done != 2 {
			t.Errorf("%d images are read, want the two that ran", done)
		}
	})
}

func TestStoppingCutsWhatRunsLongerThanTheGraceAtNoCost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.engine.took = 50 * time.Second
		stop := b.process()
		id := b.start(options(1), "p000")
		<-time.After(time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("stopping took %v, want the grace of 20s", took)
		}
		defer b.process()()
		got, images := b.wait(id, 5*time.Minute)
		m := images["p000"]
		if got.Status != batch.Completed || m.Tries != 2 || m.Faults != 0 || m.Crashes != 0 || m.Attempts[0].Why != "stopped" {
			t.Errorf("batch %s; %d tries, %d faults, %d crashes: %+v", got.Status, m.Tries, m.Faults, m.Crashes, m.Attempts)
		}
	})
}

func TestAReadingThatIsBeingStoredWhenTheGraceEndsIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.engine.took = 10 * time.Second
		b.reuse = time.Hour
		b.beforePut = func() { <-time.After(12 * time.Second) } // until a second after the end of the grace
		stop := b.process()
		id := b.start(options(1), "p000")
		<-time.After(time.Second)
		stop()
		if m := b.images(id)["p000"]; m.Status != batch.Completed || m.Tries != 1 {
			t.Errorf("the image is %s after %d tries, although its reading was paid for", m.Status, m.Tries)
		}
	})
}

func TestALateResultOfALostTryIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.engine.took = 10 * time.Second
		defer b.process()()
		id := b.start(options(2), "p000")
		<-time.After(time.Second)
		b.world.Crash()     // the queue believes that the worker is dead
		defer b.process()() // another process takes the image over
		got, images := b.wait(id, time.Minute)
		m := images["p000"]
		if got.Status != batch.Completed || len(m.Rows) != 1 || m.Tries != 2 {
			t.Errorf("batch %s, %d rows after %d tries", got.Status, len(m.Rows), m.Tries)
		}
		if m.Attempts[0].Why != "stopped" || m.Attempts[1].Why != "" {
			t.Errorf("attempts: %+v", m.Attempts)
		}
	})
}

func TestANameGivenWhileAnImageIsReadStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		id := b.start(options(1), "p000")
		<-time.After(500 * time.Millisecond)
		if _, err := b.service.Settings.RenameImage(t.Context(), id, 1, "Hall A"); err != nil {
			t.Fatal(err)
		}
		got, images := b.wait(id, time.Minute)
		if m := images["Hall A"]; got.Status != batch.Completed || m == nil || m.Tries != 1 || b.engine.callsOf("p000") != 1 {
			t.Errorf("batch %s, images %v", got.Status, maps.Collect(maps.All(images)))
		}
	})
}

func TestAStoreThatStumblesCostsNoImageItsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		id := b.start(options(3), pictures(9)...)
		var ops atomic.Int64 // the images are written side by side
		b.world.Fail(func(string) error {
			if ops.Add(1)%3 == 0 {
				return errs.New(errs.Unavailable, "The store did not answer.")
			}
			return nil
		})
		got, images := b.wait(id, 30*time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 9 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		for name, m := range images {
			if m.Faults != 0 || len(m.Rows) != 1 {
				t.Errorf("%s: %d faults, %d rows", name, m.Faults, len(m.Rows))
			}
		}
	})
}

func TestWhatTheEngineGivesUpIsReadOfflineWhereTheBatchSaysSo(t *testing.T) {
	t.Parallel()
	for _, way := range []batch.Fallback{batch.FallbackOff, batch.FallbackAsk, batch.FallbackAlways} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.offline = &scripted{took: time.Second, scripts: map[string][]error{"p001": {failure(engine.BadPicture, 0)}}, calls: map[string]int{}}
			defer b.process()()
			b.engine.scripts["p000"] = []error{failure(engine.Refused, 0)}
			b.engine.scripts["p001"] = []error{failure(engine.BadPicture, 0)}
			o := options(2)
			o.Fallback = way
			id := b.start(o, pictures(3)...)
			got, images := b.wait(id, time.Minute)
			m := images["p000"]
			if way != batch.FallbackAlways {
				if m.Status != batch.Failed || b.offline.callsOf("p000") != 0 {
					t.Fatalf("%s: the image is %s after %d offline calls", way, m.Status, b.offline.callsOf("p000"))
				}
				if _, err := b.service.Run.RetryWith(t.Context(), id, []int{m.N}, batch.ReadAs{Engine: "offline"}); err != nil { // a person asks for it
					t.Fatal(err)
				}
				got, images = b.wait(id, time.Minute)
				m = images["p000"]
			}
			if got.Status != batch.Completed || m.Status != batch.Completed || m.Engine != "offline" || m.Last().Engine != "offline" || len(m.Attempts) != 2 {
				t.Errorf("%s: the image is %s by %q: %+v", way, m.Status, m.Engine, m.Attempts)
			}
			if last := images["p001"]; last.Status != batch.Failed || b.engine.callsOf("p001") != 1 {
				t.Errorf("%s: an image that nobody can read is %s", way, last.Status)
			}
		})
	}
}

func TestAnImageThatWaitsIsReadAtItsTimeByTheNextProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		stop := b.process()
		b.engine.scripts["p000"] = []error{failure(engine.Busy, 90*time.Second)}
		began := time.Now()
		id := b.start(options(1), pictures(1)...)
		<-time.After(62 * time.Second)
		stop()
		b.world.Crash()
		defer b.process()()
		got, _ := b.wait(id, time.Hour)
		if took := time.Since(began); got.Status != batch.Completed || took > 95*time.Second {
			t.Errorf("it was to be read after 90 s; the batch ended as %s after %v", got.Status, took)
		}
	})
}

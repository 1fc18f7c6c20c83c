package worker_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
)

// reusing is a bench on which readings are used again for a day.
func reusing(t *testing.T) *bench {
	b := newBench(t)
	b.reuse = 24 * time.Hour
	return b
}

// again reads the pictures as a batch of their own and checks the number of calls.
func (b *bench) again(calls int, pictures ...string) map[string]*batch.Image {
	b.t.Helper()
	before := 0
	for _, p := range pictures {
		before += b.engine.callsOf(p)
	}
	id := b.start(options(5), pictures...)
	got, images := b.wait(id, time.Hour)
	if got.Status != batch.Completed {
		b.t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
	}
	now := 0
	for _, p := range pictures {
		now += b.engine.callsOf(p)
	}
	if now-before != calls {
		b.t.Errorf("%d calls, want %d", now-before, calls)
	}
	return images
}

func TestOnlyGoodReadingsAnswerForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		defer b.process()()
		bad := failure(engine.BadAnswer, 0)
		b.engine.scripts["refused"] = []error{failure(engine.Refused, 0), failure(engine.Refused, 0)}
		b.engine.scripts["unclear"] = []error{bad, bad}
		b.again(6, "good", "refused", "unclear", "empty")
		images := b.again(2, "good", "refused", "unclear", "empty")
		if images["refused"].Status != batch.Failed || images["unclear"].CachedFrom == nil || images["good"].Tries != 0 {
			t.Errorf("%+v", images)
		}
	})
}

func TestAReadingIsUsedUntilItIsTooOldHoweverOftenItWasTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		defer b.process()()
		began := time.Now()
		b.again(1, "p")
		for range 5 {
			<-time.After(4 * time.Hour)
			if m := b.again(0, "p")["p"]; m.CachedFrom == nil || m.CachedFrom.Read.Sub(began) > time.Minute || m.CachedFrom.Model != "model-1" {
				t.Errorf("it comes from %+v", m.CachedFrom)
			}
		}
		<-time.After(4 * time.Hour)
		b.again(1, "p")
		b.again(0, "p")
	})
}

func TestACrashAfterAReadingWasRememberedMakesItNoEarlierOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		stop := b.process()
		// The process is killed after it cached the reading, before it stores the image.
		var cached atomic.Bool
		b.world.Fail(func(op string) error {
			if cached.Load() {
				return errs.New(errs.Unavailable, "The machine is dead.")
			}
			cached.Store(op == "put reading")
			return nil
		})
		id := b.start(options(5), "p")
		<-time.After(5 * time.Second)
		stop()
		b.world.Fail(nil)
		defer b.process()()
		got, images := b.wait(id, time.Hour)
		if m := images["p"]; got.Status != batch.Completed || m.CachedFrom != nil || m.Tries != 2 || got.Counts.Rows != 1 {
			t.Errorf("ended as %s after %d tries with %+v", got.Status, m.Tries, m.CachedFrom)
		}
		if n := b.engine.callsOf("p"); n != 2 {
			t.Errorf("%d calls", n)
		}
		b.again(0, "p")
	})
}

func TestWhatIsReadWhileItsBatchIsErasedIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		// The last moment of a reading: it is cached while its batch is being erased.
		reached, gone := make(chan bool), make(chan bool)
		b.beforePut = func() { reached <- true; <-gone }
		defer b.process()()
		id := b.start(options(5), "p")
		<-reached
		if err := b.world.RemoveBatch(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		gone <- true
		synctest.Wait()
		if n := b.world.Remembered(); n != 0 || b.engine.callsOf("p") != 1 {
			t.Errorf("%d readings of a batch that is gone are remembered", n)
		}
	})
}

func TestAMemoryThatFailsFailsNoImage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		defer b.process()()
		b.again(1, "p")
		for _, broken := range []string{"put reading", "get reading"} {
			b.world.Fail(func(op string) error {
				if op == broken {
					return errs.New(errs.Full, "The disk is full.")
				}
				return nil
			})
			b.again(1, "new "+broken)
		}
		b.world.Fail(nil)
		b.again(0, "p")
	})
}

func TestWhatWasReadInsteadAnswersForTheEngineThatReadIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		b.offline = &scripted{took: time.Second, scripts: map[string][]error{}, calls: map[string]int{}}
		defer b.process()()
		refused := failure(engine.Refused, 0)
		b.engine.scripts["p"] = []error{refused, refused}
		o := options(5)
		o.Fallback = batch.FallbackAlways
		for i := range 2 {
			got, images := b.wait(b.start(o, "p"), time.Hour)
			if m := images["p"]; got.Status != batch.Completed || m.Engine != "offline" || (m.CachedFrom != nil) != (i == 1) {
				t.Errorf("%s by %s from %+v", got.Status, m.Engine, m.CachedFrom)
			}
		}
		if online, offline := b.engine.callsOf("p"), b.offline.callsOf("p"); online != 2 || offline != 1 {
			t.Errorf("%d and %d calls: what was read offline is not what the batch's engine would read", online, offline)
		}
	})
}

func TestTheSamePictureTwiceIsTakenOverTwiceAndReadAfreshOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		defer b.process()()
		b.again(1, "same")
		got, _ := b.wait(b.start(options(5), "same", "same"), time.Hour)
		if got.Counts.FromCache != 2 || got.Counts.Calls != 0 || b.engine.callsOf("same") != 1 {
			t.Errorf("ended with %+v", got.Counts)
		}
		o := options(5)
		o.Fresh = true
		got, _ = b.wait(b.start(o, "same", "same"), time.Hour)
		if got.Counts.FromCache != 1 || b.engine.callsOf("same") != 2 {
			t.Errorf("read afresh it ended with %+v after %d calls", got.Counts, b.engine.callsOf("same"))
		}
	})
}

func TestARetryByHandNeverGetsTheSameAnswerForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		defer b.process()()
		b.engine.scripts["p"] = []error{failure(engine.Refused, 0)}
		id := b.start(options(5), "p")
		b.wait(id, time.Hour) // it fails
		b.again(1, "p")       // and is read for another batch
		if err := b.service.Run.Retry(t.Context(), id, 1); err != nil {
			t.Fatal(err)
		}
		_, images := b.wait(id, time.Hour)
		if m := images["p"]; m.Status != batch.Completed || m.CachedFrom != nil || b.engine.callsOf("p") != 3 {
			t.Errorf("%s from %+v after %d calls", m.Status, m.CachedFrom, b.engine.callsOf("p"))
		}
		if strings.Contains(b.log.String(), "cannot be looked up") {
			t.Error(b.log.String())
		}
	})
}

func TestPicturesThatComeTwiceAndWereReadBeforeAreDoneAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		defer b.process()()
		once := pictures(40)
		b.again(40, once...)
		var twice []string
		for _, p := range once {
			twice = append(twice, p, p)
		}
		began := time.Now()
		id := b.start(options(5), twice...)
		got, _ := b.wait(id, time.Hour)
		if got.Status != batch.Completed || got.Counts.Completed != 80 || got.Ended.Sub(began) > time.Second {
			t.Errorf("%v after its start it is %s with %+v", got.Ended.Sub(began), got.Status, got.Counts)
		}
		if n := b.engine.callsOf("p000"); n != 1 {
			t.Errorf("the first picture took %d calls, want 1", n)
		}
		b.healthy()
	})
}

package worker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
)

// keyed is a scripted engine whose keys may be in cooldown.
type keyed struct {
	*scripted
	mu    sync.Mutex
	until time.Time
	rests bool
}

func (k *keyed) CoolingDown(engine.Question) (string, time.Time, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return "rpd", k.until, k.rests
}

func (k *keyed) rest(until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.until, k.rests = until, true
}

func (k *keyed) wake() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rests = false
}

// made returns the number of pictures that were attempted.
func (k *keyed) made() int {
	k.scripted.mu.Lock()
	defer k.scripted.mu.Unlock()
	return len(k.calls)
}

// Read fails as the real engine does while all keys are in cooldown.
func (k *keyed) Read(ctx context.Context, req engine.Request) (*engine.Reading, error) {
	if _, until, rests := k.CoolingDown(engine.Question{}); rests {
		return nil, &engine.Failure{Why: engine.Resting, Message: "All keys rest.", Until: earliest(until, time.Now().Add(time.Minute)), Class: "rpd"}
	}
	return k.scripted.Read(ctx, req)
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func TestABatchWhoseKeysRestIsPausedAndGoesOnByItself(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprint("known=", known), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				k := &keyed{scripted: b.engine}
				b.keyed = k
				defer b.process()()
				id := b.start(options(5), pictures(40)...)
				<-time.After(2500 * time.Millisecond)
				back := time.Now().Add(6 * time.Hour)
				if !known {
					back = time.Time{}
				}
				k.rest(back)
				<-time.After(10 * time.Second)
				got, err := b.service.Batches.Batch(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if got.Status != batch.Paused || got.Pause != batch.PausedByKeys || got.Cooldown == nil || got.Cooldown.Why != "rpd" || !got.Cooldown.Until.Equal(back) {
					t.Fatalf("while all keys rest: %s %s %+v", got.Status, got.Pause, got.Cooldown)
				}
				before := k.made()
				<-time.After(5 * time.Hour)
				if after := k.made(); after != before {
					t.Errorf("%d tries were made while all keys rested", after-before)
				}
				if later, err := b.service.Batches.Batch(t.Context(), id); err != nil || later.Rev != got.Rev {
					t.Errorf("the pause was stored again: revision %d, then %d, %v", got.Rev, later.Rev, err)
				}
				k.wake()
				<-time.After(time.Minute)
				if got, err = b.service.Batches.Batch(t.Context(), id); err != nil || got.Status != batch.Completed || got.Counts.Completed != 40 || got.Counts.Calls != 40 {
					t.Errorf("afterwards: %+v, %v", got, err)
				}
				if got.Cooldown != nil || got.Pause != "" {
					t.Errorf("it still says why it was paused: %+v", got.Cooldown)
				}
			})
		})
	}
}

func TestABatchIsNotHeldForKeysBeyondItsDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		k := &keyed{scripted: b.engine}
		b.keyed = k
		k.rest(time.Time{})
		defer b.process()()
		id := b.start(options(5), pictures(3)...)
		<-time.After(batch.TimeLimit + 10*time.Minute)
		if got, err := b.service.Batches.Batch(t.Context(), id); err != nil || got.Status != batch.Failed || got.Counts.Failed != 3 {
			t.Errorf("after its day: %+v, %v", got, err)
		}
	})
}

func TestABatchThatAlwaysFallsBackIsReadOfflineWhileKeysRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		k := &keyed{scripted: b.engine}
		b.keyed = k
		b.offline = &scripted{took: time.Second, scripts: map[string][]error{}, calls: map[string]int{}}
		k.rest(time.Time{})
		defer b.process()()
		o := options(5)
		o.Fallback = batch.FallbackAlways
		id := b.start(o, pictures(10)...)
		<-time.After(time.Minute)
		got, err := b.service.Batches.Batch(t.Context(), id)
		if err != nil || got.Status != batch.Completed || got.Counts.Completed != 10 {
			t.Fatalf("%+v, %v", got, err)
		}
		m, err := b.service.Batches.Image(t.Context(), id, 1)
		if err != nil || m.Engine != "offline" {
			t.Errorf("it is not marked as read offline: %+v, %v", m, err)
		}
	})
}

func TestWhatWaitsForKeysIsReadOfflineWhenAPersonSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		k := &keyed{scripted: b.engine}
		b.keyed = k
		b.offline = &scripted{took: time.Second, scripts: map[string][]error{}, calls: map[string]int{}}
		tomorrow := time.Now().Add(16 * time.Hour)
		b.engine.scripts["p001"] = []error{failure(engine.Busy, 16*time.Hour)}
		defer b.process()()
		id := b.start(options(5), pictures(40)...)
		<-time.After(2500 * time.Millisecond)
		k.rest(tomorrow)
		<-time.After(10 * time.Second)
		held, err := b.service.Batches.Batch(t.Context(), id)
		if err != nil || held.Pause != batch.PausedByKeys {
			t.Fatalf("while all keys rest: %+v, %v", held, err)
		}
		if m, err := b.service.Batches.Image(t.Context(), id, 2); err != nil || time.Until(m.NotBefore) < 15*time.Hour {
			t.Fatalf("the image that no key had calls for waits until %v, %v", m.NotBefore, err)
		}
		online := k.made()
		for range 2 { // the call is idempotent
			if _, err := b.service.Settings.SetFallback(t.Context(), id, batch.FallbackAlways); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Minute)
		got, err := b.service.Batches.Batch(t.Context(), id)
		if err != nil || got.Status != batch.Completed || got.Counts.Completed != 40 {
			t.Fatalf("%+v, %v", got, err)
		}
		images, err := b.service.Batches.Images(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		offline := 0
		for _, m := range images {
			if m.Engine == "offline" {
				offline++
			}
		}
		if images[1].Engine != "offline" || k.made() != online || offline+online-1 != 40 {
			t.Errorf("%d read offline, %d calls with keys; the one that waited was read by %q", offline, k.made(), images[1].Engine)
		}
	})
}

func TestATryThatRunsWhileAPersonChoosesOfflineEndsAsThatSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.offline = &scripted{took: time.Second, scripts: map[string][]error{}, calls: map[string]int{}}
		b.engine.scripts["p000"] = []error{failure(engine.Refused, 0)}
		defer b.process()()
		id := b.start(options(1), pictures(1)...)
		<-time.After(500 * time.Millisecond) // the call takes a second
		if _, err := b.service.Settings.SetFallback(t.Context(), id, batch.FallbackAlways); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		if m, err := b.service.Batches.Image(t.Context(), id, 1); err != nil || m.Status != batch.Completed || m.Engine != "offline" {
			t.Errorf("it is %s, read by %q, %v", m.Status, m.Engine, err)
		}
	})
}

func TestAFullDiskHoldsBatchesBackAndTheyGoOnByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		id := b.start(options(2), pictures(20)...)
		byHand := b.start(options(2), pictures(4)...)
		if _, err := b.service.Run.Pause(t.Context(), byHand, batch.PausedByUser); err != nil {
			t.Fatal(err)
		}
		<-time.After(3 * time.Second)
		b.full.Store(true)
		<-time.After(time.Minute)
		got, err := b.service.Batches.Batch(t.Context(), id)
		c := b.counts(id)
		if err != nil || got.Status != batch.Paused || got.Pause != batch.PausedByDisk || c.Processing+c.Failed > 0 || c.Completed > 10 {
			t.Fatalf("with a full disk: %s %s %+v, %v", got.Status, got.Pause, c, err)
		}
		b.full.Store(false)
		if got, _ := b.wait(id, time.Minute); got.Status != batch.Completed || got.Counts.Completed != 20 {
			t.Errorf("ended as %s with %+v", got.Status, got.Counts)
		}
		if got, err := b.service.Batches.Batch(t.Context(), byHand); err != nil || got.Pause != batch.PausedByUser {
			t.Errorf("what a person paused: %s %s, %v", got.Status, got.Pause, err)
		}
	})
}

func TestAFullDiskThatCannotStoreThePauseIsShownFromMemoryWithinTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		drawn := make(chan batch.ID, 9)
		b.redraw = func(id batch.ID) { drawn <- id }
		defer b.process()()
		id := b.start(options(2), pictures(20)...)
		<-time.After(3500 * time.Millisecond)
		noRoom := errs.New(errs.Full, "There is no room left.")
		b.world.Fail(func(op string) error {
			if op == "save batch" {
				return noRoom
			}
			return nil
		})
		b.full.Store(true)
		filled := time.Now()
		if got := <-drawn; got != id || time.Since(filled) > 2*time.Second {
			t.Errorf("batch %s was drawn anew after %s", got, time.Since(filled))
		}
		one, err := b.progress.Overview(t.Context(), id)
		for _, o := range append(b.progress.Overviews(), one) {
			if err != nil || o.Batch.Status != batch.Paused || o.Batch.Pause != batch.PausedByDisk {
				t.Errorf("it is shown as %s %q, %v", o.Batch.Status, o.Batch.Pause, err)
			}
		}
		<-time.After(5 * time.Second) // images that are being read may finish
		begun := b.counts(id)
		<-time.After(10 * time.Minute)
		if now := b.counts(id); now.Completed != begun.Completed || now.Calls != begun.Calls || now.Processing+now.Failed > 0 || now.Completed > 10 {
			t.Errorf("it goes on with a full disk: %+v, then %+v", begun, now)
		}
		if got, err := b.service.Batches.Batch(t.Context(), id); err != nil || got.Status != batch.Processing {
			t.Fatalf("the store took the pause after all: %s, %v", got.Status, err)
		}
		b.full.Store(false)
		if got := <-drawn; got != id {
			t.Errorf("batch %s was drawn anew when there was room", got)
		}
		b.world.Fail(nil) // not before: the pause would be stored in the last moment, and its change draw the batch instead
		if got, _ := b.wait(id, time.Minute); got.Status != batch.Completed || got.Counts.Completed != 20 || got.Counts.Calls != 20 {
			t.Errorf("ended as %s with %+v", got.Status, got.Counts)
		}
	})
}

func TestTheQueueOfABatchThatEndsWhileItIsPausedIsDropped(t *testing.T) {
	t.Parallel()
	for _, restarted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			stop := b.process()
			defer func() { stop() }()
			id := b.start(options(1), pictures(3)...)
			<-time.After(500 * time.Millisecond)
			if _, err := b.service.Settings.SetImagePriority(t.Context(), id, 3, batch.High); err != nil {
				t.Fatal(err)
			}
			<-time.After(2 * time.Second) // the third was read before the second, under its unit; the unit of the third is left
			if _, err := b.service.Run.Pause(t.Context(), id, batch.PausedByUser); err != nil {
				t.Fatal(err)
			}
			if restarted { // who has not seen it read drops it too
				stop()
				stop = b.process()
			}
			if got, _ := b.wait(id, time.Minute); got.Status != batch.Completed {
				t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
			}
			<-time.After(2 * time.Second)
			if n := b.world.Queued(id); n != 0 {
				t.Errorf("%d units are left", n)
			}
		})
	}
}

package worker_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
)

// begun records the order in which the engine is called for pictures, and any picture that is in two calls at a time.
type begun struct {
	mu     sync.Mutex
	order  []string
	inside map[string]bool
	most   int
	twice  string
}

func (o *begun) enter(_ context.Context, req engine.Request) (func(), error) {
	picture := string(req.Picture)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.inside == nil {
		o.inside = map[string]bool{}
	}
	if o.inside[picture] {
		o.twice = picture
	}
	o.order, o.inside[picture] = append(o.order, picture), true
	o.most = max(o.most, len(o.inside))
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.inside, picture)
	}, nil
}

func (o *begun) so(far int) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.order[:min(far, len(o.order))])
}

func TestARaisedImageIsReadNextAndALoweredOneLastOnEveryMachine(t *testing.T) {
	t.Parallel()
	for _, machines := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			order := &begun{}
			b.engine.enter = order.enter
			for range machines {
				defer b.process()()
			}
			id := b.start(options(2), pictures(12)...)
			<-time.After(500 * time.Millisecond) // the first two are being read
			set := func(n int, p batch.Priority) {
				b.twice(func() error { _, err := b.service.Settings.SetImagePriority(t.Context(), id, n, p); return err })
			}
			set(11, batch.High)
			set(12, batch.High)
			set(3, batch.Low)
			set(4, batch.Low)
			set(1, batch.Low)             // it is being read: too late, and harmless
			<-time.After(2 * time.Second) // two more rounds
			set(9, batch.High)            // once more,
			set(4, batch.Normal)          // and back
			got, images := b.wait(id, time.Minute)
			if got.Status != batch.Completed || got.Counts.Completed != 12 || order.twice != "" || order.most > 2 {
				t.Fatalf("ended as %s with %+v; %d at once, %q twice at a time", got.Status, got.Counts, order.most, order.twice)
			}
			for name, m := range images {
				if m.Tries != 1 || (m.Lease != batch.Lease{}) {
					t.Errorf("%s was read %d times and is left with turn %v", name, m.Tries, m.Lease)
				}
			}
			rounds := func(from, to int) []string {
				names := order.so(12)[from:to]
				slices.Sort(names) // two machines may be one instant apart
				return names
			}
			for _, c := range []struct {
				from, to int
				want     string
			}{{0, 2, "[p000 p001]"}, {2, 4, "[p010 p011]"}, {4, 6, "[p004 p005]"}, {11, 12, "[p002]"}} {
				if got := fmt.Sprint(rounds(c.from, c.to)); got != c.want {
					t.Errorf("on %d machines the order was %v: %d to %d are not %s", machines, order.so(12), c.from, c.to, c.want)
				}
			}
			if place := slices.Index(order.so(12), "p008"); place > 7 {
				t.Errorf("what was raised later was read as number %d: %v", place+1, order.so(12))
			}
		})
	}
}

func TestARetriedImageMayBeRaisedAndATwinIsRaisedWithTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		order := &begun{}
		b.engine.enter = order.enter
		b.engine.scripts["p000"] = []error{failure(engine.Refused, 0)}
		defer b.process()()
		names := append(pictures(8), "p006") // the ninth is the seventh again
		id := b.start(options(1), names...)
		<-time.After(1500 * time.Millisecond)
		if err := b.service.Run.Retry(t.Context(), id, 1); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 9} {
			if _, err := b.service.Settings.SetImagePriority(t.Context(), id, n, batch.High); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := b.wait(id, time.Minute); got.Counts.Completed != 9 {
			t.Fatalf("ended with %+v", got.Counts)
		}
		if got, want := fmt.Sprint(order.so(9)), "[p000 p001 p000 p006 p002 p003 p004 p005 p007]"; got != want {
			t.Errorf("the order was %s, not %s", got, want)
		}
		if _, err := b.service.Settings.SetImagePriority(t.Context(), id, 1, "urgent"); !errs.Is(err, errs.Invalid) {
			t.Errorf("a priority that there is not: %v", err)
		}
		if _, err := b.service.Settings.SetImagePriority(t.Context(), id, 10, batch.High); !errs.Is(err, errs.NotFound) {
			t.Errorf("an image that there is not: %v", err)
		}
	})
}

// TestWhateverIsPressedAndWhicheverMachineDiesEveryImageIsReadOnce does random acts of people while machines start and stop.
func TestWhateverIsPressedAndWhicheverMachineDiesEveryImageIsReadOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const images = 9
		atOnce := rapid.IntRange(1, 4).Draw(rt, "at once")
		presses := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 30).Draw(rt, "presses")
		which := rapid.SliceOfN(rapid.IntRange(1, images), len(presses), len(presses)).Draw(rt, "images")
		levels := rapid.SliceOfN(rapid.SampledFrom([]batch.Priority{batch.High, batch.Normal, batch.Low}), len(presses), len(presses)).Draw(rt, "priorities")
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			order := &begun{}
			b.engine.enter = order.enter
			machines := []func(){b.process(), b.process()}
			defer func() { machines[0](); machines[1]() }()
			id := b.start(options(atOnce), pictures(images)...)
			must := func(err error) {
				if err != nil {
					rt.Errorf("%v", err)
				}
			}
			for i, press := range presses {
				<-time.After(time.Duration(which[i]) * 130 * time.Millisecond)
				switch press {
				default:
					_, err := b.service.Settings.SetImagePriority(t.Context(), id, which[i], levels[i])
					must(err)
				case 4:
					_, err := b.service.Run.Pause(t.Context(), id, batch.PausedByUser)
					must(err)
				case 5:
					_, err := b.service.Run.Resume(t.Context(), id, batch.PausedByUser)
					must(err)
				case 6: // a machine ends, and another one comes
					machines[which[i]%2]()
					machines[which[i]%2] = b.process()
				}
			}
			_, err := b.service.Run.Resume(t.Context(), id, batch.PausedByUser)
			must(err)
			got, left := b.wait(id, 10*time.Minute)
			<-time.After(5 * time.Second) // its consumer ends and its queue is dropped behind its end
			if got.Status != batch.Completed || got.Counts.Completed != images || order.most > atOnce || order.twice != "" || b.world.Queued(id) != 0 {
				rt.Errorf("ended as %s with %+v, %d at once, %q twice at a time, %d units left", got.Status, got.Counts, order.most, order.twice, b.world.Queued(id))
			}
			for name, m := range left {
				if m.Tries != 1 || len(m.Rows) != 1 || (m.Lease != batch.Lease{}) {
					rt.Errorf("%s: %d tries, %d rows, turn %v", name, m.Tries, len(m.Rows), m.Lease)
				}
			}
		})
	})
}

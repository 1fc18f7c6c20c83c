package work_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/work"
)

func TestAGateLetsInByPriorityThenTheGroupThatWaitedLongest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := work.NewFairSemaphore(1, 0)
		if err := g.Enter(t.Context(), "big", work.Normal); err != nil {
			t.Fatal(err)
		}
		for range 10 { // it has been here for a while
			g.Leave("big")
			if err := g.Enter(t.Context(), "big", work.Normal); err != nil {
				t.Fatal(err)
			}
		}
		order := make(chan string, 20)
		ask := func(name, group string, p work.Priority) {
			go func() {
				if g.Enter(t.Context(), group, p) == nil {
					order <- name
					g.Leave(group)
				}
			}()
			synctest.Wait()
		}
		for i := range 3 {
			ask(fmt.Sprint("big ", i), "big", work.Normal)
		}
		ask("low", "patient", work.Low)
		ask("small 0", "small", work.Normal)
		ask("small 1", "small", work.Normal)
		ask("urgent", "urgent", work.High)
		g.Leave("big")
		synctest.Wait()
		close(order)
		got := slices.Collect(func(yield func(string) bool) {
			for name := range order {
				if !yield(name) {
					return
				}
			}
		})
		want := []string{"urgent", "small 0", "small 1", "big 0", "big 1", "big 2", "low"}
		if !slices.Equal(got, want) {
			t.Errorf("they came in as %q, want %q", got, want)
		}
	})
}

func TestWhoGivesUpAtAGateTakesNoPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := work.NewFairSemaphore(2, 0)
		for range 2 {
			if err := g.Enter(t.Context(), "", work.Normal); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 5 {
			if err := g.Enter(ctx, "", work.Normal); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
		}
		for range 2 {
			g.Leave("")
		}
		for range 2 {
			if err := g.Enter(t.Context(), "", work.Normal); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAGroupThatTakesAllItGetsLeavesRoomForTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := work.NewFairSemaphore(10, 2)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var big, small atomic.Int32
		for range 20 {
			go func() {
				if g.Enter(ctx, "big", work.High) == nil {
					big.Add(1)
				}
			}()
		}
		synctest.Wait()
		for range 20 {
			go func() {
				if g.Enter(ctx, "small", work.Low) == nil {
					small.Add(1)
				}
			}()
		}
		synctest.Wait()
		if big.Load() != 8 || small.Load() != 2 {
			t.Errorf("of ten places the one has %d, the other %d", big.Load(), small.Load())
		}
	})
}

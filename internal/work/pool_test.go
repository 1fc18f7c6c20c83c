package work_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"sheetlift/internal/work"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNoMoreRunThanThereAreSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := work.New(3)
		var running, most, ran atomic.Int32
		for range 20 {
			err := p.Go(t.Context(), "", work.Normal, func(context.Context) {
				most.Store(max(most.Load(), running.Add(1)))
				<-time.After(time.Second)
				running.Add(-1)
				ran.Add(1)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		p.Close(t.Context())
		if most.Load() != 3 || ran.Load() != 20 {
			t.Fatalf("%d at once, %d in all; want 3 and 20", most.Load(), ran.Load())
		}
	})
}

func TestAHigherPriorityGoesFirstAndEqualsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := work.New(1)
		hold := make(chan struct{})
		if err := p.Go(t.Context(), "", work.Normal, func(context.Context) { <-hold }); err != nil {
			t.Fatal(err)
		}
		order := make(chan string, 10)
		ask := func(name string, prio work.Priority) {
			go func() {
				_ = p.Go(t.Context(), "", prio, func(context.Context) { order <- name })
			}()
			synctest.Wait() // the caller is in the queue before the next one comes
		}
		ask("low", work.Low)
		ask("first", work.Normal)
		ask("second", work.Normal)
		ask("high", work.High)
		close(hold)
		synctest.Wait()
		for _, want := range []string{"high", "first", "second", "low"} {
			if got := <-order; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		p.Close(t.Context())
	})
}

func TestAWaiterThatGivesUpTakesNoSlotWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := work.New(1)
		hold := make(chan struct{})
		if err := p.Go(t.Context(), "", work.Normal, func(context.Context) { <-hold }); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 1)
		go func() { got <- p.Go(ctx, "", work.Normal, func(context.Context) {}) }()
		synctest.Wait()
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		close(hold)
		synctest.Wait()
		ran := make(chan struct{})
		if err := p.Go(t.Context(), "", work.Normal, func(context.Context) { close(ran) }); err != nil {
			t.Fatal(err)
		}
		<-ran
		p.Close(t.Context())
	})
}

func TestCloseGivesGraceThenEndsTheWorkAndRefusesMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := work.New(1)
		ended := make(chan error, 1)
		err := p.Go(t.Context(), "", work.Normal, func(ctx context.Context) {
			<-ctx.Done()
			ended <- ctx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error, 1)
		go func() { waiting <- p.Go(t.Context(), "", work.Normal, func(context.Context) {}) }()
		synctest.Wait()

		start := time.Now()
		grace, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		p.Close(grace)
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("the work had %v of grace, want 20s", took)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the work's context ended with %v", err)
		}
		if err := <-waiting; !errors.Is(err, work.ErrClosed) {
			t.Errorf("one who waited got %v", err)
		}
		if err := p.Go(t.Context(), "", work.Normal, func(context.Context) {}); !errors.Is(err, work.ErrClosed) {
			t.Errorf("one who came later got %v", err)
		}
		p.Close(t.Context()) // a second call is harmless
	})
}

package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// turns lets n calls at once take their turns, one after the other, each for d, and returns how many got none.
func turns(t *testing.T, n int, d time.Duration, stored bool) (none int) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{addSlot: make(chan struct{}, 1), ctx: t.Context()}
		var inside atomic.Int32
		var mu sync.Mutex
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				if err := s.takeTurn(t.Context()); err != nil {
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					none++
					return
				}
				if inside.Add(1) > 1 {
					t.Error("two have their turn at once")
				}
				<-time.After(d)
				inside.Add(-1)
				s.endTurn(stored)
			})
		}
		all.Wait()
	})
	return none
}

func TestWhoWaitsForItsTurnGivesUpOnlyWhenNothingIsStoredAnyMore(t *testing.T) {
	t.Parallel()
	if none := turns(t, 64, 25*time.Second, true); none > 0 {
		t.Errorf("on a slow machine %d of 64 got no turn", none)
	}
	if none := turns(t, 64, 25*time.Second, false); none != 61 {
		t.Errorf("where nothing is stored %d of 64 gave up, not all who waited for a minute", none)
	}
}

func TestAStartOnABusyMachineIsAsPatientAsItsOwnLimit(t *testing.T) {
	t.Parallel()
	for opening, fails := range map[bool]bool{true: false, false: true} {
		synctest.Test(t, func(t *testing.T) {
			s := &Store{ctx: t.Context()}
			s.opening.Store(opening)
			ready := time.Now().Add(40 * time.Second)
			err := s.try(t.Context(), func(ctx context.Context) error {
				if time.Now().After(ready) {
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			})
			if (err != nil) != fails {
				t.Errorf("opening %t: a server that answers after 40 seconds: %v", opening, err)
			}
		})
	}
}

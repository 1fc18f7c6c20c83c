package app

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/errs"
)

func TestTheProgramIsNotReadyWhileImagesWaitAndNoneIsReadForTenMinutes(t *testing.T) {
	t.Parallel()
	waiting := batch.Counts{Pending: 3, Processing: 1, Completed: 2, Calls: 4}
	for name, c := range map[string]struct {
		status batch.Status
		counts batch.Counts
		rest   bool
		stuck  bool
	}{
		"nothing gets on":                {batch.Processing, waiting, false, true},
		"paused":                         {batch.Paused, waiting, false, false},
		"scheduled":                      {batch.Scheduled, batch.Counts{Pending: 3}, false, false},
		"every key rests":                {batch.Processing, waiting, true, false},
		"all wait for a later attempt":   {batch.Processing, batch.Counts{Retrying: 3, Completed: 2, Calls: 4}, false, false},
		"all are read, and none waits":   {batch.Completed, batch.Counts{Completed: 6, Calls: 6}, false, false},
		"nothing was read since a start": {batch.Processing, batch.Counts{Pending: 3}, false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var called atomic.Int64 // calls besides those of the counts
			r := &readiness{
				health: func(context.Context) error { return nil },
				overviews: func() []progress.Overview {
					counts := c.counts
					counts.Calls += int(called.Load())
					return []progress.Overview{{Batch: &batch.Batch{Status: c.status}, Counts: counts}}
				},
				keysRest: func() bool { return c.rest },
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- r.Run(ctx) }()
			<-time.After(9 * time.Minute)
			if err := r.Check(ctx); err != nil {
				t.Errorf("%s: after nine minutes %v", name, err)
			}
			<-time.After(2 * time.Minute)
			if err := r.Check(ctx); errs.Is(err, errs.Unavailable) != c.stuck {
				t.Errorf("%s: after eleven minutes %v", name, err)
			}
			called.Add(1)
			<-time.After(time.Minute)
			if err := r.Check(ctx); err != nil {
				t.Errorf("%s: after another call %v", name, err)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheProgramIsNotReadyWhileItsStoreIsNot(t *testing.T) {
	t.Parallel()
	r := &readiness{health: func(context.Context) error { return errs.New(errs.Full, "full") }}
	if err := r.Check(t.Context()); !errs.Is(err, errs.Full) {
		t.Error(err)
	}
}

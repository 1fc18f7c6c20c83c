package worker

import (
	"log/slog"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/progress"
)

// A process that starts while the last images of a paused batch are final ends the batch itself, and may learn of both at once.
func TestTheQueueOfABatchWhoseEndComesBeforeItsPauseWasLookedAtIsDropped(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		world := batchtest.NewWorld()
		r := New(Deps{Progress: progress.New(world, slog.New(slog.DiscardHandler)), Repository: world, Queue: world})
		b := &batch.Batch{ID: batch.NewID(), Status: batch.Completed, Created: time.Now(), Order: []int{1}, Options: batch.DefaultOptions()}
		if again {
			b.Status = batch.Paused
		}
		if err := world.CreateBatch(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := world.Add(t.Context(), []batch.Unit{{Batch: b.ID, N: 1, Generation: 1}}); err != nil {
			t.Fatal(err)
		}
		for _, status := range []batch.Status{batch.Paused, batch.Completed} {
			told := *b
			told.Status = status
			r.onChange(batch.Change{ID: b.ID, Batch: &told})
		}
		if again { // it was started again, and paused
			r.onChange(batch.Change{ID: b.ID, Batch: b})
		}
		consumers := map[batch.ID]*consumer{}
		r.lookAtChanges(t.Context(), consumers)
		r.closing.Wait()
		if left, want := world.Queued(b.ID), map[bool]int{true: 1}[again]; left != want {
			t.Errorf("started again %t: %d units are left, want %d", again, left, want)
		}
	}
}

package edit_test

import (
	"context"
	"sync/atomic"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/batch/usecases"
)

// counted is a world that counts how often a batch is stored.
type counted struct {
	*batchtest.World
	saved atomic.Int32
}

func (c *counted) SaveBatch(ctx context.Context, b *batch.Batch) error {
	c.saved.Add(1)
	return c.World.SaveBatch(ctx, b)
}

func TestAGroupOfEditsIsCountedOnce(t *testing.T) {
	t.Parallel()
	s, w, id := batchtest.ReadBatch(t, 6)
	if over, err := s.Run.Finish(t.Context(), id); err != nil || !over {
		t.Fatalf("the batch has not ended: %v", err)
	}
	c := &counted{World: w}
	edits := usecases.New(usecases.Ports{Repository: c, Readers: batchtest.Readers{"gemini"}}, usecases.Limits{}).Edit
	exact := func(when string) int {
		t.Helper()
		b, err := w.Batch(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		images, err := s.Batches.Images(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if want := doubt.Count(b, images); b.Counts.Issues != want {
			t.Errorf("%s the batch counts %d doubts, want %d", when, b.Counts.Issues, want)
		}
		return b.Counts.Issues
	}
	before := exact("at its end")
	done, err := edits.Replace(t.Context(), id, edit.Find{Text: "four", With: "4"}, "Ada", "group-1")
	if err != nil || done.Images != 6 {
		t.Fatalf("%+v: %v", done, err)
	}
	if n := c.saved.Swap(0); n != 1 {
		t.Errorf("a replacement in six images stored the batch %d times, want once", n)
	}
	if after := exact("after the replacement"); after >= before {
		t.Errorf("%d doubts before the replacement, %d after it", before, after)
	}
	if undone, _, err := edits.UndoGroup(t.Context(), id, "group-1", "Ada"); err != nil || undone != 6 {
		t.Fatalf("%d undone: %v", undone, err)
	}
	if n := c.saved.Load(); n != 1 {
		t.Errorf("undoing it stored the batch %d times, want once", n)
	}
	if again := exact("after the undo"); again != before {
		t.Errorf("%d doubts after the undo, %d before", again, before)
	}
}

package retention_test

import (
	"testing"

	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/errs"
)

func TestADiscardedDraftLeavesNothing(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	batchtest.Add(t, s, id, "upload-1", 1)
	for range 2 {
		if err := s.Retention.Discard(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Batches.Batch(t.Context(), id); !errs.Is(err, errs.NotFound) || w.PictureCount() != 0 {
		t.Errorf("got %v and %d pictures", err, w.PictureCount())
	}
}

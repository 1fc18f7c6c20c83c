package edit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// unread returns a batch that has ended: of its two images the first failed, and the second failed or was canceled.
func unread(t *testing.T, columns table.Table, second batch.Status) (*usecases.Services, batch.ID) {
	t.Helper()
	s, w := batchtest.New(t)
	options := batch.DefaultOptions()
	options.Witness = batch.WitnessOffline
	b, err := s.Draft.Create(t.Context(), draft.NewBatch{Table: &columns, Options: &options})
	if err != nil {
		t.Fatal(err)
	}
	batchtest.Add(t, s, b.ID, "upload-1", 1)
	batchtest.Add(t, s, b.ID, "upload-2", 2)
	if _, err := s.Run.Start(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	for n, status := range []batch.Status{batch.Failed, second} {
		m, err := w.Image(t.Context(), b.ID, n+1)
		if err != nil {
			t.Fatal(err)
		}
		m.End(status, "It could not be read.", time.Now().UTC())
		if err := w.SaveImage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if ended, err := s.Run.Finish(t.Context(), b.ID); !ended || err != nil {
		t.Fatalf("the batch does not end: %v", err)
	}
	return s, b.ID
}

var tools = table.Table{Columns: []table.Column{{Name: "Serial", Type: table.Text, Required: true}, {Name: "Quantity", Type: table.Number}}}

func TestTheRowsOfAPictureThatFailedAreTyped(t *testing.T) {
	t.Parallel()
	s, id := unread(t, tools, batch.Canceled)
	for _, n := range []int{1, 2} {
		m, err := s.Edit.TypeIn(t.Context(), id, n, "Anna", []string{"not used"})
		if err != nil {
			t.Fatal(err)
		}
		if m.Status != batch.Completed || m.Failure != "" || m.Typed == nil || m.Typed.By != "Anna" || m.Generation != 2 || m.Columns != nil || len(m.Rows) != 1 || len(m.Rows[0].Cells) != 2 || !issueAt(m, 0, 0) {
			t.Errorf("image %d is %+v", n, m)
		}
		typed, err := s.Edit.Edit(t.Context(), id, n,
			edit.Request{Do: batch.EditCell, By: "Anna", Generation: 2, Row: 1, Column: 0, Text: "A-1"}, edit.Request{Do: batch.EditCell, By: "Anna", Generation: 2, Row: 1, Column: 1, Text: "7"})
		if err != nil || !slices.Equal(texts(typed, 0), []string{"A-1"}) || len(typed.Issues) != 0 {
			t.Errorf("%v, %+v", err, typed)
		}
		if again, err := s.Edit.TypeIn(t.Context(), id, n, "Ben", nil); err != nil || again.Rev != typed.Rev || again.Typed.By != "Anna" {
			t.Errorf("asked again it is %+v: %v", again, err)
		}
		b, err := s.Batches.Batch(t.Context(), id)
		if err != nil || b.Status != batch.Completed || b.Counts.Completed != n || b.Counts.Failed != 0 || b.Counts.Canceled != 2-n || b.Counts.Rows != n || b.Counts.Issues != 0 || b.Counts.Compared != n {
			t.Errorf("the batch is %s with %+v: %v", b.Status, b.Counts, err)
		}
		if b.Awaits(typed) {
			t.Error("typed rows wait for a second reading")
		}
	}
	if err := s.Run.Retry(t.Context(), id, 1); err != nil {
		t.Fatal(err)
	}
	if m, err := s.Batches.Image(t.Context(), id, 1); err != nil || m.Status != batch.Completed {
		t.Errorf("a retry of failed pictures made a typed one %s: %v", m.Status, err)
	}
}

func TestTheHeadingsOfASheetAreTypedInABatchOfAnyTable(t *testing.T) {
	t.Parallel()
	s, id := unread(t, table.Table{Open: true}, batch.Failed)
	for about, headings := range map[string][]string{
		"no headings": nil, "blank ones": {" ", ""}, "a long one": {strings.Repeat("x", table.MaxName+1)}, "too many": slices.Repeat([]string{"x"}, table.MaxOpenColumns+1),
	} {
		if _, err := s.Edit.TypeIn(t.Context(), id, 1, "Anna", headings); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", about, err)
		}
	}
	m, err := s.Edit.TypeIn(t.Context(), id, 1, "Anna", []string{"Item\r", "", " Price "})
	if err != nil || !slices.Equal(m.Columns, []string{"Item", "Price"}) || len(m.Rows) != 1 || len(m.Rows[0].Cells) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestOnlyAPictureThatWasNotReadIsTyped(t *testing.T) {
	t.Parallel()
	s, _, id := batchtest.ReadBatch(t, 1)
	if _, err := s.Edit.TypeIn(t.Context(), id, 1, "Anna", nil); !errs.Is(err, errs.Conflict) {
		t.Errorf("one that was read: %v", err)
	}
	if _, err := s.Edit.TypeIn(t.Context(), id, 9, "Anna", nil); !errs.Is(err, errs.NotFound) {
		t.Errorf("one that does not exist: %v", err)
	}
	fresh := batchtest.NewDraft(t, s)
	batchtest.Add(t, s, fresh, "upload-1", 1)
	if _, err := s.Edit.TypeIn(t.Context(), fresh, 1, "Anna", nil); err == nil {
		t.Error("one of a draft was completed")
	}
}

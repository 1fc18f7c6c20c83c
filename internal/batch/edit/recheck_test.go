package edit_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/table"
)

// oldRows is what a program stored before it doubted years that may be Buddhist: the doubt about the number is there, that
// about the date is not.
const oldRows = `{"status": "completed", "ended": "2026-10-01T08:00:00Z",
	"rows": [{"c": [{"t": "03/04/2567", "s": "read"}, {"t": "12 %", "s": "read"}]}, {"c": [{"t": "25/12/2024", "s": "read"}, {"t": "7", "s": "read"}]}],
	"issues": [{"r": 0, "c": 1, "k": "rule", "m": "This is not a plain number."}]}`

// oldBatch is a batch of one image as an older program stored it, which has ended.
func oldBatch(t *testing.T) (*usecases.Services, *batchtest.World, batch.ID) {
	t.Helper()
	s, w, id := batchtest.ReadBatch(t, 1)
	m, err := w.Image(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Rows, m.Issues = nil, nil
	if err := json.Unmarshal([]byte(oldRows), m); err != nil {
		t.Fatal(err)
	}
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	b, err := w.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	b.Table = table.Table{Columns: []table.Column{{Name: "Date", Type: table.Date}, {Name: "N", Type: table.Number}}}
	b.Status, b.Ended, b.Counts = batch.Completed, time.Now(), &batch.Counts{Completed: 1, Rows: 2, Issues: 1}
	if err := w.SaveBatch(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return s, w, id
}

func TestRowsOfAnOlderProgramAreJudgedByTodaysRulesWhenTheyAreRead(t *testing.T) {
	t.Parallel()
	s, w, id := oldBatch(t)
	images, err := s.Batches.Images(t.Context(), id)
	if err != nil || len(images[0].Issues) != 2 || !issueAt(images[0], 0, 0) || !issueAt(images[0], 0, 1) {
		t.Fatalf("%+v, %v", images[0].Issues, err)
	}
	b, err := s.Batches.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if batch.Judged(b, images); len(images[0].Issues) != 2 || images[0].Figures(b.Table).Issues != 2 {
		t.Errorf("judged twice it has %+v and counts %d", images[0].Issues, images[0].Figures(b.Table).Issues)
	}
	m, err := s.Batches.Image(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Edit.Mark(t.Context(), b, m); err != nil || !issueAt(m, 0, 0) {
		t.Errorf("one image alone shows %+v, %v", m.Issues, err)
	}
	stored, err := w.Image(t.Context(), id, 1)
	if err != nil || len(stored.Issues) != 1 || stored.Checks != 0 {
		t.Errorf("looking at it stored %+v, %v", stored, err)
	}
}

func TestADoubtFoundInOldRowsIsAcceptedLikeAnyOther(t *testing.T) {
	t.Parallel()
	s, w, id := oldBatch(t)
	accept := func(column int, seen string) {
		t.Helper()
		if _, err := s.Edit.Edit(t.Context(), id, 1, edit.Request{Do: batch.EditAccept, By: "Anna", Generation: 1, Row: 1, Column: column, Seen: seen}); err != nil {
			t.Fatal(err)
		}
	}
	accept(0, "03/04/2567")
	m, err := w.Image(t.Context(), id, 1)
	if err != nil || m.Rows[0].Cells[0].State != table.Accepted || issueAt(m, 0, 0) || !issueAt(m, 0, 1) || m.Checks != table.Checks {
		t.Fatalf("%+v, %v", m, err)
	}
	if b, err := s.Batches.Batch(t.Context(), id); err != nil || b.Counts.Issues != 1 || b.Counts.Rows != 2 {
		t.Errorf("it counts %+v, %v", b.Counts, err)
	}
	accept(1, "12 %")
	images, err := s.Batches.Images(t.Context(), id)
	if err != nil || slices.ContainsFunc(images, func(m *batch.Image) bool { return len(m.Issues) > 0 }) {
		t.Errorf("after both are accepted: %+v, %v", images[0].Issues, err)
	}
	if b, err := s.Batches.Batch(t.Context(), id); err != nil || b.Counts.Issues != 0 {
		t.Errorf("it counts %+v, %v", b.Counts, err)
	}
}

func TestRowsOfTodayAreNotJudgedTwice(t *testing.T) {
	t.Parallel()
	s, w, id := oldBatch(t)
	m, err := w.Image(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Checks = table.Checks
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if images, err := s.Batches.Images(t.Context(), id); err != nil || len(images[0].Issues) != 1 {
		t.Errorf("%+v, %v", images[0].Issues, err)
	}
}

package doubt_test

import (
	"slices"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/table"
)

// aDoubtfulImage has one doubt of every harm, and a note that asks nothing.
func aDoubtfulImage(n int) *batch.Image {
	row := func(texts ...string) table.Row {
		var r table.Row
		for _, t := range texts {
			r.Cells = append(r.Cells, table.Cell{Text: t})
		}
		return r
	}
	return &batch.Image{
		N: n, Status: batch.Completed, Checks: table.Checks,
		Rows: []table.Row{row("Chair", "1", "SN-1"), row("Desk", "l2", "SN-2"), row("", "3", "5N-3")},
		Issues: []table.Issue{
			{Row: -1, Column: -1, Kind: table.KindOffline, Message: "Read offline."},
			{Row: -1, Column: -1, Kind: table.KindRows, Message: "A row is missing."},
			{Row: -1, Column: 1, Kind: table.KindColumns, Message: "Another heading."},
			{Row: 0, Column: 0, Kind: table.KindGuessed, Message: "Guessed."},
			{Row: 1, Column: 1, Kind: table.KindRule, Message: "Not a number."},
			{Row: 1, Column: 1, Kind: table.KindGuessed, Message: "Guessed."},
			{Row: 2, Column: 0, Kind: table.KindMissing, Message: "Blank."},
			{Row: 2, Column: 2, Kind: table.KindForm, Message: "This may be “SN-3”."},
			{Row: 0, Column: 2, Kind: table.KindUnreadable, Message: "Unreadable."},
		},
	}
}

func TestDoubtsAreAskedInOrderOfHarmAndCountedByPlace(t *testing.T) {
	t.Parallel()
	b := &batch.Batch{Table: table.Table{Columns: []table.Column{{Name: "Item"}, {Name: "Quantity", Type: table.Number}, {Name: "Serial"}}}}
	images := []*batch.Image{aDoubtfulImage(1), aDoubtfulImage(2)}
	doubts := doubt.List(b, images)
	type asked struct {
		n, row, column int
		kind           doubt.Kind
	}
	var got []asked
	for _, d := range doubts {
		got = append(got, asked{d.N, d.At, d.Column, d.Kind})
	}
	want := []asked{
		{1, 1, 1, doubt.Rule}, {2, 1, 1, doubt.Rule}, // a number
		{1, 2, 2, doubt.Rule}, {2, 2, 2, doubt.Rule}, // a name
		{1, -1, -1, doubt.Rows}, {2, -1, -1, doubt.Rows},
		{1, 0, 0, doubt.Guessed}, {2, 0, 0, doubt.Guessed},
		{1, 0, 2, doubt.Unreadable}, {2, 0, 2, doubt.Unreadable},
		{1, 2, 0, doubt.Rule}, {2, 2, 0, doubt.Rule}, // a blank
	}
	if !slices.Equal(got, want) {
		t.Errorf("asked are\n%v, not\n%v", got, want)
	}
	if n := images[0].DoubtCount(); n != 6 {
		t.Errorf("the image counts %d doubts", n)
	}
	if doubts[0].Like != doubts[1].Like || doubts[0].Like == doubts[2].Like {
		t.Errorf("like each other are %q, %q and %q", doubts[0].Like, doubts[1].Like, doubts[2].Like)
	}
	images[0].Status = batch.Processing
	if n := len(doubt.List(b, images)); n != 6 {
		t.Errorf("with one image being read again there are %d doubts", n)
	}
}

func TestACellThatNobodyCanReadHasNoDoubtUntilItIsTakenBack(t *testing.T) {
	t.Parallel()
	s, w, id := batchtest.ReadBatch(t, 1)
	m, err := w.Image(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Rows, m.Issues = []table.Row{{Cells: []table.Cell{{Text: "0O1", State: table.Guessed}, {Text: "x"}}}}, []table.Issue{{Row: 0, Column: 0, Kind: table.KindGuessed, Message: "Guessed."}}
	m.Checks = table.Checks
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	request := edit.Request{Do: batch.EditUnreadable, By: "Anna", Generation: m.Generation, Row: 1, Column: 0, Seen: "another"}
	if _, err := s.Edit.Edit(t.Context(), id, 1, request); err == nil {
		t.Error("a value that the person did not see was lost")
	}
	request.Seen = "0O1"
	got, err := s.Edit.Edit(t.Context(), id, 1, request)
	if err != nil || got.Rows[0].Cells[0] != (table.Cell{State: table.Lost}) || got.DoubtCount() != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	n, e, err := s.Edit.UndoLast(t.Context(), id, "Anna")
	if err != nil || n != 1 || e.Kind != batch.EditUnreadable {
		t.Fatalf("%d, %+v, %v", n, e, err)
	}
	if got, err = s.Batches.Image(t.Context(), id, 1); err != nil || got.Rows[0].Cells[0].Text != "0O1" || got.DoubtCount() != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, _, err := s.Edit.UndoLast(t.Context(), id, "Anna"); err == nil {
		t.Error("there was nothing left to undo")
	}
}

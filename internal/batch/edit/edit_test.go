package edit_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

func texts(m *batch.Image, column int) []string {
	var all []string
	for _, r := range m.Rows {
		all = append(all, r.Cells[column].Text)
	}
	return all
}

func issueAt(m *batch.Image, row, column int) bool {
	return slices.ContainsFunc(m.Issues, func(i table.Issue) bool { return i.Row == row && i.Column == column })
}

func TestAnEditKeepsWhoAndTheValueBeforeAndClearsTheDoubt(t *testing.T) {
	t.Parallel()
	s, _, id := batchtest.ReadBatch(t, 1)
	m, err := s.Edit.Edit(t.Context(), id, 1, edit.Request{Do: batch.EditCell, By: "Anna", Generation: 1, Row: 2, Column: 0, Seen: "VNB3R", Text: "VNB3A"})
	if err != nil {
		t.Fatal(err)
	}
	e := m.Edits[0]
	if c := m.Rows[1].Cells[0]; c.Text != "VNB3A" || c.State != table.Edited || issueAt(m, 1, 0) || !issueAt(m, 2, 1) {
		t.Errorf("the cell is %+v with %v", c, m.Issues)
	}
	if e.By != "Anna" || e.At.IsZero() || e.Was.Text != "VNB3R" || e.Was.State != table.Guessed {
		t.Errorf("the edit keeps %+v", e)
	}
	m, err = s.Edit.Edit(t.Context(), id, 1, edit.Request{Do: batch.EditCell, By: "Anna", Generation: 1, Row: 1, Column: 1, Seen: "4", Text: "many"})
	if err != nil || !issueAt(m, 0, 1) {
		t.Errorf("a text that breaks the column's rule is no doubt: %v, %v", m.Issues, err)
	}
	_, _, err = s.Edit.Undo(t.Context(), id, 1, 0, "Anna")
	if err != nil {
		t.Fatal(err)
	}
	m, _, err = s.Edit.Undo(t.Context(), id, 1, 0, "Anna")
	if err != nil || m.Rows[1].Cells[0].State != table.Guessed || m.Rows[1].Cells[0].Text != "VNB3R" || !issueAt(m, 1, 0) || issueAt(m, 0, 1) || len(m.Edits) != 4 {
		t.Errorf("after undoing both: %+v, %v, %v", m.Rows, m.Issues, err)
	}
	if _, _, err = s.Edit.Undo(t.Context(), id, 1, 0, "Anna"); !errs.Is(err, errs.Invalid) {
		t.Errorf("undoing nothing says %v", err)
	}
}

func TestTwoPeopleNeverOverwriteEachOtherSilently(t *testing.T) {
	t.Parallel()
	s, _, id := batchtest.ReadBatch(t, 1)
	request := func(by, text string) error {
		_, err := s.Edit.Edit(t.Context(), id, 1, edit.Request{Do: batch.EditCell, By: by, Generation: 1, Row: 2, Column: 0, Seen: "VNB3R", Text: text})
		return err
	}
	if err := request("Anna", "VNB3A"); err != nil {
		t.Fatal(err)
	}
	if err := request("Ben", "VNB3A"); err != nil {
		t.Errorf("the same text typed by both is a conflict: %v", err)
	}
	err := request("Ben", "VNB3K")
	conflict, ok := errors.AsType[*edit.Conflict](err)
	if !errs.Is(err, errs.Conflict) || !ok || conflict.Now != "VNB3A" || conflict.By != "Anna" || conflict.Request.Text != "VNB3K" {
		t.Fatalf("got %v with %+v", err, conflict)
	}
	if _, err := s.Edit.Edit(t.Context(), id, 1, edit.Request{Do: batch.EditDelete, By: "Anna", Generation: 1, Row: 1, Seen: edit.Fingerprint(table.Row{Cells: []table.Cell{{Text: "00123"}, {Text: "4"}}})}); err != nil {
		t.Fatal(err)
	}
	// The rows moved up: an edit by ID still applies to its own row, and an edit of the deleted row gets a Conflict.
	m, err := s.Edit.Edit(t.Context(), id, 1, edit.Request{Do: batch.EditCell, By: "Ben", Generation: 1, Row: 3, Column: 1, Seen: "four", Text: "4"})
	if err != nil || !slices.Equal(texts(m, 1), []string{"2", "4"}) || len(m.Issues) != 1 {
		t.Errorf("got %v, %v, %v", texts(m, 1), m.Issues, err)
	}
	_, err = s.Edit.Edit(t.Context(), id, 1, edit.Request{Do: batch.EditCell, By: "Ben", Generation: 1, Row: 1, Column: 1, Seen: "4", Text: "5"})
	if !errs.Is(err, errs.Conflict) {
		t.Errorf("editing a deleted row says %v", err)
	}
	_, err = s.Edit.Edit(t.Context(), id, 1, edit.Request{Do: batch.EditDelete, By: "Ben", Generation: 1, Row: 2, Seen: edit.Fingerprint(table.Row{Cells: []table.Cell{{Text: "VNB3R"}, {Text: "2"}}})})
	if !errs.Is(err, errs.Conflict) {
		t.Errorf("deleting a row that changed says %v", err)
	}
}

func TestRowsAreAddedMovedAndDeletedAndAllIsUndone(t *testing.T) {
	t.Parallel()
	s, _, id := batchtest.ReadBatch(t, 1)
	before, err := s.Batches.Image(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	sum := edit.Fingerprint(before.Rows[1])
	m, err := s.Edit.Edit(t.Context(), id, 1,
		edit.Request{Do: batch.EditAdd, By: "Anna", Generation: 1, To: 1, Token: "once"},
		edit.Request{Do: batch.EditAdd, By: "Anna", Generation: 1, To: 1, Token: "once"},
		edit.Request{Do: batch.EditCell, By: "Anna", Generation: 1, Row: 4, Column: 0, Text: "new"},
		edit.Request{Do: batch.EditMove, By: "Anna", Generation: 1, Row: 3, To: 0},
		edit.Request{Do: batch.EditDelete, By: "Anna", Generation: 1, Row: 2, Column: -1, Seen: sum},
	)
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(m, 0); !slices.Equal(got, []string{"7Q4K0", "00123", "new"}) || !issueAt(m, 0, 1) || len(m.Edits) != 4 {
		t.Errorf("got %v with %v", got, m.Issues)
	}
	for range 4 {
		if m, _, err = s.Edit.Undo(t.Context(), id, 1, 0, "Anna"); err != nil {
			t.Fatal(err)
		}
	}
	if got := texts(m, 0); !slices.Equal(got, texts(before, 0)) || !slices.Equal(m.Issues, before.Issues) {
		t.Errorf("after undoing all: %v with %v", got, m.Issues)
	}
}

func TestCheckingAnImageCountsInItsBatchAndSettlesTheDoubtsAboutTheWhole(t *testing.T) {
	t.Parallel()
	s, _, id := batchtest.ReadBatch(t, 1)
	if ended, err := s.Run.Finish(t.Context(), id); err != nil || !ended {
		t.Fatal(ended, err)
	}
	m, err := s.Edit.Edit(t.Context(), id, 1,
		edit.Request{Do: batch.EditAccept, By: "Anna", Generation: 1, Row: 2, Column: 0, Seen: "VNB3R"},
		edit.Request{Do: batch.EditCheck, By: "Anna", Generation: 1})
	if err != nil || !m.IsChecked() || len(m.Issues) != 1 || m.Rows[1].Cells[0].State != table.Accepted {
		t.Fatalf("got %+v, %v", m, err)
	}
	b, err := s.Batches.Batch(t.Context(), id)
	if err != nil || b.Counts.Checked != 1 || b.Counts.Issues != 1 || b.Counts.Rows != 3 {
		t.Errorf("the batch counts %+v, %v", b.Counts, err)
	}
	if m, _, err = s.Edit.Undo(t.Context(), id, 1, 0, "Anna"); err != nil || m.IsChecked() || len(m.Issues) != 2 {
		t.Errorf("after undoing: %+v, %v", m.Issues, err)
	}
}

func TestARereadingKeepsTheHistoryAndTakesNoEditOfTheOldRows(t *testing.T) {
	t.Parallel()
	s, w, id := batchtest.ReadBatch(t, 1)
	if _, err := s.Edit.Edit(t.Context(), id, 1, edit.Request{Do: batch.EditCell, By: "Anna", Generation: 1, Row: 2, Seen: "VNB3R", Text: "VNB3A"}, edit.Request{Do: batch.EditCheck, By: "Anna", Generation: 1}); err != nil {
		t.Fatal(err)
	}
	m, err := w.Image(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Generation, m.Status = m.Generation+1, batch.Retrying
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	old := edit.Request{Do: batch.EditCell, By: "Ben", Generation: 1, Row: 2, Seen: "VNB3R", Text: "VNB3K"}
	if _, err := s.Edit.Edit(t.Context(), id, 1, old); !errs.Is(err, errs.Conflict) {
		t.Errorf("an edit while it is read says %v", err)
	}
	batchtest.Reread(t, w, id, 1)
	if _, err := s.Edit.Edit(t.Context(), id, 1, old); !errs.Is(err, errs.Conflict) {
		t.Errorf("an edit of the old reading says %v", err)
	}
	m, err = s.Batches.Image(t.Context(), id, 1)
	if err != nil || m.IsChecked() || len(m.Outdated()) != 1 || len(m.Edits) != 2 || m.Undoable("Anna") != nil {
		t.Errorf("after the second reading: %+v, %v", m, err)
	}
}

func TestFindAndReplaceIsCountedBeforeAndUndoneAsOne(t *testing.T) {
	t.Parallel()
	s, _, id := batchtest.ReadBatch(t, 3)
	f := edit.Find{Text: "vnb", With: "VNC", Column: "serial"}
	matches, err := s.Edit.Matches(t.Context(), id, f)
	if err != nil || len(matches) != 3 || matches[0].Now != "VNC3R" {
		t.Fatalf("found %+v, %v", matches, err)
	}
	done, err := s.Edit.Replace(t.Context(), id, f, "Anna", "g1")
	if err != nil || done.Cells != 3 || done.Images != 3 || done.Kept != 0 {
		t.Fatalf("replaced %+v, %v", done, err)
	}
	if _, err := s.Edit.Edit(t.Context(), id, 2, edit.Request{Do: batch.EditCell, By: "Ben", Generation: 1, Row: 2, Seen: "VNC3R", Text: "other"}); err != nil {
		t.Fatal(err)
	}
	undone, kept, err := s.Edit.UndoGroup(t.Context(), id, "g1", "Anna")
	if err != nil || undone != 2 || kept != 1 {
		t.Errorf("undone %d, kept %d, %v", undone, kept, err)
	}
	m, err := s.Batches.Image(t.Context(), id, 1)
	if err != nil || m.Rows[1].Cells[0].Text != "VNB3R" || m.Rows[1].Cells[0].State != table.Guessed {
		t.Errorf("after undoing: %+v, %v", m.Rows[1], err)
	}
	if _, err := s.Edit.Matches(t.Context(), id, edit.Find{Text: " "}); !errs.Is(err, errs.Invalid) {
		t.Errorf("looking for nothing says %v", err)
	}
}

// dated returns a batch whose images hold dates, all written in the same way.
func dated(t *testing.T, images int, written ...table.Cell) (*usecases.Services, *batchtest.World, batch.ID) {
	t.Helper()
	s, w, id := batchtest.ReadBatch(t, images)
	b, err := w.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	b.Table.Columns = append(b.Table.Columns, table.Column{Name: "Bought", Type: table.Date})
	if err := w.SaveBatch(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= images; n++ {
		m, err := w.Image(t.Context(), id, n)
		if err != nil {
			t.Fatal(err)
		}
		for i, cell := range written {
			m.Rows[i].Cells = append(m.Rows[i].Cells, cell)
		}
		m.Issues = b.Table.Check(nil, m.Rows)
		if err := w.SaveImage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	return s, w, id
}

func TestTextIsFoundInEitherFormOfUnicodeAndWithAnySpace(t *testing.T) {
	t.Parallel()
	s, w, id := batchtest.ReadBatch(t, 1)
	m, err := w.Image(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"Cafe\u0301 noir", "Café\u00a0noir", "Ca\u00adfé  noir"} {
		m.Rows[i].Cells[0].Text = text
	}
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"café noir", "cafe\u0301 noir", "CAFÉ\u00a0NOIR"} {
		matches, err := s.Edit.Matches(t.Context(), id, edit.Find{Text: text, With: "The\u0301", Whole: true})
		if err != nil || len(matches) != 3 || matches[0].Now != "Thé" {
			t.Errorf("%q: %+v, %v", text, matches, err)
		}
	}
	if matches, err := s.Edit.Matches(t.Context(), id, edit.Find{Text: "cafe noir", With: "x"}); err != nil || len(matches) != 0 {
		t.Errorf("without its accent: %+v, %v", matches, err)
	}
	m, err = s.Edit.Edit(t.Context(), id, 1, edit.Request{Do: batch.EditCell, By: "Anna", Generation: 1, Row: 1, Seen: "Cafe\u0301 noir", Text: "The\u0301 \u200bvert"})
	if err != nil || m.Rows[0].Cells[0].Text != "Thé vert" {
		t.Errorf("typed: %q, %v", m.Rows[0].Cells[0].Text, err)
	}
}

func TestColumnsAreKeptInOneFormOfUnicode(t *testing.T) {
	t.Parallel()
	s, _ := batchtest.New(t)
	columns := table.Table{Columns: []table.Column{{Name: "E\u0301tat\u200b", Type: table.Choice, Choices: []string{"use\u0301"}}}}
	b, err := s.Draft.Create(t.Context(), draft.NewBatch{Table: &columns})
	if err != nil || b.Table.Columns[0].Name != "État" || b.Table.Columns[0].Choices[0] != "usé" {
		t.Fatalf("%+v, %v", b, err)
	}
	if columns.Columns[0].Choices[0] != "use\u0301" {
		t.Error("the caller's own columns were changed")
	}
	if b, err = s.Draft.SetTable(t.Context(), b.ID, columns); err != nil || b.Table.Columns[0].Name != "État" {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestDatesInDoubtAreWrittenYearFirstAtAWordAndTakenBackAsOne(t *testing.T) {
	t.Parallel()
	s, _, id := dated(t, 2, table.Cell{Text: "03/04/2026", State: table.Read}, table.Cell{Text: "03/04/2026", State: table.Guessed}, table.Cell{Text: "25/12/25", State: table.Read})
	before, err := s.Batches.Image(t.Context(), id, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		order table.DateOrder
		cells int
		want  []string
	}{
		{table.DayFirst, 4, []string{"2026-04-03", "03/04/2026", "2025-12-25"}}, // in a guessed cell more than the order may be wrong
		{table.MonthFirst, 4, []string{"2026-03-04", "03/04/2026", "2025-12-25"}},
		{edit.EitherOrder, 2, []string{"03/04/2026", "03/04/2026", "2025-12-25"}},
	} {
		group := string(c.order)
		if done, err := s.Edit.Replace(t.Context(), id, edit.Find{Dates: c.order}, "Anna", group); err != nil || done.Cells != c.cells || done.Images != 2 || done.Kept != 0 {
			t.Fatalf("%s: written %+v, %v", c.order, done, err)
		}
		m, err := s.Batches.Image(t.Context(), id, 2)
		if err != nil || !slices.Equal(texts(m, 2), c.want) {
			t.Errorf("%s: they became %v, %v", c.order, texts(m, 2), err)
		}
		if slices.ContainsFunc(m.Issues, func(i table.Issue) bool { return i.Column == 2 && c.want[i.Row] != "03/04/2026" }) {
			t.Errorf("%s: what was written is still in doubt: %+v", c.order, m.Issues)
		}
		if undone, kept, err := s.Edit.UndoGroup(t.Context(), id, group, "Anna"); err != nil || undone != c.cells || kept != 0 {
			t.Errorf("undone %d, kept %d, %v", undone, kept, err)
		}
		m, err = s.Batches.Image(t.Context(), id, 2)
		if err != nil || !slices.Equal(texts(m, 2), texts(before, 2)) || len(m.Issues) != len(before.Issues) || m.Rows[0].Cells[2].State != table.Read {
			t.Errorf("%s: taken back they are %+v with %+v, %v", c.order, m.Rows, m.Issues, err)
		}
	}
	if _, err := s.Edit.Replace(t.Context(), id, edit.Find{Dates: "year"}, "Anna", "g2"); !errs.Is(err, errs.Invalid) {
		t.Errorf("an order that is none says %v", err)
	}
}

func TestTwoPeopleWhoMeanDatesDifferentlyNeverLeaveBothOrders(t *testing.T) {
	t.Parallel()
	for range 30 {
		s, _, id := dated(t, 8, table.Cell{Text: "03/04/2026", State: table.Read})
		var both sync.WaitGroup
		for by, order := range map[string]table.DateOrder{"Anna": table.DayFirst, "Ben": table.MonthFirst} {
			both.Go(func() {
				if _, err := s.Edit.Replace(t.Context(), id, edit.Find{Dates: order}, by, by); err != nil && !errs.Is(err, errs.Conflict) {
					t.Error(err)
				}
			})
		}
		both.Wait()
		became := map[string]bool{}
		for n := 1; n <= 8; n++ {
			m, err := s.Batches.Image(t.Context(), id, n)
			if err != nil {
				t.Fatal(err)
			}
			became[m.Rows[0].Cells[2].Text] = true
		}
		if became["2026-04-03"] && became["2026-03-04"] {
			t.Fatal("half is meant one way and half the other")
		}
	}
}

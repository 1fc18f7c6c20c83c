package edit_test

import (
	"slices"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// numberBatch returns a batch with a number column and one completed image per argument, with these values.
func numberBatch(t *testing.T, images ...[]string) (*usecases.Services, *batchtest.World, batch.ID) {
	t.Helper()
	s, w, id := batchtest.ReadBatch(t, len(images))
	b, err := w.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	b.Table = table.Table{Columns: []table.Column{{Name: "Item", Type: table.Text}, {Name: "kg", Type: table.Number}}}
	if err := w.SaveBatch(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for i, values := range images {
		readAs(t, w, id, i+1, values...)
	}
	return s, w, id
}

func readAs(t *testing.T, w *batchtest.World, id batch.ID, n int, values ...string) {
	t.Helper()
	m, err := w.Image(t.Context(), id, n)
	if err != nil {
		t.Fatal(err)
	}
	m.Status, m.Ended, m.Rows, m.Issues = batch.Completed, time.Now(), nil, nil
	for _, v := range values {
		m.Rows = append(m.Rows, table.Row{Cells: []table.Cell{{Text: "x", State: table.Read}, {Text: v, State: table.Read}}})
	}
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// meant returns the shown value of every cell of the column, "?" before those in doubt, and the total number of issues as in
// lists.
func meant(t *testing.T, s *usecases.Services, id batch.ID) (values []string, doubts int) {
	t.Helper()
	b, err := s.Batches.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	images, err := s.Batches.Images(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var counts batch.Counts
	b = batch.Judged(b, images)
	for _, m := range images {
		counts.Add(m.Figures(b.Table), 1)
		for i, row := range m.Rows {
			value := b.Table.Column(1).Value(row.Cells[1])
			if issueAt(m, i, 1) {
				value = "?" + value
			}
			values = append(values, value)
		}
	}
	return values, counts.WithColumnIssues(b.Table).Issues
}

func TestWhatAColumnMeansIsJudgedAgainWhenImagesArriveAndDoubtedWhereTheyDisagree(t *testing.T) {
	t.Parallel()
	s, w, id := numberBatch(t, []string{"1,250", "9"}, nil, nil)
	for _, step := range []struct {
		image  int
		values []string
		want   []string
		doubts int
	}{
		{1, []string{"1,250", "9"}, []string{"?", "9"}, 1},
		{2, []string{"12,75"}, []string{"1.250", "9", "12.75"}, 0},
		{3, []string{"1,234.50"}, []string{"?", "9", "12.75", "1234.50"}, 1},
		{2, []string{"7"}, []string{"1250", "9", "7", "1234.50"}, 0},
	} {
		readAs(t, w, id, step.image, step.values...)
		if got, doubts := meant(t, s, id); !slices.Equal(got, step.want) || doubts != step.doubts {
			t.Errorf("with %q on image %d: %q and %d doubts, want %q and %d", step.values, step.image, got, doubts, step.want, step.doubts)
		}
	}
	m, err := w.Image(t.Context(), id, 1)
	if err != nil || len(m.Issues) != 0 {
		t.Errorf("stored with the image are %+v, %v", m.Issues, err)
	}
}

func TestAValueThatAPersonConfirmedOrTypedStaysWhateverItsColumnMeansLater(t *testing.T) {
	t.Parallel()
	s, w, id := numberBatch(t, []string{"1,250", "2,250", "3,250"}, []string{"12,75"})
	request := func(row int, seen, text string, do batch.EditKind) {
		t.Helper()
		if _, err := s.Edit.Edit(t.Context(), id, 1, edit.Request{Do: do, By: "Anna", Generation: 1, Row: row, Column: 1, Seen: seen, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	request(1, "1,250", "4,250", batch.EditCell) // while the evidence says comma
	readAs(t, w, id, 2, "1")                     // and now there is no evidence
	request(2, "2,250", "", batch.EditAccept)    // accepted as text
	if got, doubts := meant(t, s, id); !slices.Equal(got, []string{"4.250", "", "?", "1"}) || doubts != 1 {
		t.Errorf("while nothing is proved: %q, %d", got, doubts)
	}
	readAs(t, w, id, 2, "1,234.5") // and now the evidence says point
	if got, doubts := meant(t, s, id); !slices.Equal(got, []string{"4.250", "", "3250", "1234.5"}) || doubts != 0 {
		t.Errorf("with the point proved: %q, %d", got, doubts)
	}
	if undone, _, err := s.Edit.Undo(t.Context(), id, 1, 0, "Anna"); err != nil || undone.Rows[1].Cells[1].Meant != "" {
		t.Errorf("undone: %+v, %v", undone, err)
	}
	if got, _ := meant(t, s, id); !slices.Equal(got, []string{"4.250", "2250", "3250", "1234.5"}) {
		t.Errorf("with the word taken back: %q", got)
	}
}

func TestAPersonSaysOnceWhatAColumnMeansAndTakesItBack(t *testing.T) {
	t.Parallel()
	s, _, id := numberBatch(t, []string{"1,250"}, []string{"12.500"})
	for _, c := range []struct {
		mark   table.Mark
		want   []string
		doubts int
	}{{table.CommaMark, []string{"1.250", "12500"}, 0}, {table.PointMark, []string{"1250", "12.500"}, 0}, {table.NoMark, []string{"?", "?"}, 2}} {
		if _, err := s.Settings.SetDecimal(t.Context(), id, "kg", c.mark); err != nil {
			t.Fatal(err)
		}
		if got, doubts := meant(t, s, id); !slices.Equal(got, c.want) || doubts != c.doubts {
			t.Errorf("%q said: %q, %d doubts; want %q, %d", c.mark, got, doubts, c.want, c.doubts)
		}
		b, err := s.Batches.Batch(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		images, err := s.Batches.Images(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		open := doubt.OpenMarks(batch.Judged(b, images), images)
		if len(open) != 1 || open[0] != (doubt.OpenMark{Column: "kg", Cells: 2, Example: "1,250", Comma: "1.250", Point: "1250", Said: c.mark}) {
			t.Errorf("%q said, asked is %+v", c.mark, open)
		}
	}
	for column, mark := range map[string]table.Mark{"Item": table.CommaMark, "no": table.CommaMark, "kg": "dot"} {
		if _, err := s.Settings.SetDecimal(t.Context(), id, column, mark); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q for %q: %v", mark, column, err)
		}
	}
}

func TestAWrongWordAboutAColumnIsDoubtedAndCanBeTakenBack(t *testing.T) {
	t.Parallel()
	s, w, id := numberBatch(t, []string{"1,250"}, nil)
	if _, err := s.Settings.SetDecimal(t.Context(), id, "kg", table.CommaMark); err != nil {
		t.Fatal(err)
	}
	readAs(t, w, id, 2, "1,250.00")
	asked := func() []doubt.OpenMark {
		t.Helper()
		b, err := s.Batches.Batch(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		images, err := s.Batches.Images(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return doubt.OpenMarks(batch.Judged(b, images), images)
	}
	if got, doubts := meant(t, s, id); !slices.Equal(got, []string{"?", "1250.00"}) || doubts != 1 {
		t.Errorf("said and disproved: %q with %d doubts", got, doubts)
	}
	want := doubt.OpenMark{Column: "kg", Cells: 1, Example: "1,250", Comma: "1.250", Point: "1250", Said: table.CommaMark, Disproved: true}
	if open := asked(); len(open) != 1 || open[0] != want {
		t.Errorf("asked is %+v, want %+v", open, want)
	}
	if _, err := s.Settings.SetDecimal(t.Context(), id, "kg", table.NoMark); err != nil {
		t.Fatal(err)
	}
	if got, doubts := meant(t, s, id); !slices.Equal(got, []string{"1250", "1250.00"}) || doubts != 0 || len(asked()) != 0 {
		t.Errorf("taken back: %q with %d doubts, asked is %+v", got, doubts, asked())
	}
}

func TestDoubtsOfTodayThatTheColumnSettlesAreNotShown(t *testing.T) {
	t.Parallel()
	s, w, id := numberBatch(t, []string{"1.250"}, []string{"12,75"})
	m, err := w.Image(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Issues = []table.Issue{{Row: 0, Column: 1, Kind: table.KindRule, Message: "This may mean thousands or thousandths, so it was left as text."}}
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got, doubts := meant(t, s, id); !slices.Equal(got, []string{"1250", "12.75"}) || doubts != 0 {
		t.Errorf("%q with %d doubts", got, doubts)
	}
}

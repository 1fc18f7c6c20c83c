package doubt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/table"
)

// serials returns a started batch of images whose rows hold a serial number and an item.
func serials(t *testing.T, images ...[]string) (*usecases.Services, *batchtest.World, *batch.Batch) {
	t.Helper()
	s, w := batchtest.New(t)
	columns := table.Table{Columns: []table.Column{{Name: "Item", Type: table.Text}, {Name: "Serial", Type: table.Text, Unique: true}}}
	b, err := s.Draft.Create(t.Context(), draft.NewBatch{Table: &columns})
	if err != nil {
		t.Fatal(err)
	}
	for i := range images {
		batchtest.Add(t, s, b.ID, "upload-"+string(rune('a'+i)), i+1)
	}
	if b, err = s.Run.Start(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	for i, values := range images {
		m, err := w.Image(t.Context(), b.ID, i+1)
		if err != nil {
			t.Fatal(err)
		}
		m.Status, m.Name = batch.Completed, fmt.Sprintf("Room-%03d", i+1)
		for _, v := range values {
			m.Rows = append(m.Rows, table.Row{Cells: []table.Cell{{Text: "Chair 1"}, {Text: v}}})
		}
		if err := w.SaveImage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	return s, w, b
}

// twice returns the duplicate issues of an image, as "row: sentence".
func twice(t *testing.T, s *usecases.Services, b *batch.Batch, n int) []string {
	t.Helper()
	m, err := s.Batches.Image(t.Context(), b.ID, n)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(m.Issues, func(i table.Issue) bool { return i.Kind == table.KindDuplicate }) {
		t.Error("what only other images can tell of was stored")
	}
	if _, err := s.Edit.Mark(t.Context(), b, m); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, i := range m.Issues {
		if i.Column == 1 && i.Kind == table.KindDuplicate {
			all = append(all, fmt.Sprintf("%d: %s", i.Row+1, i.Message))
		}
	}
	return all
}

func TestASerialNumberThatComesAgainIsADoubtOnEveryPlace(t *testing.T) {
	t.Parallel()
	s, _, b := serials(t, []string{"SN-1", "n/a", "SN-2"}, []string{"n/a", "sn- 1"}, []string{"SN-3", "SN-3", "SN-1"})
	for n, want := range map[int][]string{
		1: {"1: The same value is also on “Room-002”, row 2, and in further rows: 1."},
		2: {"2: The same value is also on “Room-001”, row 1, and in further rows: 1."},
		3: {"1: The same value is also in row 2.", "2: The same value is also in row 1.", "3: The same value is also on “Room-001”, row 1, and in further rows: 1."},
	} {
		if got := twice(t, s, b, n); !slices.Equal(got, want) {
			t.Errorf("image %d has\n%s\nwant\n%s", n, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestADuplicateGoesWithTheEditThatEndsItAndComesWithTheOneThatMakesIt(t *testing.T) {
	t.Parallel()
	s, _, b := serials(t, []string{"SN-1"}, []string{"SN-1"}, []string{"SN-9"})
	request := func(n int, a edit.Request) *batch.Image {
		t.Helper()
		a.By, a.Generation, a.Row, a.Column = "Anna", 1, 1, 1
		m, err := s.Edit.Edit(t.Context(), b.ID, n, a)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	doubts := func(want ...int) {
		t.Helper()
		for n := 1; n <= 3; n++ {
			if got := len(twice(t, s, b, n)) > 0; got != slices.Contains(want, n) {
				t.Errorf("image %d is in doubt: %v", n, got)
			}
		}
	}
	doubts(1, 2)
	request(2, edit.Request{Do: batch.EditCell, Seen: "SN-1", Text: "SN-9"})
	doubts(2, 3)
	// A person accepts the cell: it is no longer an issue, but the other cell still is.
	if m := request(2, edit.Request{Do: batch.EditAccept, Seen: "SN-9"}); m.Rows[0].Cells[1].State != table.Accepted || len(m.Edits) != 2 {
		t.Errorf("the cell is %+v after %d edits", m.Rows[0].Cells[1], len(m.Edits))
	}
	doubts(3)
	for range 2 { // the EditAccept, then the EditCell
		if _, _, err := s.Edit.Undo(t.Context(), b.ID, 2, 0, "Anna"); err != nil {
			t.Fatal(err)
		}
	}
	doubts(1, 2)
	if m := request(3, edit.Request{Do: batch.EditAccept, Seen: "SN-9"}); len(m.Edits) != 0 {
		t.Errorf("a cell without a doubt was accepted: %+v", m.Edits)
	}
}

func TestAnImageThatIsReadAgainTakesItsDuplicatesAlong(t *testing.T) {
	t.Parallel()
	s, w, b := serials(t, []string{"SN-1"}, []string{"SN-1"})
	m, err := w.Image(t.Context(), b.ID, 2)
	if err != nil {
		t.Fatal(err)
	}
	m.Status = batch.Processing
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := twice(t, s, b, 1); len(got) != 0 {
		t.Errorf("compared with rows that are being replaced: %v", got)
	}
}

func TestAnOpenTableKnowsItsSerialNumbersByTheirHeading(t *testing.T) {
	t.Parallel()
	b := &batch.Batch{Table: table.Table{Open: true}}
	sheet := func(n int, heading, serial string) *batch.Image {
		return &batch.Image{N: n, Name: fmt.Sprint(n), Status: batch.Completed, Columns: []string{"Qty", heading}, Rows: []table.Row{{Cells: []table.Cell{{Text: "1"}, {Text: serial}}}}}
	}
	images := []*batch.Image{sheet(1, "Serial No.", "A1"), sheet(2, "SERIAL\u00a0no.", "\u200bA1\ufeff"), sheet(3, "Remarks", "A1")}
	doubt.MarkDuplicates(b, images)
	if len(images[0].Issues) != 1 || len(images[1].Issues) != 1 || len(images[2].Issues) != 0 {
		t.Errorf("%v, %v, %v", images[0].Issues, images[1].Issues, images[2].Issues)
	}
	doubt.MarkDuplicates(b, images)
	if len(images[0].Issues) != 1 {
		t.Errorf("asked twice, the same doubt is there twice: %v", images[0].Issues)
	}
}

// For any rows, a cell is a duplicate exactly when another cell under its heading has the same value and it was not accepted.
func TestDuplicatesAreThoseThatComparingEachWithEachFinds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SampledFrom([]string{"", "n/a", "A1", "a 1", "A2", "A3", "Ａ１", "none 4"})
		states := rapid.SampledFrom([]table.State{table.Read, table.Edited, table.Accepted, table.Guessed})
		b := &batch.Batch{Table: table.Table{Columns: []table.Column{{Name: "One", Unique: true}, {Name: "Free"}, {Name: "Two", Unique: true}}}}
		var images []*batch.Image
		for n := range rapid.IntRange(1, 4).Draw(t, "images") {
			m := &batch.Image{N: n + 1, Name: "x", Status: rapid.SampledFrom([]batch.Status{batch.Completed, batch.Completed, batch.Failed}).Draw(t, "status")}
			for range rapid.IntRange(0, 4).Draw(t, "rows") {
				cells := make([]table.Cell, rapid.IntRange(0, 3).Draw(t, "cells"))
				for c := range cells {
					cells[c] = table.Cell{Text: texts.Draw(t, "text"), State: states.Draw(t, "state")}
				}
				m.Rows = append(m.Rows, table.Row{Cells: cells})
			}
			images = append(images, m)
		}
		doubt.MarkDuplicates(b, images)
		type cell struct{ image, row, column int }
		marked := map[cell]bool{}
		for i, m := range images {
			for _, issue := range m.Issues {
				marked[cell{i, issue.Row, issue.Column}] = true
			}
		}
		each := func(f func(at cell, c table.Cell)) {
			for i, m := range images {
				for r, row := range m.Rows {
					for c := range row.Cells {
						if m.Status == batch.Completed && c != 1 {
							f(cell{i, r, c}, row.Cells[c])
						}
					}
				}
			}
		}
		each(func(at cell, one table.Cell) {
			want := false
			each(func(other cell, two table.Cell) {
				same := table.Distinct(one.Text) != "" && table.Distinct(one.Text) == table.Distinct(two.Text)
				want = want || other != at && other.column == at.column && same && one.State != table.Accepted
			})
			if marked[at] != want {
				t.Fatalf("the cell at %v, %+v, is in doubt: %v, want %v", at, one, marked[at], want)
			}
			delete(marked, at)
		})
		if len(marked) > 0 {
			t.Fatalf("what cannot be a duplicate is one: %v", marked)
		}
	})
}

func BenchmarkDuplicates500x20(b *testing.B) {
	inventory, _ := table.Preset("inventory")
	x := &batch.Batch{Table: inventory}
	var images []*batch.Image
	for n := range 500 {
		m := &batch.Image{N: n + 1, Name: fmt.Sprint("Room ", n), Status: batch.Completed}
		for r := range 20 {
			m.Rows = append(m.Rows, table.Row{Cells: []table.Cell{{Text: "Chair"}, {Text: "1"}, {Text: fmt.Sprintf("SN-%d", (n*20+r)%9900)}, {Text: fmt.Sprintf("T%05d", n*20+r)}, {Text: "Good"}}})
		}
		images = append(images, m)
	}
	b.ReportAllocs()
	for b.Loop() {
		doubt.MarkDuplicates(x, images)
	}
}

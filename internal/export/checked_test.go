package export_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/batch"
	"sheetlift/internal/export"
	"sheetlift/internal/table"
)

func TestTheWorkbookCarriesEditsAndSaysWhatWasChecked(t *testing.T) {
	t.Parallel()
	b := texts("Hall", []table.Column{{Name: "Serial", Type: table.Text}})
	checked, other := image(1, "Shelf 1", []string{"00124"}), image(2, "Shelf 2", []string{"00200"})
	checked.Rows[0].Cells[0].State = table.Edited
	checked.Edits = []batch.Edit{{N: 1, By: "Anna", At: noon, Kind: batch.EditCell, Row: 1, Was: table.Cell{Text: "00123"}}, {N: 2, By: "Anna", Kind: batch.EditCell, Undone: true}}
	checked.Checked = &batch.Check{By: "Anna", At: noon}
	other.Checked = &batch.Check{By: "Anna", At: noon, Generation: 7} // belongs to an earlier reading
	var out bytes.Buffer
	if err := export.Workbook(t.Context(), &out, b, all([]*batch.Image{checked, other}), export.Options{TmpDir: t.TempDir(), Now: noon}); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows("All rows")
	if err != nil || len(rows) != 3 || rows[1][1] != "00124" {
		t.Errorf("all rows are %q, %v", rows, err)
	}
	summary, err := book.GetRows("Summary")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(summary, func(row []string) bool { return len(row) == 2 && row[0] == "Checked by a person" && row[1] == "1" }) {
		t.Errorf("the summary counts no checked image: %q", summary)
	}
	n := len(summary)
	if first := summary[n-2]; len(first) != 12 || first[10] != "1" || first[11] != "Anna, 2026-11-24 12:00 UTC" {
		t.Errorf("the first image's line is %q", first)
	}
	if second := summary[n-1]; len(second) > 11 && second[11] != "" {
		t.Errorf("the second image's line is %q", second)
	}
}

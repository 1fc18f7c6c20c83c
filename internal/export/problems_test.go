package export_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/export"
	"sheetlift/internal/table"
)

// doubted is an image with two rows of the columns A and B and these issues.
func doubted(n int, name string, issues ...table.Issue) *batch.Image {
	m := image(n, name, []string{"a1", "b1"}, []string{"a2", "b2"})
	m.Issues = issues
	return m
}

func doubt(row, column int, kind string) table.Issue {
	return table.Issue{Row: row, Column: column, Kind: kind, Message: fmt.Sprintf("About %d %d.", row, column)}
}

func TestProblemsAreGroupedAndLeadToTheirCells(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "A", Type: table.Text}, {Name: "B", Type: table.Text}})
	images := []*batch.Image{
		doubted(1, "R&D <1>", doubt(1, 1, table.KindGuessed), doubt(0, 0, table.KindMissing)),
		doubted(2, "two", doubt(0, 0, table.KindGuessed), doubt(0, 1, table.KindGuessed), doubt(1, -1, table.KindGuessed), doubt(-1, -1, table.KindRows)),
	}
	f := open(t, write(t, b, images...))
	var got []string
	for i, row := range rows(t, f, "Problems")[1:] {
		cell := fmt.Sprintf("D%d", i+2)
		linked, to, err := f.GetCellHyperLink("Problems", cell)
		if err != nil || !linked {
			t.Errorf("%s has no link, %v", cell, err)
		}
		got = append(got, fmt.Sprintf("%s %s %s %s", row[4], row[2], row[3], to))
		sheet, at, _ := strings.Cut(to, "!")
		if sheet = strings.Trim(sheet, "'"); !slices.Contains(f.GetSheetList(), sheet) {
			t.Errorf("%s leads to %q, which is no sheet", cell, to)
		}
		if text, err := f.GetCellValue(sheet, at); row[2] != "" && row[1] != "" && (err != nil || text != strings.ToLower(row[2])+row[1]) {
			t.Errorf("%s leads to %q, %v", cell, text, err)
		}
	}
	want := []string{
		"Guessed  A3 'two'!A3", "Guessed A A2 'two'!A2", "Guessed B B3 'R&D <1>'!B3", "Guessed B B2 'two'!B2", "Missing A A2 'R&D <1>'!A2", "Number of rows  A1 'two'!A1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestProblemsLeadToAllRowsWhereImagesHaveNoSheet(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "A", Type: table.Text}, {Name: "B", Type: table.Text}})
	var out bytes.Buffer
	images := []*batch.Image{doubted(1, "one", doubt(0, 0, table.KindGuessed)), doubted(2, "two", doubt(0, 1, table.KindGuessed)), doubted(3, "three", doubt(1, 1, table.KindGuessed))}
	if err := export.WorkbookWithin(t.Context(), &out, b, all(images), export.Options{TmpDir: t.TempDir(), Now: noon}, 4, 2); err != nil {
		t.Fatal(err)
	}
	f := open(t, out.Bytes())
	for i, want := range []string{"'All rows'!B2", "'All rows'!C4", "'All rows 2'!C3"} {
		linked, to, err := f.GetCellHyperLink("Problems", fmt.Sprintf("D%d", i+2))
		label, _ := f.GetCellValue("Problems", fmt.Sprintf("D%d", i+2))
		if err != nil || !linked || to != want || label != strings.ReplaceAll(want, "'", "") {
			t.Errorf("problem %d leads to %q by %q, want %q; %v", i+1, to, label, want, err)
		}
	}
}

func TestASheetHasNoMoreLinksThanExcelTakes(t *testing.T) {
	t.Parallel()
	if export.MaxLinks != 65_529 {
		t.Errorf("Excel takes 65,529 links on a sheet, not %d", export.MaxLinks)
	}
	m := image(1, "one", slices.Repeat([][]string{{"x"}}, 700)...)
	for r := range m.Rows {
		m.Issues = append(m.Issues, doubt(r, 0, table.KindGuessed))
	}
	var data bytes.Buffer
	b := texts("b", []table.Column{{Name: "A", Type: table.Text}})
	if err := export.WorkbookLinked(t.Context(), &data, b, all([]*batch.Image{m}), export.Options{TmpDir: t.TempDir(), Now: noon}, 655); err != nil {
		t.Fatal(err)
	}
	xml := parts(t, data.Bytes())["xl/worksheets/sheet3.xml"]
	if n := strings.Count(xml, "<hyperlink "); n != 655 {
		t.Errorf("%d links", n)
	}
	if !strings.Contains(xml, "A701") {
		t.Error("the last problem has no address")
	}
}

package export_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/batch"
	"sheetlift/internal/export"
	"sheetlift/internal/table"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func all(images []*batch.Image) iter.Seq2[*batch.Image, error] {
	return func(yield func(*batch.Image, error) bool) {
		for _, m := range images {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func inventory(t testing.TB) *batch.Batch {
	t.Helper()
	columns, ok := table.Preset("inventory")
	if !ok {
		t.Fatal("there is no inventory preset")
	}
	return &batch.Batch{ID: batch.NewID(), Name: "Main hall", Status: batch.Completed, Table: columns, Engine: "gemini",
		Model: "gemini-3.8-flash", Created: noon.Add(-time.Hour), Started: noon.Add(-time.Hour), Ended: noon}
}

func texts(name string, columns []table.Column) *batch.Batch {
	return &batch.Batch{Name: name, Status: batch.Completed, Table: table.Table{Columns: columns}, Created: noon}
}

func image(n int, name string, rows ...[]string) *batch.Image {
	m := &batch.Image{N: n, Name: name, Filename: name + ".jpg", Status: batch.Completed, Rev: uint64(n), Ended: noon}
	for _, row := range rows {
		var cells []table.Cell
		for _, text := range row {
			cells = append(cells, table.Cell{Text: text})
		}
		m.Rows = append(m.Rows, table.Row{Cells: cells})
	}
	return m
}

func write(t testing.TB, b *batch.Batch, images ...*batch.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := export.Workbook(t.Context(), &out, b, all(images), export.Options{TmpDir: t.TempDir(), Now: noon, Version: "test"}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(t testing.TB, data []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func rows(t testing.TB, f *excelize.File, sheet string) [][]string {
	t.Helper()
	got, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func parts(t testing.TB, data []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range r.File {
		f, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		all[file.Name] = string(content)
	}
	return all
}

func contains(rows [][]string, want ...string) bool {
	return slices.ContainsFunc(rows, func(row []string) bool {
		for _, w := range want {
			if !slices.ContainsFunc(row, func(cell string) bool { return strings.Contains(cell, w) }) {
				return false
			}
		}
		return true
	})
}

func TestEveryReadImageIsThereOnceInOrderOfUpload(t *testing.T) {
	t.Parallel()
	failed := image(2, "Room 2")
	failed.Status, failed.Failure = batch.Failed, "The picture is too dark. Take a new photo."
	f := open(t, write(t, inventory(t),
		image(1, "Room 9", []string{"Lamp", "2", "00123", "T1", "good"}, []string{"Chair", "4", "", "T2", "worn"}),
		failed,
		image(5, "Room 1", []string{"Desk", "1", "1E10", "T3", "new"}),
	))
	if got, want := f.GetSheetList(), []string{"All rows", "Summary", "Problems", "Room 9", "Room 2", "Room 1"}; !slices.Equal(got, want) {
		t.Errorf("sheets: %q, want %q", got, want)
	}
	want := [][]string{
		{"Image", "Item_Description", "Quantity", "Serial_Number", "Tag_Number", "Status"},
		{"Room 9", "Lamp", "2", "00123", "T1", "good"},
		{"Room 9", "Chair", "4", "", "T2", "worn"},
		{"Room 1", "Desk", "1", "1E10", "T3", "new"},
	}
	if got := rows(t, f, "All rows"); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("All rows: %q", got)
	}
	if got := rows(t, f, "Room 9"); !slices.Equal(got[1], want[1][1:]) || len(got) != 3 {
		t.Errorf("Room 9: %q", got)
	}
	if got := rows(t, f, "Problems"); !contains(got, "Room 2", "Failed", "too dark") {
		t.Errorf("Problems do not name the failed image: %q", got)
	}
	if got := rows(t, f, "Room 2"); !contains(got, "Failed", "too dark") {
		t.Errorf("the sheet of the failed image does not say so: %q", got)
	}
	if got := rows(t, f, "Summary"); !contains(got, "Main hall") || !contains(got, "gemini gemini-3.8-flash") || !contains(got, "Room 2", "Failed") {
		t.Errorf("Summary: %q", got)
	}
}

func TestOpenTablesShareTheirColumns(t *testing.T) {
	t.Parallel()
	b := &batch.Batch{Name: "b", Status: batch.Completed, Table: table.Table{Open: true}, Created: noon}
	one := image(1, "one", []string{"a", "b", "c"})
	one.Columns = []string{"Name", "", "Total"}
	two := image(2, "two", []string{"d", "e", "f"})
	two.Columns = []string{"TOTAL", "Name", "Extra"}
	f := open(t, write(t, b, one, two))
	want := [][]string{{"Image", "Name", "Column 2", "Total", "Extra"}, {"one", "a", "b", "c"}, {"two", "e", "", "d", "f"}}
	if got := rows(t, f, "All rows"); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("All rows: %q", got)
	}
	if got := rows(t, f, "two"); !slices.Equal(got[0], []string{"TOTAL", "Name", "Extra"}) {
		t.Errorf("two: %q", got)
	}
}

func TestOneHeadingInTwoFormsOfUnicodeIsOneColumn(t *testing.T) {
	t.Parallel()
	b := &batch.Batch{Name: "b", Status: batch.Completed, Table: table.Table{Open: true}, Created: noon}
	first, second, third := image(1, "a", []string{"x"}), image(2, "b", []string{"y"}), image(3, "c", []string{"z"})
	first.Columns, second.Columns, third.Columns = []string{"Désignation"}, []string{"De\u0301signation\u200b"}, []string{"Designation"}
	got := rows(t, open(t, write(t, b, first, second, third)), "All rows")
	want := [][]string{{"Image", "Désignation", "Designation"}, {"a", "x"}, {"b", "y"}, {"c", "", "z"}}
	if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("%q", got)
	}
}

func TestTheProgramsOwnWordsAreSaidInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	b := inventory(t)
	failed := image(2, "two")
	failed.Status, failed.Failure = batch.Failed, "It was dark."
	var out bytes.Buffer
	err := export.Workbook(t.Context(), &out, b, all([]*batch.Image{image(1, "Image", []string{"Row"}), failed}), export.Options{
		TmpDir: t.TempDir(), Now: noon, Version: "test", Say: func(english string) string { return "~" + english },
	})
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, out.Bytes())
	if got := f.GetSheetList(); !slices.Equal(got, []string{"~All rows", "~Summary", "~Problems", "Image", "two"}) {
		t.Fatalf("the sheets are %q", got)
	}
	if got := rows(t, f, "~All rows"); got[0][0] != "~Image" || got[0][1] != "Item_Description" || got[1][0] != "Image" || got[1][1] != "Row" {
		t.Errorf("All rows: %q", got)
	}
	if got := rows(t, f, "~Summary"); !contains(got, "~State", "~completed") || !contains(got, "~No.", "~Image") || !contains(got, "two.jpg", "~failed") {
		t.Errorf("Summary: %q", got)
	}
	if got := rows(t, f, "~Problems"); !contains(got, "~What", "~Details") || !contains(got, "~Failed", "~It was dark.") {
		t.Errorf("Problems: %q", got)
	}
	if got := rows(t, f, "two"); !contains(got, "~Failed: ~It was dark.") {
		t.Errorf("the sheet of the failed image: %q", got)
	}
}

func TestRunningBatchSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	b := inventory(t)
	b.Status, b.Order, b.Ended = batch.Processing, []int{1, 2, 3}, time.Time{}
	waiting := image(2, "two", []string{"old row"})
	waiting.Status = batch.Retrying
	pending := image(3, "three")
	pending.Status = batch.Pending
	f := open(t, write(t, b, image(1, "one", []string{"Lamp"}), waiting, pending))
	if got := rows(t, f, "Summary"); !contains(got, "State", "1 of 3 images were read so far.") {
		t.Errorf("Summary: %q", got)
	}
	if got := rows(t, f, "All rows"); len(got) != 2 {
		t.Errorf("All rows has rows of images that are not read: %q", got)
	}
	if got := rows(t, f, "Problems"); !contains(got, "two", "Not read yet") || !contains(got, "three", "Not read yet") {
		t.Errorf("Problems: %q", got)
	}
}

func TestBatchWithoutRowsIsAValidWorkbook(t *testing.T) {
	t.Parallel()
	failed := image(1, "one")
	failed.Status = batch.Failed
	empty := image(2, "two")
	f := open(t, write(t, inventory(t), failed, empty))
	if got := rows(t, f, "All rows"); len(got) != 1 || got[0][0] != "Image" {
		t.Errorf("All rows: %q", got)
	}
	if got := rows(t, f, "two"); !contains(got, "No rows") {
		t.Errorf("two: %q", got)
	}
	none := open(t, write(t, &batch.Batch{Name: "draft", Status: batch.Draft, Table: table.Table{Open: true}, Created: noon}))
	if got := none.GetSheetList(); len(got) != 3 {
		t.Errorf("sheets of an empty batch: %q", got)
	}
}

func TestWorkbookIsTheSameBytesAndNamesNoMachine(t *testing.T) {
	t.Parallel()
	images := []*batch.Image{image(1, "one", []string{"Lamp", "2"}), image(2, "two", []string{"Desk"}), image(3, "three")}
	b := inventory(t)
	first := write(t, b, images...)
	for range 5 {
		if sha256.Sum256(write(t, b, images...)) != sha256.Sum256(first) {
			t.Fatal("the same batch gave other bytes")
		}
	}
	host, _ := os.Hostname()
	for name, content := range parts(t, first) {
		for _, word := range []string{"xuri", "xcelize", t.TempDir()} {
			if strings.Contains(content, word) {
				t.Errorf("%s names %q", name, word)
			}
		}
		if strings.HasPrefix(name, "docProps/") && strings.Contains(content, ">"+host+"<") {
			t.Errorf("%s names the machine", name)
		}
	}
	props, err := open(t, first).GetDocProps()
	if err != nil || props.Creator != "Sheetlift" || props.Created != "2026-11-24T12:00:00Z" || props.Modified != props.Created {
		t.Errorf("properties %+v %v", props, err)
	}
}

func TestDoubtfulCellsStandOut(t *testing.T) {
	t.Parallel()
	m := image(1, "one", []string{"Lamp", "2"}, []string{"Desk", "x"})
	m.Issues = []table.Issue{{Row: 0, Column: 1, Kind: table.KindGuessed, Message: "This was guessed."}, {Row: 1, Column: 2, Kind: table.KindMissing, Message: "Blank."}}
	f := open(t, write(t, inventory(t), m))
	colour := func(sheet, cell string) string {
		id, err := f.GetCellStyle(sheet, cell)
		if err != nil {
			t.Fatal(err)
		}
		style, err := f.GetStyle(id)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(style.Fill.Color, "")
	}
	if colour("All rows", "C2") == "" || colour("one", "B2") == "" || colour("one", "C3") == "" {
		t.Error("a doubtful cell looks like any other")
	}
	if colour("All rows", "B2") != "" {
		t.Error("a cell without doubt is coloured")
	}
	if got := rows(t, f, "Problems"); !contains(got, "one", "1", "Quantity", "Guessed") {
		t.Errorf("Problems: %q", got)
	}
}

func TestHeaderIsFrozenAndFiltered(t *testing.T) {
	t.Parallel()
	data := write(t, inventory(t), image(1, "O'Neil's 'room'", []string{"Lamp"}))
	f := open(t, data)
	for _, sheet := range []string{"All rows", "Problems", "O’Neil’s ’room’"} {
		panes, err := f.GetPanes(sheet)
		if err != nil || !panes.Freeze || panes.YSplit != 1 {
			t.Errorf("%s: panes %+v %v", sheet, panes, err)
		}
	}
	xml := parts(t, data)
	if !strings.Contains(xml["xl/worksheets/sheet1.xml"], `<autoFilter ref="$A$1:$F$2"`) && !strings.Contains(xml["xl/worksheets/sheet1.xml"], `<autoFilter ref="A1:F2"`) {
		t.Error("All rows has no filter")
	}
	if !strings.Contains(xml["xl/worksheets/sheet1.xml"], `<dimension ref="A1:F2"`) {
		t.Error("All rows does not say how large it is")
	}
}

// TestTheSummaryNumbersTheImagesAsThePagesDo uses pictures that were refused, excluded or moved: their N in the store have gaps
// then, and are not shown anywhere else.
func TestTheSummaryNumbersTheImagesAsThePagesDo(t *testing.T) {
	t.Parallel()
	b := inventory(t)
	b.Order = []int{7, 3}
	f := open(t, write(t, b, image(7, "first", []string{"Lamp"}), image(3, "", []string{"Chair"})))
	got := rows(t, f, "Summary")
	for i, row := range got[len(got)-2:] {
		if want := strconv.Itoa(i + 1); row[0] != want || i == 1 && row[9] != "Image 2" {
			t.Errorf("image %s of the batch is in the summary as %q", want, row)
		}
	}
}

func TestImagesOfOneNameHaveOneNameEachInTheWholeWorkbook(t *testing.T) {
	t.Parallel()
	columns := []table.Column{{Name: "Item", Type: table.Text}}
	duplicate := image(3, "image", []string{"c"})
	duplicate.DuplicateOf = 2
	f := open(t, write(t, texts("Same", columns), image(1, "image", []string{"a"}), image(2, "Image", []string{"b"}), duplicate, image(4, "image (2)", []string{"d"})))
	var called []string
	for _, row := range rows(t, f, f.GetSheetList()[0])[1:] {
		called = append(called, row[0])
	}
	want := []string{"image", "Image (3)", "image (4)", "image (2)"}
	if !slices.Equal(called, want) {
		t.Errorf("all rows call them %q, want %q", called, want)
	}
	if sheets := f.GetSheetList(); !slices.Equal(sheets[len(sheets)-4:], want) {
		t.Errorf("their sheets are %q, want %q", sheets, want)
	}
	if !contains(rows(t, f, "Summary"), "the same picture, Image (3)") {
		t.Errorf("the summary names the first picture otherwise: %q", rows(t, f, "Summary"))
	}
}

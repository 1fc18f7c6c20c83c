package export_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
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
	if got := rows(t, f, "Summary"); !contains(got, "Main hall") || !contains(got, "gemini gemini-3.8-flash") || !contains(got, "Room 2", "failed") {
		t.Errorf("Summary: %q", got)
	}
}

// formulas are ways in which a text can become a formula, a link or a command.
func formulas() []string {
	all := []string{"=1+1", "+1+1", "-1+1", "@SUM(A1)", "=HYPERLINK(\"http://x\",\"y\")", "=cmd|'/c calc'!A1", "\t=1+1", "\r=1+1",
		"\n=1+1", "=", "==1", " =1", "'=1", "=1;2", "%0A=1", "＝1+1", "http://example.org", "javascript:alert(1)", "mailto:a@b.c", "{=1}"}
	for _, head := range []string{"=", "+", "-", "@"} {
		for _, body := range []string{"A1", "1/0", "IMPORTXML(\"x\")", "WEBSERVICE(\"x\")", "DDE(\"cmd\")", "2^9999", "\"x\"", "[x]y!A1", "<f>1</f>", "TRUE"} {
			all = append(all, head+body)
		}
	}
	return all
}

func TestNothingBecomesAFormula(t *testing.T) {
	t.Parallel()
	payloads := formulas()
	if len(payloads) < 60 {
		t.Fatalf("only %d payloads", len(payloads))
	}
	columns := []table.Column{{Name: "=Text", Type: table.Text}, {Name: "@Number", Type: table.Number}, {Name: "+Date", Type: table.Date}}
	m := image(1, "=1+1")
	for _, p := range payloads {
		m.Rows = append(m.Rows, image(0, "", []string{p, p, p}).Rows...)
	}
	m.Issues = []table.Issue{{Row: 0, Column: 0, Kind: table.KindRule, Message: "=2+2"}}
	b := texts("=3+3", columns)
	data := write(t, b, m)
	for name, xml := range parts(t, data) {
		if strings.HasPrefix(name, "xl/worksheets/") && regexp.MustCompile(`<f[ >/]|<hyperlink`).MatchString(xml) {
			t.Errorf("%s has a formula or a link", name)
		}
	}
	f := open(t, data)
	got := rows(t, f, "All rows")
	for i, p := range payloads {
		for c := 1; c <= 3; c++ {
			if got[i+1][c] != p {
				t.Errorf("%q became %q in column %d", p, got[i+1][c], c)
			}
			ref, _ := excelize.CoordinatesToCellName(c+1, i+2)
			id, _ := f.GetCellStyle("All rows", ref)
			style, err := f.GetStyle(id)
			if err != nil || style.NumFmt != 49 {
				t.Errorf("%s is not formatted as text: %+v %v", ref, style, err)
			}
		}
	}
}

func TestTextStaysExactlyAsRead(t *testing.T) {
	t.Parallel()
	want := []string{"00123", "1E10", "12345678901234567890", "1/2", "+84 123", "TRUE", "false", "2024-01-02", " both ", "two\nlines", "tab\there",
		"cr\rhere", "crlf\r\nhere", "0.1", "1e-5", "'quoted", "NaN", "#N/A", "¼", "１２", "é", "e\u0301", "😀", "שלום", "<b>&amp;</b>", "]]>", "\"", "\u00A0",
		"_x0041_", "_x000D_", "_x0041_x0042_", "__x0041__", "_x005F_", "_x005F_x0041_", "_xD83D_", "_xD83D_xDE00_", "_x004_", "_X0041_", "_x0041", "_xzzzz_", "�"}
	m := image(1, "one")
	for _, s := range want {
		m.Rows = append(m.Rows, image(0, "", []string{s}).Rows...)
	}
	data := write(t, texts("b", []table.Column{{Name: "Text", Type: table.Text}}), m)
	f := open(t, data)
	for i, s := range want {
		for _, ref := range []struct{ sheet, column string }{{"All rows", "B"}, {"one", "A"}} {
			cell := fmt.Sprintf("%s%d", ref.column, i+2)
			got, err := f.GetCellValue(ref.sheet, cell)
			if err != nil || got != s {
				t.Errorf("%s %s: %q, want %q %v", ref.sheet, cell, got, s, err)
			}
			if kind, _ := f.GetCellType(ref.sheet, cell); kind != excelize.CellTypeInlineString {
				t.Errorf("%s %s (%q) is no string: %v", ref.sheet, cell, s, kind)
			}
		}
	}
	if got := rows(t, f, "Problems"); len(got) != 2 || !contains(got, "None") {
		t.Errorf("problems without a reason: %q", got)
	}
}

func TestNumbersAndDatesAreRealOnlyWhereNothingIsLost(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "Number", Type: table.Number}, {Name: "Date", Type: table.Date}})
	cases := []struct {
		number, raw string
		real        bool
		date, day   string
		realDate    bool
	}{
		{"3", "3", true, "2024-12-25", "45651", true},
		{"1,234.50", "1234.50", true, "25/12/2024", "45651", true},
		{"(12)", "-12", true, "03/04/2024", "03/04/2024", false},
		{"$ 9.90", "9.90", true, "25 Dec 2024", "45651", true},
		{"007", "007", false, "1899-12-31", "1899-12-31", false},
		{"1234567890123456", "1234567890123456", false, "1900-02-28", "1900-02-28", false},
		{"123456789012345", "123456789012345", true, "1900-03-01", "61", true},
		{"1E10", "1E10", false, "25/12/24", "25/12/24", false},
		{"1.234", "1.234", false, "soon", "soon", false},
		{"3 pcs", "3 pcs", false, "2024-02-30", "2024-02-30", false},
	}
	m := image(1, "one")
	for _, c := range cases {
		m.Rows = append(m.Rows, image(0, "", []string{c.number, c.date}).Rows...)
	}
	f := open(t, write(t, b, m))
	for i, c := range cases {
		check := func(column, want string, real bool) {
			t.Helper()
			ref := fmt.Sprintf("%s%d", column, i+2)
			got, err := f.GetCellValue("All rows", ref, excelize.Options{RawCellValue: true})
			kind, _ := f.GetCellType("All rows", ref)
			if err != nil || got != want || (kind != excelize.CellTypeInlineString) != real {
				t.Errorf("%s: %q (%v), want %q, real %v; %v", ref, got, kind, want, real, err)
			}
		}
		check("B", c.raw, c.real)
		check("C", c.day, c.realDate)
	}
	if got, _ := f.GetCellValue("All rows", "C2"); got != "2024-12-25" {
		t.Errorf("the date shows as %q", got)
	}
	if got, _ := f.GetCellValue("All rows", "B3"); got != "1234.50" {
		t.Errorf("the number shows as %q", got)
	}
	problems := rows(t, f, "Problems")
	for _, want := range [][]string{{"one", "Number", "Left as text", "leading zeros"}, {"Left as text", "15 digits"}, {"Rule broken", "thousands"},
		{"Date", "Rule broken", "other way round"}, {"Left as text", "early date"}} {
		if !contains(problems, want...) {
			t.Errorf("Problems do not say %q: %q", want, problems)
		}
	}
}

func TestWhatASheetCannotShowIsReplacedVisiblyAndCounted(t *testing.T) {
	t.Parallel()
	bad := "a\x00b\x1bc\xffd\uFFFEe\u202Ef\x7f"
	m := image(1, "one\x01\u202E", []string{bad})
	f := open(t, write(t, texts("name\x02", []table.Column{{Name: "Text", Type: table.Text}}), m))
	if got := rows(t, f, "All rows"); got[1][1] != "a�b�c�d�e�f�" || got[1][0] != "one��" {
		t.Errorf("got %q", got)
	}
	if got := rows(t, f, "Problems"); !contains(got, "Characters replaced", "6 characters") {
		t.Errorf("not counted: %q", got)
	}
}

func TestTooLongATextIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	fits, over := strings.Repeat("x", 32_767), strings.Repeat("😀", 20_000)
	f := open(t, write(t, texts("b", []table.Column{{Name: "Text", Type: table.Text}}), image(1, "one", []string{fits}, []string{over})))
	got := rows(t, f, "All rows")
	if got[1][1] != fits {
		t.Errorf("a text that fits was changed: %d", len(got[1][1]))
	}
	cut := got[2][1]
	if n := len(utf16.Encode([]rune(cut))); n > 32_767 || n < 32_700 || !strings.HasSuffix(cut, "holds]") || !strings.HasPrefix(cut, "😀") {
		t.Errorf("cut to %d units, ending in %q", n, cut[len(cut)-50:])
	}
	if problems := rows(t, f, "Problems"); !contains(problems, "Cell cut off", "20000") || len(problems) != 2 {
		t.Errorf("Problems: %q", problems)
	}
}

func TestMoreRowsThanASheetHoldsGoOn(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "Text", Type: table.Text}})
	var images []*batch.Image
	for n := range 5 {
		m := image(n+1, fmt.Sprint("image ", n+1))
		for r := range 3 {
			m.Rows = append(m.Rows, image(0, "", []string{fmt.Sprint(n, ".", r)}).Rows...)
		}
		images = append(images, m)
	}
	var out bytes.Buffer
	if err := export.WorkbookWithin(t.Context(), &out, b, all(images), export.Options{TmpDir: t.TempDir(), Now: noon}, 7, 3); err != nil {
		t.Fatal(err)
	}
	f := open(t, out.Bytes())
	if got, want := f.GetSheetList(), []string{"All rows", "All rows 2", "All rows 3", "Summary", "Problems"}; !slices.Equal(got, want) {
		t.Fatalf("sheets %q", got)
	}
	var texts []string
	for _, sheet := range []string{"All rows", "All rows 2", "All rows 3"} {
		got := rows(t, f, sheet)
		if !slices.Equal(got[0], []string{"Image", "Text"}) {
			t.Errorf("header of %s: %q", sheet, got[0])
		}
		for _, row := range got[1:] {
			texts = append(texts, row[1])
		}
	}
	want := []string{"0.0", "0.1", "0.2", "1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "3.0", "3.1", "3.2", "4.0", "4.1", "4.2"}
	if !slices.Equal(texts, want) {
		t.Errorf("rows %q", texts)
	}
	if got := rows(t, f, "Summary"); !contains(got, "Note", "no sheet for each") {
		t.Errorf("Summary does not say why there are no sheets of images: %q", got)
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

func TestMoreColumnsThanExcelHasRoomForAreNamed(t *testing.T) {
	t.Parallel()
	b := &batch.Batch{Name: "b", Status: batch.Completed, Table: table.Table{Open: true}, Created: noon}
	var images []*batch.Image
	for n := range 83 {
		m := image(n+1, fmt.Sprint("image ", n+1), slices.Repeat([]string{"x"}, 200))
		for c := range 200 {
			m.Columns = append(m.Columns, fmt.Sprintf("c%d.%d", n, c))
		}
		images = append(images, m)
	}
	f := open(t, write(t, b, images...))
	if got := rows(t, f, "Problems"); !contains(got, "217 columns more") {
		t.Errorf("Problems: %q", got)
	}
	if got := rows(t, f, "image 83"); len(got[1]) != 200 {
		t.Errorf("the sheet of the last image has %d columns", len(got[1]))
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
	if got := rows(t, f, "Summary"); !contains(got, "State", "1 of 3 images read so far") {
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

func TestErrorsLeaveTheWriterUntouched(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken store")
	calls := 0
	images := func(yield func(*batch.Image, error) bool) {
		if calls++; yield(image(1, "one"), nil) && calls > 1 {
			yield(nil, broken)
		}
	}
	var out bytes.Buffer
	err := export.Workbook(t.Context(), &out, inventory(t), images, export.Options{TmpDir: t.TempDir()})
	if !errors.Is(err, broken) || out.Len() > 0 {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
}

func TestBatchThatChangesMeanwhileIsAConflict(t *testing.T) {
	t.Parallel()
	calls := 0
	images := func(yield func(*batch.Image, error) bool) {
		calls++
		m := image(1, "one", []string{"Lamp"})
		m.Rev = uint64(calls)
		yield(m, nil)
	}
	err := export.Workbook(t.Context(), io.Discard, inventory(t), images, export.Options{TmpDir: t.TempDir()})
	if !errs.Is(err, errs.Conflict) {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsLeftInTheTemporaryFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	during := 0
	images := func(yield func(*batch.Image, error) bool) {
		entries, _ := os.ReadDir(dir)
		during += len(entries)
		yield(image(1, "one", []string{"Lamp"}), nil)
	}
	if err := export.Workbook(t.Context(), io.Discard, inventory(t), images, export.Options{TmpDir: dir, Now: noon}); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries)+during > 0 {
		t.Errorf("files with rows lie about: %v, %d while writing", entries, during)
	}
	if err := export.Workbook(t.Context(), io.Discard, inventory(t), images, export.Options{TmpDir: dir + "/none"}); errs.Message(err) == "" || err == nil {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestSheetNamesAreUniqueAndAllowed(t *testing.T) {
	t.Parallel()
	some := []string{"", " ", "All rows", "ALL ROWS", "summary", "Problems", "History", "history", "HISTORY", "a", "A", "a (2)", "K", "K", "ſ", "S", "'x'",
		strings.Repeat("x", 40), strings.Repeat("X", 31), strings.Repeat("😀", 20), "a/b", "a\\b", "[x]", "x:y*?", "\x00", "line\nbreak", "\u202Ex", "é", "É"}
	names := export.SheetNames(slices.Repeat(some, 20))
	checkNames(t.Fatalf, names)
	if names[2] != "All rows (2)" || names[6] != "History (2)" || names[0] != "Image 1" {
		t.Errorf("names %q", names[:9])
	}
	many := export.SheetNames(slices.Repeat([]string{"scan"}, 5000))
	checkNames(t.Fatalf, many)
	if many[4999] != "scan (5000)" {
		t.Errorf("the last is %q", many[4999])
	}
}

func TestAnySheetNamesAreUniqueAndAllowed(t *testing.T) {
	t.Parallel()
	pool := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("aAbB'[]:\\/?*\t\n\x00 _K\u212AſsSßİıiI😀\uFFFE\u202E")), 0, 40, -1), 100, 100)
	rapid.Check(t, func(t *rapid.T) {
		for range 10 { // 100 checks of 1,000 names
			checkNames(t.Fatalf, export.SheetNames(pool.Draw(t, "names")))
		}
	})
}

func checkNames(fail func(string, ...any), names []string) {
	for i, name := range names {
		n := len(utf16.Encode([]rune(name)))
		if n == 0 || n > 31 || strings.ContainsAny(name, "[]:\\/?*'\x00\n\t") || strings.TrimSpace(name) != name || strings.EqualFold(name, "history") {
			fail("%q is no name for a sheet", name)
		}
		if i > 200 {
			continue // the pairs of the first are enough, the rest is checked by a map
		}
		for j := range i {
			if strings.EqualFold(name, names[j]) {
				fail("%q and %q are the same for Excel", name, names[j])
			}
		}
	}
	seen := map[string]bool{"all rows": true, "summary": true, "problems": true}
	for _, name := range names {
		key := strings.ToLower(name)
		if seen[key] {
			fail("%q is there twice", name)
		}
		seen[key] = true
	}
}

func TestAnyTextComesBack(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("_x0041DF8 \t\n\r&<>\"'=+-@;,.é😀�")), 0, 60, -1),
		rapid.String(),
	)
	b := texts("b", []table.Column{{Name: "Text", Type: table.Text}})
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(text, 1, 20).Draw(t, "texts")
		m := image(1, "one")
		for _, s := range want {
			m.Rows = append(m.Rows, image(0, "", []string{s}).Rows...)
		}
		var out bytes.Buffer
		if err := export.Workbook(t.Context(), &out, b, all([]*batch.Image{m}), export.Options{Now: noon}); err != nil {
			t.Fatal(err)
		}
		f, err := excelize.OpenReader(&out)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for i, s := range want {
			got, err := f.GetCellValue("one", fmt.Sprint("A", i+2))
			if err != nil || got != visible(s) {
				t.Fatalf("%q came back as %q, want %q; %v", s, got, visible(s), err)
			}
		}
	})
}

// visible is what must come back of a text: itself, but for characters that no sheet shows.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return r
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xFFFE || r == 0xFFFF || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069:
			return '�'
		}
		return r
	}, s)
}

func BenchmarkWorkbook(b *testing.B) {
	for _, size := range []struct{ images, rows, columns int }{{500, 50, 20}, {1000, 25, 5}, {5000, 5, 5}} {
		b.Run(fmt.Sprintf("%dx%dx%d", size.images, size.rows, size.columns), func(b *testing.B) {
			var columns []table.Column
			for c := range size.columns {
				columns = append(columns, table.Column{Name: fmt.Sprint("Column ", c+1), Type: []table.Type{table.Text, table.Number}[c%2]})
			}
			var images []*batch.Image
			for n := range size.images {
				m := image(n+1, fmt.Sprint("Sheet ", n+1))
				for r := range size.rows {
					cells := make([]string, size.columns)
					for c := range cells {
						cells[c] = fmt.Sprint(100000 + n*r + c)
					}
					m.Rows = append(m.Rows, image(0, "", cells).Rows...)
				}
				images = append(images, m)
			}
			batch := texts("bench", columns)
			b.ReportAllocs()
			for b.Loop() {
				if err := export.Workbook(b.Context(), io.Discard, batch, all(images), export.Options{TmpDir: b.TempDir(), Now: noon}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMillionRows writes more rows than a sheet holds, and counts them.
func BenchmarkMillionRows(b *testing.B) {
	one := texts("b", []table.Column{{Name: "Text", Type: table.Text}})
	m := image(1, "one")
	m.Rows = slices.Repeat(image(0, "", []string{"x"}).Rows, 10_000)
	images := make([]*batch.Image, 105)
	for i := range images {
		next := *m
		next.N = i + 1
		images[i] = &next
	}
	for b.Loop() {
		var out bytes.Buffer
		if err := export.WorkbookWithin(b.Context(), &out, one, all(images), export.Options{TmpDir: b.TempDir(), Now: noon}, 1_048_575, 0); err != nil {
			b.Fatal(err)
		}
		xml := parts(b, out.Bytes())
		first, second := strings.Count(xml["xl/worksheets/sheet1.xml"], "<row "), strings.Count(xml["xl/worksheets/sheet2.xml"], "<row ")
		if first != 1_048_576 || second != 1_050_000-1_048_575+1 {
			b.Fatalf("%d and %d lines", first, second)
		}
	}
}

package export_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/export"
	"sheetlift/internal/table"
)

// existing opens a workbook that a person gives.
func existing(t testing.TB, data []byte) *export.Existing {
	t.Helper()
	e, err := export.OpenExisting(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// appended returns the workbook with the rows of the images under its own.
func appended(t testing.TB, data []byte, b *batch.Batch, opt export.AppendOptions, images ...*batch.Image) ([]byte, *export.Match) {
	t.Helper()
	var out bytes.Buffer
	m, err := existing(t, data).Append(t.Context(), &out, b, all(images), opt)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), m
}

// saved returns a workbook as a file.
func saved(t testing.TB, f *excelize.File, errors ...error) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, err := range append(errors, f.Write(&out), f.Close()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// sameBut fails if parts other than those that begin so differ.
func sameBut(t testing.TB, before, after []byte, but ...string) {
	t.Helper()
	old, now := parts(t, before), parts(t, after)
	if len(old) != len(now) {
		t.Errorf("%d parts became %d", len(old), len(now))
	}
	for name, content := range old {
		if now[name] != content && !slices.ContainsFunc(but, func(b string) bool { return strings.HasPrefix(name, b) }) {
			t.Errorf("the part %s changed", name)
		}
	}
}

var purchases = []table.Column{
	{Name: "Item", Type: table.Text}, {Name: "Bought", Type: table.Date}, {Name: "Price", Type: table.Number}, {Name: "Serial_Number", Type: table.Text},
}

// persons is a workbook as people have them: a heading, the columns in an order of their own, formats, a sum on another sheet.
func persons(t testing.TB) []byte {
	t.Helper()
	f := excelize.NewFile()
	style := func(format string, bold bool) int {
		id, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format, Font: &excelize.Font{Bold: bold, Family: "Arial"}, Border: []excelize.Border{{Type: "bottom", Style: 1, Color: "000000"}}})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	plain, day, money := style("General", false), style("dd/mm/yyyy", false), style(`"$"#,##0.00`, false)
	_, err := f.NewSheet("Sums")
	set := func(sheet, cell string, v any, style int) {
		err = errorsJoin(err, f.SetCellValue(sheet, cell, v), f.SetCellStyle(sheet, cell, cell, style))
	}
	set("Sheet1", "B1", "Purchases 2026", 0)
	for i, text := range []string{"price", " Bought", "Remark", "ITEM", "Twice"} {
		set("Sheet1", string(rune('B'+i))+"3", text, plain)
	}
	for r, row := range [][]any{{12.5, 46_000, "paid", "Lamp"}, {7, 46_001, "", "Chair"}} {
		n := string(rune('4' + r))
		set("Sheet1", "B"+n, row[0], money)
		set("Sheet1", "C"+n, row[1], day)
		set("Sheet1", "D"+n, row[2], plain)
		set("Sheet1", "E"+n, row[3], plain)
		err = errorsJoin(err, f.SetCellFormula("Sheet1", "F"+n, "B"+n+"*2"))
	}
	return saved(t, f, err, f.SetCellFormula("Sums", "A1", "SUM(Sheet1!B:B)"), f.SetRowHeight("Sheet1", 5, 33), f.SetColWidth("Sheet1", "E", "E", 41))
}

func errorsJoin(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestRowsGoUnderThoseOfAPersonAndFollowTheirFormats(t *testing.T) {
	t.Parallel()
	old := persons(t)
	b := texts("November", purchases)
	images := []*batch.Image{
		image(1, "Room 1", []string{"Desk", "2026-11-03", "$19.90", "S1"}, []string{"=HYPERLINK(\"x\")", "soon", "€5", "S2"}),
		image(2, "Room 2", []string{"-2+3", "2026-11-04", "8", "S3"}),
	}
	now, m := appended(t, old, b, export.AppendOptions{Partial: true}, images...)
	want := export.Match{Sheet: "Sheet1", Headings: 3, First: 6, Rows: 3, Matched: []string{"price", "Bought", "ITEM"},
		Missing: []string{"Serial_Number"}, Empty: []string{"Remark", "Twice"}, Kept: []export.Kept{{Column: "price", Cells: 1}}}
	if m.Sheet != want.Sheet || m.Headings != want.Headings || m.First != want.First || m.Rows != want.Rows || !slices.Equal(m.Matched, want.Matched) ||
		!slices.Equal(m.Missing, want.Missing) || !slices.Equal(m.Empty, want.Empty) || !slices.Equal(m.Kept, want.Kept) {
		t.Errorf("the match is %+v, want %+v", *m, want)
	}
	sameBut(t, old, now, "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml")
	f := open(t, now)
	shown, err := f.GetRows("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	for n, cells := range map[int][]string{
		4: {"", "$12.50", "09/12/2025", "paid", "Lamp"}, 5: {"", "$7.00", "10/12/2025", "", "Chair"},
		6: {"", "$19.90", "03/11/2026", "", "Desk"}, 7: {"", "€5", "soon", "", "=HYPERLINK(\"x\")"}, 8: {"", "$8.00", "04/11/2026", "", "-2+3"},
	} {
		if got := shown[n-1][:min(5, len(shown[n-1]))]; !slices.Equal(got, cells) {
			t.Errorf("row %d shows %q, want %q", n, got, cells)
		}
	}
	for cell, same := range map[string]string{"B6": "B5", "C6": "C5", "D6": "D5", "E6": "E5", "D8": "D4", "C8": "C4"} {
		a, _ := f.GetCellStyle("Sheet1", cell)
		b, _ := f.GetCellStyle("Sheet1", same)
		if a != b || a == 0 {
			t.Errorf("%s has the format %d, %s has %d", cell, a, same, b)
		}
	}
	if h, _ := f.GetRowHeight("Sheet1", 8); h != 33 {
		t.Errorf("the row is %v high", h)
	}
	for _, cell := range []string{"E7", "E8"} {
		formula, _ := f.GetCellFormula("Sheet1", cell)
		kind, _ := f.GetCellType("Sheet1", cell)
		id, _ := f.GetCellStyle("Sheet1", cell)
		if formula != "" || kind != excelize.CellTypeInlineString || f.Styles.CellXfs.Xf[id].QuotePrefix == nil || !*f.Styles.CellXfs.Xf[id].QuotePrefix {
			t.Errorf("%s may become a formula: %q, type %v, format %d", cell, formula, kind, id)
		}
	}
	for cell, formula := range map[string]string{"F4": "B4*2", "F5": "B5*2", "F6": ""} {
		if got, _ := f.GetCellFormula("Sheet1", cell); got != formula {
			t.Errorf("%s has the formula %q", cell, got)
		}
	}
	if !strings.Contains(parts(t, now)["xl/workbook.xml"], `fullCalcOnLoad="1"`) {
		t.Error("sums are not computed again")
	}
}

func TestNothingIsWrittenWhenColumnsAreMissing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := texts("November", purchases)
	m, err := existing(t, persons(t)).Append(t.Context(), &out, b, all([]*batch.Image{image(1, "one", []string{"Desk", "", "", "S1"})}), export.AppendOptions{})
	if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "Serial_Number") || out.Len() != 0 || !slices.Equal(m.Missing, []string{"Serial_Number"}) {
		t.Errorf("got %v, %d bytes, %+v", err, out.Len(), m)
	}
	_, err = existing(t, persons(t)).Append(t.Context(), &out, b, all(nil), export.AppendOptions{Partial: true})
	if !errs.Is(err, errs.Conflict) || out.Len() != 0 {
		t.Errorf("without rows: %v, %d bytes", err, out.Len())
	}
	if m, err := existing(t, persons(t)).Match(t.Context(), b, all(nil), export.AppendOptions{}); err != nil || m.Rows != 0 || len(m.Matched) != 3 {
		t.Errorf("a draft is not matched: %+v, %v", m, err)
	}
}

func TestRowsGoUnderOurOwnWorkbookOfLastMonth(t *testing.T) {
	t.Parallel()
	b := inventory(t)
	doubtful := image(1, "Room 9", []string{"Lamp", "2", "00123", "T1", "good"}, []string{"Chair", "4", "", "T2", "worn"})
	doubtful.Issues = []table.Issue{{Row: 1, Column: 1, Kind: table.KindGuessed, Message: "doubt"}}
	old := write(t, b, doubtful)
	now, m := appended(t, old, b, export.AppendOptions{}, image(1, "Room 1", []string{"Desk", "1", "007", "T3", "new"}), image(2, "Room 2", []string{"Sofa", "3", "008", "T4", "new"}))
	if m.Sheet != "All rows" || m.First != 4 || len(m.Missing)+len(m.Empty)+len(m.Kept) != 0 {
		t.Errorf("the match is %+v", m)
	}
	sameBut(t, old, now, "xl/worksheets/sheet1.xml", "xl/workbook.xml")
	f := open(t, now)
	got, before := rows(t, f, "All rows"), rows(t, open(t, old), "All rows")
	want := append(before, []string{"Room 1", "Desk", "1", "007", "T3", "new"}, []string{"Room 2", "Sofa", "3", "008", "T4", "new"})
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("All rows: %q", got)
	}
	good, _ := f.GetCellStyle("All rows", "C2")
	if id, _ := f.GetCellStyle("All rows", "C4"); id != good {
		t.Errorf("the number has the format %d, not %d", id, good)
	}
	if sheet := parts(t, now)["xl/worksheets/sheet1.xml"]; !strings.Contains(sheet, `<autoFilter ref="A1:F5"`) || !strings.Contains(sheet, `<dimension ref="A1:F5"`) {
		t.Errorf("the filter does not grow: %s", sheet[len(sheet)-900:])
	}
	if book := parts(t, now)["xl/workbook.xml"]; !strings.Contains(book, "$A$1:$F$5") {
		t.Errorf("the name of the filter does not grow: %s", book)
	}
	if kind, _ := f.GetCellType("All rows", "D4"); kind != excelize.CellTypeInlineString {
		t.Errorf("the code became a %v", kind)
	}
}

func TestATableAndItsRulesGrow(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	red, err := f.NewConditionalStyle(&excelize.Style{Font: &excelize.Font{Color: "FF0000"}})
	for cell, v := range map[string]any{"B2": "Item", "C2": "Price", "B3": "Lamp", "C3": 5, "B4": "Chair", "C4": 6, "F9": "beside"} {
		err = errorsJoin(err, f.SetCellValue("Sheet1", cell, v))
	}
	list := excelize.NewDataValidation(true)
	list.SetSqref("B3:B4")
	err = errorsJoin(err, list.SetDropList([]string{"Lamp", "Chair"}), f.AddDataValidation("Sheet1", list),
		f.SetConditionalFormat("Sheet1", "C3:C4", []excelize.ConditionalFormatOptions{{Type: "cell", Criteria: ">", Value: "5", Format: &red}}),
		f.AddTable("Sheet1", &excelize.Table{Range: "B2:C4", Name: "Things"}))
	old := saved(t, f, err)
	b := texts("b", purchases)
	now, m := appended(t, old, b, export.AppendOptions{Partial: true}, image(1, "one", []string{"Desk", "", "7", ""}, []string{"Sofa", "", "8", ""}))
	if m.Table != "Things" || m.First != 5 {
		t.Errorf("the match is %+v", m)
	}
	sameBut(t, old, now, "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/tables/")
	g := open(t, now)
	tables, err := g.GetTables("Sheet1")
	if err != nil || len(tables) != 1 || tables[0].Range != "B2:C6" {
		t.Errorf("the table is %+v, %v", tables, err)
	}
	if part := parts(t, now)["xl/tables/table1.xml"]; strings.Count(part, `ref="B2:C6"`) != 2 {
		t.Errorf("its filter does not grow: %s", part)
	}
	rules, _ := g.GetConditionalFormats("Sheet1")
	lists, _ := g.GetDataValidations("Sheet1")
	if len(rules["C3:C6"]) != 1 || len(lists) != 1 || lists[0].Sqref != "B3:B6" {
		t.Errorf("the rules are %v and %v", rules, lists)
	}
	if v, _ := g.GetCellValue("Sheet1", "F9"); v != "beside" {
		t.Errorf("the cell beside is %q", v)
	}
	if v, _ := g.GetCellValue("Sheet1", "C6"); v != "8" {
		t.Errorf("the last number is %q", v)
	}
}

func TestPreparedRowsAreFilledAndKeepTheirFormulas(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	var err error
	fill, styleErr := f.NewStyle(&excelize.Style{Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"EEEEEE"}}})
	for cell, v := range map[string]any{"A1": "Item", "B1": "Double", "C1": "Price", "A2": "Lamp", "C2": 5, "G3": "note", "G9": "far"} {
		err = errorsJoin(err, f.SetCellValue("Sheet1", cell, v))
	}
	for _, n := range []string{"2", "3", "4", "5", "6"} {
		err = errorsJoin(err, f.SetCellFormula("Sheet1", "B"+n, "C"+n+"*2"), f.SetCellStyle("Sheet1", "A"+n, "A"+n, fill))
	}
	old := saved(t, f, err, styleErr)
	now, m := appended(t, old, texts("b", purchases), export.AppendOptions{Partial: true}, image(1, "one", []string{"Desk", "", "7", ""}, []string{"Sofa", "", "8", ""}))
	if m.First != 3 {
		t.Errorf("the match is %+v", m)
	}
	g := open(t, now)
	for cell, want := range map[string]string{"A3": "Desk", "C3": "7", "G3": "note", "A4": "Sofa", "C4": "8", "A5": "", "G9": "far"} {
		if got, _ := g.GetCellValue("Sheet1", cell); got != want {
			t.Errorf("%s is %q, want %q", cell, got, want)
		}
	}
	for _, n := range []string{"2", "3", "4", "5", "6"} {
		if got, _ := g.GetCellFormula("Sheet1", "B"+n); got != "C"+n+"*2" {
			t.Errorf("the formula of row %s is %q", n, got)
		}
		if id, _ := g.GetCellStyle("Sheet1", "A"+n); id != fill {
			t.Errorf("row %s has the format %d", n, id)
		}
	}
}

package export_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/table"
)

// formulas are texts that could become a formula, a link or a command.
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
		if strings.HasPrefix(name, "xl/worksheets/") && regexp.MustCompile(`<f[ >/]|<hyperlink[^>]*r:id|<hyperlink[^>]*location="[^']`).MatchString(xml) {
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

func TestDatesInNumbersAreTheDaysThatAPersonSaidTheyAre(t *testing.T) {
	t.Parallel()
	for order, want := range map[table.DateOrder][2]string{table.NoOrder: {"03/04/2024", "25/12/24"}, table.DayFirst: {"2024-04-03", "2024-12-25"}, table.MonthFirst: {"2024-03-04", "2024-12-25"}} {
		b := texts("b", []table.Column{{Name: "Date", Type: table.Date, Dates: order}})
		f := open(t, write(t, b, image(1, "one", []string{"03/04/2024"}, []string{"25/12/24"})))
		for _, sheet := range []string{"All rows", "one"} {
			column := map[string]string{"All rows": "B", "one": "A"}[sheet]
			for i, want := range want {
				if got, err := f.GetCellValue(sheet, fmt.Sprint(column, i+2)); err != nil || got != want {
					t.Errorf("%q first, %s: %q, want %q; %v", order, sheet, got, want, err)
				}
			}
		}
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
		{"3 pcs", "3", true, "2024-02-30", "2024-02-30", false},
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

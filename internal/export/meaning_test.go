package export_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// judged writes the workbook of a batch as the pages do.
func judged(t *testing.T, b *batch.Batch, images ...*batch.Image) *excelize.File {
	t.Helper()
	b = batch.Judged(b, images)
	return open(t, write(t, b, images...))
}

func TestTheNumbersAndDatesOfTheFaultySheetAreInTheWorkbookOrInDoubt(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/20-numbers-and-dates.txt")
	if err != nil {
		t.Fatal(err)
	}
	b := texts("b", []table.Column{{Name: "Item", Type: table.Text}, {Name: "kg", Type: table.Number}, {Name: "Price", Type: table.Number}, {Name: "Until", Type: table.Date}})
	a, err := b.Table.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	m := image(1, "one")
	m.Rows, m.Issues = a.Rows, append(a.Issues, b.Table.Check(nil, a.Rows)...)
	f := judged(t, b, m)
	for ref, want := range map[string]string{ // raw: numbers as Excel holds them
		"C2": "0.500", "C3": "1.250", "C4": "12.75", "C5": "2.000", "D2": "USD 10.00", "D3": "EUR 10,00", "D4": "10.00 CHF", "D5": "¥1,000", "E2": "2958465", "E3": "2958465", "E4": "106752", "E5": "25/12/2567",
	} {
		got, err := f.GetCellValue("All rows", ref, excelize.Options{RawCellValue: true})
		if err != nil || got != want {
			t.Errorf("%s: %q, want %q; %v", ref, got, want, err)
		}
	}
	for ref, want := range map[string]string{"E2": "9999-12-31", "E4": "2192-04-09"} {
		if got, _ := f.GetCellValue("All rows", ref); got != want {
			t.Errorf("%s shows %q, want %q", ref, got, want)
		}
	}
	problems := rows(t, f, "Problems")
	for _, want := range [][]string{{"one", "Price", "Not clear", "several currencies"}, {"one", "Until", "Rule broken", "Buddhist"}} {
		if !contains(problems, want...) {
			t.Errorf("Problems do not say %q: %q", want, problems)
		}
	}
	if contains(problems, "kg") {
		t.Errorf("kg is in doubt: %q", problems)
	}
}

func TestACurrencyOrUnitIsShownByTheFormatOfItsNumber(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "A", Type: table.Number}})
	for _, c := range []struct{ text, raw, shown string }{
		{"1.234,50 zł", "1234.50", "1,234.50 zł"}, {"$5.00", "5.00", "$5.00"}, {"-$1,250.00", "-1250.00", "-$1,250.00"}, {"CHF 7.5", "7.5", "CHF 7.5"}, {"12 kg", "12", "12 kg"}, {"1234 Stück", "1234", "1234 Stück"}, {"9", "9", "9"},
	} {
		m := image(1, "one", []string{c.text})
		f := judged(t, b, m)
		raw, _ := f.GetCellValue("All rows", "B2", excelize.Options{RawCellValue: true})
		shown, err := f.GetCellValue("All rows", "B2")
		if err != nil || raw != c.raw || shown != c.shown {
			t.Errorf("%q: %q shown as %q, want %q and %q; %v", c.text, raw, shown, c.raw, c.shown, err)
		}
		if got := rows(t, f, "Problems"); !contains(got, "None") {
			t.Errorf("%q is in doubt: %q", c.text, got)
		}
	}
	m := image(1, "one", []string{"$5.00"})
	m.Issues = []table.Issue{{Row: 0, Column: 0, Kind: table.KindGuessed, Message: "Guessed."}}
	f := judged(t, b, m)
	id, err := f.GetCellStyle("All rows", "B2")
	if err != nil {
		t.Fatal(err)
	}
	if style, err := f.GetStyle(id); err != nil || len(style.Fill.Color) != 1 || style.Fill.Color[0] != "FFF2CC" || style.CustomNumFmt == nil || *style.CustomNumFmt != `"$"#,##0.00` {
		t.Errorf("a doubtful amount has the style %+v, %v", style, err)
	}
}

func TestAWorkbookHasNoMoreFormatsThanExcelTakes(t *testing.T) {
	t.Parallel()
	b := texts("b", nil)
	var line []string
	for i := range 200 {
		b.Table.Columns = append(b.Table.Columns, table.Column{Name: fmt.Sprint("C", i), Type: table.Number})
		unit := []string{"kg", "g", "mm", "cm", "m", "km", "lb", "oz", "l", "ml", "pcs", "h", "min", "V", "A", "W", "Hz", "GB", "MB", "ft"}[i%20]
		line = append(line, fmt.Sprintf("1.%0*d %s", i/20+1, 5, unit))
	}
	f := judged(t, b, image(1, "one", line))
	if got := rows(t, f, "Problems"); !contains(got, "no room for so many") {
		t.Errorf("nothing is said of the formats that are missing: %q", got[:2])
	}
}

func TestRowsOfAnOlderProgramCarryTodaysDoubtsInTheWorkbook(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "Item", Type: table.Text}, {Name: "Code", Type: table.Text, Pattern: "[A-Z]+"}})
	m := image(1, "one", []string{"Chair", "12"})
	m.Checks = 0 // an older program did not doubt the code
	if problems := rows(t, judged(t, b, m), "Problems"); !contains(problems, "one", "Code", "Rule broken") {
		t.Errorf("Problems do not name the code: %q", problems)
	}
	m.Checks, m.Issues = table.Checks, nil
	if problems := rows(t, judged(t, b, m), "Problems"); contains(problems, "Code") {
		t.Errorf("rows of today are judged again: %q", problems)
	}
}

func TestAWorkbookThatIsTakenBeforeAllIsComparedSaysSo(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "Item", Type: table.Text}})
	b.Options.Witness = batch.WitnessOffline
	one, two := image(1, "one", []string{"Chair"}), image(2, "two", []string{"Desk"})
	one.Witness = &batch.Comparison{Of: one.Ended, Agreed: 1}
	f := judged(t, b, one, two)
	if problems := rows(t, f, "Problems"); !contains(problems, "Not final", "1 images are not compared with the offline reading yet") || contains(problems, "nothing is doubtful") {
		t.Errorf("Problems say %q", problems)
	}
	if summary := rows(t, f, "Summary"); !contains(summary, "Compared with an offline reading", "1") {
		t.Errorf("Summary says %q", summary)
	}
	two.Witness = &batch.Comparison{Of: two.Ended, Agreed: 1}
	if problems := rows(t, judged(t, b, one, two), "Problems"); !contains(problems, "nothing is doubtful") {
		t.Errorf("with all compared Problems say %q", problems)
	}
}

package table_test

import (
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/table"
)

// doubtedForms returns the texts of one open column that are doubts for their form, each with the text that it may be.
func doubtedForms(t *testing.T, column table.Column, texts ...string) map[string]string {
	t.Helper()
	var rows []table.Row
	for _, text := range texts {
		rows = append(rows, table.Row{Cells: []table.Cell{{Text: text, State: table.Read}}})
	}
	found := map[string]string{}
	for _, i := range (table.Table{Columns: []table.Column{column}}).Check(nil, rows) {
		if i.Kind != table.KindForm {
			continue
		}
		_, rest, _ := strings.Cut(i.Message, "“")
		meant, _, _ := strings.Cut(rest, "”")
		found[texts[i.Row]] = meant
	}
	if got := rows[0].Cells[0].Text; got != texts[0] {
		t.Errorf("%q was changed to %q", texts[0], got)
	}
	return found
}

func TestAValueThatLookAlikesSetApartFromItsColumnIsADoubt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		most       []string
		odd, meant string
	}{
		"a letter O among numbers":          {[]string{"12", "7,040.5", "-3", "990"}, "1O4", "104"},
		"a lone l among numbers":            {[]string{"12", "704", "3", "990"}, "l", "1"},
		"S and B among numbers":             {[]string{"12%", "70.4%", "3.0%", "99%"}, "S.B%", ""}, // nothing is left of it
		"a B among dates":                   {[]string{"2024-01-02", "2024-03-04", "2024-05-06", "2024-07-09"}, "2024-0B-02", "2024-08-02"},
		"a letter among the digits of tags": {[]string{"TAG0512", "TAG0513", "TAG9914", "TAG0001"}, "TAGO515", "TAG0515"},
		"a digit among the letters of tags": {[]string{"TAG0512", "TAG0513", "TAG9914", "TAG0001"}, "TA60515", "TAG0515"},
		"a B at the place of an 8":          {[]string{"AB-1234", "CD-1235", "EF-1236", "GH-1238"}, "KL-123B", "KL-1238"},
		"codes of any length":               {[]string{"INV-1", "INV-22", "INV-1234", "IN-5"}, "INV-12O", "INV-120"},
		"a 1 in words":                      {[]string{"Red", "Green", "Yellow", "Black"}, "B1ue", "Blue"},
	} {
		got := doubtedForms(t, table.Column{Name: "Tag", Type: table.Text}, append(slices.Clone(c.most), c.odd)...)
		if got[c.odd] != c.meant || len(got) > 1 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestValuesThatDifferForAnotherReasonAreNoDoubt(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string][]string{
		"too few to tell":               {"12", "704", "3", "1O4"},
		"no form in common":             {"12", "704", "AB", "CD", "3", "1O4"},
		"a word among numbers":          {"12", "704", "3", "990", "none"},
		"a unit among numbers":          {"12", "704", "3", "990", "10 l"},
		"a roman number among numbers":  {"12", "704", "3", "990", "II"},
		"a longer code":                 {"AB-12", "CD-13", "EF-14", "GH-15", "KL-1B-C"},
		"a number among words":          {"Red", "Green", "Yellow", "Black", "10"},
		"blank cells and dashes":        {"12", "704", "3", "990", "", "-", "–"},
		"codes that have the same form": {"TAG0512", "TAO0513", "TIG9914", "TAB0001"},
	} {
		if got := doubtedForms(t, table.Column{Name: "Tag", Type: table.Text}, texts...); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	list := table.Column{Name: "Grade", Type: table.Choice, Choices: []string{"1", "2", "3", "4", "S"}}
	if got := doubtedForms(t, list, "1", "2", "3", "4", "S"); len(got) > 0 {
		t.Errorf("an allowed value: %v", got)
	}
}

func TestALookAlikeThatIsADoubtAlreadyIsNotSaidTwice(t *testing.T) {
	t.Parallel()
	texts := []string{"12", "704", "3", "990", "1O4"}
	if got := doubtedForms(t, table.Column{Name: "Price", Type: table.Number}, texts...); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

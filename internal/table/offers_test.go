package table_test

import (
	"slices"
	"testing"

	"sheetlift/internal/table"
)

func TestACellInDoubtOffersTheValuesThatItMayHave(t *testing.T) {
	t.Parallel()
	number, choice := table.Column{Type: table.Number}, table.Column{Type: table.Choice, Choices: []string{"Good", "Fair", "Missing"}}
	form := []table.Issue{{Kind: table.KindForm, Message: "Most values of this column are written another way, and this may be “TAG0512”: such letters and digits look alike. Compare it with the picture."}}
	for name, one := range map[string]struct {
		column table.Column
		text   string
		doubts []table.Issue
		words  []string
		want   []string
	}{
		"the form of its column":         {column: table.Column{}, text: "TAGO512", doubts: form, want: []string{"TAG0512"}},
		"both meanings of a number":      {column: number, text: "1,250", want: []string{"1250", "1.250"}},
		"digits for letters":             {column: number, text: "1O", want: []string{"10"}},
		"a plain number":                 {column: number, text: "12"},
		"both orders of a date":          {column: table.Column{Type: table.Date}, text: "03/04/2024", want: []string{"2024-04-03", "2024-03-04"}},
		"the nearest choice":             {column: choice, text: "Gaod", want: []string{"Good"}},
		"a word of the column":           {column: table.Column{Type: table.Text}, text: "Offce chair", words: []string{"Desk", "Office chair"}, want: []string{"Office chair"}},
		"no word for a name with digits": {column: table.Column{Type: table.Text}, text: "B-214", words: []string{"B-215"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := one.column.Offers(table.Cell{Text: one.text}, one.doubts, one.words); !slices.Equal(got, one.want) {
				t.Errorf("%q offers %q, not %q", one.text, got, one.want)
			}
		})
	}
}

package layout

import (
	"slices"
	"testing"
)

func TestALoneLookAlikeIsADigitWhereItsColumnHoldsNumbers(t *testing.T) {
	t.Parallel()
	g := Grid{}
	for _, texts := range [][]string{{"I", "o", "Size", "Part"}, {"a", "o", "o", "I"}, {"b", "12", "XL", "II"}, {"c", "l", "M", "III"}, {"d", "-", "S", "IV"}, {"e", "3.5", "o", "12"}} {
		row := make([]Cell, len(texts))
		for j, text := range texts {
			row[j].Add(Word{Box: Box{100 * j, 0, 100*j + 10, 10}, Text: text, Conf: 60})
		}
		g.Rows = append(g.Rows, row)
	}
	g.TellLookAlikes()
	for j, want := range [][]string{{"I", "a", "b", "c", "d", "e"}, {"o", "0", "12", "1", "-", "3.5"}, {"Size", "o", "XL", "M", "S", "o"}, {"Part", "I", "II", "III", "IV", "12"}} {
		var got []string
		for _, row := range g.Rows {
			got = append(got, row[j].Text())
		}
		if !slices.Equal(got, want) {
			t.Errorf("column %d: %q, want %q", j, got, want)
		}
	}
	if c := g.Rows[1][1]; c.words[0].Conf < 100*Sure {
		t.Errorf("what the column told is in doubt: %v", c.words[0].Conf)
	}
}

package table

import (
	"cmp"
	"strings"
)

// Rank is the sort key of a cell among others of its column: numbers by their value, then dates by the calendar, then texts
// by their letters without case.
type Rank struct {
	kind   int // ranked…
	number string
	day    int64 // seconds
	text   string
}

const (
	rankedNumber = iota
	rankedDate
	rankedText
)

// Ranks returns the rank of each cell. cells must be all cells of the column that are compared with each other. In a column
// that is neither of numbers nor of dates, numbers and dates are recognised. A value that the column leaves open is taken as
// a number with a decimal point, or as a date with the day first.
func (c Column) Ranks(cells []Cell) []Rank {
	kinds := []Type{c.Type}
	if c.Type != Number && c.Type != Date {
		kinds = []Type{Number, Date}
	}
	readers := make([]Column, len(kinds))
	for i, kind := range kinds {
		readers[i] = c
		readers[i].Type = kind
		if kind != c.Type {
			var proof Tally
			for _, cell := range cells {
				proof.see(readers[i], cell)
			}
			readers[i].Concluded = proof.meaning()
		}
	}
	ranks := make([]Rank, len(cells))
	for i, cell := range cells {
		ranks[i] = Rank{kind: rankedText}
		for _, reader := range readers {
			if ranks[i].kind == rankedText {
				ranks[i] = reader.rank(cell)
			}
		}
		ranks[i].text = cell.Text
	}
	return ranks
}

func (c Column) rank(cell Cell) Rank {
	if cell.Meant != MeantText {
		c = c.Of(cell)
	}
	if c.Type == Date {
		day, ok := ParseDate(cell.Text, cmp.Or(c.order(), DayFirst))
		if !ok {
			return Rank{kind: rankedText}
		}
		return Rank{kind: rankedDate, day: day.Unix()}
	}
	n, why := readNumber(cell.Text, cmp.Or(c.mark(), PointMark))
	if why != "" && why != saysPercent && why != saysUnit {
		return Rank{kind: rankedText}
	}
	return Rank{kind: rankedNumber, number: n.Text}
}

// Compare orders two ranks of one column.
func (r Rank) Compare(o Rank) int {
	return cmp.Or(
		cmp.Compare(r.kind, o.kind), compareDecimals(r.number, o.number), cmp.Compare(r.day, o.day),
		strings.Compare(strings.ToLower(r.text), strings.ToLower(o.text)), strings.Compare(r.text, o.text))
}

// compareDecimals compares two numbers as Numeral.Text has them, however many digits they have.
func compareDecimals(a, b string) int {
	x, under := strings.CutPrefix(a, "-")
	y, below := strings.CutPrefix(b, "-")
	switch {
	case under && below:
		x, y = y, x
	case under:
		return -1
	case below:
		return 1
	}
	wholeX, fractionX, _ := strings.Cut(x, ".")
	wholeY, fractionY, _ := strings.Cut(y, ".")
	return cmp.Or(cmp.Compare(len(wholeX), len(wholeY)), strings.Compare(wholeX, wholeY),
		strings.Compare(strings.TrimRight(fractionX, "0"), strings.TrimRight(fractionY, "0")))
}

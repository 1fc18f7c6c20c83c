package layout

import "unicode/utf8"

// settled is the confidence, 0 to 100, in a sign that its column has told.
const settled = 90

// alikes are signs that are read for a digit that stands alone, by the digit.
var alikes = map[string]string{"o": "0", "O": "0", "l": "1", "I": "1", "|": "1"}

// TellLookAlikes makes a lone o a 0 and a lone l or I a 1 in the columns whose other cells are values, in place. A heading is
// left as it is.
func (g Grid) TellLookAlikes() {
	if len(g.Rows) == 0 {
		return
	}
	for j := range g.Rows[0] {
		values, alike, others := 0, 0, 0
		for _, row := range g.Rows[1:] {
			switch t := row[j].Text(); {
			case t == "":
			case alikes[t] != "":
				alike++
			case IsValue(t):
				values++
			default:
				others++
			}
		}
		if alike == 0 || values == 0 || 4*others > values+alike {
			continue
		}
		for _, row := range g.Rows[1:] {
			c := &row[j]
			if digit := alikes[c.Text()]; digit != "" && len(c.words) == 1 && utf8.RuneCountInString(c.words[0].Text) == 1 {
				c.words[0].Text, c.words[0].Conf = digit, max(c.words[0].Conf, settled)
			}
		}
	}
}

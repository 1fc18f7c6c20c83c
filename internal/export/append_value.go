package export

import (
	"strconv"

	"sheetlift/internal/table"
)

// newCell is the content of an appended cell: a number if there is one, otherwise text, perhaps none.
type newCell struct {
	number, text string
	style        int
}

// dress returns the cell of a column of the workbook for a cell of the rows. A number or a date is one only if the column shows
// it rightly: with its currency or unit, in a column of dates, not where everything is text. Its format is the most frequent of
// those in the column that do. Otherwise it is the text as read, and false.
func (t *target) dress(p *plan, col int, read table.Cell, column table.Column) (c newCell, followed bool) {
	n, isNumber := column.Number(read)
	day, isDate := column.Date(read)
	unread := read.State == table.Lost
	switch {
	case unread:
		return t.textCell(col, p.say("Unreadable")), true
	case isNumber && keptAsText(n) == "":
		if style, ok := t.styleFor(col, func(s shape) bool { return s.number && (n.Unit == "" || s.unit == n.Unit) }); ok {
			return newCell{number: n.Text, style: style}, true
		}
	case isDate && datable(day):
		if style, ok := t.styleFor(col, func(s shape) bool { return s.date }); ok {
			return newCell{number: strconv.Itoa(serial(day)), style: style}, true
		}
	default:
		isNumber, isDate = false, false
	}
	text, _, _ := clean(read.Text)
	return t.textCell(col, text), !isNumber && !isDate
}

// styleFor returns the most frequent format among the numbers of a column that has a fitting shape. In a column with texts and
// no numbers there is none; in one without both, the format of its empty cells counts.
func (t *target) styleFor(col int, fits func(shape) bool) (int, bool) {
	l := t.looks[col-t.span.left]
	seen := l.number
	if len(l.number) == 0 {
		if len(l.text) > 0 {
			return 0, false
		}
		seen = l.blank
		if len(seen) == 0 {
			seen = map[int]int{t.columnStyle(col): 1}
		}
	}
	for _, style := range byFrequency(seen) {
		if fits(t.styles.of(style)) {
			return style, true
		}
	}
	return 0, false
}

// plainStyle returns the most frequent format of a column: of its texts, or if it has none, of everything.
func (t *target) plainStyle(col int) int {
	l := t.looks[col-t.span.left]
	for _, seen := range []map[int]int{l.text, l.number, l.blank} {
		if len(seen) > 0 {
			return byFrequency(seen)[0]
		}
	}
	return t.columnStyle(col)
}

// columnStyle returns the format of a whole column.
func (t *target) columnStyle(col int) int {
	for _, c := range t.cols {
		if col >= c.first && col <= c.last {
			return c.style
		}
	}
	return 0
}

// textCell returns a cell with a text, which stays one if it looks like a formula.
func (t *target) textCell(col int, text string) newCell {
	c := newCell{text: text, style: t.plainStyle(col)}
	if computes(text) {
		c.style = t.styles.quote(c.style)
	}
	return c
}

// extraCell returns the cell of a column that the batch does not ask for.
func (t *target) extraCell(p *plan, col int, kind extra, r row) newCell {
	switch kind {
	case extraImage:
		name, _, _ := clean(r.name)
		return t.textCell(col, name)
	case extraRow:
		number := strconv.Itoa(r.number)
		if style, ok := t.styleFor(col, func(s shape) bool { return s.number }); ok {
			return newCell{number: number, style: style}
		}
		return t.textCell(col, number)
	default:
		told, _, _ := clean(r.told(p.say))
		return t.textCell(col, told)
	}
}

// emptyCell is a cell of a column that gets nothing: it has the format of the cells above.
func (t *target) emptyCell(col int) newCell { return newCell{style: t.plainStyle(col)} }

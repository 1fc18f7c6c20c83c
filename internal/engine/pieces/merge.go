package pieces

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sheetlift/internal/engine"
	"sheetlift/internal/table"
)

// The issues at the seams between pieces.
const (
	seamDoubt   = "Two pieces of this long picture meet here: a row may be missing or stand twice. Compare the rows with the picture."
	onceDoubt   = "Two pieces of this long picture overlap here, and only one of them showed this row. Compare it with the picture."
	differDoubt = "Two pieces of this long picture overlap here and were read differently: %q and %q."
	fieldDoubt  = "This long picture shows different values for this column: %q and %q. Check which is right."
)

// placed is the reading of a piece, with the pixel rows of the whole picture that it covers.
type placed struct {
	reading            *engine.Reading
	top, bottom, whole int
}

// entry is a row of the whole picture with its issues.
type entry struct {
	row    table.Row
	issues []table.Issue
	at     int // vertical center of the row, in pixels of the whole picture; -1 if unknown
}

// merged is the combined reading of the pieces so far.
type merged struct {
	engine.Reading
	rows   []entry
	bottom int // pixel row at which they end
	whole  int
}

// begun returns the merged reading of the first piece.
func begun(p placed) *merged {
	m := &merged{Reading: *p.reading, bottom: p.bottom, whole: p.whole}
	m.rows = p.entries()
	m.Issues = nil
	m.addAbout(p)
	m.settle()
	return m
}

// addRows adds the rows of the next piece; a row in the overlap that both show is taken once.
func (m *merged) addRows(p placed) {
	next := p.entries()
	if len(m.rows) == 0 && len(m.Columns) == 0 {
		m.Columns = p.reading.Columns
	}
	switch overlap := (stretch{p.top, m.bottom}); {
	case len(m.rows) > 0 && len(next) > 0:
		m.rows = join(m.rows, next, overlap)
	default:
		m.rows = append(m.rows, next...)
	}
	m.follow(p)
}

// addFields merges the values of the next piece into the only row of a document: it fills columns that are still empty, and
// adds an issue where two pieces differ.
func (m *merged) addFields(p placed) {
	next := p.entries()
	switch {
	case len(m.rows) == 0:
		m.rows = next
	case len(next) > 0:
		first := &m.rows[0]
		for i := range min(len(first.row.Cells), len(next[0].row.Cells)) {
			have, more := first.row.Cells[i], next[0].row.Cells[i]
			switch {
			case folded(more.Text) == "" || folded(more.Text) == folded(have.Text):
			case folded(have.Text) == "":
				first.take(next[0], i)
			default:
				first.doubt(i, fieldDoubt, have.Text, more.Text)
			}
		}
	}
	m.follow(p)
}

// follow adds everything of a piece except its rows.
func (m *merged) follow(p placed) {
	m.Text = strings.TrimRight(m.Text, "\n") + "\n" + p.reading.Text
	m.bottom = p.bottom
	m.addAbout(p)
	m.settle()
}

// addAbout adds the issues about the image, each once.
func (m *merged) addAbout(p placed) {
	for _, issue := range p.reading.Issues {
		if issue.Row < 0 && !slices.Contains(m.about(), issue) {
			m.Issues = append(m.Issues, issue)
		}
	}
}

func (m *merged) about() []table.Issue {
	return slices.DeleteFunc(slices.Clone(m.Issues), func(i table.Issue) bool { return i.Row >= 0 })
}

// settle writes rows and issues into the reading.
func (m *merged) settle() {
	m.Issues, m.Rows = m.about(), nil
	for i, e := range m.rows {
		m.Rows = append(m.Rows, e.row)
		for _, issue := range e.issues {
			issue.Row = i
			m.Issues = append(m.Issues, issue)
		}
	}
}

// entries returns the rows of a piece with their positions on the whole picture.
func (p placed) entries() []entry {
	all := make([]entry, len(p.reading.Rows))
	for i, r := range p.reading.Rows {
		r.Cells, r.Box = slices.Clone(r.Cells), p.onWhole(r.Box)
		place := r.Box
		for j := range r.Cells {
			r.Cells[j].Box = p.onWhole(r.Cells[j].Box)
			if r.Box == nil {
				place = around(place, r.Cells[j].Box)
			}
		}
		all[i] = entry{row: r, at: -1}
		if place != nil {
			all[i].at = (place.Top + place.Bottom) * p.whole / 2000
		}
	}
	for _, issue := range p.reading.Issues {
		if issue.Row >= 0 && issue.Row < len(all) {
			all[issue.Row].issues = append(all[issue.Row].issues, issue)
		}
	}
	return all
}

// onWhole converts a box on the piece to one on the whole picture.
func (p placed) onWhole(b *table.Box) *table.Box {
	if b == nil {
		return nil
	}
	y := func(v int) int { return min(max((1000*p.top+v*(p.bottom-p.top)+p.whole/2)/p.whole, 0), 1000) }
	return &table.Box{Top: y(b.Top), Left: b.Left, Bottom: y(b.Bottom), Right: b.Right}
}

func around(a, b *table.Box) *table.Box {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &table.Box{
		Top: min(a.Top, b.Top), Left: min(a.Left, b.Left), Bottom: max(a.Bottom, b.Bottom), Right: max(a.Right, b.Right),
	}
}

// doubt adds an issue to a cell, or to the row if column is -1.
func (e *entry) doubt(column int, format string, args ...any) {
	kind := table.KindGuessed
	if column < 0 {
		kind = table.KindRows
	}
	e.issues = append(e.issues, table.Issue{Column: column, Kind: kind, Message: fmt.Sprintf(format, args...)})
}

// take replaces a cell and its issues by those of another reading of the row.
func (e *entry) take(from entry, column int) {
	e.row.Cells[column] = from.row.Cells[column]
	e.issues = slices.DeleteFunc(e.issues, func(i table.Issue) bool { return i.Column == column })
	for _, i := range from.issues {
		if i.Column == column {
			e.issues = append(e.issues, i)
		}
	}
}

// folded returns a text without spaces and case, to compare two readings of it.
func folded(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }

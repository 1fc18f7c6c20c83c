package tesseract

import (
	"fmt"
	"slices"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/layout"
	"sheetlift/internal/engine/receipt"
	"sheetlift/internal/table"
)

// answer maps the finding to the requested table.
func answer(f *finding, want table.Table) *engine.Reading {
	lines := layout.LinesOf(f.words)
	reading := &engine.Reading{Text: layout.TextOf(layout.LinesOf(slices.Concat(f.words, f.dirt))), Issues: []table.Issue{offline(f.second)}}
	switch {
	case want.Single:
		single(reading, lines, want)
	case want.Open:
		open(reading, f.grid())
	default:
		named(reading, f.grid(), want)
	}
	f.locate(reading.Rows)
	return reading
}

// grid is the table that the words make, with the ink that was not read noted in its cells.
func (f *finding) grid() layout.Grid {
	g := layout.GridOf(f.words, f.rules)
	g.TellLookAlikes()
	g.MarkLost(f.lost, layout.TextHeight(f.words))
	return g
}

// open takes the sheet's own header and rows.
func open(r *engine.Reading, g layout.Grid) {
	for i, row := range g.Rows {
		if i > 0 {
			r.Rows = append(r.Rows, table.Row{Cells: values(row)})
			continue
		}
		for j, c := range row {
			r.Columns = append(r.Columns, c.Text())
			if v := c.Value(); v.State == table.Guessed || v.State == table.Unreadable {
				r.Issues = append(r.Issues, heading(j, v))
			}
		}
	}
}

func values(row []layout.Cell) []table.Cell {
	cells := make([]table.Cell, len(row))
	for j, c := range row {
		cells[j] = c.Value()
	}
	return cells
}

// heading is the doubt about the heading of column j of an open table.
func heading(j int, v table.Cell) table.Issue {
	if v.State == table.Unreadable {
		return table.Issue{Row: -1, Column: j, Kind: table.KindUnreadable,
			Message: fmt.Sprintf("The heading of column %d could not be read.", j+1)}
	}
	return table.Issue{Row: -1, Column: j, Kind: table.KindConfidence,
		Message: fmt.Sprintf("The heading “%s” was hard to read; compare it with the picture.", v.Text)}
}

// single finds the fields of one document by rules on its text.
func single(r *engine.Reading, lines []layout.Line, want table.Table) {
	found := receipt.Find(lines)
	cells := make([]table.Cell, len(want.Columns))
	for j, column := range want.Columns {
		f, known := found.Field(column.Name)
		if !known {
			f = receipt.Labelled(lines, column.Name)
		}
		cells[j] = layout.ValueOf(f.Text, f.Conf, receipt.Sure)
	}
	r.Rows = []table.Row{{Cells: cells}}
}

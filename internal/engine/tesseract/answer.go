package tesseract

import (
	"sheetlift/internal/engine"
	"sheetlift/internal/table"
)

// sure is the confidence below which a cell is shown as a guess.
const sure = 0.75

// answer maps what was found to the table that was asked for.
func answer(f *finding, want table.Table) *engine.Reading {
	lines := linesOf(f.words)
	reading := &engine.Reading{Text: textOf(lines), Issues: []table.Issue{offline()}}
	g := gridOf(f.words, f.rules)
	for i, row := range g.rows {
		cells := make([]table.Cell, len(row))
		for j, c := range row {
			cells[j] = c.value()
		}
		if i == 0 && want.Open {
			for _, c := range cells {
				reading.Columns = append(reading.Columns, c.Text)
			}
			continue
		}
		reading.Rows = append(reading.Rows, table.Row{Cells: cells})
	}
	return reading
}

// value is the cell as the rest of the program knows it.
func (c cell) value() table.Cell {
	text := joinWords(c.words)
	if text == "" {
		return table.Cell{State: table.Blank}
	}
	v := table.Cell{Text: text, State: table.Read, Confidence: meanConfidence(c.words) / 100}
	if v.Confidence < sure {
		v.State = table.Guessed
	}
	return v
}

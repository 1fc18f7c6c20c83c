package tesseract

// cell is what stands in one place of a table.
type cell struct {
	box
	words []word
}

func (c *cell) add(words ...word) {
	for _, w := range words {
		c.box = c.box.union(w.box)
		c.words = append(c.words, w)
	}
}

// grid is a table as it stands on the sheet: every row has the same number of cells.
type grid struct {
	rows [][]cell
}

// gridOf makes a table of lines.
func gridOf(lines []line, r rules) grid {
	columns := columnsOf(lines, r.w)
	var g grid
	for _, l := range lines {
		row := make([]cell, max(len(columns), 1))
		for _, s := range l.segments {
			row[columnFor(columns, s.box)].add(s.words...)
		}
		g.rows = append(g.rows, row)
	}
	return g
}

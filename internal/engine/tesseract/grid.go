package tesseract

import "slices"

// cell is what stands in one place of a table.
type cell struct {
	box
	words []word
	over  int // columns it stands over, when more than one
}

func (c *cell) add(words ...word) {
	for _, w := range words {
		c.box = c.box.union(w.box)
		c.words = append(c.words, w)
	}
}

func (c *cell) text() string { return joinWords(c.words) }

// grid is a table as it stands on the sheet: every row has the same number of cells.
type grid struct {
	rows [][]cell
}

// gridOf makes a table of words, by the ruling lines where they make a lattice, otherwise by the room between words.
func gridOf(words []word, r rules) grid {
	if f, ok := frameOf(r, words); ok {
		return f.grid(words).trimmed()
	}
	return openGrid(words, r).trimmed()
}

// openGrid makes a table of words that no lattice holds.
func openGrid(words []word, r rules) grid {
	h := textHeight(words)
	lines := linesOf(words)
	columns := withLonely(mergeThin(columnsOf(lines, r.w), lines), lines, h)
	if len(columns) == 0 {
		columns = []span{{0, r.w}}
	}
	lines = splitAtColumns(lines, columns, h)
	rows := make([]textRow, len(lines))
	for i, l := range lines {
		rows[i] = rowOf(l, columns)
	}
	rows = withoutCutOff(rows, r)
	head := headEnd(rows)
	t := sheet{columns: columns, rules: r, h: h, pitch: pitchOf(rows)}
	var g grid
	g.rows = append(g.rows, t.header(rows[:head])...)
	for _, row := range t.body(rows[head:]) {
		g.rows = append(g.rows, row.cells)
	}
	return g
}

// textRow is one line of text, its segments put into the columns.
type textRow struct {
	box
	cells []cell
}

func rowOf(l line, columns []span) textRow {
	row := textRow{l.box, make([]cell, len(columns))}
	for _, s := range l.segments {
		first, last := covers(columns, s.box)
		row.cells[first].add(s.words...)
		row.cells[first].over = max(row.cells[first].over, last-first+1)
	}
	return row
}

func (r textRow) filled() int {
	n := 0
	for _, c := range r.cells {
		if len(c.words) > 0 {
			n++
		}
	}
	return n
}

func (r textRow) values() int {
	n := 0
	for _, c := range r.cells {
		if len(c.words) > 0 && isValue(c.text()) {
			n++
		}
	}
	return n
}

// withoutCutOff drops the first and the last line where the picture's edge runs through them.
func withoutCutOff(rows []textRow, r rules) []textRow {
	if len(rows) > 2 && rows[0].top <= 1 && cutThrough(rows[0]) {
		rows = rows[1:]
	}
	if n := len(rows); n > 2 && rows[n-1].bottom >= r.h-1 && cutThrough(rows[n-1]) {
		rows = rows[:n-1]
	}
	return rows
}

// cutThrough reports whether a line at the edge is hardly readable, as halved letters are.
func cutThrough(r textRow) bool {
	var words []word
	for _, c := range r.cells {
		words = append(words, c.words...)
	}
	return meanConfidence(words) < 60 || r.filled() == 1
}

// headEnd returns the index of the first line of data: the first with values in half of its columns, at least two.
func headEnd(rows []textRow) int {
	most := 0
	for _, r := range rows {
		most = max(most, r.values())
	}
	if most == 0 {
		return min(1, len(rows))
	}
	for i, r := range rows {
		data := 0
		for j, c := range r.cells {
			if j > 0 && len(c.words) > 0 && isValue(c.text()) {
				data++
			}
		}
		if i > 0 && data > 0 && 2*r.values() >= most && 2*r.values() >= r.filled()-1 && !allYears(r) {
			return headingsBefore(rows, i)
		}
	}
	return min(1, len(rows))
}

// headingsBefore takes the headings of sections that stand between the header and the first data from the header.
func headingsBefore(rows []textRow, end int) int {
	for i := end - 1; i > 0; i-- {
		label := rows[i].cells[0].text()
		if rows[i].filled() != 1 || label == "" || startsLow(label) || breaksOff(rows[i-1].cells[0].text()) || rows[i-1].filled() < 2 {
			break
		}
		end = i
	}
	return end
}

// allYears tells a header of years from data.
func allYears(r textRow) bool {
	years, others := 0, 0
	for _, c := range r.cells {
		t := c.text()
		switch {
		case len(t) == 4 && (t[:2] == "19" || t[:2] == "20") && isValue(t):
			years++
		case t != "" && isValue(t):
			others++
		}
	}
	return years > 1 && others == 0
}

// pitchOf is the usual distance between the centres of two lines that follow closely: the lower quartile.
func pitchOf(rows []textRow) int {
	var steps []int
	for i := 1; i < len(rows); i++ {
		steps = append(steps, rows[i].midY()-rows[i-1].midY())
	}
	if len(steps) == 0 {
		return 0
	}
	slices.Sort(steps)
	return steps[len(steps)/4]
}

// trimmed is the table without the rows and columns in which nothing stands.
func (g grid) trimmed() grid {
	var t grid
	var keep []int
	for _, row := range g.rows {
		for j, c := range row {
			if len(c.words) > 0 && !slices.Contains(keep, j) {
				keep = append(keep, j)
			}
		}
	}
	slices.Sort(keep)
	for _, row := range g.rows {
		filled := false
		short := make([]cell, len(keep))
		for i, j := range keep {
			short[i] = row[j]
			filled = filled || len(row[j].words) > 0
		}
		if filled {
			t.rows = append(t.rows, short)
		}
	}
	return t
}

package layout

import "slices"

// Cell is one cell of a table with its words.
type Cell struct {
	Box
	words []Word
	over  int  // columns it stands over, when more than one
	lost  int  // pieces of ink in it that belong to no word
	torn  bool // it may be more than one cell
}

// Add adds words that stand in the cell.
func (c *Cell) Add(words ...Word) {
	for _, w := range words {
		c.Box = c.Box.Union(w.Box)
		c.words = append(c.words, w)
	}
}

// join adds the words and the doubts of o, which is a part of the same cell.
func (c *Cell) join(o Cell) {
	c.Add(o.words...)
	c.over, c.torn = max(c.over, o.over), c.torn || o.torn
}

// Text returns the words of the cell with a space between them.
func (c *Cell) Text() string { return JoinWords(c.words) }

// Grid is a table as it stands on the sheet: every row has the same number of cells.
type Grid struct {
	Rows [][]Cell
}

// GridOf makes a table of words, by the ruling lines where they make a lattice, otherwise by the room between words.
func GridOf(words []Word, r Rules) Grid {
	if f, ok := frameOf(r, words); ok {
		return f.grid(words).trimmed()
	}
	return openGrid(words, r).trimmed()
}

// openGrid makes a table of words that are not in a lattice of ruling lines.
func openGrid(words []Word, r Rules) Grid {
	h := TextHeight(words)
	lines := LinesOf(words)
	columns := withLonely(mergeThin(columnsOf(lines, r.W), lines), lines, h)
	if len(columns) == 0 {
		columns = []span{{0, r.W}}
	}
	lines = splitAtColumns(lines, columns, h)
	rows := make([]textRow, len(lines))
	for i, l := range lines {
		rows[i] = rowOf(l, columns)
	}
	rows = withoutCutOff(rows, r)
	head := headEnd(rows)
	t := sheet{columns: columns, rules: r, h: h, pitch: pitchOf(rows)}
	var g Grid
	g.Rows = append(g.Rows, t.header(rows[:head])...)
	t.doubtHeader(g.Rows)
	for _, row := range t.body(rows[head:]) {
		g.Rows = append(g.Rows, row.cells)
	}
	return g
}

// textRow is one line of text, its segments put into the columns.
type textRow struct {
	Box
	cells []Cell
}

func rowOf(l Line, columns []span) textRow {
	row := textRow{l.Box, make([]Cell, len(columns))}
	for _, s := range l.segments {
		first, last := covers(columns, s.Box)
		row.cells[first].torn = row.cells[first].torn || s.torn || len(row.cells[first].words) > 0
		row.cells[first].Add(s.words...)
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
		if len(c.words) > 0 && IsValue(c.Text()) {
			n++
		}
	}
	return n
}

// withoutCutOff drops the first and the last line where the picture's edge runs through them.
func withoutCutOff(rows []textRow, r Rules) []textRow {
	if len(rows) > 2 && rows[0].Top <= 1 && cutThrough(rows[0]) {
		rows = rows[1:]
	}
	if n := len(rows); n > 2 && rows[n-1].Bottom >= r.H-1 && cutThrough(rows[n-1]) {
		rows = rows[:n-1]
	}
	return rows
}

// cutThrough reports whether a line at the edge is hardly readable, as halved letters are.
func cutThrough(r textRow) bool {
	var words []Word
	for _, c := range r.cells {
		words = append(words, c.words...)
	}
	return MeanConfidence(words) < 60 || r.filled() == 1
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
			if j > 0 && len(c.words) > 0 && IsValue(c.Text()) {
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
		label := rows[i].cells[0].Text()
		if rows[i].filled() != 1 || label == "" || startsLow(label) || breaksOff(rows[i-1].cells[0].Text()) || rows[i-1].filled() < 2 {
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
		t := c.Text()
		switch {
		case len(t) == 4 && (t[:2] == "19" || t[:2] == "20") && IsValue(t):
			years++
		case t != "" && IsValue(t):
			others++
		}
	}
	return years > 1 && others == 0
}

// pitchOf is the usual distance between the centres of two lines that follow closely: the lower quartile.
func pitchOf(rows []textRow) int {
	var steps []int
	for i := 1; i < len(rows); i++ {
		steps = append(steps, rows[i].MidY()-rows[i-1].MidY())
	}
	if len(steps) == 0 {
		return 0
	}
	slices.Sort(steps)
	return steps[len(steps)/4]
}

// trimmed returns the table without empty rows and columns.
func (g Grid) trimmed() Grid {
	var t Grid
	var keep []int
	for _, row := range g.Rows {
		for j, c := range row {
			if len(c.words) > 0 && !slices.Contains(keep, j) {
				keep = append(keep, j)
			}
		}
	}
	slices.Sort(keep)
	for _, row := range g.Rows {
		filled := false
		short := make([]Cell, len(keep))
		for i, j := range keep {
			short[i] = row[j]
			filled = filled || len(row[j].words) > 0
		}
		if filled {
			t.Rows = append(t.Rows, short)
		}
	}
	return t
}

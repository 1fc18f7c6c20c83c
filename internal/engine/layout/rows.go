package layout

// sheet holds the measures of a sheet without a lattice that are needed to make rows of its lines.
type sheet struct {
	columns []span
	rules   Rules
	h       int // usual height of a word
	pitch   int // usual distance of two lines that follow closely
}

// body joins the lines that are one row: a label or a cell that goes on in the next line.
func (t sheet) body(lines []textRow) []textRow {
	var rows []textRow
	loose := t.isLoose(lines)
	last := textRow{} // the last line of the row that is being built
	for _, l := range lines {
		n := len(rows)
		if n > 0 && t.joins(rows[n-1], last, l, loose) {
			rows[n-1].Box = rows[n-1].Union(l.Box)
			for j, c := range l.cells {
				rows[n-1].cells[j].join(c)
			}
		} else {
			rows = append(rows, l)
		}
		last = l
	}
	doubtLabels(rows, t.h)
	return rows
}

// doubtLabels marks labels whose first line may belong to the values of the row above: a row has values and no label, and
// the line below it has a label and no values.
func doubtLabels(rows []textRow, h int) {
	for i := 1; i < len(rows); i++ {
		a, b := &rows[i-1], &rows[i]
		if a.cells[0].Empty() && a.values() > 0 && b.filled() == 1 && !b.cells[0].Empty() && b.cells[0].over <= 1 && b.Top-a.Bottom < h/2 {
			a.cells[0].lost++
			b.cells[0].torn = true
		}
	}
}

// isLoose reports whether rows stand clearly further apart than the lines within a row.
func (t sheet) isLoose(lines []textRow) bool {
	tight, wide := 0, 0
	for i := 1; i < len(lines); i++ {
		step := lines[i].MidY() - lines[i-1].MidY()
		if 100*step > 125*t.pitch {
			wide++
		} else {
			tight++
		}
	}
	return tight > 0 && wide > 0 && 4*wide >= tight
}

// joins reports whether line continues row, whose last line is last.
func (t sheet) joins(row, last, line textRow, loose bool) bool {
	step := line.MidY() - last.MidY()
	if 100*step > 130*max(t.pitch, t.h) || t.ruledBetween(last.Box, line.Box) {
		return false
	}
	for j, c := range line.cells {
		if len(c.words) > 0 && len(row.cells[j].words) > 0 && IsValue(c.Text()) && IsValue(last.cells[j].Text()) {
			return false
		}
	}
	if 100*step < 70*t.h {
		return true // they overlap: a label of two lines beside values at its middle
	}
	if line.values() == 0 && line.filled() > 0 {
		return t.goesOn(row, last, line, loose)
	}
	return t.labelFirst(row, last, line)
}

// goesOn reports whether line, without values of its own, is the rest of cells of row.
func (t sheet) goesOn(row, last, line textRow, loose bool) bool {
	clues, filled := 0, 0
	for j, c := range line.cells {
		if len(c.words) == 0 {
			continue
		}
		filled++
		if len(row.cells[j].words) == 0 {
			return false
		}
		before := last.cells[j].Text()
		if startsLow(c.Text()) || breaksOff(before) {
			clues++
		} else if loose && t.fullLine(last.cells[j], c, j) {
			clues++
		}
	}
	return 2*clues >= filled && filled < len(line.cells)
}

// labelFirst reports whether last is the first line of a label whose values stand on its last line.
func (t sheet) labelFirst(row, last, line textRow) bool {
	if row.filled() != 1 || len(row.cells[0].words) == 0 || len(line.cells[0].words) == 0 {
		return false
	}
	label, rest := last.cells[0], line.cells[0]
	if startsLow(rest.Text()) || breaksOff(label.Text()) {
		return true
	}
	return false
}

// fullLine reports whether the next line's first word would not have fitted behind cell: then the line was broken for
// room and not because something new begins.
func (t sheet) fullLine(c, next Cell, column int) bool {
	if len(c.words) == 0 || len(next.words) == 0 {
		return false
	}
	return c.Right+t.h/3+next.words[0].Width() > t.columns[column].right
}

// ruledBetween reports whether a line is drawn between two lines of text, over most of their width.
func (t sheet) ruledBetween(a, b Box) bool {
	both := a.Union(b)
	sum := 0
	for _, l := range t.rules.across {
		if l.MidY() > a.MidY() && l.MidY() < b.MidY() {
			sum += max(0, l.OverlapX(both.Left, both.Right))
		}
	}
	return 2*sum > both.Width()
}

// stack is a cell of the header: its lines, one below the other in one column.
type stack struct {
	Cell
	column, first, last int // last and first: of the lines it reaches over
}

// plain is the confidence, 0 to 100, below which a cell of the header does not say where a row of it ends.
const plain = 60

// header makes rows of the lines above the data. Lines stacked in one column are one cell, and cells side by side are one
// row. A cell that ends above the beginning of another one is in a row of its own.
func (t sheet) header(lines []textRow) [][]Cell {
	if len(lines) == 0 {
		return nil
	}
	lines = t.withoutTitle(lines)
	all := t.stacks(lines)
	var rows [][]Cell
	for len(all) > 0 {
		end := len(lines)
		for _, s := range all {
			if MeanConfidence(s.words) >= plain || len(all) == 1 {
				end = min(end, s.last)
			}
		}
		row := make([]Cell, len(t.columns))
		var rest []stack
		for _, s := range all {
			if s.first > end {
				rest = append(rest, s)
				continue
			}
			row[s.column].join(s.Cell)
		}
		rows, all = append(rows, row), rest
	}
	return rows
}

func (t sheet) stacks(lines []textRow) []stack {
	var all []stack
	open := make([]int, len(t.columns)) // index+1 into all of the last cell over each column
	for i, l := range lines {
		for j, c := range l.cells {
			if len(c.words) == 0 {
				continue
			}
			if k := open[j] - 1; k >= 0 && t.goesBelow(all[k].Cell, c, lines[all[k].last].Box) {
				all[k].join(c)
				all[k].last = i
				continue
			}
			all = append(all, stack{c, j, i, i})
			for x := j; x < min(j+max(c.over, 1), len(open)); x++ {
				open[x] = len(all)
			}
		}
	}
	return all
}

// withoutTitle drops lines above the header that stand alone, from the left edge over several columns.
func (t sheet) withoutTitle(lines []textRow) []textRow {
	for len(lines) > 1 && lines[0].filled() == 1 && lines[0].cells[0].over > 1 {
		lines = lines[1:]
	}
	return lines
}

// goesBelow reports whether next is the following line of the header cell above.
func (t sheet) goesBelow(above, next Cell, last Box) bool {
	if above.over > 1 || next.over > 1 {
		return false
	}
	if 100*(next.MidY()-last.MidY()) > 150*max(t.pitch, t.h) {
		return false
	}
	for _, l := range t.rules.across {
		if l.MidY() > last.MidY() && l.MidY() < next.MidY() && 2*l.OverlapX(next.Left, next.Right) > next.Width() {
			return false
		}
	}
	slack := t.h * 7 / 10
	return abs(above.Left-next.Left) <= slack || abs(above.Right-next.Right) <= slack || abs(above.MidX()-next.MidX()) <= slack
}

// doubtHeader marks cells of the header that stand as close below each other as the lines of one cell do, but were put into
// different rows: if the lines of headings do not end at one height, it is unknown which of them belong together.
func (t sheet) doubtHeader(rows [][]Cell) {
	var above []*Cell
	for i := range rows {
		n := len(above)
		for j := range rows[i] {
			b := &rows[i][j]
			if b.Empty() {
				continue
			}
			for _, a := range above[:n] {
				if b.OverlapX(a.Left, a.Right) > 0 && 10*(b.Top-a.Bottom) <= 7*t.h && !t.ruledBetween(a.Box, b.Box) {
					a.torn, b.torn = true, true
				}
			}
			above = append(above, b)
		}
	}
}

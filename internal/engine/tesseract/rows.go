package tesseract

// sheet is what is known of a sheet without a lattice while its lines are made into rows.
type sheet struct {
	columns []span
	rules   rules
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
			rows[n-1].box = rows[n-1].union(l.box)
			for j, c := range l.cells {
				rows[n-1].cells[j].add(c.words...)
			}
		} else {
			rows = append(rows, l)
		}
		last = l
	}
	return rows
}

// isLoose reports whether rows stand clearly further apart than the lines within a row.
func (t sheet) isLoose(lines []textRow) bool {
	tight, wide := 0, 0
	for i := 1; i < len(lines); i++ {
		step := lines[i].midY() - lines[i-1].midY()
		if 100*step > 125*t.pitch {
			wide++
		} else {
			tight++
		}
	}
	return tight > 0 && wide > 0 && 4*wide >= tight
}

// joins reports whether line goes on with row, whose last line is last.
func (t sheet) joins(row, last, line textRow, loose bool) bool {
	step := line.midY() - last.midY()
	if 100*step > 130*max(t.pitch, t.h) || t.ruledBetween(last.box, line.box) {
		return false
	}
	for j, c := range line.cells {
		if len(c.words) > 0 && len(row.cells[j].words) > 0 && isValue(c.text()) && isValue(last.cells[j].text()) {
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
		before := last.cells[j].text()
		if startsLow(c.text()) || breaksOff(before) {
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
	if startsLow(rest.text()) || breaksOff(label.text()) {
		return true
	}
	return false
}

// fullLine reports whether the next line's first word would not have fitted behind cell: then the line was broken for
// room and not because something new begins.
func (t sheet) fullLine(c, next cell, column int) bool {
	if len(c.words) == 0 || len(next.words) == 0 {
		return false
	}
	return c.right+t.h/3+next.words[0].width() > t.columns[column].right
}

// ruledBetween reports whether a line is drawn between two lines of text, over most of their width.
func (t sheet) ruledBetween(a, b box) bool {
	both := a.union(b)
	sum := 0
	for _, l := range t.rules.across {
		if l.midY() > a.midY() && l.midY() < b.midY() {
			sum += max(0, l.overlapX(both.left, both.right))
		}
	}
	return 2*sum > both.width()
}

// stack is a cell of the header: its lines, one below the other in one column.
type stack struct {
	cell
	column, first, last int // last and first: of the lines it reaches over
}

// header makes rows of the lines above the data. What is stacked in one column is one cell, and cells side by side are
// one row; what ends above where another begins is a row of its own.
func (t sheet) header(lines []textRow) [][]cell {
	if len(lines) == 0 {
		return nil
	}
	lines = t.withoutTitle(lines)
	all := t.stacks(lines)
	var rows [][]cell
	for len(all) > 0 {
		end := len(lines)
		for _, s := range all {
			end = min(end, s.last)
		}
		row := make([]cell, len(t.columns))
		var rest []stack
		for _, s := range all {
			if s.first > end {
				rest = append(rest, s)
				continue
			}
			row[s.column].add(s.words...)
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
			if k := open[j] - 1; k >= 0 && t.goesBelow(all[k].cell, c, lines[all[k].last].box) {
				all[k].add(c.words...)
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
func (t sheet) goesBelow(above, next cell, last box) bool {
	if above.over > 1 || next.over > 1 {
		return false
	}
	if 100*(next.midY()-last.midY()) > 150*max(t.pitch, t.h) {
		return false
	}
	for _, l := range t.rules.across {
		if l.midY() > last.midY() && l.midY() < next.midY() && 2*l.overlapX(next.left, next.right) > next.width() {
			return false
		}
	}
	slack := t.h * 7 / 10
	return abs(above.left-next.left) <= slack || abs(above.right-next.right) <= slack || abs(above.midX()-next.midX()) <= slack
}

package layout

import (
	"cmp"
	"slices"
)

// frame is the lattice of a ruled table: the places of its lines, and which stretches of them are drawn. Cells without
// a line between them are one cell of the sheet.
type frame struct {
	xs, ys []int
	across [][]bool // [y][x]: the line ys[y] is drawn between xs[x] and xs[x+1]
	down   [][]bool // [y][x]: the line xs[x] is drawn between ys[y] and ys[y+1]

	openLeft, openRight bool // the outermost column has no outer line
}

const (
	drawn   = 0.6  // of a stretch must be covered by ink for the line to count as drawn there
	reaches = 0.22 // of the table's extent is the least that a line of the lattice has
)

// frameOf returns the lattice that the ruling lines make, and false when they make none: fewer than two rows and two
// columns, or a lattice that holds only a part of the text.
func frameOf(r Rules, words []Word) (frame, bool) {
	h := TextHeight(words)
	whole := extent(r.across).Union(extent(r.down))
	f := frame{
		ys: places(r.across, h, int(reaches*float64(whole.Width())), func(b Box) (int, int) { return b.MidY(), b.Width() }),
		xs: places(r.down, h, int(reaches*float64(whole.Height())), func(b Box) (int, int) { return b.MidX(), b.Height() }),
	}
	if len(f.xs) < 2 || len(f.ys) < 3 {
		return frame{}, false
	}
	f.openSides(words, h)
	if len(f.xs) < 3 {
		return frame{}, false
	}
	f.draw(r, h)
	return f, f.holds(words) && f.isLattice()
}

func extent(boxes []Box) Box {
	var all Box
	for _, b := range boxes {
		all = all.Union(b)
	}
	return all
}

// places clusters lines that lie on one height, and keeps the clusters that are at least least long in total.
func places(lines []Box, h, least int, measure func(Box) (at, length int)) []int {
	sorted := slices.Clone(lines)
	slices.SortFunc(sorted, func(a, b Box) int {
		x, _ := measure(a)
		y, _ := measure(b)
		return cmp.Compare(x, y)
	})
	var found []int
	start, last, total, weighted := 0, 0, 0, 0
	flush := func() {
		if total > 0 && total >= least {
			found = append(found, weighted/total)
		}
	}
	for i, l := range sorted {
		at, length := measure(l)
		if i > 0 && (at-last > h/3 || at-start > h*2/3) {
			flush()
			total, weighted, start = 0, 0, at
		}
		if i == 0 {
			start = at
		}
		last = at
		total += length
		weighted += at * length
	}
	flush()
	return found
}

// openSides adds the edges of tables whose outer lines are not drawn.
func (f *frame) openSides(words []Word, h int) {
	top, bottom := f.ys[0], f.ys[len(f.ys)-1]
	left, right := f.xs[0], f.xs[len(f.xs)-1]
	var inside Box
	for _, w := range words {
		if w.MidY() > top && w.MidY() < bottom {
			inside = inside.Union(w.Box)
		}
	}
	if inside.Left < left-h {
		f.xs = append([]int{inside.Left - h/2}, f.xs...)
		f.openLeft = true
	}
	if inside.Right > right+h {
		f.xs = append(f.xs, inside.Right+h/2)
		f.openRight = true
	}
}

func (f *frame) draw(r Rules, h int) {
	for i := range f.ys {
		row := make([]bool, len(f.xs)-1)
		for j := range row {
			row[j] = covered(r.across, f.ys[i], h, f.xs[j], f.xs[j+1], func(b Box) (int, int, int) { return b.MidY(), b.Left, b.Right })
		}
		// Where a table is open at a side, its lines often end before the last column.
		if f.openLeft {
			row[0] = row[0] || row[1]
		}
		if n := len(row); f.openRight {
			row[n-1] = row[n-1] || row[n-2]
		}
		f.across = append(f.across, row)
	}
	for i := range len(f.ys) - 1 {
		row := make([]bool, len(f.xs))
		for j := range row {
			row[j] = covered(r.down, f.xs[j], h, f.ys[i], f.ys[i+1], func(b Box) (int, int, int) { return b.MidX(), b.Top, b.Bottom })
		}
		f.down = append(f.down, row)
	}
}

func covered(lines []Box, at, h, from, to int, measure func(Box) (at, from, to int)) bool {
	sum := 0
	for _, l := range lines {
		p, a, b := measure(l)
		if max(p-at, at-p) <= h/2 {
			sum += max(0, min(b, to)-max(a, from))
		}
	}
	return float64(sum) >= drawn*float64(to-from)
}

// holds reports whether most of the text stands in the lattice.
func (f *frame) holds(words []Word) bool {
	in := 0
	for _, w := range words {
		if row, column := f.at(w.Box); row >= 0 && column >= 0 {
			in++
		}
	}
	return 10*in >= 6*len(words)
}

// isLattice reports whether enough of the lines inside are drawn to trust them for the cells.
func (f *frame) isLattice() bool {
	rows, columns := len(f.ys)-1, len(f.xs)-1
	down, all := 0, 0
	for i := range rows {
		for j := 1; j < columns; j++ {
			all++
			if f.down[i][j] {
				down++
			}
		}
	}
	return rows >= 2 && columns >= 2 && 10*down >= 5*all
}

func (f *frame) at(b Box) (row, column int) { return between(f.ys, b.MidY()), between(f.xs, b.MidX()) }

// between returns the index of the stretch of limits that holds v, -1 when none does.
func between(limits []int, v int) int {
	for i := range len(limits) - 1 {
		if v >= limits[i] && v < limits[i+1] {
			return i
		}
	}
	return -1
}

// owner returns for each place of the lattice the top left place of the cell it belongs to.
func (f *frame) owners() []int {
	rows, columns := len(f.ys)-1, len(f.xs)-1
	owner := make([]int, rows*columns)
	for i := range owner {
		owner[i] = i
	}
	find := func(i int) int {
		for owner[i] != i {
			i = owner[i]
		}
		return i
	}
	join := func(a, b int) {
		a, b = find(a), find(b)
		owner[max(a, b)] = min(a, b)
	}
	for i := range rows {
		for j := range columns {
			if j+1 < columns && !f.down[i][j+1] {
				join(i*columns+j, i*columns+j+1)
			}
			if i+1 < rows && !f.across[i+1][j] {
				join(i*columns+j, (i+1)*columns+j)
			}
		}
	}
	for i := range owner {
		owner[i] = find(i)
	}
	return owner
}

// grid puts the words into the cells of the lattice. Words outside the lattice are no part of the table.
func (f *frame) grid(words []Word) Grid {
	rows, columns := len(f.ys)-1, len(f.xs)-1
	owner := f.owners()
	perCell := make([][]Word, rows*columns)
	for _, w := range words {
		if i, j := f.at(w.Box); i >= 0 && j >= 0 {
			perCell[owner[i*columns+j]] = append(perCell[owner[i*columns+j]], w)
		}
	}
	var g Grid
	for i := range rows {
		row := make([]Cell, columns)
		for j := range columns {
			for _, l := range LinesOf(perCell[i*columns+j]) {
				row[j].Add(l.Words()...)
				row[j].torn = row[j].torn || f.parted(l.Words(), j)
			}
		}
		g.Rows = append(g.Rows, splitStacked(row)...)
	}
	return g
}

// parted reports whether a line of a cell has a gap where the lattice has a line behind its column j: the line may only
// not have been seen there.
func (f *frame) parted(words []Word, j int) bool {
	for _, x := range f.xs[j+1 : len(f.xs)-1] {
		for k := 1; k < len(words); k++ {
			if a, b := words[k-1], words[k]; a.Right-a.Height()/4 <= x && x <= b.Left+a.Height()/2 {
				return true
			}
		}
	}
	return false
}

// splitStacked cuts a row of the lattice into the rows of the sheet when values stand below each other in it: a table
// whose columns are ruled and whose rows are not. Numbers are never one cell's two lines.
func splitStacked(row []Cell) [][]Cell {
	var anchor []Line
	for _, c := range row {
		lines := LinesOf(c.words)
		if len(lines) > len(anchor) && !slices.ContainsFunc(lines, func(l Line) bool { return !IsValue(l.text()) }) {
			anchor = lines
		}
	}
	if len(anchor) < 2 {
		return [][]Cell{row}
	}
	split := make([][]Cell, len(anchor))
	for i := range split {
		split[i] = make([]Cell, len(row))
	}
	for j, c := range row {
		for _, w := range c.words {
			best := 0
			for i := range anchor {
				if abs(w.MidY()-anchor[i].MidY()) < abs(w.MidY()-anchor[best].MidY()) {
					best = i
				}
			}
			split[best][j].Add(w)
		}
	}
	return split
}

func abs(n int) int { return max(n, -n) }

package tesseract

import (
	"cmp"
	"image"
	"slices"
)

// mask is a picture of yes and no, row by row: where the ink is.
type mask struct {
	w, h int
	on   []bool
}

func (m *mask) row(y int) []bool { return m.on[y*m.w : (y+1)*m.w] }

// How much darker than its surroundings ink is, in per cent. 15 is the usual constant of the method (Bradley and Roth,
// 2007); ruling lines are often printed in light grey and are told from noise by their length.
const (
	inkDarker  = 15
	ruleDarker = 7
)

// threshold finds the ink: what is darker than its surroundings. A local mean follows shadows on photographs, where
// one limit for the whole page would not. darker is how many per cent darker than the mean counts as ink.
func threshold(g *image.Gray, darker uint64) *mask {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	m := &mask{w, h, make([]bool, w*h)}
	reach := max(min(w, h)/40, 15)
	sums := make([]uint64, w+1) // of the columns within reach, running over x
	columns := make([]uint32, w)
	for y := range min(reach, h) {
		addRow(columns, g.Pix[y*g.Stride:], 1)
	}
	for y := range h {
		if y+reach < h {
			addRow(columns, g.Pix[(y+reach)*g.Stride:], 1)
		}
		if y-reach-1 >= 0 {
			addRow(columns, g.Pix[(y-reach-1)*g.Stride:], -1)
		}
		for x, c := range columns {
			sums[x+1] = sums[x] + uint64(c)
		}
		rows := min(y+reach, h-1) - max(y-reach, 0) + 1
		line, on := g.Pix[y*g.Stride:], m.row(y)
		for x := range w {
			x0, x1 := max(x-reach, 0), min(x+reach+1, w)
			n := uint64(rows * (x1 - x0))
			on[x] = uint64(line[x])*n*100 < (sums[x1]-sums[x0])*(100-darker)
		}
	}
	return m
}

func addRow(columns []uint32, row []uint8, sign int) {
	if sign > 0 {
		for x := range columns {
			columns[x] += uint32(row[x])
		}
		return
	}
	for x := range columns {
		columns[x] -= uint32(row[x])
	}
}

// part is a connected piece of ink: a letter, a dot, a ruling line.
type part struct {
	box
	pixels int
}

type run struct{ from, to, label int }

// components returns the connected pieces of ink, corners touching counted as connected.
func components(m *mask) []part {
	var parts []part
	var parent []int
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	var above, here []run
	for y := range m.h {
		above, here = here, above[:0]
		k := 0
		for from, to := range runs(m.row(y)) {
			label := -1
			for k > 0 && above[k-1].to >= from {
				k--
			}
			for ; k < len(above) && above[k].from <= to; k++ {
				if above[k].to < from {
					continue
				}
				root := find(above[k].label)
				if label < 0 {
					label = root
				} else if root != label {
					parent[root] = label
					parts[label].box = parts[label].union(parts[root].box)
					parts[label].pixels += parts[root].pixels
				}
			}
			if label < 0 {
				label = len(parts)
				parts = append(parts, part{})
				parent = append(parent, label)
			}
			parts[label].box = parts[label].union(box{from, y, to, y + 1})
			parts[label].pixels += to - from
			here = append(here, run{from, to, label})
		}
	}
	var roots []part
	for i, p := range parts {
		if parent[i] == i {
			roots = append(roots, p)
		}
	}
	return roots
}

// runs yields the stretches of ink in a row, end exclusive.
func runs(row []bool) func(yield func(int, int) bool) {
	return func(yield func(int, int) bool) {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			from := x
			for x < len(row) && row[x] {
				x++
			}
			if !yield(from, x) {
				return
			}
		}
	}
}

// letters keeps the pieces that can be letters: neither specks nor lines nor stains.
func letters(parts []part) []part {
	plausible := slices.DeleteFunc(slices.Clone(parts), func(p part) bool {
		w, h := p.width(), p.height()
		return h < 4 || h > 150 || w < 2 || w > 6*h || h > 8*w || p.pixels*12 < w*h
	})
	usual := letterHeight(plausible)
	return slices.DeleteFunc(plausible, func(p part) bool { return p.height()*2 < usual || p.height() > 3*usual })
}

// letterHeight is the usual height of a letter, each weighed by its ink so that dots count for little; 0 where there
// is no text.
func letterHeight(parts []part) int {
	var ink [256]int
	all := 0
	for _, p := range parts {
		ink[min(p.height(), 255)] += p.pixels
		all += p.pixels
	}
	sum := 0
	for h, n := range ink {
		if sum += n; n > 0 && 2*sum >= all {
			return h
		}
	}
	return 0
}

// leaders are the dots that lead the eye from a label to its value. The tool reads them as letters.
func leaders(parts []part, letter int) []part {
	var dots, found []part
	for _, p := range parts {
		if 4*max(p.width(), p.height()) <= letter+3 && p.width() < 2*p.height()+2 {
			dots = append(dots, p)
		}
	}
	slices.SortFunc(dots, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.bottom, b.bottom), cmp.Compare(a.left, b.left))
	})
	for len(dots) > 0 {
		n := 1
		for n < len(dots) && dots[n].bottom-dots[0].bottom <= 2 {
			n++
		}
		found = append(found, chains(slices.Clone(dots[:n]), letter)...)
		dots = dots[n:]
	}
	return found
}

// chains keeps those of a line's dots that stand in evenly spaced chains of at least five.
func chains(dots []part, letter int) []part {
	sortByLeft(dots)
	var found []part
	for from := 0; from < len(dots); {
		to, pitch := from+1, 0
		for to < len(dots) {
			step := dots[to].left - dots[to-1].left
			if step > letter+letter/2 || pitch > 0 && max(step-pitch, pitch-step) > 2+pitch/4 {
				break
			}
			pitch = step
			to++
		}
		if to-from >= 5 {
			found = append(found, dots[from:to]...)
		}
		from = to
	}
	return found
}

package layout

import (
	"cmp"
	"image"
	"slices"
)

// Mask is a binary picture, row by row: true where there is ink.
type Mask struct {
	W, H int
	On   []bool
}

// Row returns the pixels at height y.
func (m *Mask) Row(y int) []bool { return m.On[y*m.W : (y+1)*m.W] }

// How much darker than its surroundings ink is, in per cent. 15 is the usual constant of the method (Bradley and Roth,
// 2007); ruling lines are often printed in light grey and are told from noise by their length.
const (
	InkDarker  = 15
	RuleDarker = 7
)

// Threshold finds the ink: the pixels that are darker than their surroundings. A local mean follows shadows on photographs,
// which one limit for the whole page would not. darker is the number of per cent below the mean from which a pixel is ink.
func Threshold(g *image.Gray, darker uint64) *Mask {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	m := &Mask{w, h, make([]bool, w*h)}
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
		line, on := g.Pix[y*g.Stride:], m.Row(y)
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

// Part is a connected piece of ink: a letter, a dot, a ruling line.
type Part struct {
	Box
	Pixels int
}

type run struct{ from, to, label int }

// Components returns the connected pieces of ink, corners touching counted as connected.
func Components(m *Mask) []Part {
	var parts []Part
	var parent []int
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	var above, here []run
	for y := range m.H {
		above, here = here, above[:0]
		k := 0
		for from, to := range Runs(m.Row(y)) {
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
					parts[label].Box = parts[label].Union(parts[root].Box)
					parts[label].Pixels += parts[root].Pixels
				}
			}
			if label < 0 {
				label = len(parts)
				parts = append(parts, Part{})
				parent = append(parent, label)
			}
			parts[label].Box = parts[label].Union(Box{from, y, to, y + 1})
			parts[label].Pixels += to - from
			here = append(here, run{from, to, label})
		}
	}
	var roots []Part
	for i, p := range parts {
		if parent[i] == i {
			roots = append(roots, p)
		}
	}
	return roots
}

// Runs yields the stretches of ink in a row, end exclusive.
func Runs(row []bool) func(yield func(int, int) bool) {
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

// Letters keeps the pieces that can be letters: neither specks nor lines nor stains.
func Letters(parts []Part) []Part {
	plausible := slices.DeleteFunc(slices.Clone(parts), func(p Part) bool {
		w, h := p.Width(), p.Height()
		return h < 4 || h > 150 || w < 2 || w > 6*h || h > 8*w || p.Pixels*12 < w*h
	})
	usual := LetterHeight(plausible)
	return slices.DeleteFunc(plausible, func(p Part) bool { return p.Height()*2 < usual || p.Height() > 3*usual })
}

// LetterHeight is the usual height of a letter, each weighed by its ink so that dots count for little; 0 where there
// is no text.
func LetterHeight(parts []Part) int {
	var ink [256]int
	all := 0
	for _, p := range parts {
		ink[min(p.Height(), 255)] += p.Pixels
		all += p.Pixels
	}
	sum := 0
	for h, n := range ink {
		if sum += n; n > 0 && 2*sum >= all {
			return h
		}
	}
	return 0
}

// Leaders are the dots that lead the eye from a label to its value. The tool reads them as letters.
func Leaders(parts []Part, letter int) []Part {
	var dots, found []Part
	for _, p := range parts {
		if 4*max(p.Width(), p.Height()) <= letter+3 && p.Width() < 2*p.Height()+2 {
			dots = append(dots, p)
		}
	}
	slices.SortFunc(dots, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.Bottom, b.Bottom), cmp.Compare(a.Left, b.Left))
	})
	for len(dots) > 0 {
		n := 1
		for n < len(dots) && dots[n].Bottom-dots[0].Bottom <= 2 {
			n++
		}
		found = append(found, chains(slices.Clone(dots[:n]), letter)...)
		dots = dots[n:]
	}
	return found
}

// chains keeps those of a line's dots that stand in evenly spaced chains of at least five.
func chains(dots []Part, letter int) []Part {
	SortByLeft(dots)
	var found []Part
	for from := 0; from < len(dots); {
		to, pitch := from+1, 0
		for to < len(dots) {
			step := dots[to].Left - dots[to-1].Left
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

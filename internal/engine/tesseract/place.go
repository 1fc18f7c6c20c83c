package tesseract

import (
	"math"

	"sheetlift/internal/engine/layout"
	"sheetlift/internal/table"
)

// locate turns the places of cells on the straightened picture into places on the picture as it was sent, and gives
// each row the place that its cells cover.
func (f *finding) locate(rows []table.Row) {
	for i := range rows {
		row := &rows[i]
		for j := range row.Cells {
			c := &row.Cells[j]
			if c.Box == nil {
				continue
			}
			c.Box = f.place(layout.Box{Left: c.Box.Left, Top: c.Box.Top, Right: c.Box.Right, Bottom: c.Box.Bottom})
			row.Box = around(row.Box, c.Box)
		}
	}
}

// place is where a box of the straightened picture lies on the picture as it was sent; nil outside of it.
func (f *finding) place(b layout.Box) *table.Box {
	n := f.net
	if n.w <= 0 || n.h <= 0 || f.scale <= 0 {
		return nil
	}
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, corner := range [][2]int{{b.Left, b.Top}, {b.Right, b.Top}, {b.Left, b.Bottom}, {b.Right, b.Bottom}} {
		x, y := n.source(float64(corner[0])/f.scale, float64(corner[1])/f.scale)
		left, right = min(left, x), max(right, x)
		top, bottom = min(top, y), max(bottom, y)
	}
	share := func(v, of float64) int { return int(math.Round(min(max(v/of, 0), 1) * 1000)) }
	placed := &table.Box{Top: share(top, n.h), Left: share(left, n.w), Bottom: share(bottom, n.h), Right: share(right, n.w)}
	if placed.Top >= placed.Bottom || placed.Left >= placed.Right {
		return nil
	}
	return placed
}

// around is the smallest box over both; either may be nil.
func around(a, b *table.Box) *table.Box {
	if a == nil || b == nil {
		if a == nil {
			a = b
		}
		if a == nil {
			return nil
		}
		same := *a
		return &same
	}
	return &table.Box{Top: min(a.Top, b.Top), Left: min(a.Left, b.Left), Bottom: max(a.Bottom, b.Bottom), Right: max(a.Right, b.Right)}
}

package neural

import (
	"image"
	"slices"

	"sheetlift/internal/engine/layout"
)

// The detector misses letters that stand alone, as digits in a column do. Their ink is still there.
const (
	maxMissed  = 150 // more pieces of ink beside the lines than that are noise, and none of them is read
	missedFrom = 0.3 // probability of a letter from which it was one
)

// missed returns the pieces of ink as large as letters or dashes that are in none of the lines, those beside each other together.
func missed(page *image.Gray, lines []quad) []quad {
	parts := layout.Components(layout.Threshold(page, layout.InkDarker))
	h := layout.LetterHeight(layout.Letters(parts))
	if h < 6 {
		return nil
	}
	covered := make([]layout.Box, len(lines))
	for i, q := range lines {
		covered[i] = q.box(0, 0, q.width, q.height)
	}
	var free []layout.Box
	for _, p := range parts {
		if !letterlike(p, h) || slices.ContainsFunc(covered, func(b layout.Box) bool {
			return p.MidX() >= b.Left && p.MidX() < b.Right && p.MidY() >= b.Top && p.MidY() < b.Bottom
		}) {
			continue
		}
		free = append(free, p.Box)
	}
	if len(free) > maxMissed {
		return nil
	}
	layout.SortByLeft(free)
	var groups []layout.Box
	for _, b := range free {
		i := slices.IndexFunc(groups, func(g layout.Box) bool {
			return b.Left-g.Right < h/2 && b.MidY() < g.Bottom && b.MidY() >= g.Top && g.Union(b).Height() < 2*h
		})
		if i >= 0 {
			groups[i] = groups[i].Union(b)
			continue
		}
		groups = append(groups, b)
	}
	var found []quad
	for _, g := range groups {
		high := max(g.Height(), h) // a dash is read in the middle of its line
		found = append(found, quad{
			x: float64(g.Left+g.Right) / 2, y: float64(g.Top+g.Bottom) / 2,
			width: float64(g.Width()) + 0.6*float64(h), height: 1.5 * float64(high), cos: 1,
		})
	}
	return found
}

// letterlike reports whether a piece of ink is as large as a letter or a dash beside letters of this height.
func letterlike(p layout.Part, h int) bool {
	w, ph := p.Width(), p.Height()
	letter := 20*ph >= 11*h && 10*ph < 16*h && 6*w >= h && w < 3*h && 5*p.Pixels > w*ph
	dash := 3*ph <= h+2 && w >= 2*ph && 4*w >= h && w < 2*h && 10*p.Pixels >= 6*w*ph
	return letter || dash
}

// certain reports whether each letter of a line that the detector did not see is probable.
func (l line) certain() bool {
	return len(l.letters) > 0 && !slices.ContainsFunc(l.letters, func(o letter) bool { return o.sure < missedFrom })
}

package layout

import (
	"cmp"
	"image"
	"slices"
)

// Rules are the ruling lines of a sheet, as boxes as thin as the lines.
type Rules struct {
	W, H       int // of the picture
	across     []Box
	down       []Box
	horizontal []Box // raw pieces, to be erased
	vertical   []Box
}

// FindRules finds long straight runs of ink in both directions. Letters have none: a run must be longer than three
// letters are tall.
func FindRules(m *Mask, letter int) Rules {
	short := min(m.W, m.H)
	r := Rules{W: m.W, H: m.H}
	least := max(60, short/14, 3*letter)
	r.horizontal = longRuns(m, least)
	turned := Transpose(m)
	for _, b := range longRuns(turned, max(50, min(least, short/14), 3*letter)) {
		r.vertical = append(r.vertical, Box{b.Top, b.Left, b.Bottom, b.Right})
	}
	thick := max(12, letter)
	r.across = joinRuns(r.horizontal, thick, func(b Box) Box { return b })
	r.down = joinRuns(r.vertical, thick, flip)
	return r
}

func flip(b Box) Box { return Box{b.Top, b.Left, b.Bottom, b.Right} }

// longRuns returns the runs of ink of at least least pixels, each a box one pixel high. A gap of two pixels does not
// end a run.
func longRuns(m *Mask, least int) []Box {
	var found []Box
	for y := range m.H {
		from, to := -1, -1
		flush := func() {
			if from >= 0 && to-from >= least {
				found = append(found, Box{from, y, to, y + 1})
			}
		}
		for a, b := range Runs(m.Row(y)) {
			if from >= 0 && a-to <= 2 {
				to = b
				continue
			}
			flush()
			from, to = a, b
		}
		flush()
	}
	return found
}

// Transpose returns m with rows and columns exchanged.
func Transpose(m *Mask) *Mask {
	t := &Mask{m.H, m.W, make([]bool, len(m.On))}
	for y := range m.H {
		for x, on := range m.Row(y) {
			t.On[x*t.W+y] = on
		}
	}
	return t
}

// bridge is how far apart two pieces of one line may be: light lines are lost beside letters.
const bridge = 60

// joinRuns makes lines of runs that lie on top of each other or one after the other. A line thicker than thick is a filled
// area and is dropped. turn makes every line horizontal.
func joinRuns(pieces []Box, thick int, turn func(Box) Box) []Box {
	flat := make([]Box, len(pieces))
	for i, p := range pieces {
		flat[i] = turn(p)
	}
	slices.SortFunc(flat, func(a, b Box) int { return cmp.Or(cmp.Compare(a.Top, b.Top), cmp.Compare(a.Left, b.Left)) })
	var lines []Box
	for _, p := range flat {
		i := slices.IndexFunc(lines, func(l Box) bool {
			return p.Top-l.Bottom <= 2 && p.Left <= l.Right+bridge && l.Left <= p.Right+bridge
		})
		if i < 0 {
			lines = append(lines, p)
			continue
		}
		lines[i] = lines[i].Union(p)
	}
	lines = slices.DeleteFunc(lines, func(l Box) bool { return l.Height() > thick })
	for i, l := range lines {
		lines[i] = turn(l)
	}
	return lines
}

// Erase paints the lines in the colour of the paper beside them.
func (r Rules) Erase(g *image.Gray) {
	for _, l := range r.across {
		bridged(g, l)
	}
	for _, b := range r.horizontal {
		Paint(g, Box{b.Left - 1, b.Top - 1, b.Right + 1, b.Bottom + 1})
	}
	for _, b := range r.vertical {
		Paint(g, Box{b.Left - 1, b.Top - 1, b.Right + 1, b.Bottom + 1})
	}
}

// Near reports whether b lies on a line across, or on the way between two pieces of it.
func (r Rules) Near(b Box) bool {
	return slices.ContainsFunc(r.across, func(l Box) bool {
		return b.MidY() >= l.Top-3 && b.MidY() < l.Bottom+3 && l.OverlapX(b.Left, b.Right) > -bridge
	})
}

// bridged paints over the faint rest of a light line between its pieces, if the paper shows above and below it.
func bridged(g *image.Gray, l Box) {
	const away, lighter = 3, 8
	if l.Top < away || l.Bottom+away > g.Rect.Dy() || l.Height() > 6 {
		return
	}
	at := func(x, y int) int { return int(g.Pix[y*g.Stride+x]) }
	for x := max(l.Left, 0); x < min(l.Right, g.Rect.Dx()); x++ {
		v := at(x, l.MidY())
		if at(x, l.Top-away) > v+lighter && at(x, l.Bottom+away-1) > v+lighter {
			Paint(g, Box{x, l.Top - 1, x + 1, l.Bottom + 1})
		}
	}
}

// Paint makes the pixels of b white.
func Paint(g *image.Gray, b Box) {
	b = Box{max(b.Left, 0), max(b.Top, 0), min(b.Right, g.Rect.Dx()), min(b.Bottom, g.Rect.Dy())}
	for y := b.Top; y < b.Bottom; y++ {
		row := g.Pix[y*g.Stride+b.Left : y*g.Stride+b.Right]
		for x := range row {
			row[x] = 255
		}
	}
}

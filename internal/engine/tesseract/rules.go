package tesseract

import (
	"cmp"
	"image"
	"slices"
)

// rules are the ruling lines of a sheet, as boxes as thin as the lines.
type rules struct {
	w, h       int // of the picture
	across     []box
	down       []box
	horizontal []box // raw pieces, to be erased
	vertical   []box
}

// findRules finds long straight runs of ink in both directions. Letters have none: a run must be longer than three
// letters are tall.
func findRules(m *mask, letter int) rules {
	short := min(m.w, m.h)
	r := rules{w: m.w, h: m.h}
	least := max(60, short/14, 3*letter)
	r.horizontal = longRuns(m, least)
	turned := transpose(m)
	for _, b := range longRuns(turned, max(50, min(least, short/14), 3*letter)) {
		r.vertical = append(r.vertical, box{b.top, b.left, b.bottom, b.right})
	}
	thick := max(12, letter)
	r.across = joinRuns(r.horizontal, thick, func(b box) box { return b })
	r.down = joinRuns(r.vertical, thick, flip)
	return r
}

func flip(b box) box { return box{b.top, b.left, b.bottom, b.right} }

// longRuns returns the runs of ink of at least least pixels, each a box one pixel high. A gap of two pixels does not
// end a run.
func longRuns(m *mask, least int) []box {
	var found []box
	for y := range m.h {
		from, to := -1, -1
		flush := func() {
			if from >= 0 && to-from >= least {
				found = append(found, box{from, y, to, y + 1})
			}
		}
		for a, b := range runs(m.row(y)) {
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

func transpose(m *mask) *mask {
	t := &mask{m.h, m.w, make([]bool, len(m.on))}
	for y := range m.h {
		for x, on := range m.row(y) {
			t.on[x*t.w+y] = on
		}
	}
	return t
}

// bridge is how far apart two pieces of one line may be: light lines are lost beside letters.
const bridge = 60

// joinRuns makes lines of runs that lie on top of each other or one after the other; what is thicker than thick is a
// filled area and no line. turn makes every line lie flat.
func joinRuns(pieces []box, thick int, turn func(box) box) []box {
	flat := make([]box, len(pieces))
	for i, p := range pieces {
		flat[i] = turn(p)
	}
	slices.SortFunc(flat, func(a, b box) int { return cmp.Or(cmp.Compare(a.top, b.top), cmp.Compare(a.left, b.left)) })
	var lines []box
	for _, p := range flat {
		i := slices.IndexFunc(lines, func(l box) bool {
			return p.top-l.bottom <= 2 && p.left <= l.right+bridge && l.left <= p.right+bridge
		})
		if i < 0 {
			lines = append(lines, p)
			continue
		}
		lines[i] = lines[i].union(p)
	}
	lines = slices.DeleteFunc(lines, func(l box) bool { return l.height() > thick })
	for i, l := range lines {
		lines[i] = turn(l)
	}
	return lines
}

// erase paints the lines in the colour of the paper beside them.
func (r rules) erase(g *image.Gray) {
	for _, l := range r.across {
		bridged(g, l)
	}
	for _, b := range r.horizontal {
		paint(g, box{b.left - 1, b.top - 1, b.right + 1, b.bottom + 1})
	}
	for _, b := range r.vertical {
		paint(g, box{b.left - 1, b.top - 1, b.right + 1, b.bottom + 1})
	}
}

// near reports whether b lies on a line across, or on the way between two pieces of it.
func (r rules) near(b box) bool {
	return slices.ContainsFunc(r.across, func(l box) bool {
		return b.midY() >= l.top-3 && b.midY() < l.bottom+3 && l.overlapX(b.left, b.right) > -bridge
	})
}

// bridged paints what is left of a light line between its pieces, where the paper shows above and below it.
func bridged(g *image.Gray, l box) {
	const away, lighter = 3, 8
	if l.top < away || l.bottom+away > g.Rect.Dy() || l.height() > 6 {
		return
	}
	at := func(x, y int) int { return int(g.Pix[y*g.Stride+x]) }
	for x := max(l.left, 0); x < min(l.right, g.Rect.Dx()); x++ {
		v := at(x, l.midY())
		if at(x, l.top-away) > v+lighter && at(x, l.bottom+away-1) > v+lighter {
			paint(g, box{x, l.top - 1, x + 1, l.bottom + 1})
		}
	}
}

func paint(g *image.Gray, b box) {
	b = box{max(b.left, 0), max(b.top, 0), min(b.right, g.Rect.Dx()), min(b.bottom, g.Rect.Dy())}
	for y := b.top; y < b.bottom; y++ {
		row := g.Pix[y*g.Stride+b.left : y*g.Stride+b.right]
		for x := range row {
			row[x] = 255
		}
	}
}

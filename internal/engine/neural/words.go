package neural

import (
	"image"
	"slices"
	"strings"

	"sheetlift/internal/engine/layout"
)

// Where a gap between letters is a space, in heights of the line's ink: letters and digits differ.
const (
	spaceLeast  = 0.28 // between letters
	spaceBeyond = 0.22 // beyond the usual gap of the line
	spaceDigits = 0.5  // between digits
	spaceSaid   = 0.22 // where the recogniser read a space
	spaceFirst  = 0.4  // the same behind the first letter, where it often reads one that is not there
	spacePitch  = 0.9  // of the usual distance of two letters is the least across a space: broken print has gaps within letters
)

// stretch is a stretch of a line without ink, right exclusive.
type stretch struct{ left, right int }

func (s stretch) width() int { return s.right - s.left }

// ink is where a line has ink: its height, and its stretches without, from left to right.
type ink struct {
	mask        *layout.Mask
	left, right int
	top, bottom int
	high        int // from its top to the foot of most letters
	gaps        []stretch
}

// inkOf finds the ink of a line. Pieces at its upper and lower edge are of the lines beside it.
func inkOf(g *image.Gray) ink {
	m := layout.Threshold(g, layout.InkDarker)
	own := &layout.Mask{W: m.W, H: m.H, On: make([]bool, len(m.On))}
	var all layout.Box
	var feet []int
	for _, p := range layout.Components(m) {
		foreign := p.Bottom <= m.H/5 || p.Top >= m.H-m.H/6 || 50*p.Height() < m.H && p.Pixels < 3
		if foreign {
			continue
		}
		all = all.Union(p.Box)
		if 4*p.Height() > m.H {
			feet = append(feet, p.Bottom)
		}
		for y := p.Top; y < p.Bottom; y++ {
			copy(own.Row(y)[p.Left:p.Right], m.Row(y)[p.Left:p.Right])
		}
	}
	in := ink{mask: own, left: all.Left, right: all.Right, top: all.Top, bottom: all.Bottom}
	if all.Empty() {
		return in
	}
	in.high = all.Height()
	if len(feet) > 0 {
		in.high = max(layout.Median(feet)-all.Top, all.Height()*3/4)
	}
	from := -1
	for x := all.Left; x < all.Right; x++ {
		on := false
		for y := all.Top; y < all.Bottom && !on; y++ {
			on = own.On[y*own.W+x]
		}
		switch {
		case !on && from < 0:
			from = x
		case on && from >= 0:
			in.gaps = append(in.gaps, stretch{from, x})
			from = -1
		}
	}
	return in
}

// extent returns the ink between left and right.
func (in ink) extent(left, right int) layout.Box {
	var b layout.Box
	left, right = max(left, 0), min(right, in.mask.W)
	for y := in.top; y < in.bottom && left < right; y++ {
		for from, to := range layout.Runs(in.mask.Row(y)[left:right]) {
			b = b.Union(layout.Box{Left: left + from, Top: y, Right: left + to, Bottom: y + 1})
		}
	}
	return b
}

// placed is a letter with its place along the line, in pixels.
type placed struct {
	letter
	x float64
}

// words makes words of the letters of a line by the gaps in its ink.
func (l line) words(page *image.Gray) []layout.Word {
	in := inkOf(l.cut(page))
	if len(l.letters) == 0 || in.right <= in.left {
		return nil
	}
	var all []placed
	said := map[int]bool{} // before which letters the recogniser read a space
	for _, one := range l.letters {
		if one.text == " " {
			said[len(all)] = true
			continue
		}
		all = append(all, placed{one, (one.step + 0.5) * stepPixels * l.pixel})
	}
	var words []layout.Word
	from, left := 0, in.left
	for _, end := range append(in.spaces(all, said), division{len(all), stretch{in.right, in.right}}) {
		if end.before <= from {
			continue
		}
		if b := in.extent(left, end.left); !b.Empty() {
			words = append(words, word(all[from:end.before], l.box(float64(b.Left), float64(b.Top), float64(b.Right), float64(b.Bottom))))
		}
		from, left = end.before, end.right
	}
	return words
}

func word(letters []placed, b layout.Box) layout.Word {
	var text strings.Builder
	least := 1.0
	for _, l := range letters {
		text.WriteString(l.text)
		least = min(least, l.sure)
	}
	return layout.Word{Box: b, Text: text.String(), Conf: 100 * least}
}

// division is the end of a word: the letter before which the next one begins, and the gap between them.
type division struct {
	before int
	stretch
}

// spaces returns where the words of a line end.
func (in ink) spaces(all []placed, said map[int]bool) []division {
	high := in.high
	var widths []int
	for _, g := range in.gaps {
		widths = append(widths, g.width())
	}
	usual := layout.Median(widths)
	pitch := pitchOf(all)
	var ends []division
	for _, g := range in.gaps {
		middle := float64(g.left+g.right) / 2
		k, _ := slices.BinarySearchFunc(all, middle, func(p placed, x float64) int {
			if p.x < x {
				return -1
			}
			return 1
		})
		if k == 0 || k == len(all) {
			continue
		}
		wide := float64(g.width())
		h := float64(high)
		letters := wide > max(spaceLeast*h, float64(usual)+spaceBeyond*h)
		if isDigit(all[k-1].text) && isDigit(all[k].text) {
			letters = wide > spaceDigits*h
		}
		letters = letters && (narrow(all[k-1].text) || narrow(all[k].text) || all[k].x-all[k-1].x > spacePitch*pitch)
		least := spaceSaid
		if k == 1 {
			least = spaceFirst
		}
		if letters || said[k] && wide > least*h {
			ends = append(ends, division{k, g})
		}
	}
	return ends
}

// pitchOf is the usual distance between the middles of two letters, in pixels.
func pitchOf(all []placed) float64 {
	var steps []int
	for i := 1; i < len(all); i++ {
		steps = append(steps, int(8*(all[i].x-all[i-1].x)))
	}
	return float64(layout.Median(steps)) / 8
}

// narrow reports whether a letter is much narrower than most.
func narrow(letter string) bool { return strings.ContainsAny(letter, "iIl1.,:;'|!jtfr()[]-‘’") }

func isDigit(s string) bool {
	return len(s) == 1 && (s[0] >= '0' && s[0] <= '9' || s[0] == '.' || s[0] == ',')
}

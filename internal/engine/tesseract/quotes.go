package tesseract

import (
	"image"
	"math"
	"slices"
	"strings"

	"sheetlift/internal/engine/layout"
)

// The kinds of quotes. The tool confuses them now and then; the ink distinguishes them if it is large enough.
const (
	straightQuote = iota + 1
	openQuote     // heavy at its foot, as a 6
	closeQuote    // heavy at its head, as a 9
)

var (
	singleQuotes = map[int]rune{straightQuote: '\'', openQuote: '‘', closeQuote: '’'}
	doubleQuotes = map[int]rune{straightQuote: '"', openQuote: '“', closeQuote: '”'}
)

// The limits that tell the kinds, measured on the print faces of DejaVu and Liberation, 24 to 48 pixels. The axis of a mark is
// the line through the middles of its rows of ink. In upright print that of a straight mark is upright (0.02 at most), and that
// of a curly one leans (0.13 to 0.4) or bends (by 0.05 of the width at least). In slanted print straight marks lean too, so
// that only a bend is a proof. A mark between the limits is left as it was read.
const (
	uprightAxis  = 0.06 // columns in each row; beyond it a mark leans
	leaningAxis  = 0.22
	plainAxis    = 0.025
	bentAxis     = 0.05 // of the width of the mark
	oneSided     = 0.05 // skew of the ink along the axis below which neither end is the heavier
	leastOfQuote = 6    // pixels of height below which a mark is a blot
)

// quotes corrects the kinds of quotes in a text by its pieces of ink. h is the height of the digits and base their baseline.
func (in inked) quotes(text string, own []layout.Part, h, base int) string {
	if in.coarse || !strings.ContainsAny(text, `'"‘’“”`) {
		return text
	}
	all := []rune(text)
	wanted := 0
	for _, r := range all {
		wanted += strokes(r)
	}
	marks := quoteMarks(own, h, base)
	if len(marks) != wanted {
		return text // it cannot be said which is which
	}
	upright := standsUpright(in.mask, own)
	for i, r := range all {
		n := strokes(r)
		if n == 0 {
			continue
		}
		kind := kindOfQuote(in.gray, marks[0], upright)
		if n == 2 && kindOfQuote(in.gray, marks[1], upright) != kind {
			kind = 0
		}
		marks = marks[n:]
		kinds := singleQuotes
		if n == 2 {
			kinds = doubleQuotes
		}
		if sign, ok := kinds[kind]; ok {
			all[i] = sign
		}
	}
	return string(all)
}

// strokes is of how many marks a quote is made; 0 for other characters.
func strokes(r rune) int {
	switch {
	case strings.ContainsRune("'‘’", r):
		return 1
	case strings.ContainsRune("\"“”", r):
		return 2
	}
	return 0
}

// quoteMarks are the small pieces in the upper half of a line below which nothing stands, as it does below the dot of an i, from
// left to right.
func quoteMarks(own []layout.Part, h, base int) []layout.Part {
	marks := slices.DeleteFunc(slices.Clone(own), func(p layout.Part) bool {
		if 20*p.Height() < 3*h || 20*p.Height() > 13*h || 2*p.Width() > h || 20*(base-p.Bottom) < 9*h {
			return true
		}
		return slices.ContainsFunc(own, func(q layout.Part) bool {
			return q.Top >= p.Bottom-1 && 2*abs(q.MidX()-p.MidX()) < max(q.Width(), p.Width())
		})
	})
	layout.SortByLeft(marks)
	return marks
}

// slants are the slants of print that are told apart, in columns to the left in each row down.
var slants = [...]float64{0, 0.1, 0.2, 0.3}

// standsUpright reports whether the letters of a word stand upright: whether their stems fill the fewest columns as they are,
// without being pushed upright first.
func standsUpright(m *layout.Mask, own []layout.Part) bool {
	var b layout.Box
	for _, p := range own {
		b = b.Union(p.Box)
	}
	best, sharpest := 0, 0
	for i, slant := range slants {
		columns := make([]int, b.Width()+b.Height()+1)
		for y := b.Top; y < b.Bottom; y++ {
			shift := int(slant * float64(y-b.Top))
			for x, on := range m.Row(y)[b.Left:b.Right] {
				if on {
					columns[x+shift]++
				}
			}
		}
		sharp := 0
		for _, n := range columns {
			sharp += n * n
		}
		if sharp > sharpest {
			best, sharpest = i, sharp
		}
	}
	return best == 0
}

// kindOfQuote returns the kind that the ink of a mark shows; 0 if it is not clear.
func kindOfQuote(g *image.Gray, p layout.Part, upright bool) int {
	if p.Height() < leastOfQuote {
		return 0
	}
	a := axisOf(g, p.Box)
	switch {
	case upright && a.lean <= -leaningAxis || a.bend >= bentAxis && a.lean < uprightAxis:
		switch {
		case a.skew > oneSided:
			return closeQuote
		case a.skew < -oneSided:
			return openQuote
		}
	case upright && math.Abs(a.lean) <= uprightAxis && a.bend <= plainAxis:
		return straightQuote
	}
	return 0
}

// axis describes the line through the middles of the rows of a piece of ink.
type axis struct {
	lean float64 // columns to the right in each row down
	bend float64 // how far the middles lie from a straight line, in widths of the piece
	skew float64 // of the ink along the axis: above 0 where the head is the heavier end
}

func axisOf(g *image.Gray, b layout.Box) axis {
	b = layout.Box{Left: max(b.Left-1, 0), Top: max(b.Top-1, 0), Right: min(b.Right+1, g.Rect.Dx()), Bottom: min(b.Bottom+1, g.Rect.Dy())}
	ink := make([]float64, b.Height())    // of each row
	middle := make([]float64, b.Height()) // of each row
	paper := 0.0
	for y := b.Top; y < b.Bottom; y++ {
		for _, v := range g.Pix[y*g.Stride+b.Left : y*g.Stride+b.Right] {
			paper = max(paper, float64(v))
		}
	}
	var all, x0, y0 float64
	for i := range ink {
		for x, v := range g.Pix[(b.Top+i)*g.Stride+b.Left : (b.Top+i)*g.Stride+b.Right] {
			dark := paper - float64(v)
			ink[i] += dark
			middle[i] += dark * float64(x)
		}
		all, x0, y0 = all+ink[i], x0+middle[i], y0+ink[i]*float64(i)
		middle[i] /= max(ink[i], 1)
	}
	if all == 0 {
		return axis{}
	}
	x0, y0 = x0/all, y0/all
	var xy, yy, yyy float64
	for i := range ink {
		y := float64(i) - y0
		xy += ink[i] * y * (middle[i] - x0)
		yy += ink[i] * y * y
		yyy += ink[i] * y * y * y
	}
	if yy == 0 {
		return axis{}
	}
	a := axis{lean: xy / yy, skew: yyy / all / math.Pow(yy/all, 1.5)}
	off := 0.0
	for i := range ink {
		d := middle[i] - x0 - a.lean*(float64(i)-y0)
		off += ink[i] * d * d
	}
	a.bend = math.Sqrt(off/all) / float64(max(b.Width()-2, 1))
	return a
}

package neural

import (
	"image"
	"math"
	"strings"
	"unicode"

	"sheetlift/internal/engine/onnx"
)

// The form of a line that the recogniser gets, and of its answer.
const (
	lineHeight = 48   // pixels
	leastWidth = 48   // pixels; narrower lines are filled up with paper
	mostWidth  = 3200 // pixels; longer lines are squeezed
	widthStep  = 16   // pixels; widths are multiples of it
	stepPixels = 8    // pixels that one step of the answer stands for
)

// alphabet is the recogniser's classes with their letters, and those that this program takes: class 0 is "no letter", the last one a space.
type alphabet struct {
	letters []string
	latin   []int // the classes that are taken, without 0
}

// newAlphabet reads a dictionary, one letter a line.
func newAlphabet(dictionary []byte) alphabet {
	a := alphabet{letters: []string{""}}
	for line := range strings.SplitSeq(strings.TrimRight(string(dictionary), "\r\n"), "\n") {
		a.letters = append(a.letters, strings.TrimRight(line, "\r"))
	}
	a.letters = append(a.letters, " ")
	for class, l := range a.letters {
		if class > 0 && isLatin(l) {
			a.latin = append(a.latin, class)
		}
	}
	return a
}

// isLatin reports whether a letter of the dictionary stands in tables written in the Latin script.
func isLatin(letter string) bool {
	all := []rune(letter)
	if len(all) != 1 {
		return false
	}
	r := all[0]
	return r < 0x80 && unicode.IsPrint(r) || unicode.Is(unicode.Latin, r) && r < 0x250 || strings.ContainsRune("£€¥§°±·×÷µ²³½¼¾‘’“”–—•≤≥…™©®αβγδμσλ√", r)
}

// lineInput is a line as the recogniser gets it, and how many pixels of the line one pixel of it stands for.
func lineInput(g *image.Gray) (in onnx.Tensor, pixel float64) {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	width := min(max(int(math.Round(float64(w)*lineHeight/float64(h))), 1), mostWidth)
	small := resize(g, width, lineHeight)
	full := max((width+widthStep-1)/widthStep*widthStep, leastWidth)
	in = onnx.Tensor{Shape: []int64{1, 3, lineHeight, int64(full)}, Data: make([]float32, 3*lineHeight*full)}
	plane := in.Data[:lineHeight*full]
	for y := range lineHeight {
		row := plane[y*full : (y+1)*full]
		for x := range row {
			// Behind its end the line goes on in the brightness of its end.
			row[x] = float32(small.Pix[y*small.Stride+min(x, width-1)])/127.5 - 1
		}
	}
	copy(in.Data[len(plane):], plane)
	copy(in.Data[2*len(plane):], plane)
	return in, float64(w) / float64(width)
}

// letter is one letter that was read: where its middle lies, in steps of the answer, and how probable it is, 0 to 1.
type letter struct {
	text string
	step float64
	sure float64
}

// decode returns the letters of an answer of the recogniser: of each step the most probable class, equal ones that follow each
// other once. Any numbers are taken.
func (a alphabet) decode(answer []float32) []letter {
	classes := len(a.letters)
	var all []letter
	last := 0
	for t := 0; (t+1)*classes <= len(answer); t++ {
		row := answer[t*classes : (t+1)*classes]
		best := 0
		for _, c := range a.latin {
			if row[c] > row[best] {
				best = c
			}
		}
		p := min(max(float64(row[best]), 0), 1)
		if math.IsNaN(p) {
			p = 0
		}
		switch {
		case best == 0:
		case best == last:
			l := &all[len(all)-1]
			if p > l.sure {
				l.sure, l.step = p, float64(t)
			}
		default:
			all = append(all, letter{a.letters[best], float64(t), p})
		}
		last = best
	}
	return all
}

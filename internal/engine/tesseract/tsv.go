package tesseract

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// box is a place on the picture in pixels, right and bottom exclusive.
type box struct{ left, top, right, bottom int }

func (b box) width() int  { return b.right - b.left }
func (b box) height() int { return b.bottom - b.top }
func (b box) midX() int   { return (b.left + b.right) / 2 }
func (b box) midY() int   { return (b.top + b.bottom) / 2 }
func (b box) empty() bool { return b.right <= b.left || b.bottom <= b.top }
func (b box) overlapX(left, right int) int {
	return min(b.right, right) - max(b.left, left)
}

func (b box) union(o box) box {
	if b.empty() {
		return o
	}
	return box{min(b.left, o.left), min(b.top, o.top), max(b.right, o.right), max(b.bottom, o.bottom)}
}

// word is one word as the tool found it.
type word struct {
	box
	text string
	conf float64 // 0 to 100
}

// maxSide bounds coordinates, so that sums of them never overflow.
const maxSide = 1 << 20

// parseTSV reads the tool's table of words. Lines that make no sense are passed over: a half-written table is still
// the words it has.
func parseTSV(data []byte) []word {
	var words []word
	for line := range bytes.Lines(data) {
		if w, ok := parseWord(strings.TrimRight(string(line), "\r\n")); ok {
			words = append(words, w)
		}
	}
	return words
}

// parseWord reads one line: level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
func parseWord(line string) (word, bool) {
	f := strings.SplitN(line, "\t", 12)
	if len(f) < 12 || f[0] != "5" {
		return word{}, false
	}
	var n [4]int
	for i := range n {
		v, err := strconv.Atoi(f[6+i])
		if err != nil || v < 0 || v > maxSide {
			return word{}, false
		}
		n[i] = v
	}
	conf, err := strconv.ParseFloat(f[10], 64)
	if err != nil || math.IsNaN(conf) || conf < 0 {
		return word{}, false
	}
	text := strings.TrimFunc(strings.ToValidUTF8(f[11], ""), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
	if text == "" || n[2] == 0 || n[3] == 0 {
		return word{}, false
	}
	return word{box{n[0], n[1], n[0] + n[2], n[1] + n[3]}, text, min(conf, 100)}, true
}

// meanConfidence weighs words by their length, 0 for none.
func meanConfidence(words []word) float64 {
	sum, n := 0.0, 0
	for _, w := range words {
		c := utf8.RuneCountInString(w.text)
		sum += w.conf * float64(c)
		n += c
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

func alnum(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// median returns the middle value of values, which it sorts; 0 for none.
func median(values []int) int {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// textHeight is the usual height of a word, at least 1. Words of letters and digits count, as dots and dashes are low.
func textHeight(words []word) int {
	var heights []int
	for _, w := range words {
		if alnum(w.text) > 0 {
			heights = append(heights, w.height())
		}
	}
	return max(median(heights), 1)
}

// clean drops what is no text: specks, remains of ruling lines, words far too tall for the page.
func clean(words []word) []word {
	h := textHeight(words)
	return slices.DeleteFunc(slices.Clone(words), func(w word) bool {
		if w.height() > 3*h {
			return true
		}
		if alnum(w.text) > 0 {
			return w.conf < 5
		}
		return !meansSomething(w, h)
	})
}

// meansSomething tells a dash, a star or a percent sign, which can be a cell's whole content, from dirt and the
// remains of lines.
func meansSomething(w word, h int) bool {
	if w.conf < 30 || strings.Trim(w.text, "|_[]{}\\/~'`\"‘’“”«»=") == "" {
		return false
	}
	if strings.Trim(w.text, "-–—") == "" {
		return w.width() < 4*h && w.width() > h/6
	}
	return strings.ContainsFunc(w.text, func(r rune) bool {
		return strings.ContainsRune("*+%$€£#&()±<>≤≥•.:", r)
	})
}

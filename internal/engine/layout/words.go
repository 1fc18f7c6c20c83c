// Package layout turns the words of a page into lines, columns and a table, by their places and the ruling lines between them.
// It knows no engine that finds the words, and no requested columns.
package layout

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Box is a place on the picture in pixels, right and bottom exclusive.
type Box struct{ Left, Top, Right, Bottom int }

// Width is the extent from left to right.
func (b Box) Width() int { return b.Right - b.Left }

// Height is the extent from top to bottom.
func (b Box) Height() int { return b.Bottom - b.Top }

// MidX is the middle between left and right.
func (b Box) MidX() int { return (b.Left + b.Right) / 2 }

// MidY is the middle between top and bottom.
func (b Box) MidY() int { return (b.Top + b.Bottom) / 2 }

// Empty reports whether b has no pixels.
func (b Box) Empty() bool { return b.Right <= b.Left || b.Bottom <= b.Top }

// OverlapX returns how many columns of pixels b shares with the stretch from left to right; below 0, the distance.
func (b Box) OverlapX(left, right int) int {
	return min(b.Right, right) - max(b.Left, left)
}

// Union returns the smallest box around b and o; an empty one counts for nothing.
func (b Box) Union(o Box) Box {
	if b.Empty() {
		return o
	}
	return Box{min(b.Left, o.Left), min(b.Top, o.Top), max(b.Right, o.Right), max(b.Bottom, o.Bottom)}
}

// Word is one word as the tool found it.
type Word struct {
	Box
	Text string
	Conf float64 // 0 to 100
}

// MeanConfidence weighs words by their length, 0 for none.
func MeanConfidence(words []Word) float64 {
	sum, n := 0.0, 0
	for _, w := range words {
		c := utf8.RuneCountInString(w.Text)
		sum += w.Conf * float64(c)
		n += c
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// Alnum returns the number of letters and digits in s.
func Alnum(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// Median returns the middle value of values, which it sorts; 0 for none.
func Median(values []int) int {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// TextHeight is the usual height of a word, at least 1. Words of letters and digits count, as dots and dashes are low.
func TextHeight(words []Word) int {
	var heights []int
	for _, w := range words {
		if Alnum(w.Text) > 0 {
			heights = append(heights, w.Height())
		}
	}
	return max(Median(heights), 1)
}

// Clean drops words that are no text: specks, remains of ruling lines, words far too tall for the page.
func Clean(words []Word) []Word {
	h := TextHeight(words)
	return slices.DeleteFunc(slices.Clone(words), func(w Word) bool {
		if w.Height() > 3*h {
			return true
		}
		if Alnum(w.Text) > 0 {
			return w.Conf < 5
		}
		return !meansSomething(w, h)
	})
}

// meansSomething tells a dash, a star or a percent sign, which can be a cell's whole content, from dirt and the
// remains of lines.
func meansSomething(w Word, h int) bool {
	if w.Conf < 30 || strings.Trim(w.Text, "|_[]{}\\/~'`\"‘’“”«»=") == "" {
		return false
	}
	if strings.Trim(w.Text, "-–—") == "" {
		return w.Width() < 4*h && w.Width() > h/6
	}
	return strings.ContainsFunc(w.Text, func(r rune) bool {
		return strings.ContainsRune("*+%$€£#&()±<>≤≥•.:", r)
	})
}

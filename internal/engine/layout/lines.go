package layout

import (
	"cmp"
	"slices"
	"strings"
)

// segment is a group of words that stand close together on a line.
type segment struct {
	Box
	words []Word
	torn  bool // it was cut from its neighbour where there is hardly room between them
}

func (s *segment) add(w Word) {
	s.Box = s.Box.Union(w.Box)
	s.words = append(s.words, w)
}

func (s segment) text() string { return JoinWords(s.words) }

// Line is one line of text, its segments from left to right.
type Line struct {
	Box
	segments []segment
}

// Words returns the words of the line from left to right.
func (l Line) Words() []Word {
	var all []Word
	for _, s := range l.segments {
		all = append(all, s.words...)
	}
	return all
}

func (l Line) text() string { return JoinWords(l.Words()) }

// JoinWords returns the texts of words with a space between them.
func JoinWords(words []Word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.Text
	}
	return strings.Join(texts, " ")
}

// SortByLeft sorts items by their left edges, in place.
func SortByLeft[T interface{ LeftEdge() int }](items []T) {
	slices.SortStableFunc(items, func(a, b T) int { return cmp.Compare(a.LeftEdge(), b.LeftEdge()) })
}

// LeftEdge returns Left, for SortByLeft.
func (b Box) LeftEdge() int { return b.Left }

// A word belongs to a line when their centres are within lineReach of a usual height; two words belong together when
// the gap between them is below wordGap of it. Both measured on tables of 200 dots an inch.
const (
	lineReach = 0.6
	wordGap   = 0.8
)

// LinesOf puts words on lines from top to bottom, by the height of their centres.
func LinesOf(words []Word) []Line {
	if len(words) == 0 {
		return nil
	}
	h := float64(TextHeight(words))
	sorted := slices.Clone(words)
	slices.SortStableFunc(sorted, func(a, b Word) int { return cmp.Compare(a.MidY(), b.MidY()) })
	var groups [][]Word
	var sum float64 // of the centres in the last group
	for _, w := range sorted {
		n := len(groups)
		if n > 0 && float64(w.MidY())-sum/float64(len(groups[n-1])) <= lineReach*h {
			groups[n-1] = append(groups[n-1], w)
			sum += float64(w.MidY())
			continue
		}
		groups = append(groups, []Word{w})
		sum = float64(w.MidY())
	}
	lines := make([]Line, len(groups))
	for i, group := range groups {
		lines[i] = segmented(group, h)
	}
	return lines
}

func segmented(words []Word, h float64) Line {
	SortByLeft(words)
	var l Line
	for _, w := range words {
		l.Box = l.Box.Union(w.Box)
		n := len(l.segments)
		if n > 0 && float64(w.Left-l.segments[n-1].Right) < wordGap*h {
			l.segments[n-1].add(w)
			continue
		}
		l.segments = append(l.segments, segment{Box: w.Box, words: []Word{w}})
	}
	return l
}

// TextOf is all the text, a line of it for each line of the sheet.
func TextOf(lines []Line) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l.text())
	}
	return b.String()
}

package tesseract

import (
	"cmp"
	"slices"
	"strings"
)

// segment is a group of words that stand close together on a line.
type segment struct {
	box
	words []word
}

func (s *segment) add(w word) {
	s.box = s.box.union(w.box)
	s.words = append(s.words, w)
}

func (s segment) text() string { return joinWords(s.words) }

// line is one line of text, its segments from left to right.
type line struct {
	box
	segments []segment
}

func (l line) words() []word {
	var all []word
	for _, s := range l.segments {
		all = append(all, s.words...)
	}
	return all
}

func (l line) text() string { return joinWords(l.words()) }

func joinWords(words []word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
	}
	return strings.Join(texts, " ")
}

func sortByLeft[T interface{ leftEdge() int }](items []T) {
	slices.SortStableFunc(items, func(a, b T) int { return cmp.Compare(a.leftEdge(), b.leftEdge()) })
}

func (b box) leftEdge() int { return b.left }

// A word belongs to a line when their centres are within lineReach of a usual height; two words belong together when
// the gap between them is below wordGap of it. Both measured on tables of 200 dots an inch.
const (
	lineReach = 0.6
	wordGap   = 0.8
)

// linesOf puts words on lines from top to bottom, by the height of their centres.
func linesOf(words []word) []line {
	if len(words) == 0 {
		return nil
	}
	h := float64(textHeight(words))
	sorted := slices.Clone(words)
	slices.SortStableFunc(sorted, func(a, b word) int { return cmp.Compare(a.midY(), b.midY()) })
	var groups [][]word
	var sum float64 // of the centres in the last group
	for _, w := range sorted {
		n := len(groups)
		if n > 0 && float64(w.midY())-sum/float64(len(groups[n-1])) <= lineReach*h {
			groups[n-1] = append(groups[n-1], w)
			sum += float64(w.midY())
			continue
		}
		groups = append(groups, []word{w})
		sum = float64(w.midY())
	}
	lines := make([]line, len(groups))
	for i, group := range groups {
		lines[i] = segmented(group, h)
	}
	return lines
}

func segmented(words []word, h float64) line {
	sortByLeft(words)
	var l line
	for _, w := range words {
		l.box = l.box.union(w.box)
		n := len(l.segments)
		if n > 0 && float64(w.left-l.segments[n-1].right) < wordGap*h {
			l.segments[n-1].add(w)
			continue
		}
		l.segments = append(l.segments, segment{w.box, []word{w}})
	}
	return l
}

// textOf is all the text, a line of it for each line of the sheet.
func textOf(lines []line) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l.text())
	}
	return b.String()
}

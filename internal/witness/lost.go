package witness

import (
	"slices"
	"strings"
)

// lost returns the lines that look like rows and belong to none: between two rows with lines of their own, those that are more
// than the rows between them without lines.
func lost(rows, lines []line, spans []span) []Lost {
	var all []Lost
	typical := median(rows)
	at := 0 // the first line after the row before the gap
	for i := 0; i <= len(rows); i++ {
		unread := 0 // rows in the gap without lines
		for ; i < len(rows) && spans[i].count == 0; i++ {
			unread++
		}
		end := len(lines)
		if i < len(rows) {
			end = spans[i].first
		}
		gap := inGap(lines, at, end, typical)
		for _, l := range gap[:max(0, len(gap)-unread)] {
			all = append(all, Lost{After: i - unread - 1, Text: strings.Join(l.words, " ")})
		}
		if i < len(rows) {
			at = spans[i].first + spans[i].count
		}
	}
	return all
}

// inGap returns the lines of a gap that look like rows. typical is the number of filled cells of most rows.
func inGap(lines []line, at, end, typical int) []line {
	least := 1
	switch {
	case at == 0: // a heading of several lines may stand above the first row
		at, least = 1, max(2, typical)
	case end == len(lines): // and notes below the last one
		least = max(2, typical/2)
	}
	var gap []line
	for _, l := range lines[min(at, end):end] {
		if l.filled() >= least {
			gap = append(gap, l)
		}
	}
	return gap
}

// filled returns the number of cells with words.
func (l line) filled() (n int) {
	for _, c := range l.cells {
		if len(c) > 0 {
			n++
		}
	}
	return n
}

// median is the number of filled cells of a middle row.
func median(rows []line) int {
	if len(rows) == 0 {
		return 0
	}
	counts := make([]int, len(rows))
	for i, r := range rows {
		counts[i] = r.filled()
	}
	slices.Sort(counts)
	return counts[len(counts)/2]
}

package witness

import (
	"slices"
	"strings"
)

// judge compares the cells of a row with its lines, from left to right: a word of the witness agrees with one cell only.
func judge(row line, lines []line, s span) (verdicts []Verdict, other []string) {
	verdicts, other = make([]Verdict, len(row.cells)), make([]string, len(row.cells))
	if s.count == 0 {
		return verdicts, other
	}
	var seen heard
	for _, l := range lines[s.first : s.first+s.count] {
		seen.words, seen.folds = append(seen.words, l.words...), append(seen.folds, l.fold...)
	}
	seen.used = make([]int, len(seen.words))
	for j, cell := range row.cells {
		switch {
		case len(cell) == 0:
		case seen.take(seen.words, cell, j+1), len(cell) > 1 && containsAll(seen.words, cell):
			verdicts[j] = Agreed
		case seen.take(seen.folds, row.folds[j], j+1): // Unseen
		default:
			verdicts[j] = Disputed
		}
	}
	for j, v := range verdicts {
		if v == Disputed {
			other[j] = seen.between(j + 1)
		}
	}
	return verdicts, other
}

// heard is the words of the witness for one row.
type heard struct {
	words, folds []string
	used         []int // 1 + the column of the cell that a word agrees with, 0 for none
}

// take marks the first consecutive free words that give the cell when all are joined.
func (h *heard) take(words, cell []string, mark int) bool {
	text := strings.Join(cell, "")
	for from := range words {
		rest := text
		for to := from; to < len(words) && h.used[to] == 0; to++ {
			after, ok := strings.CutPrefix(rest, words[to])
			if !ok {
				break
			}
			if rest = after; rest == "" {
				for k := from; k <= to; k++ {
					h.used[k] = mark
				}
				return true
			}
		}
	}
	return false
}

// between returns the free words between those of the cells left and right of a column, "" where there are too many to be the
// text of one cell.
func (h *heard) between(mark int) string {
	from, to := 0, len(h.words)
	for k, used := range h.used {
		switch {
		case used > 0 && used < mark:
			from = k + 1
		case used > mark && k >= from:
			to = min(to, k)
		}
	}
	var free []string
	for k := from; k < to; k++ {
		if h.used[k] == 0 {
			free = append(free, h.words[k])
		}
	}
	return strings.Join(free, " ")
}

// containsAll reports whether all words of a cell that is wrapped over several lines stand in words.
func containsAll(words, cell []string) bool {
	return !slices.ContainsFunc(cell, func(w string) bool { return !slices.Contains(words, w) })
}

package pieces

import (
	"slices"

	"sheetlift/internal/table"
)

// stretch is a range of pixel rows of the whole picture; to is exclusive.
type stretch struct{ from, to int }

const (
	searched  = 60  // rows on each side of a seam that are compared
	alike     = 0.5 // share of the filled cells that must be equal for two rows at one position to count as the same row
	leastNear = 16  // pixels by which the engine's positions of one row may always differ
)

// join merges the rows of two neighbouring pieces. A row that both pieces show is taken once. Where the overlap does not match,
// all rows are kept and get an issue.
func join(above, below []entry, overlap stretch) []entry {
	start := max(0, len(above)-searched)
	pairs := match(above[start:], below[:min(len(below), searched)], overlap)
	out := slices.Clone(above[:start])
	a, b := start, 0
	for _, p := range pairs {
		out = append(append(out, once(above[a:start+p.a], overlap)...), once(below[b:p.b], overlap)...)
		out = append(out, both(above[start+p.a], below[p.b]))
		a, b = start+p.a+1, p.b+1
	}
	if pairs == nil {
		rest := slices.Clone(below)
		if inside(above, overlap) || inside(below, overlap) {
			rest[0].doubt(-1, seamDoubt)
		}
		return append(append(out, above[start:]...), rest...)
	}
	out = append(out, once(above[a:], overlap)...)
	return append(out, once(below[b:], overlap)...)
}

// inside reports whether a row lies in the overlap, or could lie there because its position is unknown.
func inside(rows []entry, overlap stretch) bool {
	return slices.ContainsFunc(rows, func(e entry) bool { return e.at < 0 || overlap.holds(e.at) })
}

func (s stretch) holds(at int) bool { return at >= s.from && at < s.to }

func (s stretch) grown(by int) stretch { return stretch{s.from - by, s.to + by} }

// once returns rows that only one of two pieces shows; those that the other one should show as well get an issue.
func once(rows []entry, overlap stretch) []entry {
	out := slices.Clone(rows)
	for i := range out {
		if overlap.holds(out[i].at) {
			out[i].doubt(-1, onceDoubt)
		}
	}
	return out
}

// both merges two readings of one row. Where they differ, it takes the one with the higher confidence and adds an issue.
func both(a, b entry) entry {
	a.row.Cells, a.issues = slices.Clone(a.row.Cells), slices.Clone(a.issues)
	for i := range min(len(a.row.Cells), len(b.row.Cells)) {
		x, y := a.row.Cells[i], b.row.Cells[i]
		if folded(x.Text) == folded(y.Text) {
			continue
		}
		if unsure(x) && !unsure(y) {
			a.take(b, i)
		}
		a.doubt(i, differDoubt, x.Text, y.Text)
	}
	return a
}

func unsure(c table.Cell) bool {
	return folded(c.Text) == "" || c.State == table.Unreadable || c.State == table.Guessed
}

// pair is a row of the upper and a row of the lower piece that are the same row, by index.
type pair struct{ a, b int }

// match returns the rows that both pieces show, in order. If positions are known, two rows match when they are similar and at
// one position; a row whose text is unique on both sides may be slightly off. Without positions, the end of the upper piece
// must equal the beginning of the lower one.
func match(above, below []entry, overlap stretch) []pair {
	if slices.ContainsFunc(above, func(e entry) bool { return e.at < 0 }) || slices.ContainsFunc(below, func(e entry) bool { return e.at < 0 }) {
		return matchEnds(above, below)
	}
	near := max(leastNear, pitch(above, below)*6/10)
	score := func(a, b entry) float64 {
		away := max(a.at-b.at, b.at-a.at)
		same := sameness(a, b)
		switch {
		case away <= near && same >= alike:
			return same + 1 - float64(away)/float64(2*near)
		case same == 1 && overlap.grown(near).holds(a.at) && overlap.grown(near).holds(b.at) && alone(above, a) && alone(below, b):
			return 1
		}
		return 0
	}
	return longestOf(above, below, score)
}

// longestOf returns the increasing sequence of pairs with the greatest sum of scores.
func longestOf(above, below []entry, score func(a, b entry) float64) []pair {
	best := make([][]float64, len(above)+1)
	for i := range best {
		best[i] = make([]float64, len(below)+1)
	}
	for i := len(above) - 1; i >= 0; i-- {
		for j := len(below) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if s := score(above[i], below[j]); s > 0 {
				best[i][j] = max(best[i][j], s+best[i+1][j+1])
			}
		}
	}
	var pairs []pair
	for i, j := 0, 0; i < len(above) && j < len(below); {
		switch {
		case best[i][j] == best[i+1][j]:
			i++
		case best[i][j] == best[i][j+1]:
			j++
		default:
			pairs = append(pairs, pair{i, j})
			i, j = i+1, j+1
		}
	}
	return pairs
}

// matchEnds matches the last k rows above with the first k rows below. If several k fit, as with rows that are all alike, it
// matches none: a duplicate row with an issue is better than a lost row.
func matchEnds(above, below []entry) []pair {
	var pairs []pair
	for k := 1; k <= min(len(above), len(below)); k++ {
		same := true
		for i := range k {
			same = same && sameness(above[len(above)-k+i], below[i]) == 1
		}
		if !same {
			continue
		}
		if pairs != nil {
			return nil
		}
		for i := range k {
			pairs = append(pairs, pair{len(above) - k + i, i})
		}
	}
	return pairs
}

// sameness returns the share of the filled cells of two rows that are equal; 0 for empty rows.
func sameness(a, b entry) float64 {
	same, all := 0, 0
	for i := range max(len(a.row.Cells), len(b.row.Cells)) {
		x, y := cellAt(a, i), cellAt(b, i)
		if x == "" && y == "" {
			continue
		}
		all++
		if x == y {
			same++
		}
	}
	if all == 0 {
		return 0
	}
	return float64(same) / float64(all)
}

func cellAt(e entry, i int) string {
	if i >= len(e.row.Cells) {
		return ""
	}
	return folded(e.row.Cells[i].Text)
}

// alone reports whether no other row equals e.
func alone(rows []entry, e entry) bool {
	n := 0
	for _, r := range rows {
		if sameness(r, e) == 1 {
			n++
		}
	}
	return n == 1
}

// pitch returns the typical distance between rows, in pixels.
func pitch(sides ...[]entry) int {
	var all []int
	for _, rows := range sides {
		for i := 1; i < len(rows); i++ {
			if d := rows[i].at - rows[i-1].at; d > 0 {
				all = append(all, d)
			}
		}
	}
	if all == nil {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

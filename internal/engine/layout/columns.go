package layout

import (
	"cmp"
	"math"
	"slices"
)

// span is a stretch of the page's width, right exclusive.
type span struct{ left, right int }

// valleyShare is the part of the lines that may cross a gap between two columns: headers over several columns and long
// labels do.
const valleyShare = 0.15

// columnsOf finds the columns as the stretches between the valleys of ink: places that few of the lines with several
// segments cover. Lines with more segments know more about the columns and count for more.
func columnsOf(lines []Line, width int) []span {
	counts := make([]float64, width+1)
	voters := 0.0
	most := 0
	for _, l := range lines {
		most = max(most, len(l.segments))
	}
	for _, l := range lines {
		if len(l.segments) < 2 {
			continue
		}
		weight := float64(len(l.segments)) / float64(most)
		voters += weight
		for _, s := range l.segments {
			if spans(s.Box, lines) {
				continue
			}
			for x := max(s.Left, 0); x < min(s.Right, width); x++ {
				counts[x] += weight
			}
		}
	}
	limit := valleyShare*voters + 1e-9
	var columns []span
	from := -1
	for x, c := range counts {
		switch {
		case c > limit && from < 0:
			from = x
		case c <= limit && from >= 0:
			columns = append(columns, span{from, x})
			from = -1
		}
	}
	if from >= 0 {
		columns = append(columns, span{from, width})
	}
	return columns
}

// spans reports whether a segment stands over several columns: many other lines have two segments or more below it.
func spans(b Box, lines []Line) bool {
	over, voters := 0, 0
	for _, l := range lines {
		if len(l.segments) < 2 {
			continue
		}
		voters++
		inside := 0
		for _, s := range l.segments {
			if 2*s.OverlapX(b.Left, b.Right) > s.Width() {
				inside++
			}
		}
		if inside >= 2 {
			over++
		}
	}
	return over >= 2 && 10*over >= 4*voters
}

// withLonely adds a column for text that is in none: the heading of a column without values.
func withLonely(columns []span, lines []Line, h int) []span {
	for _, l := range lines {
		if len(l.segments) < 2 {
			continue
		}
		for _, s := range l.segments {
			free := !slices.ContainsFunc(columns, func(c span) bool { return s.OverlapX(c.left, c.right) > -3*h/2 })
			if free && Alnum(s.text()) > 2 {
				columns = append(columns, span{s.Left, s.Right})
			}
		}
	}
	slices.SortFunc(columns, func(a, b span) int { return cmp.Compare(a.left, b.left) })
	return columns
}

// columnFor returns the column that b covers most, or lies nearest to.
func columnFor(columns []span, b Box) int {
	best, most := 0, math.MinInt
	for i, c := range columns {
		if o := b.OverlapX(c.left, c.right); o > most {
			best, most = i, o
		}
	}
	return best
}

// covers returns the first and the last column of which b holds a good part.
func covers(columns []span, b Box) (first, last int) {
	first, last = -1, -1
	for i, c := range columns {
		if 3*b.OverlapX(c.left, c.right) >= min(c.right-c.left, b.Width()) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		first = columnFor(columns, b)
		last = first
	}
	return first, last
}

// splitAtColumns cuts segments that run over a gap between two columns where the words stand apart there: closely set
// columns leave less room than a wide space.
func splitAtColumns(lines []Line, columns []span, h int) []Line {
	out := make([]Line, len(lines))
	for i, l := range lines {
		out[i].Box = l.Box
		for _, s := range l.segments {
			out[i].segments = append(out[i].segments, cut(s, columns, h)...)
		}
	}
	return out
}

func cut(s segment, columns []span, h int) []segment {
	parts := []segment{{Box: s.words[0].Box, words: s.words[:1:1]}}
	for _, w := range s.words[1:] {
		last := &parts[len(parts)-1]
		before := last.words[len(last.words)-1]
		if columnFor(columns, before.Box) != columnFor(columns, w.Box) && apart(before, w, columns, h) {
			narrow := 100*(w.Left-before.Right) < 60*h && !(IsValue(before.Text) && IsValue(w.Text))
			last.torn = last.torn || narrow
			parts = append(parts, segment{Box: w.Box, words: []Word{w}, torn: narrow})
			continue
		}
		last.add(w)
	}
	return parts
}

// apart reports whether two neighbours in different columns belong to different cells.
func apart(a, b Word, columns []span, h int) bool {
	gap := b.Left - a.Right
	if IsValue(a.Text) && IsValue(b.Text) {
		return true
	}
	i := columnFor(columns, b.Box)
	valley := i > 0 && b.OverlapX(columns[i].left, columns[i].right) > 0 && a.Right <= columns[i].left+h/4 && b.Left >= columns[i-1].right-h/4
	return valley && 100*gap >= 45*h
}

// mergeThin drops columns that are almost empty: a stray mark makes no column.
func mergeThin(columns []span, lines []Line) []span {
	if len(columns) == 0 {
		return nil
	}
	uses := make([]int, len(columns))
	for _, l := range lines {
		for _, s := range l.segments {
			uses[columnFor(columns, s.Box)]++
		}
	}
	return slices.DeleteFunc(slices.Clone(columns), func(c span) bool {
		i := slices.Index(columns, c)
		return len(columns) > 2 && uses[i] < 2 && len(lines) > 5
	})
}

package table

import (
	"slices"
	"strings"
)

// numbered is a row's own number and where the row is.
type numbered struct {
	number, row int
}

// counted compares the rows with the numbers of rows that the answer names, the rows' own numbers, and each other.
func (b *builder) counted(counts []int, several bool) {
	n := len(b.rows)
	if b.table.Single {
		return
	}
	agreed := true
	sum, most := 0, 0
	for _, c := range counts {
		sum, most = sum+c, max(most, c)
		agreed = agreed && c == n
	}
	if several {
		agreed = len(counts) == 0 || most == n || sum == n
	}
	if !agreed {
		wrong := counts[slices.IndexFunc(counts, func(c int) bool { return several || c != n })]
		if several {
			wrong = most
		}
		b.add(-1, -1, KindRows, "The sheet seems to show %d rows, but %d were read. Compare the rows with the picture.", wrong, n)
	}
	if several {
		return // an issue tells already to compare all rows
	}
	known := agreed && len(counts) > 0
	if b.tight && !known {
		b.add(-1, -1, KindRows, "Numbers of this answer may belong together, as 1 and 234 in 1,234. Compare the rows with the picture.")
	}
	if at, ok := b.unnumbered(); ok {
		b.add(at, -1, KindRows, "The answer numbers other rows, but not this one. Compare the rows with the picture.")
	}
	if b.numbering(known, agreed) && b.repeats(known) {
		b.add(-1, -1, KindRows, "The answer has the same rows more than once, one after the other. Compare the rows with the picture.")
	}
}

// unnumbered returns the first row without a number where others have one.
func (b *builder) unnumbered() (row int, ok bool) {
	has := make([]bool, len(b.rows)+1)
	for _, n := range b.numbers {
		has[n.row] = true
	}
	row = slices.Index(has[:len(b.rows)], false)
	return row, row >= 0 && slices.Contains(has[:len(b.rows)], true)
}

// numbering looks at the rows' own numbers. It reports whether they are in order.
func (b *builder) numbering(known, agreed bool) bool {
	gap, again := false, false
	for i, at := range b.numbers {
		last := numbered{0, -1}
		if i > 0 {
			last = b.numbers[i-1]
		} else if at.number == 0 {
			continue // counted from 0
		} else if known {
			continue // the sheet counts on from another one
		}
		between := max(at.row-last.row, 1)
		switch {
		case i > 0 && at.number <= last.number && !again:
			again = true
			b.add(min(at.row, len(b.rows)-1), -1, KindRows, "The answer counts this as row %d after row %d: rows may be there twice.", at.number, last.number)
		case i == 0 && at.number > between:
			b.add(0, -1, KindRows, "The answer begins to count at row %d: rows may be missing before it.", at.number)
		case at.number > last.number+between && !gap && agreed:
			gap = true
			b.add(min(at.row, len(b.rows)-1), -1, KindRows, "The answer counts this as row %d after row %d: rows may be missing in between.", at.number, last.number)
		}
	}
	return !again
}

// repeats reports whether rows seem to be there twice: any row that comes again, where neither numbers nor a count speak
// for it; otherwise the whole table, as one block of different rows after the other.
func (b *builder) repeats(known bool) bool {
	rows := make([]string, 0, len(b.rows))
	for _, row := range b.rows {
		var cells []string
		for _, c := range row.Cells {
			cells = append(cells, c.Text)
		}
		if text := strings.Join(cells, "\x00"); strings.Trim(text, "\x00") != "" {
			rows = append(rows, text)
		}
	}
	n := len(rows)
	if !known && len(b.numbers) < len(b.rows) {
		slices.Sort(rows)
		return len(slices.Compact(rows)) < n
	}
	if n < 4 {
		return false
	}
	block := period(rows)
	return block > 1 && block < n
}

// period is the length of the shortest block of rows of which they are repetitions; all of them if of none.
func period(rows []string) int {
	n := len(rows)
	border := make([]int, n+1) // of the first i rows, how many at the end are those at the beginning
	border[0] = -1
	for i, k := 0, -1; i < n; {
		for k >= 0 && rows[i] != rows[k] {
			k = border[k]
		}
		i, k = i+1, k+1
		border[i] = k
	}
	if block := n - border[n]; n%block == 0 {
		return block
	}
	return n
}

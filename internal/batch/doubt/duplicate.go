package doubt

import (
	"fmt"
	"iter"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// A repeated value in a unique column is an issue that no image has by itself: when the other image is edited or read again,
// the issue is gone. It is therefore never stored, but computed from the rows on every read.

// cellRef is the position of a cell in a batch.
type cellRef struct {
	image       *batch.Image
	row, column int
}

// value is the key for comparison: a normalized text under a heading.
type value struct{ heading, text string }

// MarkDuplicates adds an issue to every cell of the completed images whose value occurs more than once in a unique column,
// unless a person accepted it. images are those of b in their order; their old duplicate issues are dropped first.
func MarkDuplicates(b *batch.Batch, images []*batch.Image) {
	for _, places := range duplicates(b, images, nil) {
		for i, at := range places {
			at.addIssue(places, i)
		}
	}
}

// MarkDuplicatesOf is MarkDuplicates for the issues of one of the images only.
func MarkDuplicatesOf(b *batch.Batch, images []*batch.Image, m *batch.Image) {
	for _, places := range duplicates(b, images, m) {
		for i, at := range places {
			if at.image == m {
				at.addIssue(places, i)
			}
		}
	}
}

// duplicates returns the values that occur more than once, each with its positions in batch order: all of them, or only the
// values in image of.
func duplicates(b *batch.Batch, images []*batch.Image, of *batch.Image) [][]cellRef {
	var held map[value]bool
	if of != nil {
		held = map[value]bool{}
		for v := range uniques(b, of) {
			held[v] = true
		}
	}
	first, again := map[value]cellRef{}, map[value][]cellRef{}
	var order []value
	for _, m := range images {
		m.DropIssues(func(i table.Issue) bool { return i.Kind == table.KindDuplicate })
		for v, at := range uniques(b, m) {
			if of != nil && !held[v] {
				continue
			}
			switch one, known := first[v]; {
			case !known:
				first[v] = at
			case again[v] == nil:
				order = append(order, v)
				again[v] = []cellRef{one, at}
			default:
				again[v] = append(again[v], at)
			}
		}
	}
	all := make([][]cellRef, len(order))
	for i, v := range order {
		all[i] = again[v]
	}
	return all
}

// uniques yields the values of a completed image in the unique columns.
func uniques(b *batch.Batch, m *batch.Image) iter.Seq2[value, cellRef] {
	return func(yield func(value, cellRef) bool) {
		if m.Status != batch.Completed {
			return
		}
		header := b.Table.Header(m.Columns)
		for _, c := range b.Table.Unique(header) {
			heading := table.Key(header[c])
			for r, row := range m.Rows {
				if c >= len(row.Cells) {
					continue
				}
				if text := table.Distinct(row.Cells[c].Text); text != "" && !yield(value{heading, text}, cellRef{m, r, c}) {
					return
				}
			}
		}
	}
}

// addIssue adds an issue to the cell that names the first other position of its value.
func (w cellRef) addIssue(places []cellRef, own int) {
	if w.image.Rows[w.row].Cells[w.column].State == table.Accepted {
		return
	}
	other := places[0]
	if own == 0 {
		other = places[1]
	}
	var message string
	switch more := len(places) - 2; {
	case more > 0:
		message = fmt.Sprintf("The same value is also on “%s”, row %d, and in further rows: %d.", other.image.Name, other.row+1, more)
	case other.image == w.image:
		message = fmt.Sprintf("The same value is also in row %d.", other.row+1)
	default:
		message = fmt.Sprintf("The same value is also on “%s”, row %d.", other.image.Name, other.row+1)
	}
	w.image.AddIssues([]table.Issue{{Row: w.row, Column: w.column, Kind: table.KindDuplicate, Message: message}})
}

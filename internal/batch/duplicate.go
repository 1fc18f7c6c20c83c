package batch

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"sheetlift/internal/table"
)

// A value that should be there once and comes again is a doubt that no image has by itself: another one may be edited,
// or read anew, and it is gone. It is therefore never stored, but found among the rows whenever they are read.

// where is a cell of a batch.
type where struct {
	image       *Image
	row, column int
}

// value is what is compared: a text under a heading.
type value struct{ heading, text string }

// MarkDuplicates adds a doubt to every cell of the completed images that holds a value again which its column should
// hold once, unless a person accepted it. images are those of b in their order; what they held of such doubts is
// dropped first.
func MarkDuplicates(b *Batch, images []*Image) {
	for _, places := range duplicates(b, images, nil) {
		for i, at := range places {
			at.doubt(places, i)
		}
	}
}

// MarkDuplicates is the function of that name for one image of a batch, as the caller has it.
func (s *Service) MarkDuplicates(ctx context.Context, b *Batch, m *Image) error {
	if !b.Table.Open && len(b.Table.Unique(nil)) == 0 {
		return nil
	}
	images, err := s.shown(ctx, b)
	if err != nil {
		return err
	}
	for i := range images {
		if images[i].N == m.N {
			images[i] = m
		}
	}
	for _, places := range duplicates(b, images, m) {
		for i, at := range places {
			if at.image == m {
				at.doubt(places, i)
			}
		}
	}
	return nil
}

// duplicates finds the values that come more than once, each with its places in the order of the batch: all of them,
// or those that one image holds.
func duplicates(b *Batch, images []*Image, of *Image) [][]where {
	var held map[value]bool
	if of != nil {
		held = map[value]bool{}
		for v := range uniques(b, of) {
			held[v] = true
		}
	}
	first, again := map[value]where{}, map[value][]where{}
	var order []value
	for _, m := range images {
		m.withoutDuplicates()
		for v, at := range uniques(b, m) {
			if of != nil && !held[v] {
				continue
			}
			switch one, known := first[v]; {
			case !known:
				first[v] = at
			case again[v] == nil:
				order = append(order, v)
				again[v] = []where{one, at}
			default:
				again[v] = append(again[v], at)
			}
		}
	}
	all := make([][]where, len(order))
	for i, v := range order {
		all[i] = again[v]
	}
	return all
}

// uniques yields what a completed image holds in the columns in which nothing should come twice.
func uniques(b *Batch, m *Image) iter.Seq2[value, where] {
	return func(yield func(value, where) bool) {
		if m.Status != Completed {
			return
		}
		header := b.Table.Header(m.Columns)
		for _, c := range b.Table.Unique(header) {
			heading := strings.ToLower(header[c])
			for r, row := range m.Rows {
				if c >= len(row.Cells) {
					continue
				}
				if text := table.Distinct(row.Cells[c].Text); text != "" && !yield(value{heading, text}, where{m, r, c}) {
					return
				}
			}
		}
	}
}

// doubt says at the cell where else its value is: at the first of the other places.
func (w where) doubt(places []where, own int) {
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
	w.image.doubt([]table.Issue{{Row: w.row, Column: w.column, Kind: table.KindDuplicate, Message: message}})
}

// withoutDuplicates drops the doubts that only the rows of other images can tell of.
func (m *Image) withoutDuplicates() {
	found := func(i table.Issue) bool { return i.Kind == table.KindDuplicate }
	if slices.ContainsFunc(m.Issues, found) {
		m.Issues = slices.DeleteFunc(slices.Clone(m.Issues), found)
	}
}

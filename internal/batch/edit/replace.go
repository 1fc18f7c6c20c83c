package edit

import (
	"context"
	"regexp"
	"strings"
	"unicode/utf8"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Find is a search in the cells of a batch with its replacement: a text for another text or, if Dates is set, ambiguous dates
// that are rewritten year first in the stated order.
type Find struct {
	Text   string // not blank, unless Dates is set
	With   string
	Column string // heading of the column to search; "" for all
	Whole  bool   // match the whole cell, not a part of it
	Case   bool   // case-sensitive
	Dates  table.DateOrder
}

// EitherOrder, as Find.Dates, selects the dates that are the same day in both orders, such as 25/12/24.
const EitherOrder table.DateOrder = "either"

// Match is a cell that matches a Find.
type Match struct {
	N      int // image
	Row    int // row ID
	Column int
	Was    string
	Now    string // after replacing
}

// changed returns a function that applies f to a cell of a column; it returns the cell's own text if nothing matches.
func (f Find) changed() (func(table.Column, table.Cell) string, error) {
	if f.Dates != table.NoOrder {
		return f.dates()
	}
	if strings.TrimSpace(f.Text) == "" || utf8.RuneCountInString(f.Text) > 1000 {
		return nil, errs.New(errs.Invalid, "There is nothing to look for. Type what should be found, at most 1,000 characters.")
	}
	p := table.Pattern(f.Text)
	if f.Whole {
		p = `\A` + p + `\z`
	}
	if !f.Case {
		p = "(?i)" + p
	}
	re, err := regexp.Compile(p)
	with, _ := table.Clean(f.With)
	return func(c table.Column, cell table.Cell) string {
		text, _ := table.Clean(cell.Text)
		switch {
		case re.MatchString(text):
			return re.ReplaceAllLiteralString(text, with)
		case c.Holds(cell, f.Text):
			return with // the same value in another notation counts as a match of the whole cell
		default:
			return cell.Text
		}
	}, err
}

func (f Find) dates() (func(table.Column, table.Cell) string, error) {
	if f.Dates != table.DayFirst && f.Dates != table.MonthFirst && f.Dates != EitherOrder {
		return nil, errs.New(errs.Invalid, "Dates can be written with the day or with the month first. Choose one of the two.")
	}
	return func(c table.Column, cell table.Cell) string {
		day, month, ok := c.YearFirst(cell)
		switch {
		case !ok || f.Dates == EitherOrder && day != month:
			return cell.Text
		case f.Dates == table.MonthFirst:
			return month
		default:
			return day
		}
	}, nil
}

// Matches returns the cells in the completed images of a batch that f would change, in batch order.
func (s *Service) Matches(ctx context.Context, id batch.ID, f Find) ([]Match, error) {
	changed, err := f.changed()
	if err != nil {
		return nil, err
	}
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	images, err := s.batches.List(ctx, b)
	if err != nil {
		return nil, err
	}
	b = batch.Judged(b, images)
	var all []Match
	for _, m := range images {
		if m.Status != batch.Completed {
			continue
		}
		header := b.Table.Header(m.Columns)
		for i, row := range m.Rows {
			for c, cell := range row.Cells {
				if f.Column != "" && (c >= len(header) || table.Key(header[c]) != table.Key(f.Column)) {
					continue
				}
				if now := changed(b.Table.Column(c), cell); now != cell.Text {
					all = append(all, Match{m.N, m.RowID(i), c, cell.Text, now})
				}
			}
		}
	}
	return all, nil
}

// Replaced is the result of a replacement.
type Replaced struct {
	Cells  int
	Images int
	Kept   int // cells left unchanged because somebody else changed them at the same time
}

// Replace changes the matches of f in all completed images of a batch. name joins these edits for UndoGroup.
func (s *Service) Replace(ctx context.Context, id batch.ID, f Find, by, name string) (Replaced, error) {
	matches, err := s.Matches(ctx, id, f)
	if err != nil {
		return Replaced{}, err
	}
	changed := group{}
	done, whole, err := s.replaceAll(ctx, id, matches, changed, by, name, f.Dates != table.NoOrder)
	if counting := s.recount(ctx, id, changed); err == nil {
		err = counting
	}
	if err == nil && !whole {
		return Replaced{}, s.undoPartial(ctx, id, by, name)
	}
	return done, err
}

// replaceAll changes the matches, image by image. With all it ends, and whole is false, as soon as a cell could not be changed.
func (s *Service) replaceAll(ctx context.Context, id batch.ID, matches []Match, changed group, by, name string, all bool) (done Replaced, whole bool, err error) {
	for from := 0; from < len(matches); {
		to := from + 1
		for to < len(matches) && matches[to].N == matches[from].N {
			to++
		}
		n, err := s.replaceIn(ctx, id, matches[from:to], changed, by, name)
		if err != nil {
			return done, true, err
		}
		if n < to-from && all {
			return done, false, nil
		}
		done.Cells += n
		done.Kept += to - from - n
		if n > 0 {
			done.Images++
		}
		from = to
	}
	return done, true, nil
}

// undoPartial undoes a partial rewrite of dates after a concurrent edit: the other person may have chosen the other order, and
// a batch that is half one order and half the other could not be sorted out later.
func (s *Service) undoPartial(ctx context.Context, id batch.ID, by, name string) error {
	ctx = context.WithoutCancel(ctx) // the person may have left the page
	if _, _, err := s.UndoGroup(ctx, id, name, by); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	return errs.New(errs.Conflict, "Somebody else is just changing these dates, so nothing was written. Look at them and try again.")
}

// replaceIn changes cells of one image in one compare-and-swap. If one of them was changed concurrently, it changes the others
// one by one.
func (s *Service) replaceIn(ctx context.Context, id batch.ID, matches []Match, changed group, by, name string) (int, error) {
	m, err := s.batches.Image(ctx, id, matches[0].N)
	if err != nil {
		return 0, err
	}
	requests := make([]Request, len(matches))
	for i, match := range matches {
		requests[i] = Request{Do: batch.EditCell, By: by, Generation: m.Generation, Row: match.Row, Column: match.Column, Text: match.Now, Seen: match.Was, Group: name}
	}
	_, err = s.editAll(ctx, id, m.N, changed, requests)
	if err == nil {
		return len(requests), nil
	}
	n := 0
	for _, a := range requests {
		switch _, err := s.editAll(ctx, id, m.N, changed, []Request{a}); {
		case err == nil:
			n++
		case !errs.Is(err, errs.Conflict):
			return n, err
		}
	}
	return n, nil
}

package batch

import (
	"context"
	"regexp"
	"strings"
	"unicode/utf8"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Find is what to look for in the cells of a batch, and what to put there: a text for another one or, where Dates says how
// they were meant, dates that only this makes plain, which are written year first.
type Find struct {
	Text   string // not blank, unless Dates is set
	With   string
	Column string // heading of the column to look in; "" all
	Whole  bool   // the whole cell, not a part of it
	Case   bool   // capital and small letters differ
	Dates  table.DateOrder
}

// EitherOrder as Find.Dates is for dates that are the same day with the day and with the month first, such as 25/12/24.
const EitherOrder table.DateOrder = "either"

// Match is a cell that Find finds.
type Match struct {
	N      int // image
	Row    int // by its ID
	Column int
	Was    string
	Now    string // after replacing
}

// changed returns what f makes of a cell of a column: its own text where it finds nothing.
func (f Find) changed() (func(table.Column, table.Cell) string, error) {
	if f.Dates != table.NoOrder {
		return f.dates()
	}
	if strings.TrimSpace(f.Text) == "" || utf8.RuneCountInString(f.Text) > 1000 {
		return nil, errs.New(errs.Invalid, "There is nothing to look for. Type what should be found, at most 1,000 characters.")
	}
	p := regexp.QuoteMeta(f.Text)
	if f.Whole {
		p = `\A` + p + `\z`
	}
	if !f.Case {
		p = "(?i)" + p
	}
	re, err := regexp.Compile(p)
	return func(_ table.Column, cell table.Cell) string { return re.ReplaceAllLiteralString(cell.Text, f.With) }, err
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

// Matches returns the cells that f finds in the completed images of a batch and would change, in the batch's order.
func (s *Service) Matches(ctx context.Context, id ID, f Find) ([]Match, error) {
	changed, err := f.changed()
	if err != nil {
		return nil, err
	}
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	images, err := s.shown(ctx, b)
	if err != nil {
		return nil, err
	}
	var all []Match
	for _, m := range images {
		if m.Status != Completed {
			continue
		}
		header := b.Table.Header(m.Columns)
		for i, row := range m.Rows {
			for c, cell := range row.Cells {
				if f.Column != "" && (c >= len(header) || !strings.EqualFold(header[c], f.Column)) {
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

// Replaced is what became of a replacement.
type Replaced struct {
	Cells  int
	Images int
	Kept   int // cells left as they were because somebody changed them in that moment
}

// Replace changes what f finds in all completed images of a batch. group names these edits for UndoGroup.
func (s *Service) Replace(ctx context.Context, id ID, f Find, by, group string) (Replaced, error) {
	var done Replaced
	matches, err := s.Matches(ctx, id, f)
	if err != nil {
		return done, err
	}
	for from := 0; from < len(matches); {
		to := from + 1
		for to < len(matches) && matches[to].N == matches[from].N {
			to++
		}
		n, err := s.replaceIn(ctx, id, matches[from:to], by, group)
		if err != nil {
			return done, err
		}
		if n < to-from && f.Dates != table.NoOrder {
			return Replaced{}, s.halfWritten(ctx, id, by, group)
		}
		done.Cells += n
		done.Kept += to - from - n
		if n > 0 {
			done.Images++
		}
		from = to
	}
	return done, nil
}

// halfWritten takes back what was written of dates beside somebody else, who may have meant them the other way: half of a
// batch one way and half the other cannot be told apart any more.
func (s *Service) halfWritten(ctx context.Context, id ID, by, group string) error {
	ctx = context.WithoutCancel(ctx) // who pressed may have left the page
	if _, _, err := s.UndoGroup(ctx, id, group, by); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	return errs.New(errs.Conflict, "Somebody else is just changing these dates, so nothing was written. Look at them and try again.")
}

// replaceIn changes cells of one image in one swap; when one of them was changed meanwhile, each that was not.
func (s *Service) replaceIn(ctx context.Context, id ID, matches []Match, by, group string) (int, error) {
	m, err := s.Image(ctx, id, matches[0].N)
	if err != nil {
		return 0, err
	}
	asks := make([]Ask, len(matches))
	for i, match := range matches {
		asks[i] = Ask{Do: EditCell, By: by, Reading: m.Work, Row: match.Row, Column: match.Column, Text: match.Now, Seen: match.Was, Group: group}
	}
	_, err = s.Edit(ctx, id, m.N, asks...)
	if err == nil {
		return len(asks), nil
	}
	n := 0
	for _, a := range asks {
		switch _, err := s.Edit(ctx, id, m.N, a); {
		case err == nil:
			n++
		case !errs.Is(err, errs.Conflict):
			return n, err
		}
	}
	return n, nil
}

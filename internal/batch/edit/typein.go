package edit

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// TypeIn lets a person type the rows of an image that failed or was canceled: it becomes completed, with one blank row. Headings
// are the columns of its sheet in a batch of any table, and are ignored in others. Repeating it changes nothing. Errors: Conflict
// when the image waits, is being read or was read; Invalid for headings that are not allowed.
func (s *Service) TypeIn(ctx context.Context, id batch.ID, n int, by string, headings []string) (*batch.Image, error) {
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(b.Order, n) {
		return nil, batch.NotFound()
	}
	if headings, err = cleanHeadings(b.Table, headings); err != nil {
		return nil, err
	}
	changed := group{}
	m, err := s.batches.UpdateImage(ctx, id, n, func(m *batch.Image) (bool, error) {
		delete(changed, n)
		switch {
		case m.Status == batch.Completed && m.Typed != nil:
			return false, nil
		case m.Status != batch.Failed && m.Status != batch.Canceled:
			return false, errs.New(errs.Conflict, "This picture has not failed, so its rows need not be typed. Reload the page to see them.")
		}
		changed[n] = m
		return true, startTyping(b.Table, m, batch.Typed{By: by, At: time.Now().UTC()}, headings)
	})
	if err != nil {
		return nil, err
	}
	return m, s.recount(ctx, id, changed)
}

// startTyping completes m with one blank row. Units of work and edits that were meant for an earlier reading do not apply to it.
func startTyping(t table.Table, m *batch.Image, typed batch.Typed, headings []string) error {
	m.Status, m.Failure, m.Ended, m.NotBefore = batch.Completed, "", typed.At, time.Time{}
	m.Generation, m.Lease, m.DuplicateOf, m.CachedFrom = m.Generation+1, batch.Lease{}, 0, nil
	m.Typed, m.Columns, m.Rows, m.Issues, m.Text, m.Checks = &typed, headings, nil, nil, "", table.Checks
	return (sheet{m}).addRow(t, Request{}, &batch.Edit{})
}

// cleanHeadings returns the headings of an open table without blank ones; nil for other tables.
func cleanHeadings(t table.Table, headings []string) ([]string, error) {
	if !t.Open {
		return nil, nil
	}
	var clean []string
	for _, h := range headings {
		h, err := cleanText(h)
		if err != nil {
			return nil, err
		}
		if n := utf8.RuneCountInString(h); n > table.MaxName {
			return nil, errs.New(errs.Invalid, "The heading “%s” has %d characters; a heading has %d at most. Shorten it.", string([]rune(h)[:20])+"…", n, table.MaxName)
		}
		if h != "" {
			clean = append(clean, h)
		}
	}
	if len(clean) == 0 {
		return nil, errs.New(errs.Invalid, "Type the headings of the sheet first, each on a line of its own.")
	}
	if len(clean) > table.MaxOpenColumns {
		return nil, errs.New(errs.Invalid, "These are %d headings; a sheet has %d columns at most.", len(clean), table.MaxOpenColumns)
	}
	return clean, nil
}

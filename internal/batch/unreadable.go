package batch

import (
	"context"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// setUnreadable records that a person could not read a cell either: it has no text, and no doubt.
func (m sheet) setUnreadable(t table.Table, a EditRequest, at int, e *Edit) (bool, error) {
	c, err := m.cell(t, at, a.Column)
	if err != nil {
		return false, err
	}
	if c.State == table.Lost {
		return false, nil
	}
	if !sameText(c.Text, a.Seen) {
		return false, m.conflict(a, c.Text, "Somebody else changed this cell meanwhile. Yours is kept in the field; choose which one is right.")
	}
	e.Was = *c
	c.Text, c.State, c.Confidence, c.Meant = "", table.Lost, 0, ""
	e.Now = *c
	e.Settled = m.removeIssues(func(i table.Issue) bool { return i.Row == at && i.Column == a.Column })
	return true, nil
}

// UndoLast undoes the newest edit of a person in a batch, with the edits of its group. It returns the number of the image and the
// edit. Errors: Invalid when there is nothing to undo, Conflict when the value was changed again since.
func (s *Service) UndoLast(ctx context.Context, id ID, by string) (int, *Edit, error) {
	images, err := s.Images(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	var last *Edit
	n := 0
	for _, m := range images {
		if e := m.Undoable(by); e != nil && m.Status == Completed && (last == nil || e.At.After(last.At)) {
			last, n = e, m.N
		}
	}
	if last == nil {
		return 0, nil, errs.New(errs.Invalid, "You changed nothing here that could be undone.")
	}
	if last.Group != "" {
		_, _, err = s.UndoGroup(ctx, id, last.Group, by)
		return n, last, err
	}
	_, undone, err := s.Undo(ctx, id, n, last.N, by)
	return n, undone, err
}

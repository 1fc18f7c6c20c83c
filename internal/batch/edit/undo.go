package edit

import (
	"context"
	"slices"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Undo undoes an edit, or the person's newest one when edit is 0, and returns the image with the edit that was undone. Errors:
// Invalid when there is nothing to undo, Conflict when the value was changed again since.
func (s *Service) Undo(ctx context.Context, id batch.ID, n, edit int, by string) (*batch.Image, *batch.Edit, error) {
	var undone batch.Edit
	changed := group{}
	m, err := s.edit(ctx, id, n, changed, nil, func(_ *batch.Batch, m *batch.Image, now time.Time) error {
		e := m.Undoable(by)
		if edit != 0 {
			i := slices.IndexFunc(m.Edits, func(e batch.Edit) bool { return e.N == edit && e.Kind != batch.EditUndo })
			if i < 0 {
				return errs.New(errs.Invalid, "There is no such edit.")
			}
			e = &m.Edits[i]
		}
		if e == nil {
			return errs.New(errs.Invalid, "You changed nothing here that could be undone.")
		}
		if e.Undone {
			undone = *e
			return nil
		}
		if err := (sheet{m}).undo(e, by, now); err != nil {
			return err
		}
		undone = *e
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return m, &undone, s.recount(ctx, id, changed)
}

// UndoGroup undoes the edits that one operation made over the images of a batch. It returns how many were undone and how many
// were kept because somebody changed those cells since.
func (s *Service) UndoGroup(ctx context.Context, id batch.ID, name, by string) (undone, kept int, err error) {
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return 0, 0, err
	}
	changed := group{}
	of := func(e batch.Edit) bool { return name != "" && e.Group == name && !e.Undone }
	for _, m := range images {
		if !slices.ContainsFunc(m.Edits, of) {
			continue
		}
		back, stay, err := s.undoIn(ctx, m, changed, of, by)
		if err != nil {
			_ = s.recount(ctx, id, changed) // of the two, the first error says more
			return undone, kept, err
		}
		undone, kept = undone+back, kept+stay
	}
	return undone, kept, s.recount(ctx, id, changed)
}

// undoIn undoes the matching edits of one image.
func (s *Service) undoIn(ctx context.Context, m *batch.Image, changed group, of func(batch.Edit) bool, by string) (back, stay int, err error) {
	_, err = s.edit(ctx, m.Batch, m.N, changed, nil, func(_ *batch.Batch, m *batch.Image, now time.Time) error {
		back, stay = 0, 0 // f runs again after a lost compare-and-swap
		for i := len(m.Edits) - 1; i >= 0; i-- {
			if !of(m.Edits[i]) {
				continue
			}
			if (sheet{m}).undo(&m.Edits[i], by, now) == nil {
				back++
			} else {
				stay++
			}
		}
		return nil
	})
	if errs.Is(err, errs.Conflict) { // the image is being read again
		return 0, len(m.EffectiveEdits(of)), nil
	}
	return back, stay, err
}

// undo reverts one edit and records that; on Conflict nothing is changed.
func (m sheet) undo(e *batch.Edit, by string, now time.Time) error {
	if e.Generation != m.Generation {
		return errs.New(errs.Conflict, "This edit belongs to an earlier reading of the picture, so it cannot be undone.")
	}
	if err := m.revert(*e); err != nil {
		return err
	}
	e.Undone = true
	m.record(batch.Edit{By: by, At: now, Generation: m.Generation, Kind: batch.EditUndo, Row: e.Row, Column: e.Column, Was: e.Now, Now: e.Was, Of: e.N})
	return nil
}

// revert reverts e, unless its result was changed since.
func (m sheet) revert(e batch.Edit) error {
	at := m.Place(e.Row)
	since := errs.New(errs.Conflict, "This was changed again since, so it cannot be undone. Undo the later change first, or edit it.")
	switch e.Kind {
	case batch.EditCell, batch.EditUnreadable, batch.EditAccept:
		if e.Row == 0 || e.Column < 0 {
			if at < 0 && e.Row != 0 {
				return since
			}
			m.restoreIssues(e.Settled, at)
			return nil
		}
		if at < 0 || e.Column >= len(m.Rows[at].Cells) {
			return since
		}
		c := &m.Rows[at].Cells[e.Column]
		if c.Text != e.Now.Text || c.State != e.Now.State {
			return since
		}
		m.removeIssues(func(i table.Issue) bool { return i.Row == at && i.Column == e.Column })
		*c = e.Was
		m.restoreIssues(e.Settled, at)
	case batch.EditAdd:
		if at < 0 || slices.ContainsFunc(m.Rows[at].Cells, func(c table.Cell) bool { return c.Text != "" }) {
			return since
		}
		m.remove(at)
	case batch.EditDelete:
		if at >= 0 || e.Whole == nil {
			return since
		}
		to := min(e.From, len(m.Rows))
		m.insert(to, *e.Whole)
		m.restoreIssues(e.Settled, to)
	case batch.EditMove:
		if at < 0 {
			return since
		}
		m.moveRow(at, min(e.From, len(m.Rows)-1))
	case batch.EditCheck:
		m.Checked = nil
		m.restoreIssues(e.Settled, -1)
	case batch.EditUncheck:
		m.Checked = &batch.Check{By: e.By, At: e.At, Generation: e.Generation}
	}
	return nil
}

// restoreIssues restores dismissed issues, at the current index of their row.
func (m sheet) restoreIssues(settled []table.Issue, at int) {
	back := slices.Clone(settled)
	for i := range back {
		back[i].Row = at
	}
	m.AddIssues(back)
}

// UndoLast undoes the newest edit of a person in a batch, with the edits of its group. It returns the number of the image and the
// edit. Errors: Invalid when there is nothing to undo, Conflict when the value was changed again since.
func (s *Service) UndoLast(ctx context.Context, id batch.ID, by string) (int, *batch.Edit, error) {
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	var last *batch.Edit
	n := 0
	for _, m := range images {
		if e := m.Undoable(by); e != nil && m.Status == batch.Completed && (last == nil || e.At.After(last.At)) {
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

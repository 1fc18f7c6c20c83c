package batch

import (
	"context"
	"slices"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Undo takes an edit back, or the person's newest one when n is 0, and returns the image with the edit that was taken
// back. Errors: Invalid when there is nothing to undo, Conflict when what it changed was changed again since.
func (s *Service) Undo(ctx context.Context, id ID, n, edit int, by string) (*Image, *Edit, error) {
	var undone Edit
	m, err := s.edit(ctx, id, n, false, func(_ *Batch, m *Image, now time.Time) error {
		e := m.Undoable(by)
		if edit != 0 {
			i := slices.IndexFunc(m.Edits, func(e Edit) bool { return e.N == edit && e.Kind != EditUndo })
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
		if err := m.undo(e, by, now); err != nil {
			return err
		}
		undone = *e
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return m, &undone, nil
}

// UndoGroup takes back what was made in one go over the images of a batch. It returns how many edits were taken back and
// how many stay because somebody changed those cells since.
func (s *Service) UndoGroup(ctx context.Context, id ID, group, by string) (undone, kept int, err error) {
	images, err := s.Images(ctx, id)
	if err != nil {
		return 0, 0, err
	}
	of := func(e Edit) bool { return group != "" && e.Group == group && !e.Undone }
	for _, m := range images {
		if !slices.ContainsFunc(m.Edits, of) {
			continue
		}
		back, stay := 0, 0
		_, err := s.edit(ctx, id, m.N, false, func(_ *Batch, m *Image, now time.Time) error {
			back, stay = 0, 0 // this runs again when somebody else was faster
			for i := len(m.Edits) - 1; i >= 0; i-- {
				if !of(m.Edits[i]) {
					continue
				}
				if m.undo(&m.Edits[i], by, now) == nil {
					back++
				} else {
					stay++
				}
			}
			return nil
		})
		if errs.Is(err, errs.Conflict) { // it is being read again
			back, stay = 0, len(m.made(of))
		} else if err != nil {
			return undone, kept, err
		}
		undone, kept = undone+back, kept+stay
	}
	return undone, kept, nil
}

// undo takes one edit back and writes that down; a Conflict leaves everything as it is.
func (m *Image) undo(e *Edit, by string, now time.Time) error {
	if e.Reading != m.Work {
		return errs.New(errs.Conflict, "This edit belongs to an earlier reading of the picture, so it cannot be undone.")
	}
	if err := m.takeBack(*e); err != nil {
		return err
	}
	e.Undone = true
	m.record(Edit{By: by, At: now, Reading: m.Work, Kind: EditUndo, Row: e.Row, Column: e.Column, Was: e.Now, Now: e.Was, Of: e.N})
	return nil
}

// takeBack reverses e, unless what it made is no longer as it made it.
func (m *Image) takeBack(e Edit) error {
	at := m.Place(e.Row)
	since := errs.New(errs.Conflict, "This was changed again since, so it cannot be undone. Undo the later change first, or edit it.")
	switch e.Kind {
	case EditCell, EditAccept:
		if e.Row == 0 || e.Column < 0 {
			if at < 0 && e.Row != 0 {
				return since
			}
			m.again(e.Settled, at)
			return nil
		}
		if at < 0 || e.Column >= len(m.Rows[at].Cells) {
			return since
		}
		c := &m.Rows[at].Cells[e.Column]
		if c.Text != e.Now.Text || c.State != e.Now.State {
			return since
		}
		m.settle(func(i table.Issue) bool { return i.Row == at && i.Column == e.Column })
		*c = e.Was
		m.again(e.Settled, at)
	case EditAdd:
		if at < 0 || slices.ContainsFunc(m.Rows[at].Cells, func(c table.Cell) bool { return c.Text != "" }) {
			return since
		}
		m.remove(at)
	case EditDelete:
		if at >= 0 || e.Whole == nil {
			return since
		}
		to := min(e.From, len(m.Rows))
		m.insert(to, *e.Whole)
		m.again(e.Settled, to)
	case EditMove:
		if at < 0 {
			return since
		}
		m.moveRow(at, min(e.From, len(m.Rows)-1))
	case EditCheck:
		m.Checked = nil
		m.again(e.Settled, -1)
	case EditUncheck:
		m.Checked = &Check{By: e.By, At: e.At, Reading: e.Reading}
	}
	return nil
}

// again puts settled doubts back, at the place where their row stands now.
func (m *Image) again(settled []table.Issue, at int) {
	back := slices.Clone(settled)
	for i := range back {
		back[i].Row = at
	}
	m.doubt(back)
}

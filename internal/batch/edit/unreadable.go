package edit

import (
	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// setUnreadable records that a person could not read a cell either: it has no text, and no doubt.
func (m sheet) setUnreadable(t table.Table, a Request, at int, e *batch.Edit) (bool, error) {
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

package batch

import (
	"cmp"
	"time"

	"sheetlift/internal/table"
)

// EditKind is the kind of an edit. The words are stored and sent by pages.
type EditKind string

// The kinds.
const (
	EditCell    EditKind = "cell"    // sets the text of a cell
	EditAccept  EditKind = "accept"  // dismisses an issue: of a cell, a row or the image
	EditAdd     EditKind = "add"     // adds a blank row
	EditDelete  EditKind = "delete"  // removes a row
	EditMove    EditKind = "move"    // moves a row to another position
	EditCheck   EditKind = "check"   // confirms that the rows match the picture
	EditUncheck EditKind = "uncheck" // withdraws EditCheck
	EditUndo    EditKind = "undo"    // reverts an earlier edit

	EditUnreadable EditKind = "unreadable" // says that a cell cannot be read
)

// Edit is one change by a person to the rows of an image, with all data needed to undo it.
type Edit struct {
	N          int           `json:"n"` // from 1, in the order of the image's edits
	Token      string        `json:"token,omitempty"`
	By         string        `json:"by"`
	At         time.Time     `json:"at"`
	Generation int           `json:"reading"` // Image.Generation of the reading that was edited
	Kind       EditKind      `json:"k"`
	Row        int           `json:"r,omitempty"` // row ID; 0: the image
	Column     int           `json:"c,omitempty"` // -1: the row
	Was        table.Cell    `json:"was,omitzero"`
	Now        table.Cell    `json:"now,omitzero"`
	From       int           `json:"from,omitempty"`    // index before, from 0: of a moved or deleted row
	To         int           `json:"to,omitempty"`      // index after: of a moved or added row
	Whole      *table.Row    `json:"whole,omitempty"`   // the deleted row
	Settled    []table.Issue `json:"settled,omitempty"` // the issues that it removed
	Group      string        `json:"group,omitempty"`   // joins edits made in one operation over several images
	Of         int           `json:"of,omitempty"`      // EditUndo: N of the edit that was undone
	Undone     bool          `json:"undone,omitempty"`
}

// Check is the confirmation of an image's rows by a person, with its time.
type Check struct {
	By         string    `json:"by"`
	At         time.Time `json:"at"`
	Generation int       `json:"reading"` // Image.Generation at that time: another reading must be checked again
}

// IsChecked reports whether a person confirmed the current rows of m.
func (m *Image) IsChecked() bool {
	return m.Checked != nil && m.Checked.Generation == m.Generation && m.Status == Completed
}

// RowID returns the stable ID of the row at index i; it does not change when the row moves.
func (m *Image) RowID(i int) int { return cmp.Or(m.Rows[i].ID, i+1) }

// Place returns the index of the row with that ID, from 0, or -1 if there is none.
func (m *Image) Place(id int) int {
	for i := range m.Rows {
		if m.RowID(i) == id {
			return i
		}
	}
	return -1
}

// Standing returns the edits that are part of the current rows.
func (m *Image) Standing() []Edit {
	return m.EffectiveEdits(func(e Edit) bool { return e.Generation == m.Generation })
}

// Outdated returns the edits to earlier readings, which are not part of the current rows.
func (m *Image) Outdated() []Edit {
	return m.EffectiveEdits(func(e Edit) bool { return e.Generation != m.Generation })
}

// EffectiveEdits returns the matching edits that changed rows and were not undone.
func (m *Image) EffectiveEdits(match func(Edit) bool) []Edit {
	var all []Edit
	for _, e := range m.Edits {
		switch e.Kind {
		case EditCell, EditUnreadable, EditAdd, EditDelete, EditMove:
			if !e.Undone && match(e) {
				all = append(all, e)
			}
		}
	}
	return all
}

// Undoable returns the newest edit by a person that can be undone, or nil. by "" means anybody.
func (m *Image) Undoable(by string) *Edit {
	for i := len(m.Edits) - 1; i >= 0; i-- {
		e := &m.Edits[i]
		if e.Generation == m.Generation && !e.Undone && e.Kind != EditUndo && (by == "" || e.By == by) {
			return e
		}
	}
	return nil
}

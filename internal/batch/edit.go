package batch

import (
	"cmp"
	"context"
	"hash/fnv"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sheetlift/internal/errs"
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

// MaxEdits is how many edits an image keeps; the oldest are dropped first.
const MaxEdits = 10_000

// EditRequest is a requested edit, with the values that the person saw when they requested it: an edit never overwrites a value that
// its author has not seen.
type EditRequest struct {
	Do         EditKind
	By         string // a name, or the id of the browser
	Token      string // idempotency key chosen by the browser: a repeated request does nothing; "" for none
	Generation int    // Image.Generation as seen
	Row        int    // the row's ID; 0: the image
	Column     int    // column of the cell; -1: the row
	Text       string // EditCell: the new text. EditAccept of a row or the image: the message of the issue, "" for all
	Seen       string // EditCell, EditUnreadable, EditAccept of a cell: its text as seen. EditDelete: the Fingerprint of the row as seen
	To         int    // EditAdd, EditMove: the index, from 0
	Group      string
}

// EditConflict is the cause of a Conflict: the value was changed by somebody else first.
type EditConflict struct {
	Request EditRequest
	There   bool   // it concerns a cell that still exists
	Now     string // the current text of the cell
	By      string // the author of that change, "" if unknown
	At      time.Time
}

// Error describes the conflict, for logs.
func (c *EditConflict) Error() string {
	return "row " + strconv.Itoa(c.Request.Row) + " was changed by " + strconv.Quote(c.By)
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
	return m.effectiveEdits(func(e Edit) bool { return e.Generation == m.Generation })
}

// Outdated returns the edits to earlier readings, which are not part of the current rows.
func (m *Image) Outdated() []Edit {
	return m.effectiveEdits(func(e Edit) bool { return e.Generation != m.Generation })
}

// effectiveEdits returns the matching edits that changed rows and were not undone.
func (m *Image) effectiveEdits(match func(Edit) bool) []Edit {
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

// Fingerprint returns a hash of the texts of a row, to detect changes.
func Fingerprint(row table.Row) string {
	h := fnv.New64a()
	for _, c := range row.Cells {
		_, _ = h.Write([]byte(c.Text)) // never fails
		_, _ = h.Write([]byte{0})
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// Edit applies requested edits to a completed image, all or none. Errors: Conflict with an *EditConflict when a value changed after the
// person saw it, Conflict when the image is not completed at the moment, Invalid for a text that is not allowed.
func (s *Service) Edit(ctx context.Context, id ID, n int, requests ...EditRequest) (*Image, error) {
	// Issues that depend on the other images can be dismissed too, and an edit stores the meaning of its value; both need Mark.
	marks := func(b *Batch) bool {
		return slices.ContainsFunc(requests, func(a EditRequest) bool {
			return a.Do == EditAccept || a.Do == EditUnreadable || a.Do == EditCell && (sameText(a.Text, a.Seen) || b.Table.Column(a.Column).Weighs(a.Text))
		})
	}
	return s.edit(ctx, id, n, marks, func(b *Batch, m *Image, now time.Time) error {
		for _, a := range requests {
			if a.Token != "" && slices.ContainsFunc(m.Edits, func(e Edit) bool { return e.Token == a.Token }) {
				continue
			}
			if err := (sheet{m}).apply(b.Table, a, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// edit changes a completed image and updates the counts of a batch that has ended.
func (s *Service) edit(ctx context.Context, id ID, n int, marks func(*Batch) bool, f func(*Batch, *Image, time.Time) error) (*Image, error) {
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	if b.Order != nil && !slices.Contains(b.Order, n) {
		return nil, notFound()
	}
	var before Figures
	m, err := s.changeImage(ctx, id, n, func(m *Image) (bool, error) {
		if m.Status != Completed {
			return false, errs.New(errs.Conflict, "This picture is not read at the moment, so its rows cannot be changed. What you typed is kept here; try again once it is read.")
		}
		before = m.Figures(b.Table)
		m.addIssues(m.overlooked(b.Table))
		m.Checks = table.Checks
		judged := b
		if marks != nil && marks(b) {
			if judged, err = s.Mark(ctx, b, m); err != nil {
				return false, err
			}
		}
		for i := range m.Rows {
			m.Rows[i].ID = m.RowID(i)
		}
		last := lastEdit(m)
		if err := f(judged, m, time.Now().UTC()); err != nil {
			return false, err
		}
		m.dropIssues(computedOnRead)
		if drop := len(m.Edits) - MaxEdits; drop > 0 {
			m.Edits = m.Edits[drop:]
		}
		return lastEdit(m) != last, nil
	})
	if err != nil {
		return nil, err
	}
	unique := len(b.Table.Unique(b.Table.Header(m.Columns))) > 0 // then doubts of other images may have come or gone
	if unique || !reflect.DeepEqual(m.Figures(b.Table), before) {
		err = s.recount(ctx, id, map[int]*Image{n: m})
	}
	return m, err
}

func lastEdit(m *Image) int {
	if len(m.Edits) == 0 {
		return 0
	}
	return m.Edits[len(m.Edits)-1].N
}

// sheet is an image whose rows are being edited.
type sheet struct{ *Image }

// apply carries out one request. It records nothing if nothing changes.
func (m sheet) apply(t table.Table, a EditRequest, now time.Time) error {
	if a.Generation != m.Generation {
		return errs.Wrap(&EditConflict{Request: a}, errs.Conflict, "This picture was read again meanwhile, and its rows are new. Compare them with what you wanted to change.")
	}
	e := Edit{Token: a.Token, By: a.By, At: now, Generation: m.Generation, Kind: a.Do, Row: a.Row, Column: a.Column, Group: a.Group}
	at := m.Place(a.Row)
	if at < 0 && (a.Do == EditCell || a.Do == EditUnreadable || a.Do == EditDelete || a.Do == EditMove || a.Do == EditAccept && a.Row != 0) {
		return m.conflict(a, "", "This row was deleted meanwhile, so it was left as it is.")
	}
	var err error
	done := true
	switch a.Do {
	case EditCell:
		done, err = m.setCell(t, a, at, &e)
	case EditAccept:
		done, err = m.accept(t, a, at, &e)
	case EditUnreadable:
		done, err = m.setUnreadable(t, a, at, &e)
	case EditAdd:
		err = m.addRow(t, a, &e)
	case EditDelete:
		err = m.deleteRow(a, at, &e)
	case EditMove:
		e.From, e.To = at, min(max(a.To, 0), len(m.Rows)-1)
		m.moveRow(e.From, e.To)
		done = e.From != e.To
	case EditCheck:
		if done = !m.IsChecked(); done {
			m.Checked = &Check{By: a.By, At: now, Generation: m.Generation}
			e.Settled = m.removeIssues(func(i table.Issue) bool { return i.Row < 0 })
		}
	case EditUncheck:
		done = m.IsChecked()
		m.Checked = nil
	default:
		return errs.New(errs.Invalid, "This cannot be done to a row. Reload the page and try again.")
	}
	if err != nil || !done {
		return err
	}
	m.record(e)
	return nil
}

func (m sheet) record(e Edit) {
	e.N = lastEdit(m.Image) + 1
	m.Edits = append(m.Edits, e)
}

// conflict returns the error for a request that is based on an outdated value.
func (m sheet) conflict(a EditRequest, now, sentence string) error {
	c := &EditConflict{Request: a, Now: now, There: (a.Do == EditCell || a.Do == EditUnreadable) && m.Place(a.Row) >= 0}
	for _, e := range slices.Backward(m.Edits) {
		if e.Generation == m.Generation && e.Row == a.Row && (e.Column == a.Column || e.Kind == EditDelete) {
			c.By, c.At = e.By, e.At
			break
		}
	}
	return errs.Wrap(c, errs.Conflict, "%s", sentence)
}

// cell returns a cell for writing; it extends a row that is too short.
func (m sheet) cell(t table.Table, row, column int) (*table.Cell, error) {
	r := &m.Rows[row]
	if column < 0 || column >= max(len(t.Header(m.Columns)), len(r.Cells)) {
		return nil, errs.New(errs.Invalid, "This table has no column %d. Reload the page and try again.", column+1)
	}
	for len(r.Cells) <= column {
		r.Cells = append(r.Cells, table.Cell{State: table.Blank})
	}
	return &r.Cells[column], nil
}

func (m sheet) setCell(t table.Table, a EditRequest, at int, e *Edit) (bool, error) {
	text, err := cleanText(a.Text)
	if err != nil {
		return false, err
	}
	c, err := m.cell(t, at, a.Column)
	if err != nil {
		return false, err
	}
	if sameText(c.Text, text) {
		if sameText(c.Text, a.Seen) { // confirmed unchanged
			return m.accept(t, a, at, e)
		}
		return false, nil // both people typed the same text
	}
	if !sameText(c.Text, a.Seen) {
		return false, m.conflict(a, c.Text, "Somebody else changed this cell meanwhile. Yours is kept in the field; choose which one is right.")
	}
	e.Was = *c
	c.Text, c.State, c.Confidence, c.Meant = text, table.Edited, 0, t.Column(a.Column).Meant(text, false)
	e.Now = *c
	e.Settled = m.removeIssues(func(i table.Issue) bool { return i.Row == at && i.Column == a.Column })
	m.addIssues(t.CheckCell(at, a.Column, *c))
	return true, nil
}

// accept dismisses issues: of a cell, which is then accepted, of a row, or of the image.
func (m sheet) accept(t table.Table, a EditRequest, at int, e *Edit) (bool, error) {
	e.Kind = EditAccept
	if a.Row == 0 || a.Column < 0 {
		e.Settled = m.removeIssues(func(i table.Issue) bool {
			return (i.Row == at && i.Column < 0 || a.Row == 0 && i.Row < 0) && (a.Text == "" || a.Text == i.Message)
		})
		return len(e.Settled) > 0, nil
	}
	if at < 0 || a.Column >= len(m.Rows[at].Cells) {
		return false, errs.New(errs.Invalid, "There is no such cell. Reload the page and try again.")
	}
	c := &m.Rows[at].Cells[a.Column]
	if !sameText(c.Text, a.Seen) {
		return false, m.conflict(a, c.Text, "Somebody else changed this cell meanwhile. Look at it again before you accept it.")
	}
	e.Was = *c
	e.Settled = m.removeIssues(func(i table.Issue) bool { return i.Row == at && i.Column == a.Column })
	if len(e.Settled) == 0 && c.State != table.Guessed {
		return false, nil
	}
	c.State, c.Meant = table.Accepted, t.Column(a.Column).Meant(c.Text, true)
	e.Now = *c
	return true, nil
}

func (m sheet) addRow(t table.Table, a EditRequest, e *Edit) error {
	if len(m.Rows) >= table.MaxRows {
		return errs.New(errs.Invalid, "A picture can have %d rows at most.", table.MaxRows)
	}
	row := table.Row{ID: m.nextRow(), Cells: slices.Repeat([]table.Cell{{State: table.Blank}}, len(t.Header(m.Columns)))}
	e.Row, e.To = row.ID, min(max(a.To, 0), len(m.Rows))
	m.insert(e.To, row)
	for c, cell := range row.Cells {
		m.addIssues(t.CheckCell(e.To, c, cell))
	}
	return nil
}

// nextRow returns an ID that no row of this reading has used.
func (m sheet) nextRow() int {
	last := 0
	for i := range m.Rows {
		last = max(last, m.RowID(i))
	}
	for _, e := range m.Edits {
		if e.Generation == m.Generation {
			last = max(last, e.Row)
		}
	}
	return last + 1
}

func (m sheet) deleteRow(a EditRequest, at int, e *Edit) error {
	if Fingerprint(m.Rows[at]) != a.Seen {
		return m.conflict(a, "", "Somebody else changed this row meanwhile, so it was not deleted. Look at it again.")
	}
	row := m.Rows[at]
	e.From, e.Whole, e.Column = at, &row, -1
	e.Settled = m.remove(at)
	return nil
}

func (m sheet) insert(at int, row table.Row) {
	m.Rows = slices.Insert(m.Rows, at, row)
	for i := range m.Issues {
		if m.Issues[i].Row >= at {
			m.Issues[i].Row++
		}
	}
}

// remove deletes the row at an index and returns the issues that were removed with it.
func (m sheet) remove(at int) []table.Issue {
	settled := m.removeIssues(func(i table.Issue) bool { return i.Row == at })
	m.Rows = slices.Delete(m.Rows, at, at+1)
	for i := range m.Issues {
		if m.Issues[i].Row > at {
			m.Issues[i].Row--
		}
	}
	return settled
}

func (m sheet) moveRow(from, to int) {
	if from == to {
		return
	}
	row := m.Rows[from]
	settled := m.remove(from)
	m.insert(to, row)
	for i := range settled {
		settled[i].Row = to
	}
	m.addIssues(settled)
}

// removeIssues removes the matching issues and returns them.
func (m sheet) removeIssues(match func(table.Issue) bool) []table.Issue {
	var settled, left []table.Issue
	for _, i := range m.Issues {
		if match(i) {
			settled = append(settled, i)
		} else {
			left = append(left, i)
		}
	}
	m.Issues = left
	return settled
}

// addIssues adds issues, sorted by cell.
func (m *Image) addIssues(issues []table.Issue) {
	if len(issues) == 0 {
		return
	}
	m.Issues = append(m.Issues, issues...)
	slices.SortStableFunc(m.Issues, func(a, b table.Issue) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Column, b.Column))
	})
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// sameText compares texts as pages and forms submit them: line endings and outer white space are ignored.
func sameText(a, b string) bool {
	return a == b || strings.TrimSpace(lineEnds.Replace(a)) == strings.TrimSpace(lineEnds.Replace(b))
}

// cleanText normalizes a typed text for a cell.
func cleanText(text string) (string, error) {
	text = lineEnds.Replace(strings.ToValidUTF8(text, ""))
	text = strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	text, _ = table.Clean(text)
	if n := utf8.RuneCountInString(text); n > table.MaxCell {
		return "", errs.New(errs.Invalid, "This text has %d characters; a cell holds %d. Shorten it.", n, table.MaxCell)
	}
	return strings.TrimSpace(text), nil
}

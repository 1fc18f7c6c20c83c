package edit

import (
	"context"
	"hash/fnv"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Mark adds to one image, in the caller's version, the issues that depend on the other images of the batch. It returns the
// batch as Judged does.
func (s *Service) Mark(ctx context.Context, b *batch.Batch, m *batch.Image) (*batch.Batch, error) {
	if !b.Table.Open && len(b.Table.Unique(nil)) == 0 && !b.Table.Weighs() {
		m.DropIssues(table.Issue.Superseded)
		m.AddIssues(m.Overlooked(b.Table))
		return b, nil
	}
	images, err := s.batches.List(ctx, b)
	if err != nil {
		return nil, err
	}
	for i := range images {
		if images[i].N == m.N {
			images[i] = m
		}
	}
	judged := batch.Judged(b, images)
	doubt.MarkDuplicatesOf(b, images, m)
	return judged, nil
}

// MaxEdits is how many edits an image keeps; the oldest are dropped first.
const MaxEdits = 10_000

// Request is a requested edit, with the values that the person saw when they requested it: an edit never overwrites a value that
// its author has not seen.
type Request struct {
	Do         batch.EditKind
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

// Conflict is the cause of a Conflict: the value was changed by somebody else first.
type Conflict struct {
	Request Request
	There   bool   // it concerns a cell that still exists
	Now     string // the current text of the cell
	By      string // the author of that change, "" if unknown
	At      time.Time
}

// Error describes the conflict, for logs.
func (c *Conflict) Error() string {
	return "row " + strconv.Itoa(c.Request.Row) + " was changed by " + strconv.Quote(c.By)
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

// Edit applies requested edits to a completed image, all or none. Errors: Conflict with a *Conflict when a value changed after the
// person saw it, Conflict when the image is not completed at the moment, Invalid for a text that is not allowed.
func (s *Service) Edit(ctx context.Context, id batch.ID, n int, requests ...Request) (*batch.Image, error) {
	changed := group{}
	m, err := s.editAll(ctx, id, n, changed, requests)
	if err != nil {
		return nil, err
	}
	return m, s.recount(ctx, id, changed)
}

// group are the images, by number, that edits changed so that the counts of an ended batch may differ. They are counted once for
// all edits of one operation.
type group map[int]*batch.Image

// editAll is Edit without counting; it adds the image to changed.
func (s *Service) editAll(ctx context.Context, id batch.ID, n int, changed group, requests []Request) (*batch.Image, error) {
	// Issues that depend on the other images can be dismissed too, and an edit stores the meaning of its value; both need Mark.
	marks := func(b *batch.Batch) bool {
		return slices.ContainsFunc(requests, func(a Request) bool {
			return a.Do == batch.EditAccept || a.Do == batch.EditUnreadable || a.Do == batch.EditCell && (sameText(a.Text, a.Seen) || b.Table.Column(a.Column).Weighs(a.Text))
		})
	}
	return s.edit(ctx, id, n, changed, marks, func(b *batch.Batch, m *batch.Image, now time.Time) error {
		for _, a := range requests {
			if a.Token != "" && slices.ContainsFunc(m.Edits, func(e batch.Edit) bool { return e.Token == a.Token }) {
				continue
			}
			if err := (sheet{m}).apply(b.Table, a, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// edit changes a completed image. If that may change the counts of a batch that has ended, it adds the image to changed.
func (s *Service) edit(ctx context.Context, id batch.ID, n int, changed group, marks func(*batch.Batch) bool, f func(*batch.Batch, *batch.Image, time.Time) error) (*batch.Image, error) {
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	if b.Order != nil && !slices.Contains(b.Order, n) {
		return nil, batch.NotFound()
	}
	var before batch.Figures
	m, err := s.batches.UpdateImage(ctx, id, n, func(m *batch.Image) (bool, error) {
		if m.Status != batch.Completed {
			return false, errs.New(errs.Conflict, "This picture is not read at the moment, so its rows cannot be changed. What you typed is kept here; try again once it is read.")
		}
		before = m.Figures(b.Table)
		m.AddIssues(m.Overlooked(b.Table))
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
		m.DropIssues(batch.ComputedOnRead)
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
		changed[n] = m
	}
	return m, nil
}

func lastEdit(m *batch.Image) int {
	if len(m.Edits) == 0 {
		return 0
	}
	return m.Edits[len(m.Edits)-1].N
}

// sheet is an image whose rows are being edited.
type sheet struct{ *batch.Image }

// Apply carries out one request. It records nothing if nothing changes.
func (m sheet) apply(t table.Table, a Request, now time.Time) error {
	if a.Generation != m.Generation {
		return errs.Wrap(&Conflict{Request: a}, errs.Conflict, "This picture was read again meanwhile, and its rows are new. Compare them with what you wanted to change.")
	}
	e := batch.Edit{Token: a.Token, By: a.By, At: now, Generation: m.Generation, Kind: a.Do, Row: a.Row, Column: a.Column, Group: a.Group}
	at := m.Place(a.Row)
	if at < 0 && (a.Do == batch.EditCell || a.Do == batch.EditUnreadable || a.Do == batch.EditDelete || a.Do == batch.EditMove || a.Do == batch.EditAccept && a.Row != 0) {
		return m.conflict(a, "", "This row was deleted meanwhile, so it was left as it is.")
	}
	var err error
	done := true
	switch a.Do {
	case batch.EditCell:
		done, err = m.setCell(t, a, at, &e)
	case batch.EditAccept:
		done, err = m.accept(t, a, at, &e)
	case batch.EditUnreadable:
		done, err = m.setUnreadable(t, a, at, &e)
	case batch.EditAdd:
		err = m.addRow(t, a, &e)
	case batch.EditDelete:
		err = m.deleteRow(a, at, &e)
	case batch.EditMove:
		e.From, e.To = at, min(max(a.To, 0), len(m.Rows)-1)
		m.moveRow(e.From, e.To)
		done = e.From != e.To
	case batch.EditCheck:
		if done = !m.IsChecked(); done {
			m.Checked = &batch.Check{By: a.By, At: now, Generation: m.Generation}
			e.Settled = m.removeIssues(func(i table.Issue) bool { return i.Row < 0 })
		}
	case batch.EditUncheck:
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

func (m sheet) record(e batch.Edit) {
	e.N = lastEdit(m.Image) + 1
	m.Edits = append(m.Edits, e)
}

// conflict returns the error for a request that is based on an outdated value.
func (m sheet) conflict(a Request, now, sentence string) error {
	c := &Conflict{Request: a, Now: now, There: (a.Do == batch.EditCell || a.Do == batch.EditUnreadable) && m.Place(a.Row) >= 0}
	for _, e := range slices.Backward(m.Edits) {
		if e.Generation == m.Generation && e.Row == a.Row && (e.Column == a.Column || e.Kind == batch.EditDelete) {
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

func (m sheet) setCell(t table.Table, a Request, at int, e *batch.Edit) (bool, error) {
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
	m.AddIssues(t.CheckCell(at, a.Column, *c))
	return true, nil
}

// accept dismisses issues: of a cell, which is then accepted, of a row, or of the image.
func (m sheet) accept(t table.Table, a Request, at int, e *batch.Edit) (bool, error) {
	e.Kind = batch.EditAccept
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

func (m sheet) addRow(t table.Table, a Request, e *batch.Edit) error {
	if len(m.Rows) >= table.MaxRows {
		return errs.New(errs.Invalid, "A picture can have %d rows at most.", table.MaxRows)
	}
	row := table.Row{ID: m.nextRow(), Cells: slices.Repeat([]table.Cell{{State: table.Blank}}, len(t.Header(m.Columns)))}
	e.Row, e.To = row.ID, min(max(a.To, 0), len(m.Rows))
	m.insert(e.To, row)
	for c, cell := range row.Cells {
		m.AddIssues(t.CheckCell(e.To, c, cell))
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

func (m sheet) deleteRow(a Request, at int, e *batch.Edit) error {
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
	m.AddIssues(settled)
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

package batch

import (
	"cmp"
	"context"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// EditKind is what an edit did. The words are stored, and what the pages send.
type EditKind string

// The kinds.
const (
	EditCell    EditKind = "cell"    // set the text of a cell
	EditAccept  EditKind = "accept"  // found a doubt unfounded: of a cell, of a row, or of the image
	EditAdd     EditKind = "add"     // added a blank row
	EditDelete  EditKind = "delete"  // took a row out
	EditMove    EditKind = "move"    // put a row in another place
	EditCheck   EditKind = "check"   // compared the picture with its rows and found them right
	EditUncheck EditKind = "uncheck" // took that back
	EditUndo    EditKind = "undo"    // took back an earlier edit
)

// Edit is one thing that a person did to what was read of an image, with all that is needed to take it back.
type Edit struct {
	N       int           `json:"n"` // from 1, in the order of the edits of the image
	Token   string        `json:"token,omitempty"`
	By      string        `json:"by"`
	At      time.Time     `json:"at"`
	Reading int           `json:"reading"` // the image's Work: which reading was edited
	Kind    EditKind      `json:"k"`
	Row     int           `json:"r,omitempty"` // by its ID; 0: the image
	Column  int           `json:"c,omitempty"` // -1: the row
	Was     table.Cell    `json:"was,omitzero"`
	Now     table.Cell    `json:"now,omitzero"`
	From    int           `json:"from,omitempty"`    // place before, from 0: of a row that was moved or deleted
	To      int           `json:"to,omitempty"`      // place after: of one that was moved or added
	Whole   *table.Row    `json:"whole,omitempty"`   // the row that was deleted
	Settled []table.Issue `json:"settled,omitempty"` // the doubts that it took away
	Group   string        `json:"group,omitempty"`   // edits made in one go, over several images
	Of      int           `json:"of,omitempty"`      // the edit that an undo took back
	Undone  bool          `json:"undone,omitempty"`
}

// Check says who found an image right, and when.
type Check struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Reading int       `json:"reading"` // the image's Work then: another reading has to be checked anew
}

// MaxEdits is how many edits an image keeps; the oldest go first.
const MaxEdits = 10_000

// Ask is what a person asks to be done, and what they saw when they asked: an edit never replaces what its person has
// not seen.
type Ask struct {
	Do      EditKind
	By      string // a name, or what the browser goes by
	Token   string // the browser's own id of it: asking again with the same token does nothing again; "" for none
	Reading int    // the image's Work as seen
	Row     int    // the row's ID; 0: the image
	Column  int    // of the cell; -1: the row
	Text    string // EditCell: the new text. EditAccept of a row or an image: the doubt's message, "" for all
	Seen    string // EditCell, EditAccept of a cell: its text as seen. EditDelete: the row's Sum as seen
	To      int    // EditAdd, EditMove: the place, from 0
	Group   string
}

// Clash is the cause of a Conflict: somebody else was there first.
type Clash struct {
	Ask   Ask
	There bool   // it is about a cell that still is there
	Now   string // its text
	By    string // who changed it, "" when nobody is known
	At    time.Time
}

// Error says what clashed, for logs.
func (c *Clash) Error() string {
	return "row " + strconv.Itoa(c.Ask.Row) + " was changed by " + strconv.Quote(c.By)
}

// IsChecked reports whether a person found what is read of m now right.
func (m *Image) IsChecked() bool {
	return m.Checked != nil && m.Checked.Reading == m.Work && m.Status == Completed
}

// RowID names the row at place i, wherever it moves.
func (m *Image) RowID(i int) int { return cmp.Or(m.Rows[i].ID, i+1) }

// Place is where the row with that ID stands, from 0; -1 when there is none.
func (m *Image) Place(id int) int {
	for i := range m.Rows {
		if m.RowID(i) == id {
			return i
		}
	}
	return -1
}

// Standing is the edits that are in the rows as they are now.
func (m *Image) Standing() []Edit { return m.made(func(e Edit) bool { return e.Reading == m.Work }) }

// Outdated is the edits that were made to earlier readings and are not in the rows.
func (m *Image) Outdated() []Edit { return m.made(func(e Edit) bool { return e.Reading != m.Work }) }

// made is the edits that changed what the rows say and were not undone.
func (m *Image) made(match func(Edit) bool) []Edit {
	var all []Edit
	for _, e := range m.Edits {
		switch e.Kind {
		case EditCell, EditAdd, EditDelete, EditMove:
			if !e.Undone && match(e) {
				all = append(all, e)
			}
		}
	}
	return all
}

// Undoable returns the newest edit of a person that can be taken back, or nil. by "" is anybody.
func (m *Image) Undoable(by string) *Edit {
	for i := len(m.Edits) - 1; i >= 0; i-- {
		e := &m.Edits[i]
		if e.Reading == m.Work && !e.Undone && e.Kind != EditUndo && (by == "" || e.By == by) {
			return e
		}
	}
	return nil
}

// Sum stands for the texts of a row: another text, another sum.
func Sum(row table.Row) string {
	h := fnv.New64a()
	for _, c := range row.Cells {
		_, _ = h.Write([]byte(c.Text)) // never fails
		_, _ = h.Write([]byte{0})
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// Edit does what a person asks of a completed image, all of it or nothing. Errors: Conflict with a *Clash when what
// the person saw is no longer so, Conflict when the image is not read at the moment, Invalid for a text that cannot be.
func (s *Service) Edit(ctx context.Context, id ID, n int, asks ...Ask) (*Image, error) {
	accepts := slices.ContainsFunc(asks, func(a Ask) bool {
		return a.Do == EditAccept || a.Do == EditCell && sameText(a.Text, a.Seen)
	})
	return s.edit(ctx, id, n, accepts, func(b *Batch, m *Image, now time.Time) error {
		for _, a := range asks {
			if a.Token != "" && slices.ContainsFunc(m.Edits, func(e Edit) bool { return e.Token == a.Token }) {
				continue
			}
			if err := m.apply(b.Table, a, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// edit changes a completed image, and brings the figures of a batch that has ended up to date.
func (s *Service) edit(ctx context.Context, id ID, n int, accepts bool, f func(*Batch, *Image, time.Time) error) (*Image, error) {
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
		before = m.Figures()
		if accepts { // a doubt that only the other images tell of can be settled too
			if err := s.MarkDuplicates(ctx, b, m); err != nil {
				return false, err
			}
		}
		for i := range m.Rows {
			m.Rows[i].ID = m.RowID(i)
		}
		last := m.lastEdit()
		if err := f(b, m, time.Now().UTC()); err != nil {
			return false, err
		}
		m.withoutDuplicates()
		if drop := len(m.Edits) - MaxEdits; drop > 0 {
			m.Edits = m.Edits[drop:]
		}
		return m.lastEdit() != last, nil
	})
	if err != nil {
		return nil, err
	}
	if after := m.Figures(); after != before {
		_, err = s.change(ctx, id, func(b *Batch) (bool, error) {
			if b.Counts == nil {
				return false, nil
			}
			b.Counts.Add(before, -1)
			b.Counts.Add(after, 1)
			return true, nil
		})
	}
	return m, err
}

func (m *Image) lastEdit() int {
	if len(m.Edits) == 0 {
		return 0
	}
	return m.Edits[len(m.Edits)-1].N
}

// apply carries out one ask. Nothing is written down when nothing changes.
func (m *Image) apply(t table.Table, a Ask, now time.Time) error {
	if a.Reading != m.Work {
		return errs.Wrap(&Clash{Ask: a}, errs.Conflict, "This picture was read again meanwhile, and its rows are new. Compare them with what you wanted to change.")
	}
	e := Edit{Token: a.Token, By: a.By, At: now, Reading: m.Work, Kind: a.Do, Row: a.Row, Column: a.Column, Group: a.Group}
	at := m.Place(a.Row)
	if at < 0 && (a.Do == EditCell || a.Do == EditDelete || a.Do == EditMove || a.Do == EditAccept && a.Row != 0) {
		return m.clash(a, "", "This row was deleted meanwhile, so it was left as it is.")
	}
	var err error
	done := true
	switch a.Do {
	case EditCell:
		done, err = m.setCell(t, a, at, &e)
	case EditAccept:
		done, err = m.accept(a, at, &e)
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
			m.Checked = &Check{By: a.By, At: now, Reading: m.Work}
			e.Settled = m.settle(func(i table.Issue) bool { return i.Row < 0 })
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

func (m *Image) record(e Edit) {
	e.N = m.lastEdit() + 1
	m.Edits = append(m.Edits, e)
}

// clash is the error for an ask that came too late.
func (m *Image) clash(a Ask, now, sentence string) error {
	c := &Clash{Ask: a, Now: now, There: a.Do == EditCell && m.Place(a.Row) >= 0}
	for _, e := range slices.Backward(m.Edits) {
		if e.Reading == m.Work && e.Row == a.Row && (e.Column == a.Column || e.Kind == EditDelete) {
			c.By, c.At = e.By, e.At
			break
		}
	}
	return errs.Wrap(c, errs.Conflict, "%s", sentence)
}

// cell returns a cell that can be written, lengthening a row that is too short for it.
func (m *Image) cell(t table.Table, row, column int) (*table.Cell, error) {
	r := &m.Rows[row]
	if column < 0 || column >= max(len(t.Header(m.Columns)), len(r.Cells)) {
		return nil, errs.New(errs.Invalid, "This table has no column %d. Reload the page and try again.", column+1)
	}
	for len(r.Cells) <= column {
		r.Cells = append(r.Cells, table.Cell{State: table.Blank})
	}
	return &r.Cells[column], nil
}

func (m *Image) setCell(t table.Table, a Ask, at int, e *Edit) (bool, error) {
	text, err := cleanText(a.Text)
	if err != nil {
		return false, err
	}
	c, err := m.cell(t, at, a.Column)
	if err != nil {
		return false, err
	}
	if sameText(c.Text, text) {
		if sameText(c.Text, a.Seen) { // confirmed as it stands
			return m.accept(a, at, e)
		}
		return false, nil // both typed the same
	}
	if !sameText(c.Text, a.Seen) {
		return false, m.clash(a, c.Text, "Somebody else changed this cell meanwhile. Yours is kept in the field; choose which one is right.")
	}
	e.Was = *c
	c.Text, c.State, c.Confidence = text, table.Edited, 0
	e.Now = *c
	e.Settled = m.settle(func(i table.Issue) bool { return i.Row == at && i.Column == a.Column })
	m.doubt(t.CheckCell(at, a.Column, *c))
	return true, nil
}

// accept settles doubts: of a cell, which then counts as right, of a row, or of the image.
func (m *Image) accept(a Ask, at int, e *Edit) (bool, error) {
	e.Kind = EditAccept
	if a.Row == 0 || a.Column < 0 {
		e.Settled = m.settle(func(i table.Issue) bool {
			return (i.Row == at && i.Column < 0 || a.Row == 0 && i.Row < 0) && (a.Text == "" || a.Text == i.Message)
		})
		return len(e.Settled) > 0, nil
	}
	if at < 0 || a.Column >= len(m.Rows[at].Cells) {
		return false, errs.New(errs.Invalid, "There is no such cell. Reload the page and try again.")
	}
	c := &m.Rows[at].Cells[a.Column]
	if !sameText(c.Text, a.Seen) {
		return false, m.clash(a, c.Text, "Somebody else changed this cell meanwhile. Look at it again before you accept it.")
	}
	e.Was = *c
	e.Settled = m.settle(func(i table.Issue) bool { return i.Row == at && i.Column == a.Column })
	if len(e.Settled) == 0 && c.State != table.Guessed {
		return false, nil
	}
	c.State = table.Accepted
	e.Now = *c
	return true, nil
}

func (m *Image) addRow(t table.Table, a Ask, e *Edit) error {
	if len(m.Rows) >= table.MaxRows {
		return errs.New(errs.Invalid, "A picture can have %d rows at most.", table.MaxRows)
	}
	row := table.Row{ID: m.nextRow(), Cells: slices.Repeat([]table.Cell{{State: table.Blank}}, len(t.Header(m.Columns)))}
	e.Row, e.To = row.ID, min(max(a.To, 0), len(m.Rows))
	m.insert(e.To, row)
	for c, cell := range row.Cells {
		m.doubt(t.CheckCell(e.To, c, cell))
	}
	return nil
}

// nextRow is an ID that no row of this reading had.
func (m *Image) nextRow() int {
	last := 0
	for i := range m.Rows {
		last = max(last, m.RowID(i))
	}
	for _, e := range m.Edits {
		if e.Reading == m.Work {
			last = max(last, e.Row)
		}
	}
	return last + 1
}

func (m *Image) deleteRow(a Ask, at int, e *Edit) error {
	if Sum(m.Rows[at]) != a.Seen {
		return m.clash(a, "", "Somebody else changed this row meanwhile, so it was not deleted. Look at it again.")
	}
	row := m.Rows[at]
	e.From, e.Whole, e.Column = at, &row, -1
	e.Settled = m.remove(at)
	return nil
}

func (m *Image) insert(at int, row table.Row) {
	m.Rows = slices.Insert(m.Rows, at, row)
	for i := range m.Issues {
		if m.Issues[i].Row >= at {
			m.Issues[i].Row++
		}
	}
}

// remove takes the row at a place out and returns the doubts that went with it.
func (m *Image) remove(at int) []table.Issue {
	settled := m.settle(func(i table.Issue) bool { return i.Row == at })
	m.Rows = slices.Delete(m.Rows, at, at+1)
	for i := range m.Issues {
		if m.Issues[i].Row > at {
			m.Issues[i].Row--
		}
	}
	return settled
}

func (m *Image) moveRow(from, to int) {
	if from == to {
		return
	}
	row := m.Rows[from]
	settled := m.remove(from)
	m.insert(to, row)
	for i := range settled {
		settled[i].Row = to
	}
	m.doubt(settled)
}

// settle takes the doubts that match away and returns them.
func (m *Image) settle(match func(table.Issue) bool) []table.Issue {
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

// doubt adds doubts, in the order of the cells.
func (m *Image) doubt(issues []table.Issue) {
	if len(issues) == 0 {
		return
	}
	m.Issues = append(m.Issues, issues...)
	slices.SortStableFunc(m.Issues, func(a, b table.Issue) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Column, b.Column))
	})
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// sameText compares texts as pages and forms carry them, which agree on neither line ends nor outer blanks.
func sameText(a, b string) bool {
	return a == b || strings.TrimSpace(lineEnds.Replace(a)) == strings.TrimSpace(lineEnds.Replace(b))
}

// cleanText makes a typed text fit for a cell.
func cleanText(text string) (string, error) {
	text = lineEnds.Replace(strings.ToValidUTF8(text, ""))
	text = strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	if n := utf8.RuneCountInString(text); n > table.MaxCell {
		return "", errs.New(errs.Invalid, "This text has %d characters; a cell holds %d. Shorten it.", n, table.MaxCell)
	}
	return strings.TrimSpace(text), nil
}

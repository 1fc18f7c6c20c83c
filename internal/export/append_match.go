package export

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

const (
	saysNoHeadings = "No sheet of this workbook has the headings of the batch in one of its first %d rows. It needs at least one of these: %s."
	saysNoSheet    = "This workbook has no sheet named “%s”."
	saysGuarded    = "The sheet “%s” is protected. Take the protection off the sheet, append, and protect it again."
)

// headingRows is how far down the row with the headings is looked for.
const headingRows = 50

// extra is a column that the batch does not ask for, filled if a sheet has its heading.
type extra uint8

const (
	noExtra extra = iota
	extraImage
	extraRow
	extraDoubts
)

// wanted is a column of the rows that are appended.
type wanted struct {
	name, key string
	extra     extra
}

// headingKey returns the form in which headings are compared.
func headingKey(text string) string { return table.Key(strings.ReplaceAll(text, "_", " ")) }

// wants returns the columns of the rows: those of the batch, then the image's name, the number of the row and the doubts.
func (p *plan) wants() []wanted {
	var all []wanted
	for _, name := range p.header {
		all = append(all, wanted{name: name, key: headingKey(name)})
	}
	for i, word := range []string{"Image", "Row", "Doubts"} {
		for _, name := range []string{p.say(word), word} {
			key := headingKey(name)
			if !slices.ContainsFunc(all, func(w wanted) bool { return w.key == key }) {
				all = append(all, wanted{name, key, extraImage + extra(i)})
			}
		}
	}
	return all
}

// place is a row with headings.
type place struct {
	sheet bookSheet
	xml   []byte
	row   int
	texts map[int]string // by column
	score int
}

// columns returns the wanted column for each column of the place within the span; the first of two with one heading counts.
func (p *place) columns(all []wanted, span area) map[int]int {
	fill, used := map[int]int{}, map[int]bool{}
	for col := span.left; col <= span.right; col++ {
		key := headingKey(p.texts[col])
		at := slices.IndexFunc(all, func(w wanted) bool { return w.key == key && key != "" })
		if at < 0 || used[at] {
			continue
		}
		fill[col], used[at] = at, true
	}
	return fill
}

// span returns the columns from the first heading to the last.
func (p *place) span() area {
	a := area{left: allColumns, top: p.row, right: -1, bottom: p.row}
	for col, text := range p.texts {
		if strings.TrimSpace(text) != "" {
			a.left, a.right = min(a.left, col), max(a.right, col)
		}
	}
	return a
}

// weigh sets the score: each column of the batch counts more than all others together.
func (p *place) weigh(all []wanted) {
	for _, at := range p.columns(all, p.span()) {
		if all[at].extra == noExtra {
			p.score += 10
		} else {
			p.score++
		}
	}
}

// locate returns the row of headings with most of the wanted columns; of two, the one that comes first. name is the only sheet
// that may be chosen; "" is any sheet that is not hidden.
func (e *Existing) locate(all []wanted, name string) (*place, error) {
	var best *place
	found := false
	for _, s := range e.sheets {
		if name == "" && s.hidden || name != "" && foldName(s.name) != foldName(name) {
			continue
		}
		found = true
		here, err := e.headingsOf(s, all)
		if err != nil {
			return nil, err
		}
		if here != nil && (best == nil || here.score > best.score) {
			best = here
		}
	}
	if name != "" && !found {
		return nil, errs.New(errs.Invalid, saysNoSheet, name)
	}
	if best == nil || best.score < 10 {
		return nil, errs.New(errs.Invalid, saysNoHeadings, headingRows, listed(all))
	}
	return best, nil
}

// listed returns the names of the columns of a batch for a sentence.
func listed(all []wanted) string {
	var names []string
	for _, w := range all {
		if w.extra == noExtra {
			names = append(names, w.name)
		}
	}
	return strings.Join(names, ", ")
}

// headingsOf returns the best row of headings of a sheet, nil for none.
func (e *Existing) headingsOf(s bookSheet, all []wanted) (*place, error) {
	data, err := e.read(s.part)
	if err != nil {
		return nil, damaged(err)
	}
	var best *place
	_, err = scanSheet(data, func(r *oldRow) error {
		if r.number > headingRows {
			return errEnough
		}
		here := &place{sheet: s, xml: data, row: r.number, texts: map[int]string{}}
		for i := range r.cells {
			text, err := e.textOf(&r.cells[i])
			if err != nil {
				return err
			}
			here.texts[r.cells[i].col] = text
		}
		if here.weigh(all); here.score > 0 && (best == nil || here.score > best.score) {
			best = here
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, damaged(err)
	}
	return best, nil
}

// damaged returns err, with a sentence if it has none.
func damaged(err error) error {
	if _, ours := errors.AsType[*errs.Error](err); ours {
		return err
	}
	return errs.Wrap(err, errs.Invalid, saysDamaged)
}

// textOf returns the text of a cell; "" for a number.
func (e *Existing) textOf(c *oldCell) (string, error) {
	switch c.kind {
	case "s":
		if c.value == "" {
			return "", nil
		}
		at, err := strconv.Atoi(strings.TrimSpace(c.value))
		if err != nil {
			return "", err
		}
		return e.sharedText(at)
	case "inlineStr", "str":
		return c.value, nil
	}
	return "", nil
}

// Match says how the rows of a batch fit under those of a workbook.
type Match struct {
	Sheet    string   `json:"sheet"`
	Headings int      `json:"heading_row"` // the number of the row with the headings
	First    int      `json:"first_row"`   // the number of the first appended row
	Rows     int      `json:"rows"`        // rows to append
	Table    string   `json:"table"`       // the name of the table that grows, "" for none
	Matched  []string `json:"matched"`     // headings of the workbook that get values, in its order
	Missing  []string `json:"missing"`     // columns of the batch that the workbook has not
	Empty    []string `json:"empty"`       // headings of the workbook that get nothing
	Kept     []Kept   `json:"as_text"`     // numbers and dates that are written as texts
}

// Kept counts the numbers and dates of a column that are written as texts: the column above them holds texts or shows its
// numbers in a way that would change their meaning, such as another currency.
type Kept struct {
	Column string `json:"column"`
	Cells  int    `json:"cells"`
}

// match describes the target.
func (t *target) match(rows int) *Match {
	m := &Match{
		Sheet: t.sheet.name, Headings: t.span.top, First: t.last + 1, Rows: rows,
		Matched: []string{}, Missing: []string{}, Empty: []string{}, Kept: []Kept{},
	}
	if t.table != nil {
		m.Table = t.table.name
	}
	used := map[int]bool{}
	for col := t.span.left; col <= t.span.right; col++ {
		text := strings.TrimSpace(t.texts[col])
		if at, ok := t.fill[col]; ok {
			used[at] = true
			m.Matched = append(m.Matched, text)
		} else if text != "" {
			m.Empty = append(m.Empty, text)
		}
		if n := t.kept[col]; n > 0 {
			m.Kept = append(m.Kept, Kept{text, n})
		}
	}
	for at, w := range t.wanted {
		if w.extra == noExtra && !used[at] {
			m.Missing = append(m.Missing, cmp.Or(w.name, "?"))
		}
	}
	return m
}

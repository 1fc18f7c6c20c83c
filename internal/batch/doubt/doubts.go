package doubt

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// Kind groups doubts by the question that they ask. The words are sent to pages and programs.
type Kind string

// The kinds.
const (
	Rule       Kind = "rule"       // it breaks a rule of its column, or contradicts another cell
	Guessed    Kind = "guessed"    // it was read without certainty
	Unreadable Kind = "unreadable" // it could not be read
	Rows       Kind = "rows"       // rows or columns may be missing or shifted
)

// Kinds returns the kinds in the order in which pages list them.
func Kinds() []Kind {
	return []Kind{Rows, Rule, Guessed, Unreadable}
}

// Doubt is one open question to a person: a cell, a row or a picture with its issues. It is the unit in which doubts are
// Counted everywhere.
type Doubt struct {
	N      int    // image
	Place  int    // of the image in the batch, from 1
	Row    int    // row ID; 0: the image
	At     int    // index of the row, from 0; -1: the image
	Column int    // index of the column, from 0; -1: the row or the image
	Head   string // heading of the column, "" for a row or an image
	Kind   Kind   // of its gravest issue
	Issues []table.Issue
	Like   string // equal for doubts that ask the same question: same kind, column and reason

	harm int
}

// List returns the open doubts of the completed images of a judged batch whose duplicates are marked, in order of harm: first
// Numbers that may be wrong, then values that identify a thing, rows, other rules, guesses, unreadable cells and blank ones. Doubts
// of the same harm are ordered by column, then by image and row, so that the same question comes several times in sequence.
func List(b *batch.Batch, images []*batch.Image) []Doubt {
	var all []Doubt
	for i, m := range images {
		if m.Status == batch.Completed {
			all = append(all, doubtsOf(m, b.Table, i+1)...)
		}
	}
	slices.SortStableFunc(all, func(x, y Doubt) int {
		return cmp.Or(cmp.Compare(x.harm, y.harm), cmp.Compare(x.Column, y.Column), cmp.Compare(x.Head, y.Head), cmp.Compare(x.Place, y.Place), cmp.Compare(x.At, y.At))
	})
	return all
}

func doubtsOf(m *batch.Image, t table.Table, nth int) []Doubt {
	header := t.Header(m.Columns)
	var all []Doubt
	places := m.DoubtPlaces()
	for _, at := range slices.SortedFunc(maps.Keys(places), func(x, y batch.Place) int {
		return cmp.Or(cmp.Compare(x.Row, y.Row), cmp.Compare(x.Column, y.Column))
	}) {
		d := Doubt{N: m.N, Place: nth, At: at.Row, Column: max(at.Column, -1), Issues: places[at]}
		var cell table.Cell
		if at.Row >= 0 {
			d.Row = m.RowID(at.Row)
			if cells := m.Rows[at.Row].Cells; d.Column >= 0 && d.Column < len(cells) {
				cell = cells[d.Column]
			}
		}
		if at.Row >= 0 && d.Column >= 0 && d.Column < len(header) {
			d.Head = header[d.Column]
		}
		d.judge(cell, t.Column(d.Column))
		all = append(all, d)
	}
	return all
}

// The harm of a doubt, the gravest first.
const (
	harmNumber = iota
	harmName
	harmRows
	harmRule
	harmGuess
	harmUnreadable
	harmBlank
)

// judge sets the kind and harm of a doubt to those of its gravest issue.
func (d *Doubt) judge(cell table.Cell, c table.Column) {
	d.harm = harmBlank + 1
	numeric := c.Type == table.Number || strings.ContainsFunc(cell.Text, unicode.IsDigit) && !strings.ContainsFunc(cell.Text, unicode.IsLetter)
	for _, i := range d.Issues {
		kind, harm := Rule, harmRule
		switch i.Kind {
		case table.KindRows, table.KindColumns:
			kind, harm = Rows, harmRows
		case table.KindUnreadable:
			kind, harm = Unreadable, harmUnreadable
		case table.KindMissing:
			harm = harmBlank
		case table.KindDuplicate, table.KindForm, table.KindWitness:
			harm = harmName
		case table.KindGuessed, table.KindConfidence:
			kind, harm = Guessed, harmGuess
		}
		if numeric && (harm == harmRule || harm == harmGuess || i.Kind == table.KindForm || i.Kind == table.KindWitness) {
			harm = harmNumber
		}
		if harm < d.harm {
			d.harm, d.Kind = harm, kind
			d.Like = i.Kind + "|" + d.Head + "|" + values.ReplaceAllString(i.Message, "")
		}
	}
	if d.Column < 0 {
		d.Kind = Rows
	}
}

// values matches the parts of a message that differ between doubts of the same reason.
var values = regexp.MustCompile(`“[^”]*”|[0-9]+`)

// Words returns, by heading, the texts that at least two cells of a column have for certain: with them values that were hard to
// read are compared.
func Words(b *batch.Batch, images []*batch.Image) map[string][]string {
	const most = 300 // of one column; a column with more has names, not words
	count := map[string]map[string]int{}
	for _, m := range images {
		if m.Status != batch.Completed {
			continue
		}
		header := b.Table.Header(m.Columns)
		for _, row := range m.Rows {
			for c, cell := range row.Cells[:min(len(header), len(row.Cells))] {
				if cell.Text == "" || cell.State == table.Guessed || cell.State == table.Unreadable {
					continue
				}
				of := count[header[c]]
				if of == nil {
					of = map[string]int{}
					count[header[c]] = of
				}
				of[cell.Text]++
			}
		}
	}
	words := map[string][]string{}
	for head, of := range count {
		maps.DeleteFunc(of, func(_ string, n int) bool { return n < 2 })
		if len(of) <= most {
			words[head] = slices.SortedFunc(maps.Keys(of), func(x, y string) int { return cmp.Or(cmp.Compare(of[y], of[x]), cmp.Compare(x, y)) })
		}
	}
	return words
}

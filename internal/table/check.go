package table

import (
	"slices"
	"strings"
)

// Checks is the number of the rules by which Check judges cells. Rows that were stored under a lower one are judged again on
// read. Raise it with every new doubt about cells that were stored already.
const Checks = 1

// lowConfidence is the limit below which a measured confidence is a doubt although the engine marked the cell as read.
const lowConfidence = 0.6

// Check returns the doubts that follow from the rows alone: cells that the engine could not read or guessed, cells that
// break the rule of their column, and cells that differ from the other rows by look-alike letters or digits. A value whose
// meaning is decided by the whole column of a batch is not among them: see Evidence. columns is the header of an open
// table, whose cells have no rules. For a cell that a person edited only the rules are checked, and for a cell that a
// person accepted or found unreadable nothing.
func (t Table) Check(columns []string, rows []Row) []Issue {
	var d doubts
	n := len(columns)
	if !t.Open {
		n = len(t.Columns)
	}
	for r, row := range rows {
		for c, cell := range row.Cells[:min(n, len(row.Cells))] {
			d.check(r, c, t.Column(c), cell)
		}
	}
	for c := range n {
		d.doubtUnlike(rows, c, t.Column(c))
	}
	return d.all()
}

// CheckAlone is Check for rows that are the only rows of their columns. It includes the doubts about the meaning of their
// values.
func (t Table) CheckAlone(columns []string, rows []Row) []Issue {
	e := t.Evidence(rows)
	return append(t.Check(columns, rows), t.Concluded(e.Columns).OpenDoubts(rows, e.Open)...)
}

// CheckCell returns the doubts about one cell at row r and column c: those doubts of Check that do not depend on the other
// rows.
func (t Table) CheckCell(r, c int, cell Cell) []Issue {
	var d doubts
	d.check(r, c, t.Column(c), cell)
	return d.all()
}

// Column returns the column at c; a column without rules if the table is open or has no such column.
func (t Table) Column(c int) Column {
	if t.Open || c < 0 || c >= len(t.Columns) {
		return Column{}
	}
	return t.Columns[c]
}

func (d *doubts) check(r, c int, column Column, cell Cell) {
	switch cell.State {
	case Accepted, Lost:
		return
	case Unreadable:
		d.add(r, c, KindUnreadable, "Something is written here that could not be read.")
		return
	case Guessed:
		if cell.Confidence > 0 {
			d.add(r, c, KindConfidence, "This was hard to read (%.0f %% sure); compare it with the picture.", 100*cell.Confidence)
			break
		}
		d.add(r, c, KindGuessed, "This was guessed; compare it with the picture.")
	case Read, "":
		if cell.Confidence > 0 && cell.Confidence < lowConfidence {
			d.add(r, c, KindConfidence, "The engine was only %.0f %% sure of this.", 100*cell.Confidence)
		}
	}
	if strings.TrimSpace(cell.Text) == "" {
		if column.Required {
			d.add(r, c, KindMissing, "%s is blank, but should be there.", column.Name)
		}
		return
	}
	broken, meaning := column.broken(cell)
	if meaning {
		broken = column.unshaped(cell.Text)
	}
	if broken != "" {
		d.add(r, c, KindRule, "%s", broken)
	}
}

// The sentences about values that are no number or date. saysMark, saysOrder, saysShortYear and saysUnits depend on the
// whole column: see Meaning. They are used only for a value that is a number or date once the column is decided.
const (
	saysMark      = "This may mean thousands or thousandths, so it was left as text."
	saysPercent   = "This has a percent sign, so it was left as text."
	saysUnit      = "What stands beside this number is no currency or unit that is known, so it was left as text."
	saysUnits     = "This column has several currencies or units, so this one was left as text."
	saysNumber    = "This is not a plain number, so it was left as text."
	saysOrder     = "Day and month may be the other way round, so it was left as text. To make it a date, write the year first: 2026-12-31."
	saysShortYear = "The year has two digits only, so it was left as text. To make it a date, write the year first: 2026-12-31."
	saysBuddhist  = "The year may be one of the Buddhist calendar, so it was left as text."
	saysDate      = "This is not clearly one date, so it was left as text."
)

// Superseded reports whether a stored doubt is of a kind that is no longer stored, but computed from the whole column each
// time.
func (i Issue) Superseded() bool {
	return i.Kind == KindMeaning || i.Kind == KindRule && (i.Message == saysMark || i.Message == saysOrder)
}

// Broken returns a sentence that says how a text that is not blank breaks the rule of the column; "" if it keeps the rule.
func (c Column) Broken(text string) string {
	why, _ := c.broken(Cell{Text: text})
	return why
}

// broken is Broken for a cell, and reports whether the sentence is about a meaning that the whole column may settle.
func (c Column) broken(cell Cell) (why string, meaning bool) {
	c = c.Of(cell)
	text := cell.Text
	switch c.Type {
	case Number:
		if _, why = c.numeral(text); why != "" {
			return why, why == saysMark || why == saysUnits
		}
	case Date:
		if _, _, why = readDate(text, c.order()); why != "" {
			return why, why == saysOrder || why == saysShortYear
		}
	case YesNo:
		if !slices.Contains(yesNo, strings.ToLower(strings.Trim(strings.TrimSpace(plainSigns(text)), ".[]()"))) {
			return "This is neither yes nor no.", false
		}
	case Choice:
		if !slices.ContainsFunc(c.Choices, func(v string) bool { return choiceKey(v) == choiceKey(text) }) {
			return "This is none of the allowed values.", false
		}
	}
	return c.unshaped(text), false
}

// unshaped returns a sentence if a text does not fit the pattern of the column; "" if it fits.
func (c Column) unshaped(text string) string {
	if c.Pattern != "" {
		if shape, err := c.shape(); err == nil && !shape.MatchString(strings.TrimSpace(text)) {
			return "This does not fit the pattern of its column."
		}
	}
	return ""
}

// yesNo are the ways in which sheets say yes and no.
var yesNo = []string{
	"yes", "no", "y", "n", "true", "false", "x", "✓", "✔", "✅", "✗", "✘", "✖", "❌", "❎", "☑", "☒", "☐", "1", "0", "ok",
	"ja", "nein", "j", "oui", "non", "o", "si", "sí", "s",
}

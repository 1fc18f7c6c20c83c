package table

import (
	"slices"
	"strings"
)

// lowConfidence is below which a measured confidence is a doubt although the engine took the cell as read.
const lowConfidence = 0.6

// Check returns the doubts about rows: cells that the engine could not read or guessed, and cells that break the rule
// of their column. columns is the header of an open table, whose cells have no rules. Cells that a person edited are
// held to the rules only, and those that a person accepted to nothing.
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
	return d.all()
}

// CheckCell returns the doubts about one cell, which stands at row r and column c: those that Check would have.
func (t Table) CheckCell(r, c int, cell Cell) []Issue {
	var d doubts
	d.check(r, c, t.Column(c), cell)
	return d.all()
}

// Column is the column at c; one without rules where the table names none.
func (t Table) Column(c int) Column {
	if t.Open || c >= len(t.Columns) {
		return Column{}
	}
	return t.Columns[c]
}

func (d *doubts) check(r, c int, column Column, cell Cell) {
	switch cell.State {
	case Accepted:
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
	if broken := column.Broken(cell.Text); broken != "" {
		d.add(r, c, KindRule, "%s", broken)
	}
}

// Broken says in a sentence how a text that is not blank breaks the rule of the column; "" if it keeps it.
func (c Column) Broken(text string) string {
	switch c.Type {
	case Number:
		if _, ok := ParseNumber(text); !ok {
			if ambiguous(strings.TrimSpace(text)) {
				return "This may mean thousands or thousandths, so it was left as text."
			}
			return "This is not a plain number, so it was left as text."
		}
	case Date:
		if _, ok := ParseDate(text, c.Dates); !ok {
			if c.Dates == NoOrder && twoDays(text) {
				return "Day and month may be the other way round, so it was left as text. To make it a date, write the year first: 2026-12-31."
			}
			return "This is not clearly one date, so it was left as text."
		}
	case YesNo:
		if !slices.Contains(yesNo, strings.ToLower(strings.Trim(strings.TrimSpace(text), ".[]()"))) {
			return "This is neither yes nor no."
		}
	case Choice:
		if !slices.ContainsFunc(c.Choices, func(v string) bool { return choiceKey(v) == choiceKey(text) }) {
			return "This is none of the allowed values."
		}
	}
	if c.Pattern != "" {
		if shape, err := c.shape(); err == nil && !shape.MatchString(strings.TrimSpace(text)) {
			return "This does not fit the pattern of its column."
		}
	}
	return ""
}

// yesNo are the ways in which sheets say yes and no.
var yesNo = []string{
	"yes", "no", "y", "n", "true", "false", "x", "✓", "✔", "✗", "✘", "☑", "☒", "☐", "1", "0", "ok",
	"ja", "nein", "j", "oui", "non", "o", "si", "sí", "s",
}

package table

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// A value such as "1,250" or "03/04/2024" means one thing on some sheets and another on others. Its meaning is decided for
// its whole column, and in this file only: by the setting that a person made for the column, otherwise by the values of the
// column that can be read in one way only, if they agree. If nothing decides it, or if these values all contradict the
// person's setting, the value is left open: it stays text, and is a doubt.

// Meaning is the interpretation of the open values of a column.
type Meaning struct {
	Mark  Mark      // the decimal mark of its numbers
	Order DateOrder // the order of its dates
	Unit  string    // the currency or unit that most of its numbers have; "" when they have none
	Mixed bool      // its numbers have several currencies or units, and none of them is in more than half
}

// Tally counts the evidence in the values of one column, and the open values. The tallies of the images add up to the tally
// of the batch.
type Tally struct {
	Comma  int   `json:"comma,omitempty"` // values that prove the decimal comma
	Point  int   `json:"point,omitempty"`
	Day    int   `json:"day,omitempty"` // values that prove the day first
	Month  int   `json:"month,omitempty"`
	Marks  int   `json:"marks,omitempty"`  // values that need a decimal mark, and prove none
	Orders int   `json:"orders,omitempty"` // dates that need an order, and prove none
	Units  Units `json:"units,omitempty"`  // values that have a currency or unit
	Both   Units `json:"both,omitempty"`   // the same for the values in Marks
}

// Units is the number of values by currency or unit. Values that a person settled do not count.
type Units map[string]int

// Evidence is the evidence in the rows of one image for the meaning of its columns.
type Evidence struct {
	Columns []Tally // of the first columns of the table; columns without evidence at the end are left out
	Open    []Place // the cells that only the whole column can settle, column by column
}

// Place is the position of a cell, as indexes into the rows and columns.
type Place struct{ Row, Column int }

// Evidence collects the evidence in rows for the meaning of the columns. Cells with another doubt prove nothing.
func (t Table) Evidence(rows []Row) Evidence {
	var e Evidence
	if t.Open {
		return e
	}
	for i, c := range t.Columns {
		if c.Type != Number && c.Type != Date {
			continue
		}
		var one Tally
		for r, row := range rows {
			if i < len(row.Cells) && one.see(c, row.Cells[i]) {
				e.Open = append(e.Open, Place{r, i})
			}
		}
		if one.Empty() {
			continue
		}
		for len(e.Columns) <= i {
			e.Columns = append(e.Columns, Tally{})
		}
		e.Columns[i] = one
	}
	return e
}

// Weighs reports whether the table has columns whose values may be open.
func (t Table) Weighs() bool {
	return !t.Open && slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Type == Number || c.Type == Date })
}

// Weighs reports whether the meaning of a text in the column depends on the other values of the column.
func (c Column) Weighs(text string) bool {
	var t Tally
	return (c.Type == Number || c.Type == Date) && t.see(c, Cell{Text: text})
}

// see counts one cell, and reports whether only the whole column can settle it.
func (t *Tally) see(c Column, cell Cell) (open bool) {
	if cell.Text == "" || cell.State == Unreadable {
		return false
	}
	settled := cell.State == Accepted || cell.Meant != ""
	proves := cell.sure() || cell.State == Accepted
	if c.Type == Date {
		_, order, why := readDate(cell.Text, NoOrder)
		switch {
		case proves && order == DayFirst:
			t.Day++
		case proves && order == MonthFirst:
			t.Month++
		}
		if open = !settled && (why == saysOrder || why == saysShortYear); open {
			t.Orders++
		}
		return open
	}
	n, why := readNumber(cell.Text, NoMark)
	switch {
	case proves && n.Proves == CommaMark:
		t.Comma++
	case proves && n.Proves == PointMark:
		t.Point++
	}
	if settled {
		return false
	}
	units := &t.Units
	if why == saysMark {
		t.Marks++
		n, why = readNumber(cell.Text, PointMark)
		open, units = true, &t.Both
	}
	if why == "" && n.Unit != "" {
		units.add(n.Unit, 1)
		open = true
	}
	return open
}

func (u *Units) add(unit string, by int) {
	if *u == nil {
		*u = Units{}
	}
	if (*u)[unit] += by; (*u)[unit] == 0 {
		delete(*u, unit)
	}
	if len(*u) == 0 {
		*u = nil
	}
}

func (u *Units) addAll(o Units, by int) {
	if len(o) == 0 {
		return
	}
	*u = maps.Clone(*u) // tallies are copied
	for unit, n := range o {
		u.add(unit, by*n)
	}
}

// Empty reports whether nothing was counted.
func (t Tally) Empty() bool {
	return t.Comma+t.Point+t.Day+t.Month+t.Marks+t.Orders == 0 && len(t.Units)+len(t.Both) == 0
}

// Add adds the counts of o with by 1, and subtracts them with by -1.
func (t *Tally) Add(o Tally, by int) {
	t.Comma += by * o.Comma
	t.Point += by * o.Point
	t.Day += by * o.Day
	t.Month += by * o.Month
	t.Marks += by * o.Marks
	t.Orders += by * o.Orders
	t.Units.addAll(o.Units, by)
	t.Both.addAll(o.Both, by)
}

// Concluded returns the table with the meaning of its columns set, as the evidence in all values of each column proves it.
func (t Table) Concluded(columns []Tally) Table {
	if len(columns) == 0 || t.Open {
		return t
	}
	all := make([]Column, len(t.Columns))
	copy(all, t.Columns)
	for i := range all[:min(len(all), len(columns))] {
		all[i].Concluded = columns[i].meaning()
	}
	t.Columns = all
	return t
}

func (t Tally) meaning() Meaning {
	var m Meaning
	switch {
	case t.Comma > 0 && t.Point == 0:
		m.Mark = CommaMark
	case t.Point > 0 && t.Comma == 0:
		m.Mark = PointMark
	}
	switch {
	case t.Day > 0 && t.Month == 0:
		m.Order = DayFirst
	case t.Month > 0 && t.Day == 0:
		m.Order = MonthFirst
	}
	m.Unit, m.Mixed = t.unit()
	return m
}

// unit returns the currency or unit of more than half of the values that have one; mixed is true when there is no such unit.
func (t Tally) unit() (unit string, mixed bool) {
	var units Units
	units.addAll(t.Units, 1)
	units.addAll(t.Both, 1)
	all, most := 0, 0
	for name, n := range units {
		all += n
		if n > most {
			unit, most = name, n
		}
	}
	if 2*most <= all && all > 0 {
		return "", true
	}
	return unit, false
}

// Doubts returns the number of cells whose meaning is in doubt: neither a person nor the values of their column settle it.
func (c Column) Doubts(t Tally) int {
	c.Concluded = t.meaning()
	n := 0
	if c.order() == NoOrder {
		n = t.Orders
	}
	others := func(u Units) {
		for unit, times := range u {
			if c.Concluded.Mixed || unit != c.Concluded.Unit {
				n += times
			}
		}
	}
	others(t.Units)
	if c.mark() == NoMark {
		n += t.Marks
	} else {
		others(t.Both)
	}
	return n
}

// OpenDoubts returns the doubts about the open cells of one image that nothing settles. t must come from Concluded.
func (t Table) OpenDoubts(rows []Row, open []Place) []Issue {
	var issues []Issue
	for _, at := range open {
		c := t.Columns[at.Column]
		if c.settled() {
			continue
		}
		why, meaning := c.broken(rows[at.Row].Cells[at.Column])
		if meaning {
			issues = append(issues, Issue{Row: at.Row, Column: at.Column, Kind: KindMeaning, Message: why})
		}
	}
	return issues
}

// settled reports whether no value of the column can be open.
func (c Column) settled() bool {
	if c.Type == Date {
		return c.order() != NoOrder
	}
	return c.mark() != NoMark && c.Concluded.Unit == "" && !c.Concluded.Mixed
}

// mark returns the decimal mark of the column; NoMark if it is unknown or disproved.
func (c Column) mark() Mark {
	if c.Disproved() {
		return NoMark
	}
	return cmp.Or(c.Decimal, c.Concluded.Mark)
}

// Disproved reports whether the values of a concluded column of numbers prove another decimal mark than the one that a
// person set.
func (c Column) Disproved() bool {
	return c.Decimal != NoMark && c.Concluded.Mark != NoMark && c.Decimal != c.Concluded.Mark
}

// order returns the order of the column's dates; NoOrder if it is unknown or disproved.
func (c Column) order() DateOrder {
	if c.Dates != NoOrder && c.Concluded.Order != NoOrder && c.Dates != c.Concluded.Order {
		return NoOrder
	}
	return cmp.Or(c.Dates, c.Concluded.Order)
}

// MeantText, as Cell.Meant, marks a value that a person accepted as text while nothing decided its meaning.
const MeantText = "text"

// Of returns the column as it applies to one cell: the meaning that held when a person typed or accepted the cell stays.
func (c Column) Of(cell Cell) Column {
	switch cell.Meant {
	case "":
	case MeantText:
		c.Type = Text
	case string(CommaMark), string(PointMark):
		c.Decimal, c.Concluded = Mark(cell.Meant), Meaning{}
	case string(DayFirst), string(MonthFirst):
		c.Dates, c.Concluded = DateOrder(cell.Meant), Meaning{}
	}
	return c
}

// Meant returns the meaning of a text that a person types or accepts now, to be kept as Cell.Meant: a decimal mark, an
// order of dates, or MeantText if it is left open and accepted; "" if the text needs none of these.
func (c Column) Meant(text string, accepted bool) string {
	if c.Type != Number && c.Type != Date {
		return ""
	}
	open := c
	open.Decimal, open.Dates, open.Concluded = NoMark, NoOrder, Meaning{}
	_, needs := open.broken(Cell{Text: text})
	switch _, left := c.broken(Cell{Text: text}); {
	case left && accepted:
		return MeantText
	case left:
		return ""
	case needs && c.Type == Date:
		return string(c.order())
	case needs:
		return string(c.mark())
	}
	if n, why := c.numeral(text); c.Type == Number && why == "" && n.Unit != "" {
		return string(cmp.Or(n.Proves, c.mark(), PointMark)) // it keeps its unit, also when most others have another one
	}
	return ""
}

// Number reads the number of a cell as the column interprets it. ok is false in a column of another type, for a number in
// another currency or unit than most of the column, and when the meaning is open.
func (c Column) Number(cell Cell) (Numeral, bool) {
	c = c.Of(cell)
	if c.Type != Number {
		return Numeral{}, false
	}
	n, why := c.numeral(cell.Text)
	return n, why == ""
}

func (c Column) numeral(text string) (Numeral, string) {
	n, why := readNumber(text, c.mark())
	if why == "" && n.Unit != "" && (c.Concluded.Mixed || c.Concluded.Unit != "" && c.Concluded.Unit != n.Unit) {
		why = saysUnits
	}
	return n, why
}

// Date reads the date of a cell as the column interprets it. ok is false in a column of another type, and when the order of
// day and month is open.
func (c Column) Date(cell Cell) (time.Time, bool) {
	c = c.Of(cell)
	if c.Type != Date {
		return time.Time{}, false
	}
	return ParseDate(cell.Text, c.order())
}

// Value returns the number or date of a cell in the notation of programs: 1250.50 and 2026-12-31; "" if it has none.
func (c Column) Value(cell Cell) string {
	if n, ok := c.Number(cell); ok {
		return n.Text
	}
	if day, ok := c.Date(cell); ok {
		return day.Format(time.DateOnly)
	}
	return ""
}

// Holds reports whether a cell has the number or the day that a person searches for, in any notation: 1250 is found in
// "1,250.00", and in "€ 1.250" if the column has that mark. A unit counts only if the search names one.
func (c Column) Holds(cell Cell, sought string) bool {
	want := Cell{Text: sought}
	if n, ok := c.Number(cell); ok {
		w, ok := c.Number(want)
		return ok && withoutZeros(n.Text) == withoutZeros(w.Text) && (w.Unit == "" || w.Unit == n.Unit)
	}
	day, ok := c.Date(cell)
	if !ok {
		return false
	}
	other, ok := c.Date(want)
	return ok && day.Equal(other)
}

// withoutZeros returns a decimal without zeros at the end of its fraction.
func withoutZeros(number string) string {
	if !strings.Contains(number, ".") {
		return number
	}
	return strings.TrimSuffix(strings.TrimRight(number, "0"), ".")
}

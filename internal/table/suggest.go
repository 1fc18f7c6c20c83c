package table

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Seen holds the headings and the rows that an open table found on one sheet.
type Seen struct {
	Columns []string
	Rows    []Row
}

// How sure a suggestion has to be.
const (
	listFrom   = 10 // values from which few different ones are taken for a list
	listMost   = 4  // different values of such a list
	listEach   = 3  // times that each of them comes
	alwaysFrom = 5  // rows from which a column that is never blank is taken for one that must be there
	codeDigits = 5  // digits from which numbers that are all equally long are taken for codes
)

// Suggest makes columns from a few sheets: their headings in order of appearance, each with the type and an example that
// its values suggest. It is cautious: a value that might be a code stays text, so that no zero is lost. The table has no
// columns if the sheets show none.
func Suggest(sheets []Seen) Table {
	var order []string
	values := map[string][]string{}
	rows := map[string]int{}
	names := map[string]string{}
	for _, sheet := range sheets {
		for i, name := range (Table{Open: true}).Header(sheet.Columns) {
			key := exactly(name)
			if key == "" || len(order) == MaxColumns && names[key] == "" {
				continue
			}
			if names[key] == "" {
				order, names[key] = append(order, key), clip(name, MaxName)
			}
			for _, row := range sheet.Rows {
				rows[key]++
				if i < len(row.Cells) && row.Cells[i].State != Unreadable && strings.TrimSpace(row.Cells[i].Text) != "" {
					values[key] = append(values[key], strings.TrimSpace(row.Cells[i].Text))
				}
			}
		}
	}
	var t Table
	required := false
	for _, key := range order {
		c := Column{Name: names[key], Type: Text, Unique: slices.Contains(serials, fold(names[key]))}
		c.fit(values[key])
		if !required && rows[key] >= alwaysFrom && len(values[key]) == rows[key] {
			required, c.Required = true, true // one is enough to notice rows that were read as blank
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// fit gives the column the narrowest type that all of its values have, and the first fair one as example.
func (c *Column) fit(values []string) {
	if len(values) == 0 {
		return
	}
	all := func(is func(string) bool) bool {
		return !slices.ContainsFunc(values, func(v string) bool { return !is(v) })
	}
	of := func(t Type) func(string) bool {
		column := Column{Type: t}
		var proof Tally
		for _, v := range values {
			proof.see(column, Cell{Text: v})
		}
		column.Concluded = proof.meaning()
		return func(v string) bool { return column.Broken(v) == "" }
	}
	switch {
	case all(of(Number)):
		if !codes(values) {
			c.Type = Number
		}
	case all(of(Date)):
		c.Type = Date
	case all(of(YesNo)):
		c.Type = YesNo
	default:
		if list := listed(values); list != nil {
			c.Type, c.Choices = Choice, list
		}
	}
	for _, v := range values {
		if plain(v) && utf8.RuneCountInString(v) <= MaxExample {
			c.Example = v
			return
		}
	}
}

// codes reports whether numbers look like serial numbers: with leading zeros, or all of one length and long.
func codes(values []string) bool {
	length := len(values[0])
	for _, v := range values {
		n, _ := ParseNumber(v, PointMark)
		if n.Padded {
			return true
		}
		if len(v) != length || n.Digits < codeDigits || n.Decimals > 0 {
			length = -1
		}
	}
	return length >= 0
}

// listed returns the few values that come again and again, or nil.
func listed(values []string) []string {
	if len(values) < listFrom {
		return nil
	}
	var list []string
	times := map[string]int{}
	for _, v := range values {
		if times[choiceKey(v)]++; times[choiceKey(v)] == 1 {
			list = append(list, v)
		}
		if len(list) > listMost || utf8.RuneCountInString(v) > MaxChoice || !plain(v) {
			return nil
		}
	}
	for _, n := range times {
		if n < listEach {
			return nil
		}
	}
	return list
}

package table

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rowKeys are the folded names of what an answer says about a row beside its cells.
var rowKeys = []string{"row", "rownumber", "box", "box2d", "bbox", "boundingbox", "doubts", "cells", "values"}

func rowKey(name string) bool { return slices.Contains(rowKeys, fold(name)) }

// keysOf returns the different names that rows give their cells, in order of appearance, at most 1,000.
func keysOf(rows []value) (keys []string, all bool) {
	seen := map[string]bool{}
	for _, v := range rows {
		fields, _, _ := parts(v)
		for _, m := range fields {
			if seen[m.name] {
				continue
			}
			if len(keys) == 1000 {
				return keys, false
			}
			seen[m.name] = true
			keys = append(keys, m.name)
		}
	}
	return keys, true
}

// parts takes a row apart into what is named and what is only in order. An object may hold its cells in an inner list
// or object.
func parts(v value) (fields []field, cells []value, ok bool) {
	switch v.kind {
	case '[':
		return nil, nonNil(v.list), true
	case '{':
	default:
		return nil, nil, false
	}
	fields = v.fields
	for _, m := range v.fields {
		if m.value.scalar() {
			continue
		}
		if name := fold(m.name); name != "cells" && name != "values" {
			continue
		}
		switch m.value.kind {
		case '{':
			fields = slices.Concat(fields, m.value.fields)
		case '[':
			if named := pairs(m.value.list); named != nil {
				fields = slices.Concat(fields, named)
			} else {
				cells = nonNil(m.value.list)
			}
		}
	}
	return fields, cells, true
}

func nonNil(list []value) []value {
	if list == nil {
		return []value{}
	}
	return list
}

// pairs reads cells given as [{"column":"Quantity","value":"3"}, …]; nil if they are not.
func pairs(list []value) []field {
	var named []field
	for _, v := range list {
		var name string
		var cell *value
		for i, m := range v.fields {
			switch fold(m.name) {
			case "column", "name", "key", "header", "field":
				name = m.value.text
			case "value", "text":
				cell = &v.fields[i].value
			}
		}
		if name == "" || cell == nil {
			return nil
		}
		named = append(named, field{name, *cell})
	}
	return named
}

func texts(list []value) []string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = v.text
	}
	return all
}

// cell turns a value into a cell: text as written.
func (b *builder) cell(v value, row, column int) Cell {
	c := Cell{}
	switch v.kind {
	case 'n':
	case '[', '{':
		c = b.nested(v, row, column)
	default:
		c.Text = v.text
	}
	if utf8.RuneCountInString(c.Text) > MaxCell {
		c.Text = clip(c.Text, MaxCell)
		b.add(row, column, KindRule, "This cell was longer than %d characters; the rest was cut off.", MaxCell)
	}
	switch {
	case c.State != "":
	case strings.TrimSpace(c.Text) == "":
		c = Cell{State: Blank}
	case slices.Contains([]string{"[unreadable]", "<unreadable>", "(unreadable)", "[illegible]"}, strings.ToLower(strings.TrimSpace(c.Text))):
		c = Cell{State: Unreadable}
	default:
		c.State = Read
	}
	return c
}

// nested reads a cell that is an object with a value and what is said about it, or a list of plain values. Anything
// else is kept as it stands, with a doubt.
func (b *builder) nested(v value, row, column int) Cell {
	var c Cell
	if v.kind == '[' && !slices.ContainsFunc(v.list, func(v value) bool { return !v.scalar() }) {
		c.Text = strings.Join(slices.DeleteFunc(texts(v.list), func(s string) bool { return s == "" }), "\n")
		if len(v.list) > 1 {
			b.add(row, column, KindColumns, "The answer gave several values for this cell; they were put one below the other.")
		}
		return c
	}
	plain := false
	for _, m := range v.fields {
		switch name := fold(m.name); {
		case (name == "value" || name == "text") && m.value.scalar():
			c.Text, plain = m.value.text, true
		case name == "state" || name == "status":
			c.State = stateOf(m.value.text)
		}
	}
	if plain {
		return c
	}
	var text strings.Builder
	v.compact(&text)
	b.add(row, column, KindColumns, "The answer gave something nested for this cell; check it against the picture.")
	return Cell{Text: text.String()}
}

// stateOf is the state that an answer's word means; "" for one that adds nothing.
func stateOf(word string) State {
	switch fold(word) {
	case "unreadable", "illegible":
		return Unreadable
	case "guessed", "guess", "unsure", "uncertain", "doubtful", "unclear", "low":
		return Guessed
	}
	return ""
}

// doubted marks the cells that the answer itself doubts: {column, state} in a list, or names only.
func (b *builder) doubted(row *Row, at int, fields []field) {
	for _, m := range fields {
		if _, column := b.index[b.fold(m.name)]; column || b.fold(m.name) != "doubts" {
			continue
		}
		list := m.value.list
		for _, f := range m.value.fields { // {"Quantity":"guessed"}
			list = append(list, value{kind: '{', fields: []field{{"column", value{text: f.name}}, {"state", f.value}}})
		}
		for _, v := range list {
			b.doubt(row, at, v)
		}
	}
}

func (b *builder) doubt(row *Row, at int, v value) {
	name, state := v.text, Guessed
	for _, m := range v.fields {
		switch fold(m.name) {
		case "column", "name", "field", "cell":
			name = m.value.text
		case "state", "status", "reason":
			if s := stateOf(m.value.text); s != "" {
				state = s
			}
		}
	}
	i := b.column(name)
	if i < 0 || i >= len(row.Cells) {
		b.add(at, -1, KindGuessed, "The engine doubts something in this row (%q).", clip(name, 60))
		return
	}
	row.Cells[i].State = state
}

// column returns the column that an answer means by name or by number from 1; -1 for none.
func (b *builder) column(name string) int {
	if i, ok := b.index[b.fold(name)]; ok {
		return i
	}
	if i := b.table.exact(name); i >= 0 {
		return i
	}
	if n, err := strconv.Atoi(strings.TrimSpace(name)); err == nil && b.table.Open {
		return n - 1
	}
	return -1
}

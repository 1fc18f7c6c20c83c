package table

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rowKeys are the folded names of a row's members that are not cells: its metadata, and the wrappers of its cells.
var rowKeys = []string{"row", "rownumber", "box", "box2d", "bbox", "boundingbox", "doubts", "cells", "values"}

func rowKey(name string) bool { return slices.Contains(rowKeys, fold(name)) }

// numbersRow reports whether name is the member in which a row gives its number.
func (n *names) numbersRow(name string) bool {
	folded := n.fold(name)
	return (folded == "row" || folded == "rownumber") && n.column(name) < 0
}

func (n *names) rowKey(name string) bool { return slices.Contains(rowKeys, n.fold(name)) }

// keysOf returns the distinct names of the cells in rows, in order of appearance. It returns at most 1,000; all is false
// when there are more.
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

// parts splits a row into its named fields and its unnamed cells, which count by their order. An object may hold its cells
// in an inner list or object. ok is false for a value that is neither a list nor an object.
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
		name, cell := pair(v)
		if name.text == "" || cell == nil {
			return nil
		}
		named = append(named, field{name.text, *cell})
	}
	return named
}

func isPairs(list []value) bool { return pairs(list) != nil }

func pair(v value) (name value, cell *value) {
	for i, m := range v.fields {
		switch fold(m.name) {
		case "column", "name", "key", "header", "field":
			name = m.value
		case "value", "text":
			cell = &v.fields[i].value
		}
	}
	return name, cell
}

// settlePairs settles the names of cells that are given as pairs.
func (b *builder) settlePairs(v value) {
	for _, m := range v.fields {
		if isPairs(m.value.list) {
			for _, p := range m.value.list {
				name, _ := pair(p)
				b.mark(name.id)
			}
		}
	}
}

func texts(list []value) []string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = v.text
	}
	return all
}

// cell turns a value into a cell: the text as written, except for escapes and invisible characters. It settles the values
// that it puts into the cell or names in an issue.
func (b *builder) cell(v value, row, column int) Cell {
	c := Cell{}
	switch v.kind {
	case 'n':
	case 'x':
		b.add(row, column, KindGuessed, "The answer had no value here (%q); compare this cell with the picture.", clip(v.text, 60))
	case '[', '{':
		c = b.nested(v, row, column)
	default:
		c.Text = v.text
	}
	b.mark(v.id)
	if v.odd {
		b.add(row, column, KindGuessed, "The answer did not write this cell as it should; compare it with the picture.")
	}
	c.Text = b.clean(c.Text, row, column)
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

// clean makes a text fit for a cell, and adds an issue for each kind of change.
func (b *builder) clean(text string, row, column int) string {
	visible, hidden := Clean(text)
	plain, changed := unescape(visible)
	if changed {
		b.add(row, column, KindGuessed, "The answer wrote this with escapes, as %q; compare it with the picture.", clip(text, 60))
	}
	plain, more := Clean(plain)
	if hidden+more > 0 {
		b.hidden = append(b.hidden, Issue{Row: row, Column: column})
	}
	if strings.ContainsRune(plain, utf8.RuneError) {
		b.add(row, column, KindGuessed, "A character of this cell was lost; compare it with the picture.")
	}
	if utf8.RuneCountInString(plain) > MaxCell {
		plain = clip(plain, MaxCell)
		b.add(row, column, KindRule, "This cell was longer than %d characters; the rest was cut off.", MaxCell)
	}
	return plain
}

// nested reads a cell that is an object with a value and its state, or a list of plain values. Any other nested value is
// kept as text, with a doubt.
func (b *builder) nested(v value, row, column int) Cell {
	var c Cell
	if v.kind == '[' && !slices.ContainsFunc(v.list, func(v value) bool { return !v.scalar() }) {
		b.settle(v)
		c.Text = strings.Join(slices.DeleteFunc(texts(v.list), func(s string) bool { return s == "" }), "\n")
		if len(v.list) > 1 || slices.ContainsFunc(v.list, func(v value) bool { return v.odd || v.kind == 'x' }) {
			b.add(row, column, KindColumns, "The answer gave several values for this cell; they were put one below the other.")
		}
		return c
	}
	plain := false
	for _, m := range v.fields {
		switch name := fold(m.name); {
		case (name == "value" || name == "text") && m.value.scalar() && (!plain || m.value.text == c.Text):
			c.Text, plain = m.value.text, true
			b.mark(m.value.id)
		case (name == "state" || name == "status") && (stateOf(m.value.text) != "" || stated(m.value.text)):
			c.State = stateOf(m.value.text)
			b.mark(m.value.id)
		}
	}
	if plain {
		return c
	}
	var text strings.Builder
	v.compact(&text)
	b.settle(v)
	b.add(row, column, KindColumns, "The answer gave something nested for this cell; check it against the picture.")
	return Cell{Text: text.String()}
}

// stated reports whether an answer's word for the state of a cell means that the cell was read.
func stated(word string) bool {
	return slices.Contains([]string{"", "read", "ok", "sure", "clear", "certain", "high", "blank", "empty"}, fold(word))
}

// stateOf returns the state that an answer's word means; "" for a word that adds nothing.
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
func (b *builder) doubted(row *Row, at int, v value, fields []field) {
	b.mark(v.id)
	for _, m := range fields {
		if _, column := b.index[b.key(m.name)]; column || b.fold(m.name) != "doubts" {
			continue
		}
		b.settle(m.value)
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
	i := b.columnOf(name)
	if i < 0 || i >= len(row.Cells) {
		b.add(at, -1, KindGuessed, "The engine doubts something in this row (%q).", clip(name, 60))
		return
	}
	row.Cells[i].State = state
}

// columnOf returns the column that an answer means by name or by number from 1; -1 for none.
func (b *builder) columnOf(name string) int {
	if i, ok := b.index[b.key(name)]; ok {
		return i
	}
	if i := b.names.column(name); i >= 0 {
		return i
	}
	if n, err := strconv.Atoi(strings.TrimSpace(name)); err == nil && b.table.Open {
		return n - 1
	}
	return -1
}

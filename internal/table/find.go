package table

import (
	"slices"
	"strconv"
	"strings"
)

// found is one table in an answer.
type found struct {
	rows    []value
	header  []string // the answer's own columns; nil if it names none
	numbers []int    // the numbers of rows that are members of an object; nil for other rows
}

// wrappers are the folded names under which engines put the rows.
var wrappers = []string{
	"rows", "tabledata", "table", "data", "items", "records", "entries", "lines", "lineitems", "results", "list",
	"inventory", "equipment", "tables", "result", "response", "output", "answer", "json", "receipt", "document",
}

var headerNames = []string{"columns", "header", "headers", "headings", "columnnames", "fields"}

var countNames = []string{"rowsonsheet", "rowcount", "totalrows", "numberofrows", "rowsseen"}

func wrapper(name string) bool { return slices.Contains(wrappers, fold(name)) }

// shape is the role of a value in an answer.
type shape byte

// The shapes of a value.
const (
	other      shape = iota + 1 // a cell, a list of plain values, something nested
	rowShape                    // an object that is one row
	tableShape                  // a value that holds rows
)

// finder collects every table of an answer, in any nesting.
type finder struct {
	*ledger
	*names
	table  Table
	ids    *int
	shapes map[int]shape
	tables []found
	inner  []value // values read from texts within the answer
	empty  int     // number of lists that should have rows, and have none
	counts []int   // the numbers of rows that the answer states
}

// maxCompared is how many values of an answer are compared with each other. At worst, more of them count as several tables.
const maxCompared = 50

// answers searches the values of an answer for tables. Equal values are searched once, and the repetitions are settled.
func (s *finder) answers(values []value) {
	var different []value
	for _, v := range values {
		document := v.kind == '[' || s.table.Single || s.shape(v) == tableShape
		if document && slices.ContainsFunc(different[:min(len(different), maxCompared)], func(w value) bool { return w.equal(v) }) {
			s.settle(v)
			continue
		}
		different = append(different, v)
	}
	if len(different) == 1 {
		s.look(different[0], "", nil)
		return
	}
	s.group(different, nil)
}

// look collects the tables of one value. name is its name in the object that holds it; "" for an item of a list.
func (s *finder) look(v value, name string, header []string) {
	switch v.kind {
	case '[':
		s.list(v.list, name, header)
	case '{':
		s.object(v, header)
	case '"':
		if isJSON(v.text) {
			s.text(v, name, header)
		}
	}
}

// text looks into a text that holds JSON.
func (s *finder) text(v value, name string, header []string) {
	d := &document{ids: *s.ids}
	err := d.read(v.text)
	*s.ids = d.ids
	if err != nil || len(d.values) != 1 || len(d.comments) > 0 {
		return
	}
	before := len(s.tables)
	s.look(d.values[0], name, header)
	if len(s.tables) > before {
		s.settle(v)
		s.inner = append(s.inner, d.values...)
	}
}

func (s *finder) list(list []value, name string, header []string) {
	known := name == "" || wrapper(name)
	if len(list) == 0 {
		if known {
			s.empty++
		}
		return
	}
	if slices.ContainsFunc(list, func(v value) bool { return !v.scalar() || v.kind == '"' && isJSON(v.text) }) {
		s.group(list, header)
		return
	}
	switch n := len(s.table.Columns); {
	case !known:
	case n == 1 && (!s.table.Single || len(list) == 1):
		s.add(found{rows: list, header: header}) // one value a row
	case n > 0 && n == len(list), s.table.Open && len(header) == len(list):
		s.add(found{rows: []value{{kind: '[', list: list}}, header: header})
	}
}

// group takes the rows among the items of a list as one table, and looks into the others.
func (s *finder) group(list []value, header []string) {
	var rows []value
	end := func() {
		if slices.ContainsFunc(rows, func(v value) bool { return !v.scalar() }) {
			s.add(found{rows: rows, header: header})
		}
		rows = nil
	}
	for _, v := range list {
		if s.shape(v) == tableShape || v.kind == '"' && isJSON(v.text) {
			end()
			s.look(v, "", header)
			continue
		}
		rows = append(rows, v)
	}
	end()
}

func (s *finder) object(v value, header []string) {
	if s.shape(v) == rowShape {
		rows := []value{v}
		if columns, ok := s.transpose(v); ok {
			rows = columns
		}
		s.add(found{rows: rows, header: header})
		return
	}
	for _, m := range v.fields {
		switch name := fold(m.name); {
		case slices.Contains(headerNames, name) && m.value.kind == '[' && header == nil:
			header = s.headings(m.value.list)
		case slices.Contains(countNames, name):
			if n, ok := count(m.value.text); ok && m.value.scalar() {
				s.counts = append(s.counts, n)
				s.settle(m.value)
			}
		case name == "rows" && m.value.kind == 'n':
			s.empty++
		}
	}
	if s.named(v, header) {
		return
	}
	before := len(s.tables) + s.empty
	for _, m := range v.fields {
		if m.value.kind == '[' && slices.Contains(headerNames, fold(m.name)) {
			continue
		}
		s.look(m.value, m.name, header)
	}
	if len(s.tables)+s.empty == before && !s.table.Open && slices.ContainsFunc(s.table.Match(v.names()), func(i int) bool { return i >= 0 }) {
		s.add(found{rows: []value{v}, header: header})
	}
}

// named takes the members of an object as rows, with their names as numbers. It reports whether they are rows.
func (s *finder) named(v value, header []string) bool {
	var f found
	f.header = header
	for i, m := range v.fields {
		n, numbered := count(m.name)
		isRow := s.shape(m.value) == rowShape || numbered && !m.value.scalar() && s.shape(m.value) != tableShape
		if !isRow {
			return false
		}
		if !numbered {
			n = i + 1
		}
		f.rows, f.numbers = append(f.rows, m.value), append(f.numbers, n)
	}
	if slices.ContainsFunc(f.rows, func(v value) bool { return slices.ContainsFunc(v.names(), s.numbersRow) }) {
		f.numbers = nil // the rows say it themselves
	}
	if len(f.rows) == 0 {
		return false
	}
	for _, m := range v.fields {
		if _, numbered := count(m.name); !numbered && !wrapper(m.name) && len(v.fields) > 1 {
			s.say(m.name)
		}
	}
	s.add(f)
	return true
}

// add adds a table. If its first row is an array of headings, these become the header that names the cells.
func (s *finder) add(f found) {
	if !s.table.Open {
		if first := f.rows[0]; first.kind == '[' {
			if header := texts(first.list); s.isHeader(header) {
				f.header, f.rows = header, f.rows[1:]
				s.settle(first)
			}
		}
		if f.header != nil {
			f.rows = nameCells(f.rows, f.header)
		}
	}
	s.tables = append(s.tables, f)
}

// isHeader reports whether a row of strings names the columns rather than values.
func (s *finder) isHeader(row []string) bool {
	hits := 0
	for _, text := range row {
		if text != "" && s.column(text) >= 0 {
			hits++
		}
	}
	return hits > 0 && 2*hits > len(s.table.Columns)
}

// nameCells gives the cells of arrays the names in header. Cells beyond the header are left out; a row with more or fewer
// cells than headings is marked odd.
func nameCells(rows []value, header []string) []value {
	named := make([]value, len(rows))
	for i, v := range rows {
		named[i] = v
		var cells []value
		fields := []field{}
		switch v.kind {
		case '[':
			cells = v.list
		case '{':
			for _, m := range v.fields {
				if name := fold(m.name); (name == "cells" || name == "values") && m.value.kind == '[' && !isPairs(m.value.list) {
					cells = m.value.list
					continue
				}
				fields = append(fields, m)
			}
		}
		if cells == nil {
			continue
		}
		for j, cell := range cells[:min(len(cells), len(header))] {
			fields = append(fields, field{header[j], cell})
		}
		named[i] = value{kind: '{', fields: fields, odd: len(cells) != len(header)}
	}
	return named
}

// transpose turns columns of values ({"Quantity":["1","2"], …}) into rows.
func (s *finder) transpose(v value) ([]value, bool) {
	if s.table.Single {
		return nil, false
	}
	n := -1
	for _, m := range v.fields {
		if m.value.kind != '[' || n >= 0 && len(m.value.list) != n || rowKey(m.name) ||
			slices.ContainsFunc(m.value.list, func(v value) bool { return !v.scalar() }) {
			return nil, false
		}
		n = len(m.value.list)
	}
	rows := make([]value, max(n, 0))
	for i := range rows {
		rows[i].kind = '{'
		for _, m := range v.fields {
			rows[i].fields = append(rows[i].fields, field{m.name, m.value.list[i]})
		}
	}
	return rows, n > 0
}

func (v value) names() []string {
	names := make([]string, len(v.fields))
	for i, m := range v.fields {
		names[i] = m.name
	}
	return names
}

// headings returns the names in a list of columns, given as strings or as objects that have a name.
func (s *finder) headings(list []value) []string {
	names := make([]string, 0, min(len(list), MaxOpenColumns))
	for _, v := range list[:min(len(list), MaxOpenColumns)] {
		text := v
		for _, m := range v.fields {
			if slices.Contains([]string{"name", "title", "heading", "header", "label", "text"}, fold(m.name)) {
				text = m.value
				break
			}
		}
		s.mark(text.id)
		clean, _ := Clean(clip(strings.TrimSpace(text.text), MaxCell))
		names = append(names, clean)
	}
	return names
}

// numberWords are the small numbers as engines write them in words.
var numberWords = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}

// count reads a number of rows or of a row in any form: 3, 3.0, "3.", "#3", "3 rows", "Row 3", "three".
func count(text string) (int, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, word := range []string{"row", "no.", "nr.", "#"} {
		text = strings.TrimSpace(strings.TrimPrefix(text, word))
	}
	for _, word := range []string{"rows", "row", "lines", "entries", "items"} {
		text = strings.TrimSpace(strings.TrimSuffix(text, word))
	}
	if i := slices.Index(numberWords, text); i >= 0 {
		return i, true
	}
	text = strings.TrimRight(text, ".):")
	if whole, fraction, ok := strings.Cut(text, "."); ok && strings.Trim(fraction, "0") == "" {
		text = whole
	}
	n, err := strconv.Atoi(strings.TrimPrefix(text, "_"))
	return n, err == nil && n >= 0
}

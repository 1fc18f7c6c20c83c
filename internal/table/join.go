package table

import (
	"slices"
	"strconv"
	"strings"
)

// join merges all found tables into one: the rows of the longest table, and before and after them the rows of the other
// tables that it does not have. A draft and its correction, a table in parts, and a repeated table thus all end with every
// row in the result. several reports whether there was more than one table; ok is false if they cannot be merged.
func (s *finder) join() (f found, several, ok bool) {
	switch len(s.tables) {
	case 0:
		return found{}, false, s.empty > 0
	case 1:
		return s.tables[0], s.empty > 0, true
	}
	if !s.sameColumns(&f) {
		return found{}, true, false
	}
	longest := 0
	for i, t := range s.tables {
		if len(t.rows) > len(s.tables[longest].rows) {
			longest = i
		}
	}
	have := map[string]int{}
	for _, v := range s.tables[longest].rows {
		have[s.signature(v, f.header)]++
	}
	for i, t := range s.tables {
		if i == longest {
			f.rows = append(f.rows, t.rows...)
			continue
		}
		f.rows = append(f.rows, s.missing(t, f.header, have)...)
	}
	return f, true, true
}

// missing returns the rows of t that are not in have, each as often as it is missing, and adds them to have. The other rows
// are settled.
func (s *finder) missing(t found, header []string, have map[string]int) []value {
	var rows []value
	own := map[string]int{}
	for _, v := range t.rows {
		key := s.signature(v, header)
		if own[key]++; own[key] <= have[key] {
			s.settle(v)
			continue
		}
		have[key] = own[key]
		rows = append(rows, v)
	}
	return rows
}

// sameColumns gives all tables the same columns, those of f. It returns false if the headings of open tables do not
// identify their columns.
func (s *finder) sameColumns(f *found) bool {
	alike := true
	var headers [][]string
	for _, t := range s.tables {
		if t.header != nil {
			headers = append(headers, t.header)
			alike = alike && slices.EqualFunc(t.header, headers[0], func(a, b string) bool { return Key(a) == Key(b) })
		}
	}
	if s.table.Open && alike {
		if len(headers) > 0 {
			f.header = headers[0]
		}
		return true
	}
	seen := map[string]bool{}
	for _, header := range headers {
		own := map[string]bool{}
		for _, name := range header {
			key := exactly(name)
			if s.table.Open && (key == "" || own[key]) {
				return false
			}
			if own[key] = true; !seen[key] {
				f.header, seen[key] = append(f.header, name), true
			}
		}
	}
	for i, t := range s.tables {
		if s.table.Open && t.header != nil {
			s.tables[i].rows = nameCells(t.rows, t.header)
		}
	}
	return true
}

// signature is equal for rows that have the same cells. The order of the cells and the spelling of their names do not matter.
func (s *finder) signature(v value, header []string) string {
	var cells []string
	add := func(place string, v value) {
		var text strings.Builder
		v.compact(&text)
		if cell := strings.TrimSpace(text.String()); cell != "" {
			cells = append(cells, place+"\x00"+cell)
		}
	}
	fields, list, ok := parts(v)
	if !ok {
		add("", v)
	}
	for _, m := range fields {
		if name := fold(m.name); rowKey(m.name) && !slices.Contains(s.table.names(), m.name) || name == "" {
			continue
		}
		add(s.place(m.name, header), m.value)
	}
	for i, cell := range list {
		add(strconv.Itoa(i), cell)
	}
	slices.Sort(cells)
	return strings.Join(cells, "\x01")
}

// place returns the number of the column with that name; the normalized name itself if there is no such column.
func (s *finder) place(name string, header []string) string {
	i := s.column(name)
	if s.table.Open {
		i = slices.IndexFunc(header, func(h string) bool { return Key(h) == Key(name) })
	}
	if i < 0 {
		return exactly(name)
	}
	return strconv.Itoa(i)
}

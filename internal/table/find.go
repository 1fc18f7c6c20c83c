package table

import (
	"slices"
	"strconv"
	"strings"
)

// found is where the rows stand in an answer.
type found struct {
	rows     []value
	header   []string // the answer's own columns, nil if it names none
	declared int      // how many rows the answer says the sheet has; -1 if it does not say
}

// wrappers are the folded names under which engines put the rows, the one we ask for first.
var wrappers = []string{
	"rows", "tabledata", "table", "data", "items", "records", "entries", "lines", "lineitems", "results", "list",
	"inventory", "equipment", "tables", "result", "response", "output", "answer", "json", "receipt", "document",
}

var headerNames = []string{"columns", "header", "headers", "headings", "columnnames", "fields"}

var countNames = []string{"rowsonsheet", "rowcount", "totalrows", "numberofrows", "rowsseen"}

func wrapper(name string) bool { return slices.Contains(wrappers, fold(name)) }

// find looks for the rows in v and in what it wraps.
func (t Table) find(v value, depth int) (found, bool) {
	f := found{declared: -1}
	if depth > 3 {
		return f, false
	}
	switch v.kind {
	case '[':
		return t.findInList(v.list, depth)
	case '{':
		return t.findInObject(v, depth)
	}
	return f, false
}

func (t Table) findInList(list []value, depth int) (found, bool) {
	f := found{declared: -1, rows: list}
	if len(list) == 0 {
		return f, true
	}
	if slices.ContainsFunc(list, func(v value) bool { return !v.scalar() }) {
		if len(list) == 1 && list[0].kind == '{' && holds(list[0]) && !t.isRow(list[0]) {
			return t.find(list[0], depth+1)
		}
		return f, true
	}
	switch n := len(t.Columns); {
	case n == 1 && !t.Single:
		return f, true // one value a row
	case n > 0 && n == len(list):
		f.rows = []value{{kind: '[', list: list}}
		return f, true
	}
	return f, false
}

func (t Table) findInObject(v value, depth int) (found, bool) {
	f := found{declared: -1}
	for _, m := range v.fields {
		name := fold(m.name)
		switch {
		case slices.Contains(headerNames, name) && m.value.kind == '[':
			f.header = headings(m.value.list)
		case slices.Contains(countNames, name):
			if n, err := strconv.Atoi(strings.TrimSpace(m.value.text)); err == nil && n >= 0 {
				f.declared = n
			}
		}
	}
	for _, name := range wrappers {
		i := slices.IndexFunc(v.fields, func(m field) bool { return fold(m.name) == name })
		if i < 0 {
			continue
		}
		switch inner := v.fields[i].value; {
		case inner.kind == 'n' && name == "rows":
			return f, true
		case inner.kind == '[' && (name == "rows" || !t.isRow(v)), inner.kind == '{':
			if g, ok := t.inside(inner, depth); ok {
				return merge(f, g), true
			}
		}
	}
	return t.findUnnamed(v, f, depth)
}

// findUnnamed takes the object itself as a row, as columns of values, or as a wrapper with a name that we do not know.
func (t Table) findUnnamed(v value, f found, depth int) (found, bool) {
	if t.isRow(v) {
		f.rows = []value{v}
		if rows, ok := t.transpose(v); ok {
			f.rows = rows
		}
		return f, true
	}
	var nested []value
	for _, m := range v.fields {
		if !m.value.scalar() && !slices.Contains(headerNames, fold(m.name)) {
			nested = append(nested, m.value)
		}
	}
	if len(nested) == 1 {
		if g, ok := t.inside(nested[0], depth); ok {
			return merge(f, g), true
		}
	}
	if !t.Open && slices.ContainsFunc(t.Match(v.names()), func(i int) bool { return i >= 0 }) {
		f.rows = []value{v}
		return f, true
	}
	return f, false
}

// inside looks for rows in the value of a wrapper: also rows numbered by their names.
func (t Table) inside(v value, depth int) (found, bool) {
	if v.kind == '{' && len(v.fields) > 0 && !t.isRow(v) {
		rows := make([]value, 0, len(v.fields))
		for _, m := range v.fields {
			if _, err := strconv.Atoi(m.name); err != nil || m.value.scalar() {
				rows = nil
				break
			}
			rows = append(rows, m.value)
		}
		if rows != nil {
			return found{rows: rows, declared: -1}, true
		}
	}
	return t.find(v, depth+1)
}

func merge(outer, inner found) found {
	if inner.header == nil {
		inner.header = outer.header
	}
	if inner.declared < 0 {
		inner.declared = outer.declared
	}
	return inner
}

// isRow reports whether one of v's names is a column's.
func (t Table) isRow(v value) bool {
	if v.kind != '{' {
		return false
	}
	for _, m := range v.fields {
		if t.exact(m.name) >= 0 {
			return true
		}
	}
	return false
}

// exact returns the column of this name, but for case and punctuation; -1 for none.
func (t Table) exact(name string) int {
	folded := fold(name)
	return slices.IndexFunc(t.Columns, func(c Column) bool { return fold(c.Name) == folded })
}

// transpose turns columns of values ({"Quantity":["1","2"], …}) into rows.
func (t Table) transpose(v value) ([]value, bool) {
	if t.Single {
		return nil, false
	}
	n := -1
	for _, m := range v.fields {
		if m.value.kind != '[' || n >= 0 && len(m.value.list) != n ||
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
	return rows, true
}

func (v value) names() []string {
	names := make([]string, len(v.fields))
	for i, m := range v.fields {
		names[i] = m.name
	}
	return names
}

// headings are the names in a list of columns, be they strings or objects that have a name.
func headings(list []value) []string {
	names := make([]string, 0, min(len(list), MaxOpenColumns))
	for _, v := range list[:min(len(list), MaxOpenColumns)] {
		text := v.text
		if v.kind == '{' {
			for _, m := range v.fields {
				if slices.Contains([]string{"name", "title", "heading", "header", "label", "text"}, fold(m.name)) {
					text = m.value.text
					break
				}
			}
		}
		names = append(names, clip(strings.TrimSpace(text), MaxCell))
	}
	return names
}

package simulator

import (
	"slices"
	"strconv"
	"strings"
)

// Shape returns the answer of a perfect model for a sheet of these rows and this JSON schema: the schema's own
// property names, rows for an array of records, the header for columns. Without a schema it is a plain array of
// objects.
func Shape(schema map[string]any, header []string, rows [][]string) any {
	f := filler{header: header, rows: rows, defs: map[string]any{}}
	if schema == nil {
		return f.plain()
	}
	if defs, ok := schema["$defs"].(map[string]any); ok {
		f.defs = defs
	}
	if v := f.fill(schema, scope{row: -1, column: -1}); v != nil {
		return v
	}
	return f.plain()
}

type filler struct {
	header []string
	rows   [][]string
	defs   map[string]any
}

// scope is the position of a value in the answer: its row, cell and name.
type scope struct {
	row, column int // -1: outside of one
	name        string
}

func (f *filler) plain() any {
	all := make([]map[string]any, len(f.rows))
	for i, row := range f.rows {
		all[i] = map[string]any{}
		for c, text := range row {
			all[i][f.header[c]] = text
		}
	}
	return all
}

func (f *filler) fill(schema map[string]any, at scope) any {
	if ref, ok := schema["$ref"].(string); ok {
		if def, ok := f.defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any); ok {
			return f.fill(def, at)
		}
	}
	for _, either := range []string{"anyOf", "oneOf"} {
		if choices, ok := schema[either].([]any); ok {
			for _, choice := range choices {
				if m, ok := choice.(map[string]any); ok && kind(m) != "null" {
					return f.fill(m, at)
				}
			}
		}
	}
	switch kind(schema) {
	case "object":
		return f.object(schema, at)
	case "array":
		return f.array(schema, at)
	}
	return f.leaf(schema, at)
}

func (f *filler) object(schema map[string]any, at scope) any {
	props, _ := schema["properties"].(map[string]any)
	single := at.row < 0 && !f.listed(props)
	out := map[string]any{}
	for name, raw := range props {
		prop, _ := raw.(map[string]any)
		inner := at
		inner.name = name
		if single && len(f.rows) > 0 && f.column(name, prop) >= 0 {
			inner.row = 0 // one record per image: the first row
		}
		if inner.row >= 0 && inner.column < 0 {
			inner.column = f.column(name, prop)
		}
		out[name] = f.fill(prop, inner)
	}
	return out
}

// listed reports whether one of the properties is an array that can hold the rows.
func (f *filler) listed(props map[string]any) bool {
	for name, raw := range props {
		prop, _ := raw.(map[string]any)
		items, _ := prop["items"].(map[string]any)
		if kind(prop) == "array" && !slices.Contains(columnWords, word(name)) &&
			(kind(items) == "object" || kind(items) == "array" || items["$ref"] != nil) {
			return true
		}
	}
	return false
}

var columnWords = []string{"columns", "header", "headers", "columnnames", "fields"}

func (f *filler) array(schema map[string]any, at scope) any {
	items, _ := schema["items"].(map[string]any)
	if items == nil {
		items = map[string]any{"type": "string"}
	}
	out := []any{}
	switch {
	case at.row < 0 && slices.Contains(columnWords, word(at.name)):
		for c := range f.header {
			out = append(out, f.heading(items, c))
		}
	case at.row < 0 && (kind(items) == "object" || kind(items) == "array" || items["$ref"] != nil):
		for r := range f.rows {
			out = append(out, f.fill(items, scope{row: r, column: -1, name: at.name}))
		}
	case at.row >= 0 && at.column < 0 && slices.Contains([]string{"box", "box2d", "bbox", "place"}, word(at.name)):
		for _, v := range place(at.row, len(f.rows)) {
			out = append(out, v)
		}
	case at.row >= 0 && at.column < 0 && !slices.Contains(doubtWords, word(at.name)):
		for c := range f.header {
			out = append(out, f.fill(items, scope{row: at.row, column: c, name: at.name}))
		}
	}
	return out
}

var doubtWords = []string{"doubts", "issues", "guessed", "unreadable", "notes", "uncertain", "warnings", "unsure"}

func (f *filler) heading(items map[string]any, c int) any {
	if kind(items) != "object" {
		return f.header[c]
	}
	out := map[string]any{}
	props, _ := items["properties"].(map[string]any)
	for name, raw := range props {
		prop, _ := raw.(map[string]any)
		if out[name] = f.leaf(prop, scope{row: -1, column: -1}); kind(prop) == "string" && prop["enum"] == nil {
			out[name] = f.header[c]
		}
	}
	return out
}

// leaf returns a single value: the cell's text if there is one, else an empty value.
func (f *filler) leaf(schema map[string]any, at scope) any {
	text := ""
	if at.row >= 0 && at.column >= 0 && at.column < len(f.header) {
		text = f.rows[at.row][at.column]
	}
	enum, _ := schema["enum"].([]any)
	if len(enum) > 0 {
		for _, want := range []string{text, state(text)} {
			if slices.Contains(enum, any(want)) {
				return want
			}
		}
		return enum[0]
	}
	switch kind(schema) {
	case "integer", "number":
		return f.number(text, at)
	case "boolean":
		return false
	}
	if text == "" && nullable(schema) {
		return nil
	}
	return text
}

func state(text string) string {
	if text == "" {
		return "blank"
	}
	return "read"
}

// number returns the cell's number, a position or a count, depending on the name of the property.
func (f *filler) number(text string, at scope) any {
	name := word(at.name)
	switch {
	case text != "":
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	case at.row >= 0 && slices.Contains([]string{"row", "line", "n", "no", "number", "index", "i"}, name):
		return at.row + 1
	case at.row < 0 && (strings.Contains(name, "row") || strings.Contains(name, "count") || strings.Contains(name, "line")):
		return len(f.rows)
	case strings.Contains(name, "confidence"):
		return 1
	}
	return 0
}

// column returns the header's index for a property by its name, title or description; -1 for none.
func (f *filler) column(name string, prop map[string]any) int {
	for _, key := range []string{name, str(prop["title"]), str(prop["description"])} {
		for c, h := range f.header {
			if key != "" && word(key) == word(h) {
				return c
			}
		}
	}
	return -1
}

func str(v any) string { s, _ := v.(string); return s }

// word returns a name without case and punctuation.
func word(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}

// kind returns the schema's type in lower case, without null.
func kind(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return strings.ToLower(t)
	case []any:
		for _, one := range t {
			if s, ok := one.(string); ok && s != "null" {
				return strings.ToLower(s)
			}
		}
	}
	switch {
	case schema["properties"] != nil:
		return "object"
	case schema["items"] != nil || schema["prefixItems"] != nil:
		return "array"
	}
	return "string"
}

func nullable(schema map[string]any) bool {
	if yes, _ := schema["nullable"].(bool); yes {
		return true
	}
	types, _ := schema["type"].([]any)
	return slices.Contains(types, any("null"))
}

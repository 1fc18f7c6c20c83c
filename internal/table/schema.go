package table

import (
	"regexp"
	"strconv"
)

// safeKey matches the column names that go into a schema unchanged. Other names get a short substitute, explained by its
// title: long or unusual property names are a known reason for services to refuse a schema.
var safeKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// key returns the name of the property for the column's value. A substitute is never another column's name.
func (t Table) key(i int) string {
	name := t.Columns[i].Name
	if safeKey.MatchString(name) && !rowKey(name) {
		return name
	}
	key := "c" + strconv.Itoa(i+1)
	for t.exact(key) >= 0 {
		key += "x"
	}
	return key
}

// Schema returns the JSON Schema of the answer, as values that encode to JSON. It uses only a small part of the features
// that Gemini's responseJsonSchema supports: values are strings for every type of column, so that 00123 stays; there are no
// bounds on the number of rows and no lists of allowed values, which are reasons for a refusal ("too many states"). Parse
// enforces the limits, and Check the allowed values. Properties come in the order of reading: the number of rows, then each
// row's number, its cells, its place, its doubts.
func (t Table) Schema() map[string]any {
	rows := map[string]any{"type": "array", "items": t.rowSchema()}
	if t.Single {
		rows["maxItems"] = 1
		return object([]string{"rows"}, map[string]any{"rows": rows}, 1)
	}
	props := map[string]any{
		"rows_on_sheet": map[string]any{"type": "integer", "description": "How many rows the sheet shows, without header and blank rows. Count them first."},
		"rows":          rows,
	}
	order := []string{"rows_on_sheet", "rows"}
	if t.Open {
		props["columns"] = map[string]any{"type": "array", "items": str("")}
		order = []string{"columns", "rows_on_sheet", "rows"}
	}
	return object(order, props, len(order))
}

func (t Table) rowSchema() map[string]any {
	props := map[string]any{
		"row": str("Number of the row on the sheet, from 1."),
		"box": map[string]any{
			"type": "array", "items": map[string]any{"type": "integer"}, "minItems": 4, "maxItems": 4,
			"description": "Place of the row: [ymin, xmin, ymax, xmax], 0 to 1000.",
		},
		"doubts": map[string]any{"type": "array", "items": object([]string{"column", "state"}, map[string]any{
			"column": str(""),
			"state":  map[string]any{"type": "string", "enum": []any{string(Unreadable), string(Guessed)}},
		}, 2)},
	}
	order := []string{"row"}
	if t.Open {
		props["cells"] = map[string]any{"type": "array", "items": str("")}
		order = append(order, "cells")
	}
	for i, c := range t.Columns {
		key := t.key(i)
		prop := str("")
		if key != c.Name {
			prop["title"] = c.Name
		}
		props[key] = prop
		order = append(order, key)
	}
	required := len(order)
	return object(append(order, "box", "doubts"), props, required)
}

// object is a schema of an object with its properties in this order, the first n of them required.
func object(order []string, props map[string]any, n int) map[string]any {
	all := make([]any, len(order))
	for i, name := range order {
		all[i] = name
	}
	return map[string]any{"type": "object", "properties": props, "propertyOrdering": all, "required": all[:n:n]}
}

func str(description string) map[string]any {
	s := map[string]any{"type": "string"}
	if description != "" {
		s["description"] = description
	}
	return s
}

package table_test

import (
	"testing"

	"sheetlift/internal/table"
)

// A comma within an unquoted number of a list cannot be told from one between two numbers. Where the answer writes its
// other commas in another way, or the columns do not bear the numbers out, there is a doubt.
func TestANumberWithACommaInAListIsInDoubtUnlessTheColumnsBearItOut(t *testing.T) {
	t.Parallel()
	columns := func(n int) table.Table {
		return table.Table{Columns: []table.Column{{Name: "Item", Type: table.Text}, {Name: "Quantity", Type: table.Text}, {Name: "Serial_No", Type: table.Text}}[:n]}
	}
	for _, c := range []struct {
		name, answer, want string
		table              table.Table
	}{
		{"as found", `{"rows_on_sheet": 1, "rows": [[1,234, "22", ]],}`, "1|234|22 guessed(0,0) guessed(0,1) repaired", columns(3)},
		{"another comma with a space", `{"rows": [["a",1,234, "x"]]}`, "a|1|234 columns(0,-1) guessed(0,1) guessed(0,2) rows(-1,-1)", columns(3)},
		{"a comma too many", `{"rows":[[1,234,"22",]]}`, "1|234|22 guessed(0,0) guessed(0,1) repaired", columns(3)},
		{"a value missing between commas", `{"rows":[[1,234,,"x"]]}`, "1|234|- columns(0,-1) guessed(0,0) guessed(0,1) guessed(0,2) rows(-1,-1) repaired", columns(3)},
		{"the space is in another row", `{"rows": [[1,234], ["a", "b"]]}`, "1|234 / a|b guessed(0,0) guessed(0,1)", columns(2)},
		{"a comma for the decimals", `{"rows": [[12,5, "x"]]}`, "12|5|x guessed(0,0) guessed(0,1)", columns(3)},
		{"all commas alike, and as many numbers as columns", `{"rows":[[1,234,"x"],[5,678,"y"]]}`, "1|234|x / 5|678|y", columns(3)},
		{"all commas with a space", `{"rows": [[1, 234, "x"]]}`, "1|234|x", columns(3)},
		{"on lines of their own", "{\"rows\": [[\n1,\n234,\n\"x\"\n]]}", "1|234|x", columns(3)},
		{"more numbers than columns", `{"rows":[[1,234,"x","y"]]}`, "1|234|x columns(0,-1) rows(-1,-1)", columns(3)},
		{"with its heading", `{"columns":["Item","Quantity"],"rows":[[1,234,"x"]]}`, "1|234 columns(0,-1) rows(-1,-1)", columns(2)},
		{"a box is no row", `{"rows":[{"box":[1,234,500,678], "Item": "a", "Quantity": "b"}]}`, "a|b", columns(2)},
		{"one column, a number a row, counted", `{"rows_on_sheet":3,"rows":[1,234,567]}`, "1 / 234 / 567", columns(1)},
		{"one column, a number a row, not counted", `{"rows":[1,234,567]}`, "1 / 234 / 567 rows(-1,-1)", columns(1)},
		{"one column, other commas with a space", `{"rows_on_sheet": 3, "rows": [1,234, 567]}`, "1 / 234 / 567 guessed(0,0) guessed(1,0)", columns(1)},
		{"open, more numbers than headings", `{"columns":["A","B"],"rows":[{"row":"1","cells":[1,234,"x"]}]}`, "[A|B|] 1|234|x columns(0,-1)", table.Table{Open: true}},
		{"open, as many numbers as headings", `{"columns":["A","B","C"],"rows":[{"row":"1","cells":[1,234,"x"]}]}`, "[A|B|C] 1|234|x", table.Table{Open: true}},
		{"open, a comma with a space", `{"columns": ["A", "B", "C"], "rows": [{"row": "1", "cells": [1,234, "x"]}]}`, "[A|B|C] 1|234|x guessed(0,0) guessed(0,1)", table.Table{Open: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, err := c.table.Parse([]byte(c.answer))
			if err != nil {
				t.Fatal(err)
			}
			if got := brief(a); got != c.want {
				t.Errorf("got  %s\nwant %s\n%+v", got, c.want, a.Issues)
			}
		})
	}
}

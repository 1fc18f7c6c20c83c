package tesseract

import (
	"fmt"
	"slices"
	"strings"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/layout"
	"sheetlift/internal/table"
)

// headerSearch is how many rows of the sheet may stand above its header: titles, dates, names of departments.
const headerSearch = 8

// named maps the sheet's columns to those that were asked for: by the words of its header, by position where no row
// looks like one.
func named(r *engine.Reading, g layout.Grid, want table.Table) {
	at, columns := headerOf(g, want)
	if at < 0 {
		columns = inOrder(g, want)
		if len(g.Rows) > 0 {
			r.Issues = append(r.Issues, table.Issue{Row: -1, Column: -1, Kind: table.KindColumns,
				Message: "No row of this sheet looks like a header with these columns, so its columns were taken in the order they stand. Please check that they are in the right place."})
		}
	} else {
		r.Issues = append(r.Issues, missing(columns, want)...)
	}
	for i, row := range g.Rows {
		if i <= at || at >= 0 && isHeader(row, columns, want) {
			continue
		}
		if cells, filled := pick(row, columns, len(want.Columns)); filled {
			r.Rows = append(r.Rows, table.Row{Cells: cells})
		}
	}
}

// headerOf returns the index of the row whose words fit the columns best, and the sheet's column for each of them, -1
// for none. The index is -1 where no row fits two columns, or the only one that was asked for.
func headerOf(g layout.Grid, want table.Table) (at int, columns []int) {
	at = -1
	most := min(2, len(want.Columns)) - 1
	for i, row := range g.Rows[:min(len(g.Rows), headerSearch)] {
		match := want.Match(texts(row))
		n := 0
		for _, m := range match {
			if m >= 0 {
				n++
			}
		}
		if n > most {
			at, most = i, n
			columns = slices.Repeat([]int{-1}, len(want.Columns))
			for j, m := range match {
				if m >= 0 {
					columns[m] = j
				}
			}
		}
	}
	return at, columns
}

func texts(row []layout.Cell) []string {
	all := make([]string, len(row))
	for i, c := range row {
		all[i] = c.Text()
	}
	return all
}

// isHeader reports whether a row repeats the header, as it does at the top of a second part.
func isHeader(row []layout.Cell, columns []int, want table.Table) bool {
	same := 0
	for j, m := range want.Match(texts(row)) {
		if m >= 0 && columns[m] == j {
			same++
		}
	}
	return same >= 2
}

func inOrder(g layout.Grid, want table.Table) []int {
	columns := slices.Repeat([]int{-1}, len(want.Columns))
	if len(g.Rows) == 0 {
		return columns
	}
	for j := range min(len(columns), len(g.Rows[0])) {
		columns[j] = j
	}
	return columns
}

func missing(columns []int, want table.Table) []table.Issue {
	var names []string
	for j, c := range columns {
		if c < 0 {
			names = append(names, "“"+want.Columns[j].Name+"”")
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []table.Issue{{Row: -1, Column: -1, Kind: table.KindColumns,
		Message: fmt.Sprintf("No column of this sheet is headed like %s, so that was left blank.", strings.Join(names, ", "))}}
}

// pick returns the cells of a row in the requested order, and whether any of them is filled.
func pick(row []layout.Cell, columns []int, n int) (cells []table.Cell, filled bool) {
	cells = make([]table.Cell, n)
	for j, c := range columns {
		cells[j] = table.Cell{State: table.Blank}
		if c >= 0 && c < len(row) {
			cells[j] = row[c].Value()
			cells[j].Text = plainDashes(cells[j].Text)
		}
		filled = filled || cells[j].Text != ""
	}
	return cells, filled
}

// plainDashes makes a number with a printed dash one that can be calculated with.
func plainDashes(s string) string {
	if !layout.IsValue(s) {
		return s
	}
	return strings.NewReplacer("–", "-", "—", "-", "−", "-").Replace(s)
}

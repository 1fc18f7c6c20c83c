package table

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxIssues is how many doubts are kept of one picture; one more says how many there are beyond.
const maxIssues = 1000

// doubts collects issues up to maxIssues.
type doubts struct {
	issues []Issue
	more   int
}

func (d *doubts) add(row, column int, kind, format string, args ...any) {
	if len(d.issues) >= maxIssues {
		d.more++
		return
	}
	d.issues = append(d.issues, Issue{Row: row, Column: column, Kind: kind, Message: fmt.Sprintf(format, args...)})
}

func (d *doubts) all() []Issue {
	if d.more > 0 {
		return append(d.issues, Issue{Row: -1, Column: -1, Kind: KindRule, Message: fmt.Sprintf("There are %d more doubts of this kind.", d.more)})
	}
	return d.issues
}

// builder makes rows of what was found.
type builder struct {
	doubts
	table   Table
	names   []string       // of the columns, as they are known so far
	index   map[string]int // folded name in the answer → column; -1 for what belongs to none
	folded  map[string]string
	rows    []Row
	seen    []int // how many rows mention each column
	dropped int   // rows that are none
	numbers []int // the rows' own numbers, 0 where they have none
}

func (t Table) build(f found) Answer {
	b := &builder{table: t, index: map[string]int{}, folded: map[string]string{}}
	if t.Open {
		b.names = f.header
		f.rows = b.openHeader(f.rows)
	} else {
		b.names = t.names()
		f.rows = b.resolve(f)
	}
	if over := len(f.rows) - MaxRows; over > 0 {
		b.add(-1, -1, KindRows, "The answer had %d rows; the last %d were left out.", len(f.rows), over)
		f.rows = f.rows[:MaxRows]
	}
	for _, v := range f.rows {
		b.row(v)
	}
	b.finish(f.declared)
	a := Answer{Rows: b.rows, Issues: b.all()}
	if t.Open {
		a.Columns = b.names
	}
	return a
}

func (t Table) names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// resolve decides once which key of the answer is which column: by its key in the schema, by its name, and then by what
// headings usually mean. A header among the rows is taken out.
func (b *builder) resolve(f found) []value {
	rows := f.rows
	if len(rows) > 0 && rows[0].kind == '[' {
		if header := texts(rows[0].list); b.isHeader(header) {
			f.header, rows = header, rows[1:]
		}
	}
	keys := append(b.keys(rows), f.header...)
	taken := make([]bool, len(b.names))
	claim := func(same func(key string, i int) bool) {
		for i := range b.names {
			for _, key := range keys {
				if _, known := b.index[b.fold(key)]; !known && !taken[i] && same(key, i) {
					b.index[b.fold(key)], taken[i] = i, true
				}
			}
		}
	}
	claim(func(key string, i int) bool { return key == b.table.key(i) })
	claim(func(key string, i int) bool { return b.fold(key) == b.fold(b.names[i]) })
	b.resolveOthers(keys, taken)
	if f.header != nil {
		rows = b.nameArrays(rows, f.header)
	}
	return rows
}

// fold is fold with a memory: the same few names come back in every row.
func (b *builder) fold(name string) string {
	folded, known := b.folded[name]
	if !known {
		folded = fold(name)
		b.folded[name] = folded
	}
	return folded
}

// keys returns the different names that rows give their cells.
func (b *builder) keys(rows []value) []string {
	keys, all := keysOf(rows)
	if !all {
		b.add(-1, -1, KindColumns, "The answer had more than 1,000 different columns; the others were left out.")
	}
	return keys
}

// resolveOthers maps the keys left to the columns left; what belongs to none is left out and said so.
func (b *builder) resolveOthers(keys []string, taken []bool) {
	var left []string
	for _, key := range keys {
		if _, known := b.index[b.fold(key)]; !known && !rowKey(key) {
			left = append(left, key)
			b.index[b.fold(key)] = -1
		}
	}
	rest := Table{}
	var places []int
	for i, c := range b.table.Columns {
		if !taken[i] {
			rest.Columns = append(rest.Columns, c)
			places = append(places, i)
		}
	}
	for k, i := range rest.Match(left) {
		if i < 0 {
			b.add(-1, -1, KindColumns, "The answer had a column %q that was not asked for; it was left out.", clip(left[k], 60))
			continue
		}
		b.index[b.fold(left[k])] = places[i]
		b.add(-1, places[i], KindColumns, "The answer called this column %q.", clip(left[k], 60))
	}
}

// isHeader reports whether a row of strings names the columns rather than values.
func (b *builder) isHeader(row []string) bool {
	hits := 0
	for _, text := range row {
		if text != "" && b.table.exact(text) >= 0 {
			hits++
		}
	}
	return hits > 0 && 2*hits > len(b.names)
}

// nameArrays gives the cells of arrays the names of their header.
func (b *builder) nameArrays(rows []value, header []string) []value {
	named := make([]value, len(rows))
	for i, v := range rows {
		named[i] = v
		if v.kind != '[' || len(v.list) > len(header) {
			continue
		}
		named[i] = value{kind: '{'}
		for j, cell := range v.list {
			named[i].fields = append(named[i].fields, field{header[j], cell})
		}
	}
	return named
}

// openHeader completes the header of an open table from rows that name their cells themselves.
func (b *builder) openHeader(rows []value) []value {
	for i, name := range b.names {
		if _, twice := b.index[b.fold(name)]; name != "" && !twice {
			b.index[b.fold(name)] = i
		}
	}
	keys := b.keys(rows)
	for _, key := range keys {
		if _, known := b.index[b.fold(key)]; known || rowKey(key) {
			continue
		}
		if len(b.names) >= MaxOpenColumns {
			b.index[b.fold(key)] = -1
			b.add(-1, -1, KindColumns, "The sheet has more than %d columns; %q was left out.", MaxOpenColumns, clip(key, 60))
			continue
		}
		b.index[b.fold(key)] = len(b.names)
		b.names = append(b.names, clip(key, MaxCell))
	}
	if len(b.names) == 0 && len(rows) > 0 {
		b.add(-1, -1, KindColumns, "The answer did not say which line is the header; all lines were kept as rows.")
	}
	return rows
}

// row adds one row, or counts it as dropped.
func (b *builder) row(v value) {
	row := Row{Cells: make([]Cell, len(b.names))}
	for i := range row.Cells {
		row.Cells[i].State = Blank
	}
	at := len(b.rows)
	fields, cells, ok := parts(v)
	if !ok && v.scalar() && v.kind != 'n' && len(b.names) == 1 {
		cells, ok = []value{v}, true
	}
	if !ok {
		b.dropped++
		return
	}
	b.grow(len(b.names))
	number := b.extras(&row, fields)
	b.fill(&row, at, fields)
	if cells != nil {
		b.place(&row, at, cells)
	}
	b.doubted(&row, at, fields)
	b.rows, b.numbers = append(b.rows, row), append(b.numbers, number)
}

func (b *builder) grow(n int) {
	for len(b.seen) < n {
		b.seen = append(b.seen, 0)
	}
}

// fill sets the cells that are named.
func (b *builder) fill(row *Row, at int, fields []field) {
	set := map[int]bool{}
	for _, m := range fields {
		i, known := b.index[b.fold(m.name)]
		if !known || i < 0 {
			continue
		}
		cell := b.cell(m.value, at, i)
		if set[i] && row.Cells[i].Text != "" {
			if cell.Text != "" && cell.Text != row.Cells[i].Text {
				b.add(at, i, KindColumns, "The answer gave this cell twice; %q was left out.", clip(cell.Text, 60))
			}
			continue
		}
		if !set[i] {
			b.seen[i]++
		}
		row.Cells[i], set[i] = cell, true
	}
}

// place sets the cells of an array by their order.
func (b *builder) place(row *Row, at int, cells []value) {
	switch n := len(b.names); {
	case len(cells) > n && b.table.Open && n < MaxOpenColumns:
		for len(b.names) < min(len(cells), MaxOpenColumns) {
			b.names = append(b.names, "")
			row.Cells = append(row.Cells, Cell{State: Blank})
		}
		b.grow(len(b.names))
		if len(cells) > len(b.names) {
			b.add(at, -1, KindColumns, "This row has %d cells; those after the %dth were left out.", len(cells), MaxOpenColumns)
		}
	case len(cells) > n:
		b.add(at, -1, KindColumns, "The answer gave this row %d cells for %d columns; the last were left out.", len(cells), n)
	case len(cells) < n:
		b.add(at, -1, KindColumns, "The answer gave this row %d cells for %d columns; check that none is shifted.", len(cells), n)
	}
	for i, v := range cells[:min(len(cells), len(b.names))] {
		row.Cells[i] = b.cell(v, at, i)
		b.seen[i]++
	}
}

// finish evens out the rows of an open table and says what is missing.
func (b *builder) finish(declared int) {
	for i := range b.rows {
		for len(b.rows[i].Cells) < len(b.names) {
			b.rows[i].Cells = append(b.rows[i].Cells, Cell{State: Blank})
		}
	}
	if b.dropped > 0 {
		b.add(-1, -1, KindRows, "%d entries of the answer were no rows and were left out. Compare the rows with the picture.", b.dropped)
	}
	if b.table.Single && len(b.rows) > 1 {
		b.add(-1, -1, KindRows, "One row was asked for, and the answer had %d. Remove those that are wrong.", len(b.rows))
	}
	if !b.table.Open && len(b.rows) > 0 {
		for i, n := range b.seen {
			if n < len(b.rows) {
				b.add(-1, i, KindColumns, "The answer said nothing about this column in %d of %d rows.", len(b.rows)-n, len(b.rows))
			}
		}
	}
	b.counted(declared)
}

// counted compares the rows with what the answer says about their number.
func (b *builder) counted(declared int) {
	if b.table.Single {
		return
	}
	if n := len(b.rows); declared >= 0 && declared != n {
		b.add(-1, -1, KindRows, "The sheet seems to show %d rows, but %d were read. Compare the rows with the picture.", declared, n)
		return
	}
	for i := 1; i < len(b.numbers); i++ {
		if last, n := b.numbers[i-1], b.numbers[i]; last > 0 && n > last+1 {
			b.add(i, -1, KindRows, "The answer counts this as row %d after row %d: rows may be missing in between.", n, last)
			return
		}
	}
}

// extras reads what a row says about itself: its place, which is dropped when it makes no sense, and its number.
func (b *builder) extras(row *Row, fields []field) (number int) {
	for _, m := range fields {
		if _, column := b.index[b.fold(m.name)]; column {
			continue
		}
		switch b.fold(m.name) {
		case "row", "rownumber":
			number, _ = strconv.Atoi(strings.TrimSpace(m.value.text))
		case "box", "box2d", "bbox", "boundingbox":
			row.Box = box(m.value)
		}
	}
	return number
}

func box(v value) *Box {
	if v.kind != '[' || len(v.list) != 4 {
		return nil
	}
	var at [4]int
	for i, item := range v.list {
		n, err := strconv.ParseFloat(strings.TrimSpace(item.text), 64)
		if err != nil || !(n >= 0 && n <= 1000) {
			return nil
		}
		at[i] = int(math.Round(n))
	}
	if at[0] >= at[2] || at[1] >= at[3] {
		return nil
	}
	return &Box{Top: at[0], Left: at[1], Bottom: at[2], Right: at[3]}
}

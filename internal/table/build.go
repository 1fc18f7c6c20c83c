package table

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxIssues is the largest number of doubts kept for one picture; one more gives the number of doubts beyond it.
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

// builder turns a found table into rows.
type builder struct {
	doubts
	*ledger
	*names
	table   Table
	header  []string       // of the columns, as they are known so far
	index   map[string]int // name in the answer, normalized by exactly → column; -1 for names that belong to no column
	keys    map[string]string
	rows    []Row
	seen    []int // how many rows mention each column
	dropped int   // entries that are no rows and have no value
	unasked bool  // a column was left out
	tight   bool  // a row is a number that may be the second part of the number before
	hidden  []Issue
	numbers []numbered
}

func (t Table) build(f found, s *finder, several bool) *builder {
	b := &builder{ledger: s.ledger, names: s.names, table: t, index: map[string]int{}, keys: map[string]string{}}
	if t.Open {
		b.header = slices.Clone(f.header)
		b.openHeader(f.rows)
	} else {
		b.header = t.names()
		b.resolve(f)
	}
	if several {
		b.add(-1, -1, KindRows, "The answer had several tables. Their rows were put one below the other, and those that came again were kept once. Compare them with the picture.")
	}
	if over := len(f.rows) - MaxRows; over > 0 {
		b.add(-1, -1, KindRows, "The answer had %d rows; the last %d were left out.", len(f.rows), over)
		for _, v := range f.rows[MaxRows:] {
			b.settle(v)
		}
		f.rows = f.rows[:MaxRows]
	}
	for i, v := range f.rows {
		number := 0
		if f.numbers != nil {
			number = f.numbers[i]
		}
		b.row(v, number)
	}
	b.finish(s.counts, several)
	return b
}

// nothing returns the reason why an answer is not a table: all its rows are blank, and it contains something else instead.
// It returns "" if the answer is a table.
func (b *builder) nothing(left []string, counts []int, words bool) string {
	for _, row := range b.rows {
		if slices.ContainsFunc(row.Cells, func(c Cell) bool { return c.State != Blank }) {
			return ""
		}
	}
	none := len(b.rows) == 0 && slices.Contains(counts, 0) && !slices.ContainsFunc(left, func(s string) bool { return strings.HasPrefix(fold(s), "error") })
	if !none && (len(left) > 0 || b.unasked) || len(b.rows) == 0 && words {
		return "no rows in it, but something else"
	}
	return ""
}

func (t Table) names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// key is exactly with a cache.
func (b *builder) key(name string) string {
	key, known := b.keys[name]
	if !known {
		key = exactly(name)
		b.keys[name] = key
	}
	return key
}

// resolve maps the names in the answer to columns, once per answer: by the key in the schema, by the column's name, and
// then by the usual meaning of headings.
func (b *builder) resolve(f found) {
	keys := append(b.namesOf(f.rows), f.header...)
	taken := make([]bool, len(b.header))
	claim := func(same func(key string, i int) bool) {
		for i := range b.header {
			for _, key := range keys {
				if _, known := b.index[b.key(key)]; !known && !taken[i] && same(key, i) {
					b.index[b.key(key)], taken[i] = i, true
				}
			}
		}
	}
	claim(func(key string, i int) bool { return key == b.table.key(i) })
	claim(func(key string, i int) bool { return b.key(key) == b.key(b.header[i]) })
	b.resolveOthers(keys, taken)
}

// namesOf returns the distinct names of the cells in rows.
func (b *builder) namesOf(rows []value) []string {
	keys, all := keysOf(rows)
	if !all {
		b.add(-1, -1, KindColumns, "The answer had more than 1,000 different columns; the others were left out.")
	}
	return keys
}

// resolveOthers maps the remaining keys to the remaining columns. Keys that belong to no column are left out, with an issue.
func (b *builder) resolveOthers(keys []string, taken []bool) {
	var left []string
	for _, key := range keys {
		if _, known := b.index[b.key(key)]; !known && !b.rowKey(key) {
			left = append(left, key)
			b.index[b.key(key)] = -1
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
			b.unasked = true
			b.add(-1, -1, KindColumns, "The answer had a column %q that was not asked for; it was left out.", clip(left[k], 60))
			continue
		}
		b.index[b.key(left[k])] = places[i]
		b.add(-1, places[i], KindColumns, "The answer called this column %q.", clip(left[k], 60))
	}
}

// openHeader completes the header of an open table with the names of the cells in its rows.
func (b *builder) openHeader(rows []value) {
	for i, name := range b.header {
		if _, twice := b.index[b.key(name)]; name != "" && !twice {
			b.index[b.key(name)] = i
		}
	}
	for _, key := range b.namesOf(rows) {
		if _, known := b.index[b.key(key)]; known || b.rowKey(key) {
			continue
		}
		if len(b.header) >= MaxOpenColumns {
			b.index[b.key(key)] = -1
			b.add(-1, -1, KindColumns, "The sheet has more than %d columns; %q was left out.", MaxOpenColumns, clip(key, 60))
			continue
		}
		b.index[b.key(key)] = len(b.header)
		name, _ := Clean(clip(key, MaxCell))
		b.header = append(b.header, name)
	}
	if len(b.header) == 0 && len(rows) > 0 {
		b.add(-1, -1, KindColumns, "The answer did not say which line is the header; all lines were kept as rows.")
	}
}

// row adds one row, unless v is no row or repeats the header.
func (b *builder) row(v value, number int) {
	row := Row{Cells: make([]Cell, len(b.header))}
	for i := range row.Cells {
		row.Cells[i].State = Blank
	}
	at := len(b.rows)
	fields, cells, ok := parts(v)
	if !ok && v.scalar() && v.kind != 'n' && len(b.header) == 1 {
		cells, ok = []value{v}, true
		b.tight = b.tight || v.tight
	}
	if !ok {
		if strings.TrimSpace(v.text) == "" {
			b.dropped++
		}
		return // the ledger reports its value
	}
	b.settlePairs(v)
	b.grow(len(b.header))
	issues, seen := len(b.issues), slices.Clone(b.seen)
	n, ok := b.extras(&row, fields)
	if ok {
		number = n
	}
	ok = ok || number > 0
	given := map[int]bool{}
	b.fill(&row, at, fields, given)
	if cells != nil {
		b.place(&row, at, cells, given)
	}
	if v.odd && !v.scalar() {
		b.add(at, -1, KindColumns, "The answer gave this row more or fewer cells than there are headings; check that none is shifted.")
	}
	if ok {
		b.numbers = append(b.numbers, numbered{number, at})
	}
	if b.repeatsHeader(row) {
		b.issues, b.seen = b.issues[:min(issues, len(b.issues))], seen
		b.settle(v)
		return
	}
	b.doubted(&row, at, v, fields)
	b.rows = append(b.rows, row)
}

// repeatsHeader reports whether a row contains only the headings of its columns, at least two of them.
func (b *builder) repeatsHeader(row Row) bool {
	hits := 0
	for i, c := range row.Cells {
		if c.State == Blank {
			continue
		}
		if i >= len(b.header) || b.key(c.Text) != b.key(b.header[i]) || b.header[i] == "" {
			return false
		}
		hits++
	}
	return hits >= 2
}

func (b *builder) grow(n int) {
	for len(b.seen) < n {
		b.seen = append(b.seen, 0)
	}
}

// fill sets the named cells. given holds the cells of the row that have been set.
func (b *builder) fill(row *Row, at int, fields []field, given map[int]bool) {
	for _, m := range fields {
		i, known := b.index[b.key(m.name)]
		if !known {
			continue
		}
		if i < 0 { // an issue says that this column was left out
			b.settle(m.value)
			continue
		}
		b.set(row, at, i, m.value, given)
	}
}

// set sets a cell. A cell that is given twice keeps its first text that is not blank, with an issue unless both texts are
// the same.
func (b *builder) set(row *Row, at, i int, v value, given map[int]bool) {
	cell := b.cell(v, at, i)
	switch was := row.Cells[i].Text; {
	case !given[i]:
		b.seen[i]++
	case cell.Text == was:
		return
	case was == "" || cell.Text == "":
		b.add(at, i, KindColumns, "The answer gave this cell twice, and blank once; compare it with the picture.")
		if cell.Text == "" {
			return
		}
	default:
		b.add(at, i, KindColumns, "The answer gave this cell twice; %q was left out.", clip(cell.Text, 60))
		return
	}
	row.Cells[i], given[i] = cell, true
}

// place sets the cells of an array by their order, in addition to the named cells of the row.
func (b *builder) place(row *Row, at int, cells []value, given map[int]bool) {
	switch n := len(b.header); {
	case len(cells) > n && b.table.Open && n < MaxOpenColumns:
		for len(b.header) < min(len(cells), MaxOpenColumns) {
			b.header = append(b.header, "")
			row.Cells = append(row.Cells, Cell{State: Blank})
		}
		b.grow(len(b.header))
		if slices.ContainsFunc(cells, func(v value) bool { return v.tight }) {
			b.add(at, -1, KindColumns, "The answer gave this row %d cells for %d columns; check that none is shifted.", len(cells), n)
		}
		if len(cells) > len(b.header) {
			b.add(at, -1, KindColumns, "This row has %d cells; those after the %dth were left out.", len(cells), MaxOpenColumns)
		}
	case len(cells) > n:
		b.add(at, -1, KindColumns, "The answer gave this row %d cells for %d columns; the last were left out.", len(cells), n)
	case len(cells) < n:
		b.add(at, -1, KindColumns, "The answer gave this row %d cells for %d columns; check that none is shifted.", len(cells), n)
	}
	for i, v := range cells[:min(len(cells), len(b.header))] {
		b.set(row, at, i, v, given)
	} // the ledger reports the cells beyond the last column
}

// finish pads the rows of an open table to equal length and adds the issues about the answer as a whole: missing rows and
// columns, lost and invisible characters.
func (b *builder) finish(counts []int, several bool) {
	for i := range b.rows {
		for len(b.rows[i].Cells) < len(b.header) {
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
	for i, name := range b.header {
		if b.table.Open && strings.ContainsRune(name, utf8.RuneError) {
			b.add(-1, i, KindColumns, "A character of this heading was lost; compare it with the picture.")
		}
	}
	switch n := len(b.hidden); {
	case n == 1:
		b.add(b.hidden[0].Row, b.hidden[0].Column, KindGuessed, "Characters that cannot be seen were taken out of this cell.")
	case n > 1:
		b.add(-1, -1, KindGuessed, "Characters that cannot be seen were taken out of %d cells.", n)
	}
	b.counted(counts, several)
}

// extras reads the metadata of a row: its place, which is dropped when it makes no sense, and its number.
func (b *builder) extras(row *Row, fields []field) (number int, ok bool) {
	for _, m := range fields {
		if _, column := b.index[b.key(m.name)]; column {
			continue
		}
		switch b.fold(m.name) {
		case "row", "rownumber":
			if n, is := count(m.value.text); is && m.value.scalar() {
				number, ok = n, true
				b.settle(m.value)
			}
		case "box", "box2d", "bbox", "boundingbox":
			row.Box = box(m.value)
			b.settle(m.value)
		}
	}
	return number, ok
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

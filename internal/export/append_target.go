package export

import (
	"encoding/xml"
	"maps"
	"slices"
	"strings"

	"sheetlift/internal/errs"
)

const (
	saysTotals  = "The table on the sheet “%s” has a row of totals. Switch it off, append, and switch it on again."
	saysFormula = "Row %d, the last one on the sheet “%s”, has a formula under “%s”, perhaps a total. Rows under it would be wrong: move it away first."
	saysBelow   = "There is something under the table on the sheet “%s”, in row %d. Move it away first."
	saysApart   = "Row %d of the sheet “%s” stands apart from the rows above it. Move it away first, or make the rows a table."
)

// target is the place in an existing workbook at which rows are appended.
type target struct {
	*place
	*oldSheet
	styles *oldStyles
	wanted []wanted
	fill   map[int]int  // by column: the wanted column that it gets
	span   area         // the headings: columns, and their row as top
	last   int          // the number of the last row that is filled within the span
	table  *oldTable    // nil if the rows are no table
	looks  []look       // by column of the span
	model  []xml.Attr   // of the last row
	below  []oldRow     // rows after the last one, which hold formats, or cells beside the span
	kept   map[int]int  // by column: numbers and dates that are written as texts
	chain  map[int]bool // columns in which the row that was just seen has a formula
}

// oldTable is a table on a sheet.
type oldTable struct {
	part   string
	name   string
	area   area
	totals bool
}

// look counts the formats of the filled cells of a column.
type look struct{ number, text, blank map[int]int }

// target finds the place for the wanted columns and reads its rows.
func (e *Existing) target(all []wanted, name string) (*target, error) {
	here, err := e.locate(all, name)
	if err != nil {
		return nil, err
	}
	t := &target{place: here, wanted: all, span: here.span(), kept: map[int]int{}}
	if e.styles != "" {
		data, err := e.read(e.styles)
		if err == nil {
			t.styles, err = scanStyles(data)
		}
		if err != nil {
			return nil, damaged(err)
		}
	}
	if t.oldSheet, err = scanSheet(here.xml, func(*oldRow) error { return nil }); err != nil {
		return nil, damaged(err)
	}
	if t.protected {
		return nil, errs.New(errs.Invalid, saysGuarded, here.sheet.name)
	}
	if err := e.chooseTable(t); err != nil {
		return nil, err
	}
	t.fill = here.columns(all, t.span)
	return t, t.readRows()
}

// chooseTable makes the table of which the headings are a part the target.
func (e *Existing) chooseTable(t *target) error {
	relations, err := e.relations(t.sheet.part)
	if err != nil {
		return damaged(err)
	}
	matched := t.place.columns(t.wanted, t.span)
	most := 0
	for _, r := range relations {
		if !slices.Contains(t.tables, r.ID) {
			continue
		}
		one, err := e.readTable(r.Target)
		if err != nil {
			return damaged(err)
		}
		n := 0
		for col := range matched {
			if one != nil && one.area.top == t.row && one.area.holds(col, t.row) {
				n++
			}
		}
		if n > most {
			most, t.table = n, one
		}
	}
	if t.table == nil {
		return nil
	}
	if t.table.totals {
		return errs.New(errs.Invalid, saysTotals, t.sheet.name)
	}
	t.span.left, t.span.right = t.table.area.left, t.table.area.right
	return nil
}

// readTable returns a table, nil if it has no headings.
func (e *Existing) readTable(part string) (*oldTable, error) {
	var list struct {
		Ref     string `xml:"ref,attr"`
		Name    string `xml:"displayName,attr"`
		Headers string `xml:"headerRowCount,attr"`
		Totals  string `xml:"totalsRowCount,attr"`
	}
	if err := e.decode(part, &list); err != nil {
		return nil, err
	}
	a, err := parseArea(list.Ref)
	if err != nil || list.Headers == "0" {
		return nil, err
	}
	return &oldTable{part, list.Name, a, list.Totals != "" && list.Totals != "0"}, nil
}

// readRows finds the last row and the formats of the columns.
func (t *target) readRows() error {
	t.looks = make([]look, t.span.right-t.span.left+1)
	for i := range t.looks {
		t.looks[i] = look{map[int]int{}, map[int]int{}, map[int]int{}}
	}
	t.last = t.span.top
	end := endOfRows{}
	_, err := scanSheet(t.data, func(r *oldRow) error {
		if r.number <= t.span.top {
			return nil
		}
		filled := t.see(r)
		if filled == 0 {
			t.below = append(t.below, oldRow{r.number, slices.Clone(r.attrs), slices.Clone(r.cells), r.from, r.to})
			return nil
		}
		if t.table != nil && r.number > t.table.area.bottom {
			return errs.New(errs.Invalid, saysBelow, t.sheet.name, r.number)
		}
		end.before, end.cells = end.cells, slices.Clone(r.cells)
		end.gap, end.filled = r.number > t.last+1 && t.last > t.span.top, filled
		t.last, t.model, t.below = r.number, slices.Clone(r.attrs), t.below[:0]
		return nil
	})
	if err != nil {
		return damaged(err)
	}
	if err := t.refuse(end); err != nil {
		return err
	}
	for _, m := range t.merges {
		if m.left <= t.span.right && m.right >= t.span.left && m.top <= t.last {
			t.last = max(t.last, m.bottom)
		}
	}
	t.below = slices.DeleteFunc(t.below, func(r oldRow) bool { return r.number <= t.last })
	return nil
}

// see counts the formats of a row and returns how many cells of the span are filled. A formula that goes down a column which
// gets no values does not count: it may stand there for rows to come.
func (t *target) see(r *oldRow) (filled int) {
	chain := map[int]bool{}
	defer func() { t.chain = chain }()
	for i := range r.cells {
		c := &r.cells[i]
		if c.col < t.span.left || c.col > t.span.right {
			continue
		}
		l := t.looks[c.col-t.span.left]
		switch {
		case t.links[[2]int{c.col, r.number}]:
			// the format of a link is none for other texts
		case c.number():
			l.number[c.style]++
		case c.filled():
			l.text[c.style]++
		default:
			l.blank[c.style]++
		}
		_, matched := t.fill[c.col]
		goesOn := !matched && c.computed && (t.chain[c.col] || r.number == t.span.top+1)
		if c.filled() && !goesOn {
			filled++
		}
		if c.computed {
			chain[c.col] = true
		}
	}
	return filled
}

// endOfRows are the facts by which a last row that is none of the others is found.
type endOfRows struct {
	before, cells []oldCell // of the last two filled rows
	gap           bool      // there is an empty row above the last one
	filled        int       // cells of the last row
}

// refuse refuses a place under a total or a remark.
func (t *target) refuse(end endOfRows) error {
	for _, c := range end.cells {
		_, matched := t.fill[c.col]
		above := slices.ContainsFunc(end.before, func(b oldCell) bool { return b.col == c.col && b.computed })
		if matched && c.computed && !above && strings.Contains(c.formula, "(") {
			return errs.New(errs.Invalid, saysFormula, t.last, t.sheet.name, strings.TrimSpace(t.texts[c.col]))
		}
	}
	if t.table == nil && end.gap && end.filled*3 <= len(t.looks) {
		return errs.New(errs.Invalid, saysApart, t.last, t.sheet.name)
	}
	return nil
}

// byFrequency returns formats, the most frequent first, those that are seen equally often by number.
func byFrequency(seen map[int]int) []int {
	return slices.SortedFunc(maps.Keys(seen), func(a, b int) int {
		if seen[a] != seen[b] {
			return seen[b] - seen[a]
		}
		return a - b
	})
}

package export

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// oldCell is a cell of an existing sheet.
type oldCell struct {
	col, style int    // from 0
	kind       string // the attribute t: "" or "n" for a number, "s" for a shared text …
	value      string
	formula    string
	computed   bool // it has a formula, perhaps one whose text stands in another cell
	from, to   int  // in the bytes of the part
}

func (c *oldCell) filled() bool { return c.value != "" || c.computed }

func (c *oldCell) number() bool {
	return c.value != "" && (c.kind == "" || c.kind == "n" || c.kind == "d")
}

// oldRow is a row of an existing sheet. It is only valid during the call that gets it.
type oldRow struct {
	number   int // from 1
	attrs    []xml.Attr
	cells    []oldCell
	from, to int
}

// tag is a start tag with an attribute that names cells.
type tag struct {
	from, to int
	name     string // of the element, without prefix
}

// oldSheet is everything of an existing sheet but its rows.
type oldSheet struct {
	data       []byte
	prefix     string // of the names of elements, such as "x:"
	open, shut int    // bytes of the rows, between the tags of sheetData
	closed     bool   // sheetData is one tag, without rows; open and shut are its ends
	ranges     []tag  // dimension, autoFilter, conditionalFormatting, dataValidation
	merges     []area
	links      map[[2]int]bool // cells with a link: column, row
	tables     []string        // references
	cols       []columnStyle
	protected  bool
}

type columnStyle struct{ first, last, style int }

// errEnough ends a scan early.
var errEnough = errors.New("enough rows were seen")

// scanSheet reads a sheet and calls row for each row in order. After an error it returns the facts that came before it.
func scanSheet(data []byte, row func(*oldRow) error) (*oldSheet, error) {
	s := &scan{sheet: &oldSheet{data: data, links: map[[2]int]bool{}}, d: xml.NewDecoder(bytes.NewReader(data)), use: row}
	for {
		from := int(s.d.InputOffset())
		token, err := s.d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = s.token(token, from, int(s.d.InputOffset()))
		}
		if err != nil {
			return s.sheet, err
		}
	}
	if len(s.stack) != 0 || s.sheet.shut == 0 {
		return s.sheet, errors.New("the sheet has no end")
	}
	return s.sheet, nil
}

// scan is the state of scanSheet.
type scan struct {
	sheet *oldSheet
	d     *xml.Decoder
	use   func(*oldRow) error
	stack []string // names of open elements, with prefix
	row   oldRow
	cell  oldCell
	inRow bool
	text  bool // within a value, a formula or a text
}

func full(name xml.Name) string {
	if name.Space != "" {
		return name.Space + ":" + name.Local
	}
	return name.Local
}

func (s *scan) token(token xml.Token, from, to int) error {
	switch t := token.(type) {
	case xml.StartElement:
		s.stack = append(s.stack, full(t.Name))
		return s.start(t, from, to)
	case xml.EndElement:
		if len(s.stack) == 0 || s.stack[len(s.stack)-1] != full(t.Name) {
			return fmt.Errorf("%s is closed and was not open", t.Name.Local)
		}
		err := s.end(t.Name.Local, from, to)
		s.stack = s.stack[:len(s.stack)-1]
		return err
	case xml.CharData:
		if s.text {
			if s.in(len(s.stack), "f") {
				s.cell.formula += string(t)
			} else {
				s.cell.value += string(t)
			}
		}
	}
	return nil
}

func (s *scan) start(t xml.StartElement, from, to int) error {
	name, depth := t.Name.Local, len(s.stack)
	switch {
	case depth == 1 && name != "worksheet":
		return fmt.Errorf("%s is no sheet", name)
	case depth == 2 && name == "sheetData":
		s.sheet.prefix = strings.TrimSuffix(full(t.Name), name)
		s.sheet.open, s.sheet.shut, s.sheet.closed = from, to, bytes.HasSuffix(s.sheet.data[from:to], []byte("/>"))
		if !s.sheet.closed {
			s.sheet.open = to
		}
	case depth == 3 && name == "row" && s.in(2, "sheetData"):
		return s.beginRow(t.Attr, from)
	case depth == 4 && name == "c" && s.inRow:
		return s.beginCell(t.Attr, from)
	case depth >= 5 && s.inRow:
		s.text = name == "v" || name == "f" || name == "t" && !s.in(depth-1, "rPh")
		s.cell.computed = s.cell.computed || name == "f"
	default:
		return s.aside(t, depth, from, to)
	}
	return nil
}

// in reports whether the open element at this depth, from 1, has the local name.
func (s *scan) in(depth int, name string) bool {
	open := s.stack[depth-1]
	return open == name || strings.HasSuffix(open, ":"+name)
}

// aside keeps the facts before and after the rows.
func (s *scan) aside(t xml.StartElement, depth, from, to int) error {
	o, name := s.sheet, t.Name.Local
	switch {
	case depth == 2 && (name == "dimension" || name == "autoFilter" || name == "conditionalFormatting"),
		depth == 3 && name == "dataValidation" && s.in(2, "dataValidations"):
		o.ranges = append(o.ranges, tag{from, to, name})
	case depth == 2 && name == "sheetProtection":
		on := attr(t.Attr, "sheet")
		o.protected = on == "1" || on == "true"
	case depth == 3 && name == "tablePart":
		o.tables = append(o.tables, relationID(t.Attr))
	case depth == 3 && (name == "mergeCell" || name == "hyperlink"):
		a, err := parseArea(attr(t.Attr, "ref"))
		if err != nil {
			return err
		}
		if name == "mergeCell" {
			o.merges = append(o.merges, a)
		} else {
			o.links[[2]int{a.left, a.top}] = true
		}
	case depth == 3 && name == "col" && s.in(2, "cols"):
		first, _ := strconv.Atoi(attr(t.Attr, "min"))
		last, _ := strconv.Atoi(attr(t.Attr, "max"))
		style, _ := strconv.Atoi(attr(t.Attr, "style"))
		o.cols = append(o.cols, columnStyle{first - 1, last - 1, style})
	}
	return nil
}

func attr(attrs []xml.Attr, name string) string {
	for _, a := range attrs {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

func (s *scan) beginRow(attrs []xml.Attr, from int) error {
	number := s.row.number + 1
	if r := attr(attrs, "r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil || n < number || n > maxRows {
			return fmt.Errorf("the row %q is out of order", r)
		}
		number = n
	}
	s.row = oldRow{number: number, attrs: attrs, cells: s.row.cells[:0], from: from}
	s.inRow = true
	return nil
}

func (s *scan) beginCell(attrs []xml.Attr, from int) error {
	col := 0
	if n := len(s.row.cells); n > 0 {
		col = s.row.cells[n-1].col + 1
	}
	if ref := attr(attrs, "r"); ref != "" {
		at, row, err := parseRef(ref)
		if err != nil || row != s.row.number || at < col {
			return fmt.Errorf("the cell %q is out of order", ref)
		}
		col = at
	}
	style, _ := strconv.Atoi(attr(attrs, "s"))
	s.cell = oldCell{col: col, style: style, kind: attr(attrs, "t"), from: from}
	return nil
}

func (s *scan) end(name string, from, to int) error {
	s.text = false
	switch depth := len(s.stack); {
	case depth == 2 && name == "sheetData" && !s.sheet.closed:
		s.sheet.shut = from
	case depth == 3 && name == "row" && s.inRow:
		s.row.to, s.inRow = to, false
		return s.use(&s.row)
	case depth == 4 && name == "c" && s.inRow:
		s.cell.to = to
		s.row.cells = append(s.row.cells, s.cell)
	}
	return nil
}

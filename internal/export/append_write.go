package export

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
)

// change replaces the bytes from, to of a part.
type change struct {
	from, to int
	write    func(*bufio.Writer) error
}

// put is a change to fixed bytes.
func put(from, to int, with []byte) change {
	return change{from, to, func(w *bufio.Writer) error { _, err := w.Write(with); return err }}
}

// changes returns the parts that differ from those of the workbook: the sheet, its table, the list of sheets with the range of
// its filter and the order to compute formulas anew, and the formats.
func (e *Existing) changes(ctx context.Context, a *appending) (map[string]func(*bufio.Writer) error, error) {
	parts := map[string]func(*bufio.Writer) error{
		a.sheet.part: func(w *bufio.Writer) error { return apply(w, a.data, a.sheetChanges(ctx)) },
	}
	if a.table != nil {
		data, err := e.read(a.table.part)
		if err != nil {
			return nil, err
		}
		data, err = a.grownTable(data)
		if err != nil {
			return nil, err
		}
		parts[a.table.part] = func(w *bufio.Writer) error { _, err := w.Write(data); return err }
	}
	book, err := e.read(e.book)
	if err != nil {
		return nil, err
	}
	if book, err = a.changedBook(book); err != nil {
		return nil, err
	}
	parts[e.book] = func(w *bufio.Writer) error { _, err := w.Write(book); return err }
	if a.styles != nil && len(a.styles.order) > 0 {
		parts[e.styles] = func(w *bufio.Writer) error { _, err := w.Write(a.styles.bytes()); return err }
	}
	return parts, nil
}

// apply writes data with the changes, which do not overlap.
func apply(w *bufio.Writer, data []byte, changes []change) error {
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.from, b.from) })
	at := 0
	for _, c := range changes {
		w.Write(data[at:c.from]) // an error stays in w until its Flush
		if err := c.write(w); err != nil {
			return err
		}
		at = c.to
	}
	_, err := w.Write(data[at:])
	return err
}

// bottom is the number of the last appended row.
func (a *appending) bottom() int { return a.last + a.rows }

// ends are the rows with which a range may end so that it grows.
func (a *appending) ends() []int {
	ends := []int{a.last}
	if a.table != nil {
		ends = append(ends, a.table.area.bottom)
	}
	return ends
}

// sheetChanges are the appended rows and the ranges that grow.
func (a *appending) sheetChanges(ctx context.Context) []change {
	from, to := a.shut, a.shut
	var within []oldRow // existing rows in the place of new ones
	for _, r := range a.below {
		if r.number <= a.bottom() {
			within = append(within, r)
		}
	}
	if len(within) > 0 {
		from, to = within[0].from, within[len(within)-1].to
	} else if len(a.below) > 0 {
		from, to = a.below[0].from, a.below[0].from
	}
	rows := change{from, to, func(w *bufio.Writer) error { return a.writeRows(ctx, w, within) }}
	if a.closed {
		rows = change{a.open, a.shut, func(w *bufio.Writer) error {
			w.WriteString("<" + a.prefix + "sheetData>")
			if err := a.writeRows(ctx, w, nil); err != nil {
				return err
			}
			_, err := w.WriteString("</" + a.prefix + "sheetData>")
			return err
		}}
	}
	changes := []change{rows}
	for _, r := range a.ranges {
		if with := a.grownTag(r); with != nil {
			changes = append(changes, put(r.from, r.to, with))
		}
	}
	return changes
}

// grownTag returns a start tag whose range grows, nil if it does not.
func (a *appending) grownTag(r tag) []byte {
	whole := a.data[r.from:r.to]
	name := "sqref"
	if r.name == "dimension" || r.name == "autoFilter" {
		name = "ref"
	} else if a.last == a.span.top {
		return nil // it is a rule for the headings
	}
	old := tagAttr(whole, name)
	now := grown(old, a.span, a.ends(), a.bottom())
	if r.name == "dimension" {
		if all, err := parseArea(old); err == nil {
			all.left, all.right, all.bottom = min(all.left, a.span.left), max(all.right, a.span.right), max(all.bottom, a.bottom())
			now = all.String()
		}
	}
	if now == old || old == "" {
		return nil
	}
	return changeAttr(whole, name, now)
}

// writeRows writes the new rows; within are existing ones in their place, whose other cells and heights stay.
func (a *appending) writeRows(ctx context.Context, w *bufio.Writer, within []oldRow) error {
	number := a.last
	return a.eachLine(ctx, func(line []newCell) error {
		number++
		attrs := a.model
		var there []oldCell
		if len(within) > 0 && within[0].number == number {
			attrs, there, within = within[0].attrs, within[0].cells, within[1:]
		}
		a.writeRow(w, number, attrs, there, line)
		return nil
	})
}

// writeRow writes a row. there are the cells of an existing row in its place.
func (a *appending) writeRow(w *bufio.Writer, number int, attrs []xml.Attr, there []oldCell, line []newCell) {
	at := strconv.Itoa(number)
	w.WriteString("<" + a.prefix + `row r="` + at + `"`)
	for _, one := range attrs {
		height := one.Name.Local == "ht" && truth(attr(attrs, "customHeight")) // otherwise the row fits its content
		if one.Name.Space == "" && (height || slices.Contains([]string{"s", "customFormat", "customHeight"}, one.Name.Local)) {
			w.WriteString(" " + one.Name.Local + `="`)
			_ = xml.EscapeText(w, []byte(one.Value)) // an error stays in w
			w.WriteString(`"`)
		}
	}
	w.WriteString(">")
	for _, c := range there {
		if c.col < a.span.left {
			a.copyCell(w, c, at)
		}
	}
	for i, c := range line {
		a.writeCell(w, a.span.left+i, at, c, there)
	}
	for _, c := range there {
		if c.col > a.span.right {
			a.copyCell(w, c, at)
		}
	}
	w.WriteString("</" + a.prefix + "row>")
}

func truth(s string) bool { return s == "1" || s == "true" }

// copyCell writes an existing cell as it is.
func (a *appending) copyCell(w *bufio.Writer, c oldCell, row string) {
	raw := a.data[c.from:c.to]
	end := bytes.IndexByte(raw, '>') + 1
	w.Write(changeAttr(raw[:end], "r", columnName(c.col)+row))
	w.Write(raw[end:])
}

// writeCell writes a new cell, or keeps the one that is there if the column gets nothing.
func (a *appending) writeCell(w *bufio.Writer, col int, row string, c newCell, there []oldCell) {
	at := slices.IndexFunc(there, func(o oldCell) bool { return o.col == col })
	_, matched := a.fill[col]
	if at >= 0 && !matched {
		a.copyCell(w, there[at], row)
		return
	}
	if c.number == "" && c.text == "" {
		if at >= 0 {
			c.style = there[at].style
		}
		if c.style == 0 {
			return
		}
	}
	w.WriteString("<" + a.prefix + `c r="` + columnName(col) + row + `"`)
	if c.style != 0 {
		w.WriteString(` s="` + strconv.Itoa(c.style) + `"`)
	}
	end := "</" + a.prefix + "c>"
	switch {
	case c.number != "":
		w.WriteString("><" + a.prefix + "v>" + c.number + "</" + a.prefix + "v>" + end)
	case c.text != "":
		w.WriteString(` t="inlineStr"><` + a.prefix + "is><" + a.prefix + `t xml:space="preserve">`)
		escape(w, c.text)
		w.WriteString("</" + a.prefix + "t></" + a.prefix + "is>" + end)
	default:
		w.WriteString("/>")
	}
}

// grownTable returns the part of the table with its new range.
func (a *appending) grownTable(data []byte) ([]byte, error) {
	now := a.table.area
	now.bottom = max(now.bottom, a.bottom())
	return rewriteTags(data, func(name string, depth int, tag []byte) []byte {
		if depth == 1 || depth == 2 && name == "autoFilter" {
			return changeAttr(tag, "ref", now.String())
		}
		return tag
	})
}

// rewriteTags returns data with its start tags replaced by those that change returns; the text between them stays.
func rewriteTags(data []byte, rewrite func(name string, depth int, tag []byte) []byte) ([]byte, error) {
	var out bytes.Buffer
	d, depth, done := xml.NewDecoder(bytes.NewReader(data)), 0, 0
	for {
		from := int(d.InputOffset())
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		to := int(d.InputOffset())
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			out.Write(data[done:from])
			out.Write(rewrite(t.Name.Local, depth, data[from:to]))
			done = to
		case xml.EndElement:
			depth--
		}
	}
	out.Write(data[done:])
	return out.Bytes(), nil
}

// filterRange matches the last row of a range such as 'All rows'!$A$1:$F$9.
var filterRange = regexp.MustCompile(`(\$[A-Z]+\$)(\d+)(\s*)$`)

// changedBook returns the list of sheets with the range of the sheet's filter, which stands there once more, and with the order
// to compute all formulas when the workbook is opened: totals over the rows have changed.
func (a *appending) changedBook(data []byte) ([]byte, error) {
	at, calc, filter := 0, false, false
	var changes []change
	d, depth := xml.NewDecoder(bytes.NewReader(data)), 0
	for {
		from := int(d.InputOffset())
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		to := int(d.InputOffset())
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			filter = t.Name.Local == "definedName" && attr(t.Attr, "name") == "_xlnm._FilterDatabase" && attr(t.Attr, "localSheetId") == strconv.Itoa(a.sheet.index)
			if t.Name.Local == "calcPr" && depth == 2 {
				calc = true
				changes = append(changes, put(from, to, changeAttr(data[from:to], "fullCalcOnLoad", "1")))
			}
		case xml.CharData:
			if filter {
				changes = append(changes, put(from, to, a.grownName(data[from:to])))
			}
		case xml.EndElement:
			filter = false
			if depth == 2 && slices.Contains(beforeCalc, t.Name.Local) {
				at = to
			}
			depth--
		}
	}
	if !calc {
		prefix := bookPrefix.FindSubmatch(data)
		if at == 0 || prefix == nil {
			return nil, errors.New("the list of sheets has no end")
		}
		changes = append(changes, put(at, at, []byte("<"+string(prefix[1])+`calcPr fullCalcOnLoad="1"/>`)))
	}
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	err := errors.Join(apply(w, data, changes), w.Flush())
	return b.Bytes(), err
}

var bookPrefix = regexp.MustCompile(`<([A-Za-z0-9_.-]+:)?workbook[\s>]`)

// beforeCalc are the elements of a workbook that stand before its settings of computation.
var beforeCalc = []string{
	"fileVersion", "fileSharing", "workbookPr", "workbookProtection", "bookViews", "sheets", "functionGroups", "externalReferences", "definedNames",
}

// grownName returns the range of a filter, grown if it ends with the last row.
func (a *appending) grownName(text []byte) []byte {
	m := filterRange.FindSubmatchIndex(text)
	if m == nil {
		return text
	}
	end, _ := strconv.Atoi(string(text[m[4]:m[5]]))
	if !slices.Contains(a.ends(), end) || end >= a.bottom() {
		return text
	}
	return bytes.Join([][]byte{text[:m[4]], []byte(strconv.Itoa(a.bottom())), text[m[5]:]}, nil)
}

package export

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"sheetlift/internal/table"
)

// oldStyles are the cell formats of an existing workbook.
type oldStyles struct {
	data    []byte
	formats []oldFormat
	codes   map[int]string // number formats that the workbook defines, by id
	list    tag            // the start tag of the list of formats
	end     int            // where the list ends
	quoted  map[int]int    // by format: its copy in which a text never becomes a formula, also when a person edits it
	order   []int          // formats with a copy, in the order of the copies
}

// oldFormat is a cell format.
type oldFormat struct {
	from, to int // in data
	shape    shape
}

// shape says which values a number format shows rightly.
type shape struct {
	text   bool   // everything is text
	date   bool   // a day
	number bool   // a number as it is
	unit   string // a currency or unit that it shows beside each number, normalized; "" for none
}

// scanStyles reads the formats.
func scanStyles(data []byte) (*oldStyles, error) {
	o := &oldStyles{data: data, codes: map[int]string{}, quoted: map[int]int{}}
	d, depth, listed := xml.NewDecoder(bytes.NewReader(data)), 0, false
	var ids []int
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
			switch {
			case depth == 2 && t.Name.Local == "cellXfs":
				listed, o.list = true, tag{from, to, full(t.Name)}
			case depth == 3 && listed && t.Name.Local == "xf":
				id, _ := strconv.Atoi(attr(t.Attr, "numFmtId"))
				ids, o.formats = append(ids, id), append(o.formats, oldFormat{from: from})
			case t.Name.Local == "numFmt":
				id, _ := strconv.Atoi(attr(t.Attr, "numFmtId"))
				o.codes[id] = attr(t.Attr, "formatCode")
			}
		case xml.EndElement:
			switch {
			case depth == 2 && listed:
				listed, o.end = false, from
			case depth == 3 && listed:
				o.formats[len(o.formats)-1].to = to
			}
			depth--
		}
	}
	if o.end == 0 || len(o.formats) == 0 {
		return nil, errors.New("the workbook has no cell formats")
	}
	for i, id := range ids {
		o.formats[i].shape = o.shapeOf(id)
	}
	return o, nil
}

// shapeOf returns the shape of a number format, which Excel knows by its number or the workbook defines.
func (o *oldStyles) shapeOf(id int) shape {
	if code, defined := o.codes[id]; defined {
		return readShape(code)
	}
	switch {
	case id == 49:
		return shape{text: true}
	case id >= 14 && id <= 17, id == 22, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id == 57, id == 58:
		return shape{date: true}
	case id <= 8, id >= 37 && id <= 44:
		return shape{number: true}
	}
	return shape{} // percent, fractions, powers of ten, times
}

// readShape reads the first section of a number format, that of positive numbers.
func readShape(code string) shape {
	var marks, told strings.Builder // the signs with a meaning, and the text that is shown, with 1 for the digits
	digits := false
	said := func(s string) { told.WriteString(s) }
	for i := 0; i < len(code); i++ {
		rest := code[i+1:]
		switch c := code[i]; c {
		case ';':
			rest, i = "", len(code)
		case '"':
			text, _, _ := strings.Cut(rest, `"`)
			said(text)
			i += len(text) + 1
		case '\\':
			if rest != "" {
				said(rest[:1])
			}
			i++
		case '_', '*':
			i++ // room, or a sign that fills the cell
		case '[':
			inside, _, _ := strings.Cut(rest, "]")
			i += len(inside) + 1
			if money, ok := strings.CutPrefix(inside, "$"); ok {
				money, _, _ = strings.Cut(money, "-")
				said(money)
			}
		case '0', '#', '?':
			if !digits {
				said("1")
			}
			digits = true
		case '.', ',':
		default:
			if strings.IndexByte("$+-() ", c) >= 0 || c >= 0x80 {
				said(string([]byte{c}))
			} else {
				marks.WriteByte(c)
			}
		}
	}
	return shapeOf(marks.String(), told.String(), digits)
}

func shapeOf(marks, told string, digits bool) shape {
	low := strings.ToLower(marks)
	switch {
	case strings.Contains(low, "general"):
		return shape{number: true}
	case low == "@":
		return shape{text: true}
	case strings.ContainsAny(low, "yd"):
		return shape{date: true}
	case !digits || low != "":
		return shape{}
	}
	n, _ := table.ParseNumber(told, table.PointMark)
	return shape{number: true, unit: n.Unit}
}

// of returns the shape of a format; one that the workbook does not have is like General.
func (o *oldStyles) of(style int) shape {
	if o == nil || style < 0 || style >= len(o.formats) {
		return shape{number: true}
	}
	return o.formats[style].shape
}

// quote returns the copy of a format in which Excel keeps a text that looks like a formula a text, also when it is edited.
func (o *oldStyles) quote(style int) int {
	if o == nil || style < 0 || style >= len(o.formats) || o.formats[style].shape.text {
		return style
	}
	if at, known := o.quoted[style]; known {
		return at
	}
	at := len(o.formats) + len(o.order)
	o.quoted[style], o.order = at, append(o.order, style)
	return at
}

// bytes returns the part with the copies.
func (o *oldStyles) bytes() []byte {
	if len(o.order) == 0 {
		return o.data
	}
	var b bytes.Buffer
	b.Write(o.data[:o.list.from])
	b.Write(changeAttr(o.data[o.list.from:o.list.to], "count", fmt.Sprint(len(o.formats)+len(o.order))))
	b.Write(o.data[o.list.to:o.end])
	for _, style := range o.order {
		one := o.formats[style]
		b.Write(changeAttr(o.data[one.from:one.to], "quotePrefix", "1"))
	}
	b.Write(o.data[o.end:])
	return b.Bytes()
}

package export

import (
	"bufio"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sheetlift/internal/table"
)

// maxCell is the limit of an Excel cell in UTF-16 units. Excel truncates longer text silently.
const maxCell = 32_767

// cutMark is appended to a truncated text.
const cutMark = "… [cut: more than a cell of Excel holds]"

// illegal reports whether r is not allowed in a sheet: control characters, which XML forbids or which are invisible,
// noncharacters, and bidirectional controls, which could make a value read as another.
func illegal(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return false
	case unicode.IsControl(r), r == 0xFFFE, r == 0xFFFF:
		return true
	}
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// clean returns the text for a cell, the number of characters that were replaced by a visible �, and whether its end was cut
// off.
func clean(text string) (s string, replaced int, cut bool) {
	var b strings.Builder
	for i, r := range text {
		bad := illegal(r)
		if r == utf8.RuneError {
			_, width := utf8.DecodeRuneInString(text[i:])
			bad = width == 1 // invalid UTF-8; a � in the original text does not count
		}
		if bad {
			if replaced == 0 {
				b.WriteString(text[:i])
			}
			replaced++
			r = utf8.RuneError
		}
		if replaced > 0 {
			b.WriteRune(r)
		}
	}
	s = text
	if replaced > 0 {
		s = b.String()
	}
	if len(s) > maxCell && units(s) > maxCell {
		return cutUnits(s, maxCell-units(cutMark)) + cutMark, replaced, true
	}
	return s, replaced, false
}

// value is the content of one workbook cell: a number if there is one, otherwise text.
type value struct {
	text   string
	number string // in XML notation; "" for text
	style  style
}

func count(n int) value { return value{number: strconv.Itoa(n)} }

// typed returns the value of a cell in its column: a number or date only if Excel preserves it completely, otherwise the text
// as read, or a word for a cell that nobody can read. kept is a sentence that explains why a valid number or date stays text, "" if it does not.
func (p *plan) typed(cell table.Cell, column table.Column) (v value, kept string) {
	v = value{text: cell.Text, style: styleText}
	if cell.State == table.Lost {
		return value{text: p.say("Unreadable"), style: styleText}, ""
	}
	if n, ok := column.Number(cell); ok {
		if kept = keptAsText(n); kept == "" {
			number, ok := p.styleOf(n)
			if !ok {
				return v, "This was left as text: a workbook has no room for so many currencies and units."
			}
			v = value{number: n.Text, style: number}
		}
	} else if day, ok := column.Date(cell); ok {
		if !datable(day) {
			kept = "This was left as text: Excel has no such early date."
		} else {
			v = value{number: strconv.Itoa(serial(day)), style: styleDate}
		}
	}
	return v, kept
}

// keptAsText returns a sentence that explains why a number stays text, "" if Excel preserves it completely.
func keptAsText(n table.Numeral) string {
	switch {
	case n.Padded:
		return "This was left as text, so that its leading zeros stay."
	case n.Digits > 15:
		return "This was left as text: Excel keeps only 15 digits of a number."
	case n.Decimals > maxDecimals:
		return "This was left as text, so that all its decimals stay."
	}
	return ""
}

// datable reports whether Excel numbers a day rightly.
func datable(day time.Time) bool { return serial(day) >= firstSerial && day.Year() <= 9999 }

// epoch is day 0 in Excel. Before March 1900 Excel is off by one, because it treats 1900 as a leap year.
var epoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

// firstSerial is the first day that Excel numbers correctly: 1 March 1900.
const firstSerial = 61

// serial returns the Excel number of a day. A time.Duration would overflow in the year 2192.
func serial(day time.Time) int { return int((day.Unix() - epoch.Unix()) / (24 * 60 * 60)) }

// sheetWriter writes the rows of a sheet as XML. Errors stay in the bufio.Writer until its Flush.
//
// excelize's own StreamWriter is not used for rows: it loses text such as _xD83D_, misreads _x0041_x0042_, truncates long text
// silently, keeps the rows of every sheet in memory or in temporary files, and writes the sheets in a different order each
// time, so that two workbooks of the same batch differ.
type sheetWriter struct {
	w       *bufio.Writer
	row     int
	columns []string // column names, "A" first
	links   []link
}

func (s *sheetWriter) line(values []value) {
	s.row++
	number := strconv.Itoa(s.row)
	s.w.WriteString(`<row r="` + number + `">`)
	for i, v := range values {
		s.cell(s.column(i), number, v)
	}
	s.w.WriteString(`</row>`)
}

func (s *sheetWriter) cell(column, row string, v value) {
	if v.text == "" && v.number == "" && !v.style.doubtful() {
		return
	}
	s.w.WriteString(`<c r="`)
	s.w.WriteString(column)
	s.w.WriteString(row)
	s.w.WriteByte('"')
	if v.style != 0 {
		s.w.WriteString(` s="`)
		s.w.WriteString(strconv.Itoa(int(v.style)))
		s.w.WriteByte('"')
	}
	switch {
	case v.number != "":
		s.w.WriteString(`><v>`)
		s.w.WriteString(v.number)
		s.w.WriteString(`</v></c>`)
	case v.text != "":
		s.w.WriteString(` t="inlineStr"><is><t xml:space="preserve">`)
		escape(s.w, v.text)
		s.w.WriteString(`</t></is></c>`)
	default:
		s.w.WriteString(`/>`)
	}
}

func (s *sheetWriter) column(i int) string {
	for len(s.columns) <= i {
		s.columns = append(s.columns, columnName(len(s.columns)))
	}
	return s.columns[i]
}

// columnName returns the letters of a column, 0 for A.
func columnName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// escape writes cleaned text as the content of an XML element. Text that looks like one of Excel's own escapes, such as
// _x0041_, gets its first underscore escaped, also where two of them share an underscore.
func escape(w *bufio.Writer, s string) {
	from := 0
	for i := 0; i < len(s); i++ {
		var with string
		switch s[i] {
		case '&':
			with = "&amp;"
		case '<':
			with = "&lt;"
		case '>':
			with = "&gt;"
		case '\r':
			with = "&#13;"
		case '_':
			if !looksEscaped(s[i:]) {
				continue
			}
			with = "_x005F_"
		default:
			continue
		}
		w.WriteString(s[from:i])
		w.WriteString(with)
		from = i + 1
	}
	w.WriteString(s[from:])
}

func looksEscaped(s string) bool {
	if len(s) < 7 || s[1] != 'x' && s[1] != 'X' || s[6] != '_' {
		return false
	}
	for _, c := range []byte(s[2:6]) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

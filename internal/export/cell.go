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

// maxCell is how many UTF-16 units a cell of Excel holds. What is longer is cut by the program that reads it, silently.
const maxCell = 32_767

// cutMark ends a text that was too long.
const cutMark = "… [cut: more than a cell of Excel holds]"

// illegal reports whether r has no place in a sheet: control characters, which XML forbids or nobody sees, what is no
// character, and those that turn the order of what follows around so that a value reads as another.
func illegal(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return false
	case unicode.IsControl(r), r == 0xFFFE, r == 0xFFFF:
		return true
	}
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// clean returns the text as it goes into a cell, how many characters had to be replaced by a visible �, and whether
// its end had to be cut off.
func clean(text string) (s string, replaced int, cut bool) {
	var b strings.Builder
	for i, r := range text {
		bad := illegal(r)
		if r == utf8.RuneError {
			_, width := utf8.DecodeRuneInString(text[i:])
			bad = width == 1 // bytes that are no text; a � that was there before stays uncounted
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

// value is what one cell of a workbook holds: a number if there is one, otherwise text.
type value struct {
	text   string
	number string // as XML has it; "" for text
	style  style
}

func count(n int) value { return value{number: strconv.Itoa(n)} }

// typed returns the value of a cell as its column has it: a number or a date only where Excel keeps it whole, and
// otherwise the text as read. kept says in a sentence why a proper number or date stays text, "" if it does not.
func typed(s string, column table.Column) (v value, kept string) {
	v = value{text: s, style: styleText}
	switch column.Type {
	case table.Number:
		n, ok := table.ParseNumber(s)
		switch {
		case !ok:
		case n.Padded:
			kept = "This was left as text, so that its leading zeros stay."
		case n.Digits > 15:
			kept = "This was left as text: Excel keeps only 15 digits of a number."
		case n.Decimals > maxDecimals:
			kept = "This was left as text, so that all its decimals stay."
		default:
			v = value{number: n.Text, style: styleNumber + style(n.Decimals)}
		}
	case table.Date:
		day, ok := table.ParseDate(s, column.Dates)
		switch {
		case !ok:
		case day.Before(firstDay) || day.Year() > 9999:
			kept = "This was left as text: Excel has no such early date."
		default:
			days := int(day.Sub(epoch).Hours() / 24)
			v = value{number: strconv.Itoa(days), style: styleDate}
		}
	}
	return v, kept
}

// Excel counts days from here; before March 1900 it is off by one, for it takes that year for a leap year.
var (
	epoch    = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	firstDay = time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC)
)

// sheetWriter writes the rows of a sheet as XML. Errors stay in the bufio.Writer until its Flush.
//
// excelize's own StreamWriter is not used for rows: it loses text such as _xD83D_, misreads _x0041_x0042_, cuts long
// text without a word, keeps the rows of every sheet in memory or in files beside, and writes the sheets in another
// order each time, so that no two workbooks of the same batch are alike.
type sheetWriter struct {
	w       *bufio.Writer
	row     int
	columns []string // names of columns, "A" first
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

// columnName is the letters of a column, 0 for A.
func columnName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// escape writes cleaned text as the content of an XML element. What looks like one of Excel's own escapes, such as
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

package export

import (
	"bufio"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// csvRows writes CSV for spreadsheets: the image's name, the number of the row, the columns, the doubts.
type csvRows struct {
	w         *bufio.Writer
	separator byte
	say       func(string) string
}

func (c *csvRows) begin(h rowsHead) {
	c.say = h.say
	c.w.WriteString("\ufeff")
	c.field(h.say("Image"), true)
	c.field(h.say("Row"), false)
	for _, name := range h.columns {
		c.field(name, false)
	}
	c.field(h.say("Doubts"), false)
	c.w.WriteString("\r\n")
}

func (c *csvRows) row(r row) {
	c.field(r.name, true)
	c.w.WriteByte(c.separator)
	c.w.WriteString(strconv.Itoa(r.number))
	for _, one := range r.cells {
		c.field(one.text, false)
	}
	c.field(r.told(c.say), false)
	c.w.WriteString("\r\n")
}

func (c *csvRows) end() {}

func (c *csvRows) field(s string, first bool) {
	if !first {
		c.w.WriteByte(c.separator)
	}
	s = visible(s)
	if computes(s) {
		s = "'" + s
	}
	if !strings.ContainsAny(s, "\"\r\n\t,;") && strings.TrimSpace(s) == s {
		c.w.WriteString(s)
		return
	}
	c.w.WriteByte('"')
	c.w.WriteString(strings.ReplaceAll(s, `"`, `""`))
	c.w.WriteByte('"')
}

// visible replaces characters that are invisible or make a value read as another by �, as in the workbook.
func visible(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, illegal) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if illegal(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// plainNumber matches a number, which a spreadsheet does not compute although it may begin with a sign.
var plainNumber = regexp.MustCompile(`^[-+]\d[\d.,' \x{a0}\x{202f}]*%?$`)

// computes reports whether a spreadsheet might take s for a formula. Apostrophes and spaces before it do not change the answer:
// a reader takes one apostrophe off each field for which computes is true, and has the text as read.
func computes(s string) bool {
	s = strings.TrimLeft(s, "' \u00a0")
	first, _ := utf8.DecodeRuneInString(s)
	return strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) && s != "" && !plainNumber.MatchString(s)
}

// markdownRows writes a heading and one table.
type markdownRows struct {
	w   *bufio.Writer
	say func(string) string
}

func (m *markdownRows) begin(h rowsHead) {
	m.say = h.say
	m.w.WriteString("# " + inMarkdown(h.batch.Name) + "\n\n")
	if h.label != "" {
		m.w.WriteString(inMarkdown(h.label) + "\n\n")
	}
	header := append(append([]string{h.say("Image"), h.say("Row")}, h.columns...), h.say("Doubts"))
	m.line(header)
	m.w.WriteString("|" + strings.Repeat(" --- |", len(header)) + "\n")
}

func (m *markdownRows) row(r row) {
	line := []string{r.name, strconv.Itoa(r.number)}
	for _, one := range r.cells {
		line = append(line, one.text)
	}
	m.line(append(line, r.told(m.say)))
}

func (m *markdownRows) end() {}

func (m *markdownRows) line(cells []string) {
	m.w.WriteByte('|')
	for _, text := range cells {
		m.w.WriteString(" " + inMarkdown(text) + " |")
	}
	m.w.WriteByte('\n')
}

// markdownMarks are the characters with a meaning in a cell of a table; a backslash takes it away.
var markdownMarks = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "~", `\~`, "&", `\&`, "#", `\#`, "!", `\!`,
	"\r\n", "<br>", "\r", "<br>", "\n", "<br>",
)

// inMarkdown returns a text for one line of Markdown that shows it unchanged.
func inMarkdown(s string) string { return markdownMarks.Replace(visible(s)) }

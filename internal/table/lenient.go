package table

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// value is one JSON value with its members in order, repeated names included, and its literals as written.
type value struct {
	kind   byte   // '{' '[' '"' 't' (true or false) 'n' (null) '0' (number) 'x' (a word for no value, such as NaN)
	text   string // of a string, a number, a truth value or a word for no value
	list   []value
	fields []field
	id     int  // unique for every value of one answer; 0 for a value that is not in the answer itself
	odd    bool // not written as JSON requires: without quotes, or without a comma before it
	tight  bool // a number in a list with only a comma between it and the number before: 1,234 may be one number
}

type field struct {
	name  string
	value value
}

// maxDepth is the deepest nesting of an answer. The requested schema has five levels.
const maxDepth = 40

var (
	errSyntax = errors.New("not JSON")
	errCut    = errors.New("cut off")
	errDeep   = errors.New("nested too deeply")
)

// reader reads JSON as engines write it. Beyond the standard it takes trailing and missing commas, comments, every kind of
// space between tokens, single quotes, names and values without quotes, words of other languages for no value, numbers
// with leading zeros, and control characters within strings; each of these sets repaired. A single token that cannot be
// understood is kept as written, and marked; brackets that do not match are an error.
type reader struct {
	in       string
	at       int
	repaired bool
	ids      *int    // the last id given
	comments []value // the texts of comments, for the ledger
	tight    bool    // a value is tight
	loose    bool    // a list of plain values has a comma with a space behind it, or one with no value behind it
}

func (r *reader) new(kind byte) value {
	*r.ids++
	return value{kind: kind, id: *r.ids}
}

// space skips white space of every kind, invisible characters, and comments.
func (r *reader) space() {
	for r.at < len(r.in) {
		switch c, n := utf8.DecodeRuneInString(r.in[r.at:]); {
		case strings.IndexByte(" \t\r\n", r.in[r.at]) >= 0:
			r.at++
		case c != utf8.RuneError && (unicode.IsSpace(c) || unicode.Is(unicode.Cf, c)):
			r.at, r.repaired = r.at+n, true
		case strings.HasPrefix(r.in[r.at:], "//"):
			r.comment("\n")
		case strings.HasPrefix(r.in[r.at:], "/*"):
			r.comment("*/")
		default:
			return
		}
	}
}

func (r *reader) comment(end string) {
	text, _, closed := strings.Cut(r.in[r.at+2:], end)
	r.at += 2 + len(text)
	if closed {
		r.at += len(end)
	}
	v := r.new('"')
	v.text = strings.ToValidUTF8(strings.TrimSpace(text), "\uFFFD")
	r.comments, r.repaired = append(r.comments, v), true
}

// peek returns the next byte after white space, 0 at the end.
func (r *reader) peek() byte {
	r.space()
	if r.at >= len(r.in) {
		return 0
	}
	return r.in[r.at]
}

func (r *reader) value(depth int) (value, error) {
	if depth > maxDepth {
		return value{}, errDeep
	}
	switch c := r.peek(); {
	case c == 0 && r.at >= len(r.in):
		return value{}, errCut
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.array(depth)
	case c == '"' || c == '\'':
		v := r.new('"')
		var err error
		v.text, err = r.string()
		return v, err
	}
	return r.literal()
}

func (r *reader) object(depth int) (value, error) {
	v := r.new('{')
	r.at++
	for comma := true; ; {
		switch c := r.peek(); {
		case c == '}':
			r.at++
			r.repaired = r.repaired || comma && len(v.fields) > 0
			return v, nil
		case c == 0:
			return v, errCut
		}
		r.repaired = r.repaired || !comma
		name, err := r.name()
		if err != nil {
			return v, err
		}
		if err := r.expect(':'); err != nil {
			return v, err
		}
		member, err := r.member(depth + 1)
		if err != nil {
			return v, err
		}
		v.fields = append(v.fields, field{name, member})
		comma = r.comma()
	}
}

// name reads the name of a member, also without quotes.
func (r *reader) name() (string, error) {
	if c := r.peek(); c == '"' || c == '\'' {
		return r.string()
	}
	from := r.at
	for r.at < len(r.in) {
		c, n := utf8.DecodeRuneInString(r.in[r.at:])
		if c == utf8.RuneError || !unicode.In(c, unicode.L, unicode.N, unicode.M) && !strings.ContainsRune("_$-", c) {
			break
		}
		r.at += n
	}
	r.repaired = true
	switch name := r.in[from:r.at]; {
	case r.at >= len(r.in):
		return "", errCut
	case name == "":
		return "", errSyntax
	default:
		return name, nil
	}
}

// member reads the value of a member. A missing value is returned as kind 'x'.
func (r *reader) member(depth int) (value, error) {
	if c := r.peek(); c == ',' || c == '}' {
		r.repaired = true
		return r.new('x'), nil
	}
	return r.value(depth)
}

func (r *reader) array(depth int) (value, error) {
	v := r.new('[')
	r.at++
	for comma := true; ; {
		after := r.at
		switch c := r.peek(); {
		case c == ']':
			r.at++
			r.repaired = r.repaired || comma && len(v.list) > 0
			r.loose = r.loose || comma && len(v.list) > 0 && v.list[len(v.list)-1].scalar()
			return v, nil
		case c == 0:
			return v, errCut
		case c == ',':
			r.at++
			r.repaired, r.loose = true, true
			v.list = append(v.list, r.new('x'))
			continue
		}
		near := comma && r.at == after
		item, err := r.value(depth + 1)
		if err != nil {
			return v, err
		}
		if !comma {
			r.repaired = true
			item.odd = item.odd || item.scalar()
		}
		if n := len(v.list); n > 0 && item.scalar() && v.list[n-1].scalar() {
			item.tight = near && item.kind == '0' && v.list[n-1].kind == '0' && digit(r.in[after-2])
			r.tight, r.loose = r.tight || item.tight, r.loose || !near
		}
		v.list = append(v.list, item)
		comma = r.comma()
	}
}

func (r *reader) comma() bool {
	if r.peek() == ',' {
		r.at++
		return true
	}
	return false
}

func (r *reader) expect(c byte) error {
	switch r.peek() {
	case c:
		r.at++
		return nil
	case 0:
		return errCut
	}
	return errSyntax
}

// noValues are words of other programming languages for a missing value.
var noValues = []string{"NaN", "nan", "None", "undefined", "Infinity", "-Infinity", "+Infinity", "NULL", "Null", "nil", "-", "--"}

// literal reads a number, true, false, null, or a text without quotes. Numbers stay as written.
func (r *reader) literal() (value, error) {
	word := r.bare()
	if r.at >= len(r.in) && word != "" {
		return value{}, errCut
	}
	v := r.new('0')
	v.text = word
	switch {
	case word == "":
		return v, errSyntax
	case word == "null":
		v.kind, v.text = 'n', ""
	case word == "true" || word == "false":
		v.kind = 't'
	case word == "True" || word == "False":
		v.kind, r.repaired = 't', true
	case slices.Contains(noValues, word):
		v.kind, r.repaired = 'x', true
	case !numeral(word):
		v.kind, v.odd, r.repaired = '"', true, true
		v.text = strings.ToValidUTF8(word, "\uFFFD")
	default:
		if digits := strings.TrimPrefix(word, "-"); len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
			r.repaired = true
		}
	}
	return v, nil
}

// bare reads a text without quotes: up to the end of its line, a bracket, a quote, a comment, or a comma. A comma
// between digits belongs to it.
func (r *reader) bare() string {
	from := r.at
	for r.at < len(r.in) {
		c := r.in[r.at]
		rest := r.in[r.at:]
		if strings.IndexByte("\r\n]}[{\"", c) >= 0 || strings.HasPrefix(rest, "/*") || strings.HasPrefix(rest, " //") ||
			c == ',' && !(r.at > from && digit(r.in[r.at-1]) && len(rest) > 1 && digit(rest[1]) && !r.inArray(from)) {
			break
		}
		r.at++
	}
	return strings.TrimFunc(r.in[from:r.at], func(c rune) bool { return unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) })
}

// inArray reports whether the value that begins at from is an item of an array rather than the value of a member.
func (r *reader) inArray(from int) bool {
	before := strings.TrimRightFunc(r.in[:from], unicode.IsSpace)
	return !strings.HasSuffix(before, ":")
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// numeral reports whether word is a JSON number, leading zeros allowed.
func numeral(word string) bool {
	word = strings.TrimPrefix(word, "-")
	digits := func() bool {
		n := 0
		for n < len(word) && word[n] >= '0' && word[n] <= '9' {
			n++
		}
		word = word[n:]
		return n > 0
	}
	if !digits() {
		return false
	}
	if strings.HasPrefix(word, ".") {
		word = word[1:]
		if !digits() {
			return false
		}
	}
	if word != "" && (word[0] == 'e' || word[0] == 'E') {
		word = word[1:]
		if word != "" && (word[0] == '+' || word[0] == '-') {
			word = word[1:]
		}
		if !digits() {
			return false
		}
	}
	return word == ""
}

func (r *reader) string() (string, error) {
	quote := r.in[r.at]
	r.repaired = r.repaired || quote != '"'
	r.at++
	var b strings.Builder
	for {
		end := strings.IndexAny(r.in[r.at:], string(rune(quote))+"\\")
		if end < 0 {
			return "", errCut
		}
		r.raw(&b, r.in[r.at:r.at+end])
		r.at += end
		if r.in[r.at] == quote {
			r.at++
			return b.String(), nil
		}
		if err := r.escape(&b); err != nil {
			return "", err
		}
	}
}

// raw copies a part of a string to b; bytes that are not UTF-8 become U+FFFD.
func (r *reader) raw(b *strings.Builder, s string) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
		r.repaired = true
	}
	if strings.IndexFunc(s, func(c rune) bool { return c < ' ' }) >= 0 {
		r.repaired = true
	}
	b.WriteString(s)
}

func (r *reader) escape(b *strings.Builder) error {
	if r.at+1 >= len(r.in) {
		return errCut
	}
	c := r.in[r.at+1]
	r.at += 2
	switch c {
	case '"', '\\', '/':
		b.WriteByte(c)
	case '\'':
		r.repaired = true
		b.WriteByte(c)
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'u':
		u, err := r.hex()
		if err != nil {
			return err
		}
		if utf16.IsSurrogate(u) {
			u = r.lowSurrogate(u)
		}
		b.WriteRune(u)
	default: // "\d" and the like: kept as written
		r.repaired = true
		b.WriteByte('\\')
		r.at--
	}
	return nil
}

func (r *reader) hex() (rune, error) {
	if r.at+4 > len(r.in) {
		return 0, errCut
	}
	n, err := strconv.ParseUint(r.in[r.at:r.at+4], 16, 16)
	if err != nil {
		return 0, errSyntax
	}
	r.at += 4
	return rune(n), nil
}

// lowSurrogate joins a pair; half a pair is U+FFFD.
func (r *reader) lowSurrogate(high rune) rune {
	if !strings.HasPrefix(r.in[r.at:], `\u`) {
		r.repaired = true
		return utf8.RuneError
	}
	back := r.at
	r.at += 2
	low, err := r.hex()
	if err == nil {
		if pair := utf16.DecodeRune(high, low); pair != utf8.RuneError {
			return pair
		}
	}
	r.at, r.repaired = back, true
	return utf8.RuneError
}

// compact writes v as JSON-like text, for values that should have been plain.
func (v value) compact(b *strings.Builder) {
	switch v.kind {
	case '{':
		b.WriteByte('{')
		for i, f := range v.fields {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(f.name + ": ")
			f.value.compact(b)
		}
		b.WriteByte('}')
	case '[':
		b.WriteByte('[')
		for i, item := range v.list {
			if i > 0 {
				b.WriteString(", ")
			}
			item.compact(b)
		}
		b.WriteByte(']')
	default:
		b.WriteString(v.text)
	}
}

func (v value) scalar() bool { return v.kind != '{' && v.kind != '[' }

package table

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// value is one JSON value with its members in order, repeated names included, and its literals as written.
type value struct {
	kind   byte   // '{' '[' '"' 't' (true or false) 'n' (null) '0' (number)
	text   string // of a string, a number or a truth value
	list   []value
	fields []field
}

type field struct {
	name  string
	value value
}

// maxDepth is how deep an answer may be nested: ours have five levels.
const maxDepth = 40

var (
	errSyntax = errors.New("not JSON")
	errCut    = errors.New("cut off")
	errDeep   = errors.New("nested too deeply")
)

// reader reads JSON as engines write it. Beyond the standard it takes trailing commas, numbers with leading zeros, and
// control characters within strings; each of these sets repaired.
type reader struct {
	in       string
	at       int
	repaired bool
}

func (r *reader) space() {
	for r.at < len(r.in) && strings.IndexByte(" \t\r\n", r.in[r.at]) >= 0 {
		r.at++
	}
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
	case c == '"':
		s, err := r.string()
		return value{kind: '"', text: s}, err
	}
	return r.literal()
}

func (r *reader) object(depth int) (value, error) {
	v := value{kind: '{'}
	r.at++
	for comma := false; ; {
		switch c := r.peek(); {
		case c == '}':
			r.at++
			r.repaired = r.repaired || comma
			return v, nil
		case c == 0:
			return v, errCut
		case c != '"' || len(v.fields) > 0 && !comma:
			return v, errSyntax
		}
		name, err := r.string()
		if err != nil {
			return v, err
		}
		if err := r.expect(':'); err != nil {
			return v, err
		}
		member, err := r.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.fields = append(v.fields, field{name, member})
		comma = r.comma()
	}
}

func (r *reader) array(depth int) (value, error) {
	v := value{kind: '['}
	r.at++
	for comma := false; ; {
		switch c := r.peek(); {
		case c == ']':
			r.at++
			r.repaired = r.repaired || comma
			return v, nil
		case c == 0:
			return v, errCut
		case len(v.list) > 0 && !comma:
			return v, errSyntax
		}
		item, err := r.value(depth + 1)
		if err != nil {
			return v, err
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

// literal reads a number, true, false or null. Numbers stay as they are written.
func (r *reader) literal() (value, error) {
	from := r.at
	for r.at < len(r.in) && strings.IndexByte(" \t\r\n,:]}[{\"", r.in[r.at]) < 0 {
		r.at++
	}
	switch word := r.in[from:r.at]; word {
	case "null":
		return value{kind: 'n'}, nil
	case "true", "false":
		return value{kind: 't', text: word}, nil
	default:
		if !numeral(word) {
			if r.at >= len(r.in) && from < r.at {
				return value{}, errCut
			}
			return value{}, errSyntax
		}
		if digits := strings.TrimPrefix(word, "-"); len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
			r.repaired = true
		}
		return value{kind: '0', text: word}, nil
	}
}

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
	r.at++ // the quote
	var b strings.Builder
	for {
		end := strings.IndexAny(r.in[r.at:], "\"\\")
		if end < 0 {
			return "", errCut
		}
		r.raw(&b, r.in[r.at:r.at+end])
		r.at += end
		if r.in[r.at] == '"' {
			r.at++
			return b.String(), nil
		}
		if err := r.escape(&b); err != nil {
			return "", err
		}
	}
}

// raw keeps a stretch of a string; bytes that are no text become U+FFFD.
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
	default: // "\d" and the like: what stands there is kept
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

// compact is v as JSON-like text, for values that should have been plain.
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

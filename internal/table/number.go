package table

import (
	"cmp"
	"strings"
	"unicode"
)

// Numeral is a number as decimal digits, without loss, and the currency or unit that it was written with.
type Numeral struct {
	Text     string // such as "-1234.50": an optional minus, digits, an optional point with digits
	Digits   int    // significant digits, without leading zeros: a workbook keeps 15
	Decimals int    // digits after the point
	Padded   bool   // the whole part was written with leading zeros, as codes are
	Before   string // the currency or unit in front of it, as written
	After    string // the currency or unit behind it, as written; one of the two is ""
	Unit     string // the same, normalized for comparison: "EUR" for "€" and for "eur"; "" for none
	Money    bool   // Unit is a currency
	Proves   Mark   // the decimal mark that this notation proves; NoMark when it could be either
}

// Mark is the sign between the whole part and the fraction of a number.
type Mark string

// The marks.
const (
	NoMark    Mark = ""      // neither set nor proved: 1,250 stays text, and is a doubt
	CommaMark Mark = "comma" // 1,250 is one and a quarter
	PointMark Mark = "point" // 1,250 is a thousand two hundred and fifty
)

// ParseNumber reads a number as people write it: with thousands separated by commas, points, any kind of space or
// apostrophes, or grouped as in India; with a decimal point or comma; in digits of any script; with a sign before or after
// it or accountant's brackets; and with one currency or unit. A text that means one number with a decimal comma and another
// with a decimal point ("1,250", "12.500") is read as mark says, and refused without a mark. Exponents and percentages are
// refused.
func ParseNumber(text string, mark Mark) (Numeral, bool) {
	n, why := readNumber(text, mark)
	return n, why == ""
}

// readNumber is ParseNumber. It also returns a sentence that says why the text is not a number; "" if it is one. The value
// of a percentage is set all the same.
func readNumber(text string, mark Mark) (n Numeral, why string) {
	s, ok := numberSigns(text)
	if !ok {
		return n, saysNumber
	}
	prefix, core, suffix := cutCore(s)
	if core == "" {
		return n, saysNumber
	}
	negative, proves, ok := n.dress(prefix, suffix)
	if !ok {
		return n, saysNumber
	}
	if mark == NoMark && strings.ContainsAny(core, ".,") && strings.Count(core, markSigns[proves]) == 0 {
		mark = proves // "1.250,-"
	}
	whole, fraction, proved, why := split(core, mark)
	if why == saysMark {
		return n, cmp.Or(n.unit(), saysMark) // with a sign or word that no mark makes a number, the mark does not matter
	}
	if why != "" {
		return n, why
	}
	n.Proves = proved
	if n.Proves == NoMark {
		n.Proves = proves
	}
	n.set(whole, fraction, negative)
	return n, n.unit()
}

// set fills in the value.
func (n *Numeral) set(whole, fraction string, negative bool) {
	n.Decimals = len(fraction)
	stripped := strings.TrimLeft(whole, "0")
	n.Padded = len(whole) > 1 && len(stripped) < len(whole)
	if stripped == "" {
		n.Digits = len(strings.TrimLeft(fraction, "0"))
		stripped = "0"
	} else {
		n.Digits = len(stripped) + len(fraction)
	}
	n.Text = stripped
	if fraction != "" {
		n.Text += "." + fraction
	}
	if negative && strings.Trim(n.Text, "0.") != "" {
		n.Text = "-" + n.Text
	}
}

// The marks of Arabic numbers. Each has one meaning only.
const (
	arabicDecimal   = '٫'
	arabicThousands = '٬'
)

// numberSigns normalizes the digits, spaces, signs and apostrophes of a number to one form each, and removes invisible
// characters. It refuses digits of two scripts in one text.
func numberSigns(text string) (string, bool) {
	var b strings.Builder
	script := rune(-1)
	for _, r := range strings.TrimSpace(text) {
		if zero, digit := digitOf(r); digit >= 0 {
			if script >= 0 && script != zero {
				return "", false
			}
			script = zero
			b.WriteByte(byte('0' + digit))
			continue
		}
		switch {
		case unicode.Is(unicode.Cf, r):
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		default:
			if plain, known := signs[r]; known {
				r = plain
			}
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String()), true
}

// signs are other ways of writing the signs of a number.
var signs = map[rune]rune{
	'−': '-', '–': '-', '‐': '-', '‑': '-', '﹣': '-', '－': '-', '＋': '+', '（': '(', '）': ')', '，': ',', '．': '.', '％': '%', '٪': '%', '／': '/',
	'’': '\'', '‘': '\'', 'ʼ': '\'', '＇': '\'', '´': '\'', '`': '\'',
}

// digitOf returns the value of a decimal digit of any script, and the zero of that script. digit is -1 if r is not a
// decimal digit.
func digitOf(r rune) (zero rune, digit int) {
	if r < 0x80 {
		if r >= '0' && r <= '9' {
			return '0', int(r - '0')
		}
		return 0, -1
	}
	if !unicode.IsDigit(r) {
		return 0, -1
	}
	zero = r // the digits of a script are consecutive; before its zero is a character that is no digit, or the nine of another script
	for unicode.IsDigit(zero-1) && r-zero < 9 {
		zero--
	}
	if r >= 0x1D7CE && r <= 0x1D7FF { // five sets of mathematical digits without a gap
		zero = 0x1D7CE + (r-0x1D7CE)/10*10
	}
	return zero, int(r - zero)
}

// cutCore splits a text into the digits with their separators, and the text before and after them.
func cutCore(s string) (prefix, core, suffix string) {
	in := func(r rune) bool {
		return r >= '0' && r <= '9' || r == '.' || r == ',' || r == '\'' || r == ' ' || r == arabicDecimal || r == arabicThousands
	}
	from := strings.IndexFunc(s, func(r rune) bool { return r >= '0' && r <= '9' })
	if from < 0 {
		return s, "", ""
	}
	if from > 0 && (s[from-1] == '.' || s[from-1] == ',') && (from < 2 || !letter(s[:from-1])) {
		from-- // ".5", but not "Rs.5"
	}
	to := len(s)
	if i := strings.IndexFunc(s[from:], func(r rune) bool { return !in(r) }); i >= 0 {
		to = from + i
	}
	core = strings.TrimRight(s[from:to], ".,' "+string(arabicDecimal)+string(arabicThousands))
	return s[:from], core, s[from+len(core):]
}

// letter reports whether s ends in a letter.
func letter(s string) bool {
	r := []rune(s)
	return len(r) > 0 && unicode.IsLetter(r[len(r)-1])
}

// dress reads the text around the digits: one sign or brackets, and one currency or unit, which it stores in n. An amount
// without cents ("5,–", "5.-") proves its mark. ok is false if there is more than that.
func (n *Numeral) dress(prefix, suffix string) (negative bool, proves Mark, ok bool) {
	before, after := strings.TrimSpace(prefix), strings.TrimSpace(suffix)
	signs := 0
	rest, open := strings.CutPrefix(before, "(")
	if !open {
		rest, open = strings.CutSuffix(before, "(") // "$(5.00)"
	}
	if open {
		negative, signs, before = true, 1, strings.TrimSpace(rest)
		rest, first := strings.CutPrefix(after, ")")
		if !first {
			if rest, first = strings.CutSuffix(after, ")"); !first {
				return false, NoMark, false
			}
		}
		after = strings.TrimSpace(rest)
	}
	for _, cents := range []string{",--", ".--", ",-", ".-", ",—", ".—", ",=", ".="} {
		if rest, found := strings.CutPrefix(after, cents); found {
			proves, after = PointMark, strings.TrimSpace(rest)
			if cents[0] == ',' {
				proves = CommaMark
			}
			break
		}
	}
	sign := func(s string, cut func(string, string) (string, bool), sign string) string {
		rest, found := cut(s, sign)
		if !found {
			return s
		}
		signs++
		negative = negative || sign == "-"
		return strings.TrimSpace(rest)
	}
	before = sign(sign(before, strings.CutPrefix, "-"), strings.CutPrefix, "+")
	before = sign(sign(before, strings.CutSuffix, "-"), strings.CutSuffix, "+")
	after = sign(sign(after, strings.CutPrefix, "-"), strings.CutSuffix, "-")
	n.Before, n.After = before, after
	return negative, proves, signs <= 1 && (before == "" || after == "")
}

// split finds the decimal mark and removes the thousands' separators. why is a sentence if s cannot be split, "" otherwise.
func split(s string, mark Mark) (whole, fraction string, proves Mark, why string) {
	if allDigits(s) {
		return s, "", NoMark, ""
	}
	at := -1 // of the decimal mark
	dots, commas := strings.Count(s, "."), strings.Count(s, ",")
	switch {
	case strings.ContainsRune(s, arabicDecimal):
		at = strings.IndexRune(s, arabicDecimal)
	case dots > 0 && commas > 0:
		at = max(strings.LastIndex(s, "."), strings.LastIndex(s, ","))
		proves = markAt(s, at)
	case dots+commas == 1:
		at = strings.IndexAny(s, ".,")
		switch proves = markAt(s, at); {
		case !eitherMark(s, at):
			if len(s) > 1 && s[0] == '0' && at > 1 {
				proves = NoMark // a code such as 007.500
			}
		case mark == NoMark:
			return "", "", NoMark, saysMark
		case mark != proves:
			at, proves = -1, NoMark
		default:
			proves = NoMark
		}
	case dots > 1:
		proves = CommaMark
	case commas > 1:
		proves = PointMark
	}
	whole = s
	if at >= 0 {
		whole = s[:at]
		fraction = strings.TrimLeft(s[at:], ".,"+string(arabicDecimal))
		if !allDigits(fraction) {
			return "", "", NoMark, saysNumber
		}
		if whole == "" {
			whole = "0"
		}
	}
	for _, sep := range []string{",", ".", " ", "'", string(arabicThousands)} {
		if strings.Contains(whole, sep) {
			if !grouped(whole, sep) {
				return "", "", NoMark, saysNumber
			}
			whole = strings.ReplaceAll(whole, sep, "")
		}
	}
	if !allDigits(whole) {
		return "", "", NoMark, saysNumber
	}
	return whole, fraction, proves, ""
}

// markSigns are the marks as they are written.
var markSigns = map[Mark]string{CommaMark: ",", PointMark: "."}

func markAt(s string, at int) Mark {
	if s[at] == ',' {
		return CommaMark
	}
	return PointMark
}

// eitherMark reports whether the only point or comma may as well separate thousands: 1.234 and 1,234, but not 0.234,
// 1234.567, 1 234.567 or 1.23.
func eitherMark(s string, at int) bool {
	return len(s)-at == 4 && at >= 1 && at <= 3 && s[0] != '0' && allDigits(s[:at]) && allDigits(s[at+1:])
}

// grouped reports whether sep parts s as thousands are: into one to three digits and groups of three, or with commas also
// as in India, into one or two digits, groups of two and a last one of three.
func grouped(s, sep string) bool {
	groups := strings.Split(s, sep)
	if len(groups) < 2 || groups[0] == "" || groups[0][0] == '0' {
		return false
	}
	size := 3
	if sep == "," && len(groups) > 2 && len(groups[1]) == 2 {
		size = 2
	}
	for i, g := range groups {
		want := size
		if i == len(groups)-1 {
			want = 3
		}
		if !allDigits(g) || i == 0 && len(g) > size || i > 0 && len(g) != want {
			return false
		}
	}
	return true
}

func allDigits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

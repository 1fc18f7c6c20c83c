package table

import (
	"strings"
	"unicode"
)

// Numeral is a number as decimal digits, without loss.
type Numeral struct {
	Text     string // such as "-1234.50": an optional minus, digits, an optional point with digits
	Digits   int    // significant digits, without leading zeros: a workbook keeps 15
	Decimals int    // digits after the point
	Padded   bool   // the whole part was written with leading zeros, as codes are
}

// ParseNumber reads a number as people write it: with thousands separated by commas, points, spaces or apostrophes,
// with a decimal point or comma, a sign or accountant's brackets, and one currency before or after it. It says no to
// what is no number, what might be two different ones ("1.234" is 1234 on some sheets), exponents, percentages and
// units.
func ParseNumber(text string) (Numeral, bool) {
	s, negative, ok := bare(text)
	if !ok {
		return Numeral{}, false
	}
	whole, fraction, ok := split(s)
	if !ok {
		return Numeral{}, false
	}
	n := Numeral{Decimals: len(fraction)}
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
	return n, true
}

// currencies may stand before or after a number.
var currencies = []string{"USD", "EUR", "GBP", "CHF", "MYR", "SGD", "JPY", "CNY", "INR", "AUD", "CAD", "RM", "US$", "S$", "A$", "C$", "HK$", "Rs.", "Rs", "kr", "Fr."}

// bare takes sign, brackets and currency away.
func bare(text string) (s string, negative, ok bool) {
	s = strings.TrimSpace(text)
	if inner, found := strings.CutPrefix(s, "("); found {
		if s, found = strings.CutSuffix(inner, ")"); !found {
			return "", false, false
		}
		negative = true
	}
	signed := negative
	for range 2 { // "-$5" and "$-5"
		s = strings.TrimSpace(s)
		if rest, found := cutSign(s); found && !signed {
			negative, signed = s[0] != '+', true
			s = strings.TrimSpace(rest)
		}
		s = cutCurrency(s)
	}
	return s, negative, s != ""
}

func cutSign(s string) (string, bool) {
	for _, sign := range []string{"-", "+", "−"} {
		if rest, found := strings.CutPrefix(s, sign); found {
			return rest, true
		}
	}
	return s, false
}

func cutCurrency(s string) string {
	if allDigits(s) {
		return s
	}
	for _, c := range currencies {
		if len(s) > len(c) && strings.EqualFold(s[:len(c)], c) {
			return strings.TrimSpace(s[len(c):])
		}
		if len(s) > len(c) && strings.EqualFold(s[len(s)-len(c):], c) {
			return strings.TrimSpace(s[:len(s)-len(c)])
		}
	}
	symbol := func(r rune) bool { return unicode.Is(unicode.Sc, r) }
	if rest := strings.TrimLeftFunc(s, symbol); rest != s {
		return strings.TrimSpace(rest)
	}
	return strings.TrimSpace(strings.TrimRightFunc(s, symbol))
}

// separators are the ways of writing a space or an apostrophe between thousands.
var separators = strings.NewReplacer("\u00A0", " ", "\u202F", " ", "\u2009", " ", "’", "'")

// split finds the decimal mark and takes the thousands' separators out.
func split(s string) (whole, fraction string, ok bool) {
	if allDigits(s) {
		return s, "", true
	}
	s = separators.Replace(s)
	dots, commas := strings.Count(s, "."), strings.Count(s, ",")
	mark := ""
	switch {
	case dots > 0 && commas > 0:
		mark = "."
		if strings.LastIndex(s, ",") > strings.LastIndex(s, ".") {
			mark = ","
		}
	case dots == 1:
		mark = "."
		if ambiguous(s) {
			return "", "", false
		}
	case commas == 1 && !grouped(s, ","):
		mark = ","
	}
	whole = s
	if mark != "" {
		if strings.Count(s, mark) > 1 {
			return "", "", false
		}
		whole, fraction, _ = strings.Cut(s, mark)
		if fraction == "" || !allDigits(fraction) {
			return "", "", false
		}
		if whole == "" {
			whole = "0"
		}
	}
	for _, sep := range []string{",", ".", " ", "'"} {
		if strings.Contains(whole, sep) {
			if !grouped(whole, sep) {
				return "", "", false
			}
			whole = strings.ReplaceAll(whole, sep, "")
		}
	}
	return whole, fraction, allDigits(whole)
}

// ambiguous reports whether the only point may as well separate thousands: 1.234, but not 0.234, 1234.567 or 1.23.
func ambiguous(s string) bool {
	whole, fraction, _ := strings.Cut(s, ".")
	return len(fraction) == 3 && len(whole) >= 1 && len(whole) <= 3 && whole[0] != '0' && allDigits(whole)
}

// grouped reports whether sep parts s into one to three digits and groups of three, as thousands are.
func grouped(s, sep string) bool {
	groups := strings.Split(s, sep)
	for i, g := range groups {
		if !allDigits(g) || i > 0 && len(g) != 3 || i == 0 && (len(g) > 3 || g[0] == '0') {
			return false
		}
	}
	return len(groups) > 1
}

func allDigits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

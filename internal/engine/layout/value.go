package layout

import (
	"strings"
	"unicode"
)

// IsValue reports whether s is a number, an amount, a share, a range or a mark for "none": the content of a data cell,
// never the first line of a longer text.
func IsValue(s string) bool {
	s = strings.ToLower(strings.Join(strings.Fields(s), ""))
	if strings.Trim(s, "-–—.*") == "" {
		return s != ""
	}
	if s == "n.a." || s == "n/a" || s == "na" {
		return true
	}
	digits, others := 0, 0
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			others += 2
		case !strings.ContainsRune(".,%$€£()+-–—±<>≤≥*/:[]~", r):
			others++
		}
	}
	return digits > 0 && others <= digits
}

// startsLow reports whether s seems to continue an earlier line: it starts with a small letter, a bracket or "&".
func startsLow(s string) bool {
	for _, r := range s {
		return unicode.IsLower(r) || r == '(' || r == '&' || r == ')'
	}
	return false
}

// breaksOff reports whether s cannot be the end of a text: it ends in a hyphen, a comma, a word such as "of", or with an
// open bracket.
func breaksOff(s string) bool {
	if s == "" {
		return false
	}
	if strings.ContainsRune("-,/&(", rune(s[len(s)-1])) {
		return len(s) > 1
	}
	i := strings.LastIndexByte(s, ' ')
	switch strings.ToLower(s[i+1:]) {
	case "of", "and", "or", "the", "for", "in", "with", "to", "by", "a", "an", "on", "from", "at", "&", "as", "than":
		return true
	}
	return strings.Count(s, "(") > strings.Count(s, ")")
}

package tesseract

import (
	"strings"
	"unicode"
)

// isValue reports whether s is a number, an amount, a share, a range or a mark for "none": the content of a data cell,
// never the first line of a longer text.
func isValue(s string) bool {
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

// startsLow reports whether s goes on where an earlier line broke off.
func startsLow(s string) bool {
	for _, r := range s {
		return unicode.IsLower(r) || r == '(' || r == '&' || r == ')'
	}
	return false
}

// breaksOff reports whether s cannot be the end of what it says.
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

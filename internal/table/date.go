package table

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	yearFirst   = regexp.MustCompile(`^(\d{4})([-/.])(\d{1,2})([-/.])(\d{1,2})$`)
	yearLast    = regexp.MustCompile(`^(\d{1,2})([-/. ])(\d{1,2})([-/. ])(\d{4})$`)
	dayMonth    = regexp.MustCompile(`^(\d{1,2})(?:st|nd|rd|th|\.)?[-/. ]*([A-Za-z]{3,9})\.?[-/., ]*(\d{4})$`)
	monthDay    = regexp.MustCompile(`^([A-Za-z]{3,9})\.?[-/. ]*(\d{1,2})(?:st|nd|rd|th)?[-/., ]+(\d{4})$`)
	spaces      = regexp.MustCompile(`\s+`)
	monthsNames = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
)

// ParseDate reads a date that can mean one day only: year first, with the month's English name, or numbers of which
// only one can be the month (25/12/2024, 04/04/2024). It says no to two-digit years, to a date with a time, and to
// 03/04/2024, which is in March or in April.
func ParseDate(text string) (time.Time, bool) {
	s := spaces.ReplaceAllString(strings.TrimSpace(text), " ")
	if m := yearFirst.FindStringSubmatch(s); m != nil {
		return day(m[1], number(m[3]), m[5], m[2] == m[4])
	}
	if m := yearLast.FindStringSubmatch(s); m != nil {
		a, b := number(m[1]), number(m[3])
		switch {
		case m[2] != m[4] || a <= 12 && b <= 12 && a != b:
			return time.Time{}, false
		case a > 12:
			return day(m[5], b, m[1], true)
		default:
			return day(m[5], a, m[3], true)
		}
	}
	if m := dayMonth.FindStringSubmatch(s); m != nil {
		return day(m[3], month(m[2]), m[1], true)
	}
	if m := monthDay.FindStringSubmatch(s); m != nil {
		return day(m[3], month(m[1]), m[2], true)
	}
	return time.Time{}, false
}

// twoDays reports whether text is a date that may mean two days.
func twoDays(text string) bool {
	m := yearLast.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return false
	}
	a, b := number(m[1]), number(m[3])
	return a >= 1 && b >= 1 && a <= 12 && b <= 12 && a != b
}

func day(year string, month int, dayOf string, ok bool) (time.Time, bool) {
	y, d := number(year), number(dayOf)
	if !ok || month < 1 || month > 12 || d < 1 || y < 1000 {
		return time.Time{}, false
	}
	t := time.Date(y, time.Month(month), d, 0, 0, 0, 0, time.UTC)
	return t, t.Day() == d && t.Month() == time.Month(month)
}

// month is the number of an English month's name, whole or shortened to three or four letters; 0 for none.
func month(name string) int {
	name = strings.ToLower(name)
	for i, full := range monthsNames {
		if name == full || name == full[:3] || name == "sept" && i == 8 {
			return i + 1
		}
	}
	return 0
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

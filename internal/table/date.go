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
	shortYear   = regexp.MustCompile(`^(\d{1,2})([-/. ])(\d{1,2})([-/. ])(\d{2})$`)
	dayMonth    = regexp.MustCompile(`^(\d{1,2})(?:st|nd|rd|th|\.)?[-/. ]*([A-Za-z]{3,9})\.?[-/., ]*(\d{4})$`)
	monthDay    = regexp.MustCompile(`^([A-Za-z]{3,9})\.?[-/. ]*(\d{1,2})(?:st|nd|rd|th)?[-/., ]+(\d{4})$`)
	spaces      = regexp.MustCompile(`\s+`)
	monthsNames = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
)

// DateOrder says what dates in numbers mean that may mean two days, such as 03/04/2024.
type DateOrder string

// The orders.
const (
	NoOrder    DateOrder = ""      // nobody said: such a date stays text, and is a doubt
	DayFirst   DateOrder = "day"   // 3 April
	MonthFirst DateOrder = "month" // March 4
)

// ParseDate reads a date that can mean one day only: year first, with the month's English name, or numbers of which
// only one can be the month (25/12/2024, 04/04/2024). It says no to a date with a time, and without an order to
// 03/04/2024, which is in March or in April, and to two-digit years. With an order they are 1940 to 2039.
func ParseDate(text string, order DateOrder) (time.Time, bool) {
	s := spaces.ReplaceAllString(strings.TrimSpace(text), " ")
	if m := yearFirst.FindStringSubmatch(s); m != nil {
		return day(m[1], number(m[3]), m[5], m[2] == m[4])
	}
	if m := yearLast.FindStringSubmatch(s); m != nil {
		return ordered(m, order)
	}
	if m := shortYear.FindStringSubmatch(s); m != nil && order != NoOrder {
		m[5] = strconv.Itoa(1940 + (number(m[5])+60)%100)
		return ordered(m, order)
	}
	if m := dayMonth.FindStringSubmatch(s); m != nil {
		return day(m[3], month(m[2]), m[1], true)
	}
	if m := monthDay.FindStringSubmatch(s); m != nil {
		return day(m[3], month(m[1]), m[2], true)
	}
	return time.Time{}, false
}

// YearFirst writes the date of a cell year first in both ways in which it may be meant: 03/04/2024 with the day and with the
// month first, and 25/12/24, whose year is plain then, the same both times. It says no to what is plain, to what is no date
// of the column, or must keep its pattern, and to cells that are in doubt for more than that or that a person accepted.
func (c Column) YearFirst(cell Cell) (dayFirst, monthFirst string, ok bool) {
	if c.Type != Date || c.Dates != NoOrder || c.Pattern != "" || !cell.sure() {
		return "", "", false
	}
	if _, plain := ParseDate(cell.Text, NoOrder); plain {
		return "", "", false
	}
	day, ok := ParseDate(cell.Text, DayFirst)
	month, _ := ParseDate(cell.Text, MonthFirst) // is one exactly where the other is
	return day.Format(time.DateOnly), month.Format(time.DateOnly), ok
}

// sure reports whether what stands in the cell is taken for what stands on the sheet, and nothing was accepted that is odd.
func (c Cell) sure() bool {
	return c.State == Edited || (c.State == Read || c.State == "") && (c.Confidence == 0 || c.Confidence >= lowConfidence)
}

// ordered is the day of a date in numbers with the year last; m is its parts and what is between them.
func ordered(m []string, order DateOrder) (time.Time, bool) {
	a, b := number(m[1]), number(m[3])
	monthFirst := order == MonthFirst && a <= 12 || b > 12 || a == b
	if m[2] != m[4] || order == NoOrder && a <= 12 && b <= 12 && a != b {
		return time.Time{}, false
	}
	if monthFirst {
		return day(m[5], a, m[3], true)
	}
	return day(m[5], b, m[1], true)
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

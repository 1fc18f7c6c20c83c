package table

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

var (
	yearFirst = regexp.MustCompile(`^(\d{4}) ?([-/.年]) ?(\d{1,2}) ?([-/.月]) ?(\d{1,2})(日?)\.?$`)
	yearLast  = regexp.MustCompile(`^(\d{1,2}) ?([-/. ]) ?(\d{1,2}) ?([-/. ]) ?(\d{4})$`)
	shortYear = regexp.MustCompile(`^(\d{1,2}) ?([-/. ]) ?(\d{1,2}) ?([-/. ]) ?(\d{2})$`)
	dayMonth  = regexp.MustCompile(`(?i)^(\d{1,2})(?:st|nd|rd|th|er|[.ºª°]|o )?[-/., ]*(?:de |di |d')?(\pL{3,12})\.?[-/., ]*(?:del? )?'?(\d{4}|\d{2})$`)
	monthDay  = regexp.MustCompile(`(?i)^(\pL{3,12})\.?[-/. ]*(\d{1,2})(?:st|nd|rd|th)?[-/., ]+'?(\d{4}|\d{2})$`)
	yearMonth = regexp.MustCompile(`^(\d{4})[-/., ]+(\pL{3,12})\.?[-/., ]+(\d{1,2})$`)
)

// DateOrder is the order of day and month in dates of numbers that may mean two days, such as 03/04/2024.
type DateOrder string

// The orders.
const (
	NoOrder    DateOrder = ""      // not specified: such a date stays text, and is a doubt
	DayFirst   DateOrder = "day"   // 3 April
	MonthFirst DateOrder = "month" // March 4
)

// ParseDate reads a date that can mean one day only: year first, with the name of a month in English, French, Spanish,
// German, Italian or Portuguese, or numbers of which only one can be the month (25/12/2024, 04/04/2024). It refuses a date
// with a time, and a year that may be of the Buddhist calendar. Without an order it also refuses 03/04/2024, which is in
// March or in April, and dates in numbers with a year of two digits. Years of two digits are 1940 to 2039.
func ParseDate(text string, order DateOrder) (time.Time, bool) {
	day, _, why := readDate(text, order)
	return day, why == ""
}

// readDate is ParseDate. It also returns the order that this notation proves, and a sentence that says why the text is not
// a date; "" if it is one.
func readDate(text string, order DateOrder) (day time.Time, proves DateOrder, why string) {
	s, ok := dateSigns(text)
	if !ok {
		return day, NoOrder, saysDate
	}
	var year, month, dayOf string
	if m := yearFirst.FindStringSubmatch(s); m != nil {
		if m[2] != m[4] && m[2]+m[4]+m[6] != "年月日" || m[2] == m[4] && m[6] != "" {
			return day, NoOrder, saysDate
		}
		year, month, dayOf = m[1], m[3], m[5]
	} else if m := yearLast.FindStringSubmatch(s); m != nil && m[2] == m[4] {
		if month, dayOf, proves, why = ordered(m[1], m[3], order); why == saysOrder {
			return day, NoOrder, openWhy(m[1], m[3], m[5], why)
		} else if why != "" {
			return day, NoOrder, why
		}
		year = m[5]
	} else if m := shortYear.FindStringSubmatch(s); m != nil && m[2] == m[4] {
		if order == NoOrder {
			return day, NoOrder, openWhy(m[1], m[3], m[5], saysShortYear)
		}
		if month, dayOf, _, why = ordered(m[1], m[3], order); why != "" {
			return day, NoOrder, why
		}
		year = m[5]
	} else if m := dayMonth.FindStringSubmatch(s); m != nil {
		year, month, dayOf = m[3], monthNamed(m[2]), m[1]
	} else if m := monthDay.FindStringSubmatch(s); m != nil {
		year, month, dayOf = m[3], monthNamed(m[1]), m[2]
	} else if m := yearMonth.FindStringSubmatch(s); m != nil {
		year, month, dayOf = m[1], monthNamed(m[2]), m[3]
	}
	day, why = dateOf(year, month, dayOf)
	if why != "" {
		proves = NoOrder
	}
	return day, proves, why
}

// dateSigns normalizes a date: digits of any script to 0 to 9, all dashes and all spaces to one form each, and letters with
// accents to composed ones.
func dateSigns(text string) (string, bool) {
	s, ok := numberSigns(norm.NFC.String(text))
	return strings.Join(strings.Fields(s), " "), ok
}

// ordered decides which of the first two parts of a date is the month and which the day. proves is the order that the parts
// prove; "" when both may be the month. A date that may mean two days needs an order.
func ordered(first, second string, order DateOrder) (month, dayOf string, proves DateOrder, why string) {
	a, b := number(first), number(second)
	switch {
	case a > 12 && b <= 12:
		order, proves = DayFirst, DayFirst
	case b > 12 && a <= 12:
		order, proves = MonthFirst, MonthFirst
	case a < 1 || b < 1 || a > 12:
		return "", "", NoOrder, saysDate
	case a == b:
		order = DayFirst
	}
	switch order {
	case DayFirst:
		return second, first, proves, ""
	case MonthFirst:
		return first, second, proves, ""
	default:
		return "", "", NoOrder, saysOrder
	}
}

// openWhy returns the sentence for a date in numbers that needs an order: open, unless it is a date in neither order. It
// tries the day first only, because such a text is a date with the day first exactly when it is one with the month first.
func openWhy(first, second, year, open string) string {
	month, dayOf, _, why := ordered(first, second, DayFirst)
	if why == "" {
		_, why = dateOf(year, month, dayOf)
	}
	return cmp.Or(why, open)
}

// The years that are taken for those of the Buddhist calendar, which is 543 ahead: 1900 to 2099 of ours.
const (
	buddhistFrom = 1900 + 543
	buddhistTo   = 2099 + 543
)

// dateOf returns the day that three numbers mean, or a sentence that says why there is none.
func dateOf(year, month, dayOf string) (time.Time, string) {
	y, m, d := number(year), number(month), number(dayOf)
	if len(year) == 2 {
		y = 1940 + (y+60)%100
	}
	if m < 1 || m > 12 || d < 1 || y < 1000 {
		return time.Time{}, saysDate
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	switch {
	case t.Day() != d || t.Month() != time.Month(m):
		return time.Time{}, saysDate
	case y >= buddhistFrom && y <= buddhistTo:
		return time.Time{}, saysBuddhist
	}
	return t, ""
}

// monthsNames are the names of the months. A prefix of a name is understood too if it has three letters or more and belongs
// to one month only.
var monthsNames = [...]string{
	"january janvier enero januar jänner gennaio janeiro",
	"february février febrero februar feber febbraio fevereiro",
	"march mars marzo märz maerz março",
	"april avril abril aprile",
	"may mai mayo maggio maio",
	"june juin junio juni giugno junho",
	"july juillet julio juli luglio julho",
	"august août agosto",
	"september septembre septiembre setiembre settembre setembro",
	"october octobre octubre oktober ottobre outubro",
	"november novembre noviembre novembro",
	"december décembre diciembre dezember dicembre dezembro",
}

var monthStarts = func() map[string]int {
	starts := map[string]int{}
	for i, names := range monthsNames {
		for name := range strings.FieldsSeq(names) {
			name = bareLetters(name)
			for n := 3; n <= len(name); n++ {
				if month, known := starts[name[:n]]; known && month != i+1 {
					starts[name[:n]] = 0
				} else if !known {
					starts[name[:n]] = i + 1
				}
			}
		}
	}
	return starts
}()

// monthNamed returns the number of the month with that name, as digits; "" for none.
func monthNamed(name string) string {
	if n := monthStarts[bareLetters(name)]; n > 0 {
		return strconv.Itoa(n)
	}
	return ""
}

// bareLetters returns a word in lower case without accents.
func bareLetters(word string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(word))
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// YearFirst returns the date of a cell, written year first, in both of its possible meanings: 03/04/2024 with the day and
// with the month first, and 25/12/24, whose year becomes clear, the same both times. ok is false for a date with one
// meaning, for a text that is no date, for a column that has a pattern or a known order, and for cells that have another
// doubt or that a person accepted.
func (c Column) YearFirst(cell Cell) (dayFirst, monthFirst string, ok bool) {
	if c.Type != Date || c.order() != NoOrder || c.Pattern != "" || !cell.sure() {
		return "", "", false
	}
	if _, plain := ParseDate(cell.Text, NoOrder); plain {
		return "", "", false
	}
	day, ok := ParseDate(cell.Text, DayFirst)
	month, _ := ParseDate(cell.Text, MonthFirst) // a date exactly when the other is one
	return day.Format(time.DateOnly), month.Format(time.DateOnly), ok
}

// sure reports whether the cell's text is taken as the text on the sheet: a person edited it, or the engine read it
// without a doubt. An accepted cell is not sure, because its text may be odd.
func (c Cell) sure() bool {
	return c.State == Edited || (c.State == Read || c.State == "") && (c.Confidence == 0 || c.Confidence >= lowConfidence)
}

package receipt

import (
	"regexp"
	"strconv"
	"strings"
)

const months = `jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?`

// The forms of a date. The tool takes O for 0, l and I for 1 now and then, and puts blanks around marks.
var (
	dayFirst  = regexp.MustCompile(`(?:^|[^\d/.-])([0-3OoIil|]?[0-9OoIil|])\s?([/.-])\s?([01OoIil|]?[0-9OoIil|])\s?[/.-]\s?((?:19|20|2O)[0-9OoIil|]{2}|[0-9OoIil|]{2})(?:[^\d/.-]|$)`)
	yearFirst = regexp.MustCompile(`(?:^|[^\d/.-])((?:19|20)\d{2})\s?([/.-])\s?(\d{1,2})\s?[/.-]\s?(\d{1,2})(?:\D|$)`)
	dayMonth  = regexp.MustCompile(`(?i)(?:^|[^\dA-Z])([0-9Oo]{1,3})[\s./-]?\s?(` + months + `)[\s.,/'-]{0,2}((?:19|20)\d{2}|\d{2})(?:\D|$)`)
	monthDay  = regexp.MustCompile(`(?i)\b(` + months + `)[\s.]{0,2}(\d{1,2})(?:st|nd|rd|th)?[\s,.]{1,2}((?:19|20)\d{2})`)
	dateWord  = regexp.MustCompile(`(?i)\b(bill|inv|biz)?\s?da[tl][ea]\b`)
)

// dateOf finds the date by its form. One on a line that says "date" goes before others; the first goes before later
// ones.
func dateOf(lines []textLine) Field {
	var found Field
	best := 0
	for _, l := range lines {
		text, ok := dateIn(l.text)
		if !ok {
			continue
		}
		score := 1
		if dateWord.MatchString(l.text) {
			score = 2
		}
		if score > best {
			best, found = score, Field{text, l.conf}
		}
	}
	return found
}

func dateIn(s string) (string, bool) {
	if m := yearFirst.FindStringSubmatch(s); m != nil && plausible(m[4], m[3], m[1]) {
		return m[1] + m[2] + m[3] + m[2] + m[4], true
	}
	if m := dayMonth.FindStringSubmatch(s); m != nil {
		day := straight(m[1])
		day = day[max(0, len(day)-2):] // a zero read twice
		if plausible(day, "1", m[3]) {
			return day + " " + m[2] + " " + m[3], true
		}
	}
	if m := monthDay.FindStringSubmatch(s); m != nil && plausible(m[2], "1", m[3]) {
		return m[1] + " " + m[2] + ", " + m[3], true
	}
	for rest := s; ; {
		at := dayFirst.FindStringSubmatchIndex(rest)
		if at == nil {
			return "", false
		}
		d, sep, m, y := straight(rest[at[2]:at[3]]), rest[at[4]:at[5]], straight(rest[at[6]:at[7]]), straight(rest[at[8]:at[9]])
		if plausible(d, m, y) || plausible(m, d, y) {
			return d + sep + m + sep + y, true
		}
		rest = rest[at[3]:]
	}
}

// straight puts back the digits that were taken for letters.
func straight(s string) string {
	return strings.NewReplacer("O", "0", "o", "0", "I", "1", "i", "1", "l", "1", "|", "1").Replace(s)
}

func plausible(day, month, year string) bool {
	d, err1 := strconv.Atoi(day)
	m, err2 := strconv.Atoi(month)
	y, err3 := strconv.Atoi(year)
	if err1 != nil || err2 != nil || err3 != nil {
		return false
	}
	return d >= 1 && d <= 31 && m >= 1 && m <= 12 && (y >= 1990 && y < 2080 || y >= 0 && y < 80)
}

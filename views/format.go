package views

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// number formats n with the language's thousands separator.
func number(ctx context.Context, n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + T(ctx, "number.thousands") + digits[i:]
	}
	return sign + digits
}

// decimal formats v with the language's decimal mark; places below 0 means as many as needed.
func decimal(ctx context.Context, v float64, places int) string {
	return strings.Replace(strconv.FormatFloat(v, 'f', places, 64), ".", T(ctx, "number.decimal"), 1)
}

// size formats a number of bytes for people.
func size(ctx context.Context, bytes int64) string {
	switch {
	case bytes >= 1<<20:
		return decimal(ctx, math.Round(float64(bytes)/(1<<20)*10)/10, -1) + " " + T(ctx, "size.mb")
	case bytes >= 1<<10:
		return strconv.FormatInt(bytes>>10, 10) + " " + T(ctx, "size.kb")
	default:
		return strconv.FormatInt(bytes, 10) + " " + T(ctx, "size.b")
	}
}

// took formats an elapsed duration: "0.4 s", "18 s", "2 min 5 s", "1 h 4 min".
func took(ctx context.Context, d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < 9950*time.Millisecond:
		return decimal(ctx, max(d.Seconds(), 0.1), 1) + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Round(time.Second).Seconds())) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// left formats an estimated duration, rounded to a precision that an estimate can have.
func left(ctx context.Context, d time.Duration) string {
	switch minutes := int(d.Round(time.Minute).Minutes()); {
	case minutes < 1:
		return T(ctx, "live.left.less")
	case minutes < 60:
		return T(ctx, "live.left", strconv.Itoa(minutes)+" min")
	default:
		return T(ctx, "live.left", fmt.Sprintf("%d h %02d min", minutes/60, minutes%60))
	}
}

// clock formats an instant, with the date only as far as needed from now.
func clock(ctx context.Context, t, now time.Time) string {
	t, now = t.Local(), now.Local()
	number := func(t time.Time) int { return t.Year()*1000 + t.YearDay() }
	switch {
	case number(t) == number(now):
		return T(ctx, "today", t.Format("15:04"))
	case number(t) == number(now.AddDate(0, 0, -1)):
		return T(ctx, "yesterday", t.Format("15:04"))
	case now.Sub(t) < 6*24*time.Hour && now.After(t):
		return strings.Fields(T(ctx, "date.weekdays"))[t.Weekday()]
	case t.Year() == now.Year():
		return day(ctx, t)
	default:
		return T(ctx, "date.year", day(ctx, t), t.Year())
	}
}

// day formats a day and a month.
func day(ctx context.Context, t time.Time) string {
	month := strings.Fields(T(ctx, "date.months"))[t.Month()-1]
	if t.Day() == 1 {
		return T(ctx, "date.first", month)
	}
	return T(ctx, "date.day", t.Day(), month)
}

// BatchName is the default name of a batch created at t.
func BatchName(ctx context.Context, t time.Time) string {
	t = t.Local()
	return T(ctx, "batch.name", T(ctx, "date.year", day(ctx, t), t.Year()), t.Format("15:04"))
}

// pace formats images per minute.
func pace(ctx context.Context, perMinute float64) string {
	if perMinute < 10 {
		return decimal(ctx, perMinute, 1)
	}
	return number(ctx, int(math.Round(perMinute)))
}

// percent formats a share; a share below the whole is never shown as 100.
func percent(part, all int) int {
	if all <= 0 {
		return 0
	}
	return part * 100 / all
}

// share formats 0.29 as "29 %".
func share(s float64) string { return strconv.Itoa(int(math.Round(s*100))) + " %" }

// usd formats an amount of US dollars.
func usd(ctx context.Context, v float64) string {
	if v > 0 && v < 0.01 {
		return decimal(ctx, v, 4)
	}
	return decimal(ctx, v, 2)
}

// money formats the total cost of calls and the number of calls with an unknown price; "" for nothing.
func money(ctx context.Context, v float64, unpriced int) string {
	switch {
	case unpriced > 0 && v > 0:
		return T(ctx, "usd.partly", usd(ctx, v), number(ctx, unpriced))
	case unpriced > 0:
		return T(ctx, "usd.unknown")
	case v > 0:
		return usd(ctx, v)
	}
	return ""
}

// calls formats calls per image, of the images with a call: those that wait, and those with the rows of another one, have none.
func calls(ctx context.Context, p Progress) string {
	called := p.Called
	if called == 0 {
		called = p.Completed + p.Failed - p.FromCache // a batch of an older program
	}
	if called <= 0 || p.Calls < called {
		return ""
	}
	return decimal(ctx, float64(p.Calls)/float64(called), 2)
}

// at formats a length for an SVG attribute, in percent.
func at(part, all float64) string {
	if all <= 0 {
		return "0%"
	}
	return strconv.FormatFloat(part/all*100, 'f', 2, 64) + "%"
}

// Segment is one part of an outcome bar.
type Segment struct {
	Status string
	X, W   string
}

// segments lays out a bar by outcome, with a hairline gap between the parts.
func segments(p Progress) []Segment {
	const hair = 0.0018
	all := float64(p.Total)
	var out []Segment
	x := 0.0
	for _, s := range []struct {
		status string
		n      int
	}{{"completed", p.Completed}, {"retrying", p.Retrying}, {"failed", p.Failed}, {"canceled", p.Canceled}, {"processing", p.Processing}} {
		w := float64(s.n)
		seen := w
		if x+w < all {
			seen = max(w-hair*all, 0)
		}
		out = append(out, Segment{s.status, at(x, all), at(seen, all)})
		x += w
	}
	return out
}

// letters returns the relative width of a column in characters: its longest word in full, a few words of longer texts, and the
// beginning of its heading.
func letters(heads []Head, lines []Line, column int) int {
	n := 4
	if column < len(heads) {
		n = max(n, min(utf8.RuneCountInString(heads[column].Name), 10))
	}
	for _, l := range lines {
		if column >= len(l.Cells) {
			continue
		}
		text := l.Cells[column].Text
		if state := l.Cells[column].State; text == "" && (state == "unreadable" || state == "lost") {
			n = max(n, utf8.RuneCountInString("unreadable")) // the word that stands there instead
		}
		n = max(n, min(utf8.RuneCountInString(text), 16))
		for word := range strings.FieldsSeq(text) {
			n = max(n, min(utf8.RuneCountInString(word), 32))
		}
	}
	return n
}

// The approximate width of a character in a cell, and of a cell's padding, in pixels.
const (
	letterWidth = 8
	cellEdges   = 21
)

// colWidths distributes the width according to the content of the columns.
func colWidths(heads []Head, lines []Line) []string {
	if len(lines) == 0 {
		return nil
	}
	widths := make([]int, len(lines[0].Cells))
	all := 0
	for i := range widths {
		widths[i] = letters(heads, lines, i)*letterWidth + cellEdges
		all += widths[i]
	}
	whole := float64(all) + min(float64(all)*0.06, 240) // the rest is for the columns of the number and the name
	out := make([]string, len(widths))
	for i, w := range widths {
		out[i] = at(float64(w), whole)
	}
	return out
}

// breadths are the possible minimum widths of a table; the style sheet has a class for each.
var breadths = []int{400, 520, 640, 800, 1000, 1300, 1700, 2200, 2900, 3800, 5000, 6500, 8500, 11000, 14500, 19000, 25000, 33000}

// breadth returns the width that the rows need before they scroll sideways, beside other columns of the given pixels.
func breadth(heads []Head, lines []Line, others int) string {
	all := others
	for i := range lines[0].Cells {
		all += letters(heads, lines, i)*letterWidth + cellEdges
	}
	for _, b := range breadths {
		if all <= b {
			return "b" + itoa(b)
		}
	}
	return "b" + itoa(breadths[len(breadths)-1])
}

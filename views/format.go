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

// number writes n with the language's mark between thousands.
func number(ctx context.Context, n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + say(ctx, "number.thousands") + digits[i:]
	}
	return sign + digits
}

// decimal writes v with the language's decimal mark; places below 0 are as many as it has.
func decimal(ctx context.Context, v float64, places int) string {
	return strings.Replace(strconv.FormatFloat(v, 'f', places, 64), ".", say(ctx, "number.decimal"), 1)
}

// size writes a number of bytes as people say it.
func size(ctx context.Context, bytes int64) string {
	switch {
	case bytes >= 1<<20:
		return decimal(ctx, math.Round(float64(bytes)/(1<<20)*10)/10, -1) + " " + say(ctx, "size.mb")
	case bytes >= 1<<10:
		return strconv.FormatInt(bytes>>10, 10) + " " + say(ctx, "size.kb")
	default:
		return strconv.FormatInt(bytes, 10) + " " + say(ctx, "size.b")
	}
}

// took writes a duration that is over: "0.4 s", "18 s", "2 min 5 s", "1 h 4 min".
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

// left writes a duration that is an estimate, no finer than it can be trusted.
func left(ctx context.Context, d time.Duration) string {
	switch minutes := int(d.Round(time.Minute).Minutes()); {
	case minutes < 1:
		return say(ctx, "live.left.less")
	case minutes < 60:
		return say(ctx, "live.left", strconv.Itoa(minutes)+" min")
	default:
		return say(ctx, "live.left", fmt.Sprintf("%d h %02d min", minutes/60, minutes%60))
	}
}

// clock writes an instant as far as it is needed from now.
func clock(ctx context.Context, t, now time.Time) string {
	t, now = t.Local(), now.Local()
	number := func(t time.Time) int { return t.Year()*1000 + t.YearDay() }
	switch {
	case number(t) == number(now):
		return say(ctx, "today", t.Format("15:04"))
	case number(t) == number(now.AddDate(0, 0, -1)):
		return say(ctx, "yesterday", t.Format("15:04"))
	case now.Sub(t) < 6*24*time.Hour && now.After(t):
		return strings.Fields(say(ctx, "date.weekdays"))[t.Weekday()]
	case t.Year() == now.Year():
		return day(ctx, t)
	default:
		return say(ctx, "date.year", day(ctx, t), t.Year())
	}
}

// day writes a day of a year.
func day(ctx context.Context, t time.Time) string {
	month := strings.Fields(say(ctx, "date.months"))[t.Month()-1]
	if t.Day() == 1 {
		return say(ctx, "date.first", month)
	}
	return say(ctx, "date.day", t.Day(), month)
}

// BatchName is what a batch that was begun at t is called until a person names it.
func BatchName(ctx context.Context, t time.Time) string {
	t = t.Local()
	return say(ctx, "batch.name", say(ctx, "date.year", day(ctx, t), t.Year()), t.Format("15:04"))
}

// pace writes images a minute.
func pace(ctx context.Context, perMinute float64) string {
	if perMinute < 10 {
		return decimal(ctx, perMinute, 1)
	}
	return number(ctx, int(math.Round(perMinute)))
}

// percent writes a share as people say it; a share that is not all never says 100.
func percent(part, all int) int {
	if all <= 0 {
		return 0
	}
	return part * 100 / all
}

// share writes 0.29 as "29 %".
func share(s float64) string { return strconv.Itoa(int(math.Round(s*100))) + " %" }

// usd writes money.
func usd(ctx context.Context, v float64) string {
	if v > 0 && v < 0.01 {
		return decimal(ctx, v, 4)
	}
	return decimal(ctx, v, 2)
}

// calls writes calls an image.
func calls(ctx context.Context, p Progress) string {
	begun := p.Done() + p.Processing + p.Retrying
	if begun == 0 {
		return ""
	}
	return decimal(ctx, float64(p.Calls)/float64(begun), 2)
}

// at writes a length for an attribute of a rect, in percent.
func at(part, all float64) string {
	if all <= 0 {
		return "0%"
	}
	return strconv.FormatFloat(part/all*100, 'f', 2, 64) + "%"
}

// Segment is one piece of an outcome bar.
type Segment struct {
	Status string
	X, W   string
}

// segments lays a bar out by outcome, with a hair's breadth between the pieces.
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

// letters is how many characters a column needs beside each other: its longest word whole, of longer texts some words,
// of its heading the beginning.
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
		n = max(n, min(utf8.RuneCountInString(text), 16))
		for word := range strings.FieldsSeq(text) {
			n = max(n, min(utf8.RuneCountInString(word), 32))
		}
	}
	return n
}

// A letter of a cell takes about that much, and so do the blank edges of one, in pixels.
const (
	letterWidth = 8
	cellEdges   = 21
)

// colWidths shares the breadth out by what the columns hold.
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
	out := make([]string, len(widths))
	for i, w := range widths {
		out[i] = at(float64(w), float64(all)*1.06)
	}
	return out
}

// breadths are the least widths that a table can have; the style sheet knows a class for each.
var breadths = []int{400, 520, 640, 800, 1000, 1300, 1700, 2200, 2900, 3800, 5000, 6500}

// breadth is how much room the rows need before they scroll sideways, beside other columns of that many pixels.
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

package views

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// number writes n with a comma between thousands.
func number(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// size writes a number of bytes as people say it.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<20:
		return strconv.FormatFloat(math.Round(float64(bytes)/(1<<20)*10)/10, 'f', -1, 64) + " MB"
	case bytes >= 1<<10:
		return strconv.FormatInt(bytes>>10, 10) + " KB"
	default:
		return strconv.FormatInt(bytes, 10) + " B"
	}
}

// took writes a duration that is over: "0.4 s", "18 s", "2 min 5 s", "1 h 4 min".
func took(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < 9950*time.Millisecond:
		return strconv.FormatFloat(max(d.Seconds(), 0.1), 'f', 1, 64) + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Round(time.Second).Seconds())) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// left writes a duration that is an estimate, no finer than it can be trusted.
func left(d time.Duration) string {
	switch minutes := int(d.Round(time.Minute).Minutes()); {
	case minutes < 1:
		return say("live.left.less")
	case minutes < 60:
		return say("live.left", strconv.Itoa(minutes)+" min")
	default:
		return say("live.left", fmt.Sprintf("%d h %02d min", minutes/60, minutes%60))
	}
}

// until writes how long something still waits: "37 s", "5 min", "3 h".
func until(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return strconv.Itoa(int(math.Ceil(d.Seconds()))) + " s"
	case d < 90*time.Minute:
		return strconv.Itoa(int(math.Ceil(d.Minutes()))) + " min"
	default:
		return strconv.Itoa(int(math.Ceil(d.Hours()))) + " h"
	}
}

// clock writes an instant as far as it is needed from now.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	day := func(t time.Time) int { return t.Year()*1000 + t.YearDay() }
	switch {
	case day(t) == day(now):
		return say("today", t.Format("15:04"))
	case day(t) == day(now.AddDate(0, 0, -1)):
		return say("yesterday", t.Format("15:04"))
	case now.Sub(t) < 6*24*time.Hour && now.After(t):
		return t.Format("Monday")
	case t.Year() == now.Year():
		return t.Format("2 January")
	default:
		return t.Format("2 January 2006")
	}
}

// pace writes images a minute.
func pace(perMinute float64) string {
	if perMinute < 10 {
		return strconv.FormatFloat(perMinute, 'f', 1, 64)
	}
	return number(int(math.Round(perMinute)))
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
func usd(v float64) string {
	if v > 0 && v < 0.01 {
		return strconv.FormatFloat(v, 'f', 4, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// calls writes calls an image.
func calls(p Progress) string {
	begun := p.Done() + p.Processing + p.Retrying
	if begun == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(p.Calls)/float64(begun), 'f', 2, 64)
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

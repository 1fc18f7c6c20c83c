package receipt

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	money = regexp.MustCompile(`\d{1,3}(?:[, ]\d{3})+[.,]\s?\d{2}\b|\d+\s?[.,:]\s?\d{2}\b`)
	// loose takes a lost point too; only where the line says that it is the total.
	loose = regexp.MustCompile(`\d+[.,: ]\s?\d{2}\b`)

	totalWord = regexp.MustCompile(`(?i)\bt[o0]ta[l1i]?\b|total|\bpayable\b|\bamount due\b|\bbalance due\b|to be paid|\bamt due\b|\bdue\b|\bnett?\b`)
	grandWord = regexp.MustCompile(`(?i)grand|\bnett?\b|payable|amount due|to be paid|round(ed|ing)|incl|with gst|after`)
	notTotal  = regexp.MustCompile(`(?i)\bsu[be]\b|sub-?\s?total|sub-|qty|quantit|items?\b|discount|saving|excl|%\s?supplies|tax(able)? (am|to)|before|points?|nett? of`)
	taxTotal  = regexp.MustCompile(`(?i)(total|tota[l1])\W{0,3}[@\d%]*\s?(gst|tax|sst|vat)|(gst|tax)\b.{0,12}(total|payable)`)
	taxInside = regexp.MustCompile(`(?i)total includ|bill inclu|includes? \d`)
	cashWord  = regexp.MustCompile(`(?i)\bcash\b|tender|\bpaid\b|visa|master|payment|received|\bpay\b`)
	change    = regexp.MustCompile(`(?i)change|balance`)
	summary   = regexp.MustCompile(`(?i)(gst|tax|sst|vat)\s?(summ|anal|code|spec)|goods? sold`)
)

// totalOf finds the amount that was to pay: on a line that says so, later lines before earlier ones, and better so
// when cash less change comes to the same.
func totalOf(lines []textLine) Field {
	seen := map[int]int{} // how often each amount stands on the receipt
	cash, back := -1, -1
	for _, l := range lines {
		for _, c := range amounts(l.text, money) {
			seen[c]++
		}
		if c, ok := lastAmount(l.text, money); ok {
			if change.MatchString(l.text) {
				back = c
			} else if cashWord.MatchString(l.text) && !totalWord.MatchString(l.text) {
				cash = c
			}
		}
	}
	paid := -1
	if cash >= 0 && back >= 0 && cash > back {
		paid = cash - back
	}
	var found Field
	best := 0.0
	after := false // below the summary of taxes stand totals of taxes
	for i, l := range lines {
		after = after || summary.MatchString(l.text)
		score, amount, ok := scoreTotal(lines, i)
		if !ok {
			continue
		}
		if after {
			score -= 3
		}
		if amount == paid {
			score += 2
		}
		if seen[amount] > 1 {
			score++
		}
		if score > 0 && score >= best {
			best, found = score, Field{cents(amount), l.conf}
		}
	}
	switch {
	case found.Text != "" && (paid <= 0 || best >= 4):
		return found
	case paid > 0:
		return Field{cents(paid), 60}
	case found.Text != "":
		return found
	case cash > 0:
		return Field{cents(cash), 40}
	}
	return Field{}
}

// scoreTotal says how much line i looks like the one with the total, and which amount it names: its last one, or that
// of the next line when it has none.
func scoreTotal(lines []textLine, i int) (score float64, amount int, ok bool) {
	text := lines[i].text
	if !totalWord.MatchString(text) {
		return 0, 0, false
	}
	amount, ok = lastAmount(text, money)
	if !ok {
		amount, ok = lastAmount(text, loose)
	}
	score = 3
	if !ok && i+1 < len(lines) && !totalWord.MatchString(lines[i+1].text) {
		if amount, ok = lastAmount(lines[i+1].text, money); ok {
			score--
		}
	}
	if !ok || amount == 0 {
		return 0, 0, false
	}
	if grandWord.MatchString(text) && !strings.Contains(lines[i].lower, "excl") {
		score++
	}
	if notTotal.MatchString(text) {
		score -= 2
	}
	if taxTotal.MatchString(text) && !strings.Contains(lines[i].lower, "incl") {
		score -= 2.5
	}
	if taxInside.MatchString(text) {
		score -= 4
	}
	return score, amount, true
}

func lastAmount(s string, form *regexp.Regexp) (int, bool) {
	all := amounts(s, form)
	if len(all) == 0 {
		return 0, false
	}
	return all[len(all)-1], true
}

// amounts returns the amounts in s in cents.
func amounts(s string, form *regexp.Regexp) []int {
	var all []int
	for _, m := range form.FindAllString(s, -1) {
		digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, m)
		if n, err := strconv.Atoi(digits); err == nil && len(digits) < 12 {
			all = append(all, n)
		}
	}
	return all
}

func cents(n int) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }

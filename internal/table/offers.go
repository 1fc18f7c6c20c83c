package table

import (
	"slices"
	"strings"
	"unicode"
)

// maxOffers is the number of values that are offered for one cell: one key each, seen at a glance.
const maxOffers = 4

// Offers returns the values that a cell in doubt may have instead of its text, the most probable first: at most 4, none equal
// to the text, none twice. words are the values that other cells of the column have for certain. kind and message are those of
// the cell's doubts.
func (c Column) Offers(cell Cell, doubts []Issue, words []string) []string {
	var all []string
	offer := func(values ...string) {
		for _, v := range values {
			v = strings.TrimSpace(v)
			if v != "" && v != strings.TrimSpace(cell.Text) && !slices.Contains(all, v) && len(all) < maxOffers {
				all = append(all, v)
			}
		}
	}
	for _, d := range doubts {
		switch d.Kind {
		case KindWitness:
			offer(quoted(saysOther, d.Message))
		case KindForm:
			offer(quoted(saysForm, d.Message))
		}
	}
	switch c.Type {
	case Number:
		offer(c.numbersFor(cell.Text)...)
	case Date:
		if day, month, ok := c.YearFirst(cell); ok {
			offer(day, month)
		}
	case Choice:
		offer(nearest(cell.Text, c.Choices, max(2, len([]rune(cell.Text))/2))...)
	}
	if c.Type == Text || c.Type == "" {
		offer(nearest(cell.Text, words, max(1, len([]rune(cell.Text))/5))...)
	}
	return all
}

// numbersFor returns the numbers that a text may mean: with a decimal comma and with a decimal point, and with digits for
// letters that look like them.
func (c Column) numbersFor(text string) []string {
	texts := []string{text}
	if digits, ok := numberFrom(strings.TrimSpace(text)); ok && digits != text {
		texts = append(texts, digits)
	}
	var all []string
	for _, t := range texts {
		if n, ok := ParseNumber(t, c.Decimal); ok && t != text {
			all = append(all, n.Text)
			continue
		}
		point, first := ParseNumber(t, PointMark)
		comma, second := ParseNumber(t, CommaMark)
		if first && second && point.Text != comma.Text {
			all = append(all, point.Text, comma.Text)
		}
	}
	return all
}

// nearest returns the words at most so many changed characters away from a text, the nearest first. A text with digits names
// a thing, not a word: for it nothing is near.
func nearest(text string, words []string, limit int) []string {
	text = strings.TrimSpace(text)
	if text == "" || strings.ContainsFunc(text, unicode.IsDigit) {
		return nil
	}
	type near struct {
		word string
		far  int
	}
	var all []near
	from := []rune(strings.ToLower(text))
	for _, w := range words {
		to := []rune(strings.ToLower(w))
		if len(to)-len(from) > limit || len(from)-len(to) > limit {
			continue
		}
		if far := distance(from, to); far <= limit && w != text {
			all = append(all, near{w, far})
		}
	}
	slices.SortStableFunc(all, func(a, b near) int { return a.far - b.far })
	out := make([]string, len(all))
	for i, n := range all {
		out[i] = n.word
	}
	return out
}

// distance returns the number of characters to insert, delete or replace between two texts.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		corner := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := corner
			if x != y {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

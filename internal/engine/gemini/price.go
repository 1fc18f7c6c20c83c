package gemini

import (
	"strings"
	"time"

	"sheetlift/internal/engine"
)

// price is what a model costs from a day on, in US dollars per million tokens. Thinking is billed as output.
type price struct {
	model                 string
	from                  string // first day, UTC
	input, output, cached float64
}

// prices are Google's list prices as published in November 2026, oldest first for each model. The last one whose day
// has come counts. cached is what input costs that the service had in its cache; where it is not published, input.
var prices = []price{
	{"gemini-3.8-flash", "2026-09-02", 0.75, 3.75, 0.075},
	{"gemini-3.8-flash", "2027-01-01", 1.50, 7.50, 0.15},
	{"gemini-3.6-flash", "2026-07-21", 1.50, 7.50, 1.50},
	{"gemini-3.5-flash-lite", "2026-07-21", 0.30, 2.50, 0.30},
	{"gemini-3.1-flash-lite", "2026-05-07", 0.25, 1.50, 0.25},
	{"gemini-4-argon", "2026-10-13", 2.00, 10.00, 0.10},
	{"gemini-4-argon", "2026-12-01", 4.00, 20.00, 0.20},
	{"gemini-3.1-pro-preview", "2026-02-01", 2.00, 12.00, 2.00},
	{"gemini-2.5-flash-lite", "2025-07-22", 0.10, 0.40, 0.10},
}

// priceOf returns the price of a model on a day. Numbered versions ("…-001") cost what their model costs; a model that
// is not in the table has no price.
func priceOf(model string, at time.Time) (price, bool) {
	day := at.UTC().Format(time.DateOnly)
	name := strings.TrimPrefix(model, "models/")
	if base, version, ok := cutLast(name, "-"); ok && len(version) == 3 && strings.Trim(version, "0123456789") == "" {
		name = base
	}
	var found price
	for _, p := range prices {
		if p.model == name && p.from <= day {
			found = p
		}
	}
	return found, found.model != ""
}

// priced adds to usage what it cost, by the model that answered or else by the one that was asked.
func priced(u engine.Usage, cachedTokens int, served, asked string, at time.Time) engine.Usage {
	p, ok := priceOf(served, at)
	if !ok {
		p, ok = priceOf(asked, at)
	}
	if ok {
		cachedTokens = min(max(cachedTokens, 0), u.PromptTokens)
		u.USD = (float64(u.PromptTokens-cachedTokens)*p.input + float64(cachedTokens)*p.cached +
			float64(u.OutputTokens)*p.output) / 1e6
	}
	return u
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

package export_test

import (
	"testing"

	"sheetlift/internal/batch"
)

func TestTheSummaryDoesNotCallAnUnknownPriceNothing(t *testing.T) {
	t.Parallel()
	b := inventory(t)
	b.Order = []int{1, 2}
	tried := func(n int, usd float64, priced bool) *batch.Image {
		m := image(n, "", []string{"Lamp"})
		m.Tries, m.Attempts = 1, []batch.Attempt{{N: 1, Engine: "gemini", Prompt: 1000, Output: 100, USD: usd, Priced: priced, Started: noon, Ended: noon}}
		return m
	}
	for _, c := range []struct {
		name           string
		images         []*batch.Image
		cost, unpriced string
	}{
		{"all known", []*batch.Image{tried(1, 0.25, true), tried(2, 0.5, true)}, "0.7500", ""},
		{"one unknown", []*batch.Image{tried(1, 0.25, true), tried(2, 0, false)}, "0.2500", "1"},
		{"none known", []*batch.Image{tried(1, 0, false), tried(2, 0, false)}, "not known", "2"},
		{"free", []*batch.Image{tried(1, 0, true), tried(2, 0, true)}, "0.0000", ""},
	} {
		facts := map[string]string{}
		for _, row := range rows(t, open(t, write(t, b, c.images...)), "Summary") {
			if len(row) > 1 {
				facts[row[0]] = row[1]
			}
		}
		if facts["Cost in US dollars"] != c.cost || facts["Calls without a known price"] != c.unpriced {
			t.Errorf("%s: cost %q, without a price %q", c.name, facts["Cost in US dollars"], facts["Calls without a known price"])
		}
	}
}

package gemini

import (
	"strings"
	"time"

	"sheetlift/internal/engine"
)

// priceOf returns the price of a model on a day. Numbered versions ("…-001") have the price of their model, and a
// model that another one answers for has the price of the other. An unknown model has no price.
func (c *Catalogue) priceOf(model string, at time.Time) (found Price, known bool) {
	m, _ := c.find(c.servedBy(model, at))
	day := at.UTC().Format(time.DateOnly)
	for _, p := range m.Prices {
		if p.From <= day {
			found, known = p, true
		}
	}
	return found, known
}

// priced adds the cost to usage, by the model that answered, or by the requested one if the answer does not name a
// model. If the price of the model or the factor of the tier is unknown, usage stays unpriced.
func (c *Catalogue) priced(u engine.Usage, cachedTokens int, served, asked, tier string, at time.Time) engine.Usage {
	if served == "" {
		served = asked
	}
	factor := 1.0
	if tier = strings.ToLower(tier); tier != "" && tier != "standard" && !strings.Contains(tier, "unspecified") && tier != "on_demand" {
		factor = c.tiers[tier]
	}
	p, ok := c.priceOf(served, at)
	if !ok || factor == 0 {
		return u
	}
	cached := p.Input
	if p.Cached != nil {
		cached = *p.Cached
	}
	cachedTokens = min(max(cachedTokens, 0), u.PromptTokens)
	u.USD = factor * (float64(u.PromptTokens-cachedTokens)*p.Input + float64(cachedTokens)*cached + float64(u.OutputTokens)*p.Output) / 1e6
	u.Priced = true
	return u
}

package gemini

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/genai"

	"sheetlift/internal/keypool"
)

const (
	listEvery   = time.Hour       // interval of listing the service's models
	listRetry   = 5 * time.Minute // after a failure
	listTimeout = 20 * time.Second
)

// Offer is a model that people may choose.
type Offer struct {
	ID       string
	Thinking []string // the supported levels, lowest first; nil: none
	Input    float64  // US dollars per million tokens today
	Output   float64
	Priced   bool // the price is known
}

// Run lists the service's models periodically, until ctx ends. After a failure the previous list stays; without any
// list the known models are offered.
func (e *Engine) Run(ctx context.Context) error {
	for {
		wait := listEvery
		if e.opt.Pool.Len() == 0 || e.List(ctx) != nil {
			wait = listRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// List lists the service's models with an active key, and keeps the result for Offers.
func (e *Engine) List(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	key, works := e.opt.Pool.ActiveKey()
	if !works {
		return keypool.ErrNoKeys
	}
	client, err := e.clients.of(ctx, "", key.Secret)
	if err != nil {
		return err
	}
	var found []*genai.Model
	for m, err := range client.Models.All(withExchange(ctx, &exchange{})) {
		if err != nil {
			return err
		}
		found = append(found, m)
	}
	if len(found) > 0 {
		e.served.mu.Lock()
		e.served.list = found
		e.served.mu.Unlock()
	}
	return nil
}

// Offers returns the models that people may choose at a time: the known ones that the service has, and further ones
// of the service whose names suggest that they can read a picture. The configured model is always among them.
func (e *Engine) Offers(at time.Time) []Offer {
	e.served.mu.Lock()
	list := e.served.list
	e.served.mu.Unlock()
	var all []Offer
	add := func(id string, thinking []string) {
		if slices.ContainsFunc(all, func(o Offer) bool { return o.ID == id }) {
			return
		}
		o := Offer{ID: id, Thinking: thinking}
		if p, known := e.opt.Models.priceOf(id, at); known {
			o.Input, o.Output, o.Priced = p.Input, p.Output, true
		}
		all = append(all, o)
	}
	there := func(id string) bool {
		return list == nil || slices.ContainsFunc(list, func(m *genai.Model) bool { return baseName(m.Name) == id })
	}
	own, _ := e.opt.Models.find(e.opt.Model)
	add(e.opt.Model, own.Thinking)
	for _, m := range e.opt.Models.models {
		if m.Offer && there(m.ID) && (m.Ends == "" || m.Ends > at.UTC().Format(time.DateOnly)) {
			add(m.ID, m.Thinking)
		}
	}
	for _, m := range list {
		if _, known := e.opt.Models.find(m.Name); !known && canReadPictures(m) {
			var thinking []string
			if m.Thinking {
				thinking = []string{"low", "medium", "high"}
			}
			add(baseName(m.Name), thinking)
		}
	}
	return all
}

// thinking returns the level of thinking to send to a model, "" for none: the catalogue's, but none for a model
// that the catalogue does not know and that the service lists as not thinking. It would refuse a level.
func (e *Engine) thinking(model, asked string) string {
	if _, known := e.opt.Models.find(model); !known {
		e.served.mu.Lock()
		list := e.served.list
		e.served.mu.Unlock()
		i := slices.IndexFunc(list, func(m *genai.Model) bool { return baseName(m.Name) == baseName(model) })
		if i >= 0 && !list[i].Thinking {
			return ""
		}
	}
	return e.opt.Models.thinking(model, asked)
}

// others are words in the names of models for other purposes.
var others = []string{"image", "tts", "audio", "live", "embedding", "robotics", "computer-use", "latest", "gemma", "veo", "lyria", "aqa"}

// canReadPictures reports whether an unknown model may read a picture.
func canReadPictures(m *genai.Model) bool {
	name := baseName(m.Name)
	return strings.HasPrefix(name, "gemini-") && slices.Contains(m.SupportedActions, "generateContent") &&
		!slices.ContainsFunc(others, func(w string) bool { return strings.Contains(name, w) })
}

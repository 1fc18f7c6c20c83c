package gemini

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// builtIn holds the published data of Google's models as of the build: see docs/models.md for its form.
//
//go:embed models.json
var builtIn []byte

// Model describes one model. A file of these, in the form of models.json, extends or corrects the built-in ones.
type Model struct {
	ID           string   `json:"id"`
	Offer        bool     `json:"offer"`    // people may choose it
	Thinking     []string `json:"thinking"` // the supported levels, lowest first; none: no level is sent
	Prices       []Price  `json:"prices"`   // the last one whose day has come is valid; none: the price is unknown
	AnsweredBy   string   `json:"answered_by,omitempty"`
	AnsweredFrom string   `json:"answered_from,omitempty"` // the first day, in UTC, on which AnsweredBy answers in its place
	Ends         string   `json:"ends,omitempty"`          // the announced day of its shutdown
}

// Price is the price of a model from a day on, in US dollars per million tokens. Thinking is billed as output.
type Price struct {
	From   string   `json:"from"` // first day, in UTC
	Input  float64  `json:"input"`
	Output float64  `json:"output"`
	Cached *float64 `json:"cached,omitempty"` // of input found in the service's cache; missing: as Input
}

// Catalogue holds the known models by name.
type Catalogue struct {
	models []Model
	tiers  map[string]float64 // price factors of the service's tiers
}

// LineError is a fault in a file of models.
type LineError struct {
	Line   int
	Reason string
}

// Error returns the line and the reason.
func (e *LineError) Error() string { return fmt.Sprintf("line %d %s", e.Line, e.Reason) }

// BuiltIn returns the catalogue that is part of the program.
func BuiltIn() *Catalogue {
	c := &Catalogue{tiers: map[string]float64{}}
	if err := c.Extend(builtIn); err != nil {
		panic("models.json: " + err.Error()) // a test reads it
	}
	return c
}

// Extend adds a file of models: a model that is known already is replaced as a whole. The error is a *LineError.
func (c *Catalogue) Extend(file []byte) error {
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	at := func(offset int64, reason string) error {
		offset = min(offset, int64(len(file)))
		return &LineError{1 + bytes.Count(file[:offset], []byte("\n")), reason}
	}
	var outer struct {
		Models []json.RawMessage  `json:"models"`
		Tiers  map[string]float64 `json:"tiers"`
	}
	if err := strict(file, &outer); err != nil {
		return at(offsetOf(err, int64(len(file))), "is not what is wanted here: "+err.Error())
	}
	from := int64(0)
	for _, raw := range outer.Models {
		from += int64(bytes.Index(file[from:], raw))
		var m Model
		if err := strict(raw, &m); err != nil {
			return at(from+offsetOf(err, 0), "is not a model: "+strings.TrimPrefix(err.Error(), "json: "))
		}
		if reason := m.validate(); reason != "" {
			return at(from, reason)
		}
		if i := slices.IndexFunc(c.models, func(have Model) bool { return have.ID == m.ID }); i >= 0 {
			c.models[i] = m
		} else {
			c.models = append(c.models, m)
		}
		from += int64(len(raw))
	}
	for tier, factor := range outer.Tiers {
		if factor <= 0 || factor > 10 {
			return at(max(0, int64(bytes.Index(file, []byte(`"tiers"`)))), fmt.Sprintf("multiplies the price of %q by %v; it should be more than 0 and at most 10", tier, factor))
		}
		c.tiers[tier] = factor
	}
	return nil
}

func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind its end")
	}
	return nil
}

func offsetOf(err error, otherwise int64) int64 {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return e.Offset
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return e.Offset
	}
	return otherwise
}

// validate returns the reason why m cannot be used, or "".
func (m Model) validate() string {
	isDay := func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil }
	switch {
	case m.ID == "" || strings.ContainsAny(m.ID, "/ \t\n:"):
		return fmt.Sprintf("has a model with the id %q; give it its name, such as gemini-3.8-flash", m.ID)
	case (m.AnsweredBy == "") != (m.AnsweredFrom == ""), m.AnsweredFrom != "" && !isDay(m.AnsweredFrom):
		return fmt.Sprintf("says of %s who answers for it without a day such as 2026-12-01, or the day alone", m.ID)
	case m.Ends != "" && !isDay(m.Ends):
		return fmt.Sprintf("says that %s ends on %q; write a day such as 2026-12-01", m.ID, m.Ends)
	}
	for _, level := range m.Thinking {
		if !slices.Contains(levels, level) {
			return fmt.Sprintf("gives %s the level of thinking %q; there are %s", m.ID, level, strings.Join(levels, ", "))
		}
	}
	for i, p := range m.Prices {
		switch {
		case !isDay(p.From):
			return fmt.Sprintf("has a price of %s from %q on; write a day such as 2026-12-01", m.ID, p.From)
		case p.Input < 0 || p.Output < 0 || p.Cached != nil && *p.Cached < 0:
			return fmt.Sprintf("has a price of %s below 0", m.ID)
		case i > 0 && p.From <= m.Prices[i-1].From:
			return fmt.Sprintf("has the prices of %s out of order; write the oldest first", m.ID)
		}
	}
	return ""
}

// levels lists the levels of thinking, lowest first.
var levels = []string{"minimal", "low", "medium", "high", "xhigh"}

// find returns a model by its name, with or without "models/" and a version such as "-001".
func (c *Catalogue) find(name string) (Model, bool) {
	i := slices.IndexFunc(c.models, func(m Model) bool { return m.ID == baseName(name) })
	if i < 0 {
		return Model{}, false
	}
	return c.models[i], true
}

// servedBy returns the model that answers for a model on a day, as announced.
func (c *Catalogue) servedBy(name string, at time.Time) string {
	if m, ok := c.find(name); ok && m.AnsweredBy != "" && m.AnsweredFrom <= at.UTC().Format(time.DateOnly) {
		return m.AnsweredBy
	}
	return baseName(name)
}

// thinking returns the level to send: the requested one if the model has it, else the lowest that it has. An
// unknown model is assumed to have low, as all have had since Gemini 3.
func (c *Catalogue) thinking(model, asked string) string {
	m, ok := c.find(model)
	switch {
	case !ok && asked == "":
		return "low"
	case !ok || slices.Contains(m.Thinking, asked):
		return asked
	case slices.Contains(m.Thinking, "low"): // minimal loses more quality than it saves
		return "low"
	case len(m.Thinking) > 0:
		return m.Thinking[0]
	}
	return ""
}

// baseName returns a model's name without "models/" and without a version such as "-001", as used in the price
// list.
func baseName(name string) string {
	name = strings.TrimPrefix(name, "models/")
	if i := strings.LastIndex(name, "-"); i > 0 && len(name)-i == 4 && strings.Trim(name[i+1:], "0123456789") == "" {
		return name[:i]
	}
	return name
}

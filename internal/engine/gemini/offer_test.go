package gemini

import (
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/gemini/simulator"
)

func TestTheModelsOfferedAreThoseThatTheServiceHas(t *testing.T) {
	t.Parallel()
	s := simulator.Start(t, simulator.Options{
		Keys:   []simulator.Key{{Value: secret, Label: "key 1"}},
		Models: []string{"gemini-3.8-flash", "gemini-2.5-flash", "gemini-9-xenon", "gemini-9-xenon-image", "gemini-4-hydrogen"},
	})
	e, _ := over(t, Options{BaseURL: s.URL}, secret)
	ids := func() (all []string) {
		for _, o := range e.Offers(day("2026-12-01")) {
			all = append(all, o.ID)
		}
		return all
	}
	if built := ids(); built[0] != DefaultModel || !slices.Contains(built, "gemini-4-argon") || slices.Contains(built, "gemini-2.5-pro") {
		t.Errorf("before the service listed its models: %v", built)
	}
	if err := e.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := ids(); !slices.Equal(now, []string{"gemini-3.8-flash", "gemini-4-hydrogen", "gemini-9-xenon"}) {
		t.Errorf("afterwards: %v", now)
	}
	for _, o := range e.Offers(day("2026-12-01")) {
		if o.Priced == (o.ID == "gemini-9-xenon") || slices.Contains(o.Thinking, "xhigh") != (o.ID == "gemini-4-hydrogen") {
			t.Errorf("%+v", o)
		}
	}
	down := simulator.PayloadAnswer("503-overloaded")
	s.SetOutage(&down)
	if err := e.List(t.Context()); err == nil {
		t.Error("no error in an outage")
	}
	if now := ids(); len(now) != 3 {
		t.Errorf("after a failure: %v", now)
	}
}

func TestAModelThatTheServiceSaysDoesNotThinkIsSentNoLevel(t *testing.T) {
	t.Parallel()
	always := simulator.TextAnswer(good)
	s := simulator.Start(t, simulator.Options{
		KeepBody: true, Keys: []simulator.Key{{Value: secret, Label: "key 1", Always: &always}},
		Models: []string{"gemini-3.8-flash", "gemini-9-neon-001", "gemini-9-xenon"}, Plain: []string{"gemini-3.8-flash", "gemini-9-neon-001"},
	})
	e, _ := over(t, Options{BaseURL: s.URL}, secret)
	if err := e.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ model, asked, sent string }{
		{"gemini-9-neon-001", "", ""}, {"gemini-9-neon-001", "high", ""}, {"gemini-9-xenon", "", "LOW"}, {"gemini-9-xenon", "high", "HIGH"},
		{"gemini-3.8-flash", "", "LOW"}, // the catalogue knows it
	} {
		if _, f := ask(t, e, engine.Request{Model: c.model, Thinking: c.asked}); f != nil {
			t.Fatal(f)
		}
		calls := s.Calls()
		body := string(calls[len(calls)-1].Body)
		if c.sent == "" && strings.Contains(body, "thinking") || c.sent != "" && !strings.Contains(body, `"thinkingLevel":"`+c.sent+`"`) {
			t.Errorf("%s asked for %q: %s", c.model, c.asked, body)
		}
	}
}

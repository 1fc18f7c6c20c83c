package gemini

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/gemini/simulator"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestPricesFollowTheCalendarTheServedModelAndTheTier(t *testing.T) {
	t.Parallel()
	million := engine.Usage{PromptTokens: 1_000_000, OutputTokens: 1_000_000}
	for _, c := range []struct {
		served, asked, tier, day string
		cached                   int
		usd                      float64
		known                    bool
	}{
		{"gemini-3.8-flash", "", "", "2026-12-31", 0, 4.50, true},
		{"gemini-3.8-flash", "", "", "2027-01-01", 0, 9.00, true},
		{"gemini-3.8-flash-001", "", "standard", "2026-12-31", 1_000_000, 3.825, true},
		{"gemini-3.8-flash", "", "flex", "2026-12-31", 0, 2.25, true},
		{"gemini-3.8-flash", "", "priority", "2026-12-31", 0, 9.00, true},
		{"gemini-3.8-flash", "", "express", "2026-12-31", 0, 0, false},
		{"gemini-4-carbon", "", "", "2026-11-30", 0, 12, true},
		{"gemini-4-carbon", "", "", "2026-12-01", 0, 24, true},
		{"gemini-4-argon", "", "", "2026-12-01", 0, 24, true},
		{"gemini-4-hydrogen", "", "", "2026-11-30", 0, 9, true},
		{"gemini-4-neon", "", "", "2026-11-30", 0, 18, true},
		{"", "gemini-2.5-pro", "", "2026-12-01", 0, 4.50, true},
		{"", "gemini-2.5-pro", "", "2026-11-30", 0, 0, false},
		{"gemini-9-xenon", "gemini-3.8-flash", "", "2026-12-01", 0, 0, false},
		{"gemini-3.8-flash", "", "", "2026-09-01", 0, 0, false},
	} {
		u := BuiltIn().priced(million, c.cached, c.served, c.asked, c.tier, day(c.day))
		if diff := u.USD - c.usd; u.Priced != c.known || diff > 1e-9 || diff < -1e-9 {
			t.Errorf("%s (asked %s) %s on %s: %v, known %v; want %v, %v", c.served, c.asked, c.tier, c.day, u.USD, u.Priced, c.usd, c.known)
		}
	}
}

func TestAFileOfModelsAddsAndCorrects(t *testing.T) {
	t.Parallel()
	c := BuiltIn()
	err := c.Extend([]byte(`{"models": [
		{"id": "house-model", "offer": true, "thinking": [], "prices": [{"from": "2026-01-01", "input": 0, "output": 0}]},
		{"id": "gemini-3.8-flash", "offer": true, "thinking": ["high"], "prices": [{"from": "2026-01-01", "input": 1, "output": 1}]}
	], "tiers": {"flex": 0.25}}`))
	if err != nil {
		t.Fatal(err)
	}
	at := day("2026-12-01")
	if u := c.priced(engine.Usage{PromptTokens: 10}, 0, "house-model", "", "", at); !u.Priced || u.USD != 0 {
		t.Errorf("a model that costs nothing: %+v", u)
	}
	if u := c.priced(engine.Usage{PromptTokens: 1_000_000}, 0, "gemini-3.8-flash", "", "flex", at); u.USD != 0.25 {
		t.Errorf("another price: %+v", u)
	}
	if l := c.thinking("gemini-3.8-flash", "low") + c.thinking("house-model", "high"); l != "high" {
		t.Errorf("levels: %q", l)
	}
}

func TestAFaultInAFileOfModelsNamesItsLine(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]struct {
		line int
		word string
	}{
		"{\n\"models\": [\n  {\"id\": \"x\"\n}":                                                        {4, "wanted"},
		"{\"models\": [\n  {\"id\": \"a\"},\n  {\"id\": \"b\", \"cost\": 3}\n]}":                       {3, "cost"},
		"{\"models\": [\n\n  {\"id\": \"a\", \"thinking\": [\"deep\"]}]}":                              {3, "deep"},
		"{\"models\": [\n  {\"id\": \"a\", \"prices\": [{\"from\": \"soon\", \"input\": 1}]}]}":        {2, "soon"},
		"{\"models\": [\n  {\"id\": \"a\", \"prices\": [{\"from\": \"2026-01-01\", \"input\": -1}]}]}": {2, "below 0"},
		"{\"models\": [],\n\n\"tiers\": {\"flex\": 50}}":                                               {3, "flex"},
		"{\"models\": [\n{\"id\": \"\"}]}":                                                             {2, "id"},
		"[]":                                                                                           {1, "wanted"},
	} {
		err := BuiltIn().Extend([]byte(file))
		line, ok := errors.AsType[*LineError](err)
		if !ok || line.Line != want.line || !strings.Contains(err.Error(), want.word) {
			t.Errorf("%s: %v, want line %d and %q", file, err, want.line, want.word)
		}
	}
}

func TestTheServiceIsAskedNotToKeepRequestsAndSentNothingItWillRefuse(t *testing.T) {
	t.Parallel()
	for _, keeps := range []bool{true, false} {
		e, _, s := one(t, Options{NoStore: !keeps}, simulator.TextAnswer(good))
		if _, f := ask(t, e, engine.Request{}); f != nil {
			t.Fatal(f)
		}
		body := string(s.Calls()[0].Body)
		if strings.Contains(body, `"store":false`) == keeps || strings.Contains(body, `"store":true`) {
			t.Errorf("keeps %v: %s", keeps, body)
		}
		for _, word := range []string{"temperature", "topP", "topK", "thinkingBudget", "responseSchema"} {
			if strings.Contains(body, `"`+word+`"`) {
				t.Errorf("%s is sent: %s", word, body)
			}
		}
	}
}

func TestAModelIsAskedToThinkAsMuchAsAPersonWantsAndItCan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ model, asked, sent string }{
		{"gemini-3.8-flash", "", "LOW"}, {"gemini-3.8-flash", "high", "HIGH"}, {"gemini-3.8-flash", "xhigh", "LOW"},
		{"gemini-4-hydrogen", "xhigh", "XHIGH"}, {"gemini-2.5-flash-lite", "high", ""}, {"gemini-9-xenon", "", "LOW"},
	} {
		e, _, s := one(t, Options{}, simulator.TextAnswer(good))
		if _, f := ask(t, e, engine.Request{Model: c.model, Thinking: c.asked}); f != nil {
			t.Fatal(f)
		}
		body := string(s.Calls()[0].Body)
		if c.sent == "" && strings.Contains(body, "thinking") || c.sent != "" && !strings.Contains(body, fmt.Sprintf(`"thinkingLevel":%q`, c.sent)) {
			t.Errorf("%s asked for %q: %s", c.model, c.asked, body)
		}
	}
}

// answeredBy is an answer of another model, with the service's statement about its life.
func answeredBy(model, life string) simulator.Answer {
	return simulator.RawAnswer(http.StatusOK, "application/json", `{"candidates":[{"content":{"parts":[{"text":"{\"total\":1}"}]},"finishReason":"STOP"}],
		"modelVersion":"`+model+`"`+life+`,"usageMetadata":{"promptTokenCount":1000000}}`)
}

func TestTheModelThatAnswersIsToldPricedAndRemembered(t *testing.T) {
	t.Parallel()
	e, _, _ := one(t, Options{}, answeredBy("gemini-3.6-flash-001", ""), answeredBy("gemini-9-xenon", ""))
	if _, known := e.Served("gemini-3.5-flash"); known {
		t.Error("it is known who answers before anybody asked")
	}
	r, f := ask(t, e, engine.Request{Model: "gemini-3.5-flash"})
	if f != nil || r.Model != "gemini-3.6-flash" || r.Usage.USD != 1.5 || !r.Usage.Priced {
		t.Fatalf("%+v, %v", r, f)
	}
	if by, known := e.Served("gemini-3.5-flash"); by != "gemini-3.6-flash" || !known {
		t.Errorf("answered by %q, %v", by, known)
	}
	if r, f = ask(t, e, engine.Request{Model: "gemini-3.5-flash"}); f != nil || r.Model != "gemini-9-xenon" || r.Usage.Priced || r.Usage.USD != 0 {
		t.Errorf("a model that nobody knows: %+v, %v", r, f)
	}
}

func TestWhatTheServiceSaysOfAModelsEndIsKept(t *testing.T) {
	t.Parallel()
	e, _, _ := one(t, Options{},
		answeredBy("gemini-3.8-flash", `,"modelStatus":{"modelStage":"STABLE"}`),
		answeredBy("gemini-3.6-flash", `,"modelStatus":{"modelStage":"DEPRECATED","retirementTime":"2027-02-01T00:00:00Z","message":"Move to gemini-4-hydrogen."}`))
	for range 2 {
		if _, f := ask(t, e, engine.Request{}); f != nil {
			t.Fatal(f)
		}
	}
	all := e.Ending()
	if len(all) != 1 || all[0].Model != "gemini-3.6-flash" || all[0].Stage != "DEPRECATED" || !all[0].Retires.Equal(day("2027-02-01")) || all[0].Message != "Move to gemini-4-hydrogen." {
		t.Errorf("%+v", all)
	}
}

package gemini

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/keypool"
)

// stored is an answer recorded from the real service, unshortened.
func stored(t *testing.T, pattern string, status int) simulator.Answer {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "foreign", pattern))
	if err != nil || len(names) != 1 {
		t.Fatalf("%s: %v, %v", pattern, names, err)
	}
	body, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return simulator.RawAnswer(status, "text/plain", string(body))
}

func TestAPictureIsBlamedOnlyForItsOwnFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern string
		status  int
		class   keypool.Class
		why     engine.Why
	}{
		{"22-*", 200, keypool.ModelOverloaded, engine.Unreachable},
		{"23-*", 200, keypool.Foreign, engine.Unreachable},
		{"24-*", 413, keypool.TooLarge, engine.Halted},
		{"25-*", 400, keypool.Request, engine.Halted},
		{"26-*", 400, keypool.KeyDead, engine.Busy},
	} {
		t.Run(c.pattern, func(t *testing.T) {
			t.Parallel()
			e, _, _ := one(t, Options{}, stored(t, c.pattern, c.status))
			_, f := ask(t, e, engine.Request{})
			if f == nil || f.Class != string(c.class) || f.Why != c.why || !f.Why.Free() || f.Why.Final() {
				t.Fatalf("%+v, want %s", f, c.class)
			}
			if f.Message == meanings[keypool.ImageFault].message {
				t.Errorf("the picture is blamed: %s", f.Message)
			}
		})
	}
}

func TestADeadKeyWithoutDetailsIsReplacedByAnother(t *testing.T) {
	t.Parallel()
	dead := stored(t, "26-*", 400)
	s := simulator.Start(t, simulator.Options{Keys: []simulator.Key{
		{Value: secret, Label: "key 1", Always: &dead}, {Value: secret + "1", Label: "key 2"},
	}})
	e, pool := over(t, Options{BaseURL: s.URL}, secret, secret+"1")
	var past []engine.Past
	for range 6 {
		reading, f := ask(t, e, engine.Request{Previous: past})
		if f == nil && reading.Key == "key 2" && len(past) > 0 {
			break
		}
		if f != nil {
			past = append(past, engine.Past{Why: f.Why, Key: f.Key})
		}
	}
	if k := pool.Status(time.Now()).Keys[0]; k.State != keypool.Quarantined || k.Calls != 1 {
		t.Errorf("the dead key: %s after %d calls", k.State, k.Calls)
	}
}

// A login page is reported within two calls, and the batch waits without further ones.
func TestAForeignAnswerStopsTheCallsAndIsTold(t *testing.T) {
	t.Parallel()
	page := stored(t, "23-*", 200)
	e, pool, s := one(t, Options{}, page, page, page, page)
	for range 12 {
		if _, f := ask(t, e, engine.Request{}); f == nil || !f.Why.Free() {
			t.Fatalf("a login page: %v", f)
		}
	}
	if n := len(s.Calls()); n != foreignCalls {
		t.Errorf("%d calls", n)
	}
	why, until, cooling := e.CoolingDown(engine.Question{Table: invoice})
	if !cooling || why != string(keypool.Foreign) || time.Until(until) < 5*time.Second {
		t.Errorf("got: %q until %s, %v", why, until, cooling)
	}
	if k := pool.Status(time.Now()).Keys[0]; k.State != keypool.Active {
		t.Errorf("the key is %s", k.State)
	}
}

const foreignCalls = 2

// A refused question waits for all its pictures; other questions continue.
func TestARefusedRequestWaitsAndAnotherGoesOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern string
		status  int
		class   keypool.Class
	}{{"24-*", 413, keypool.TooLarge}, {"25-*", 400, keypool.Request}} {
		t.Run(c.pattern, func(t *testing.T) {
			t.Parallel()
			e, _, s := one(t, Options{}, stored(t, c.pattern, c.status), simulator.TextAnswer(good))
			for i := range 5 {
				_, f := ask(t, e, engine.Request{})
				if f == nil || f.Class != string(c.class) || i > 0 && f.Why != engine.Resting {
					t.Fatalf("ask %d: %+v", i, f)
				}
			}
			if n := len(s.Calls()); n != 1 {
				t.Errorf("%d calls of a refused question", n)
			}
			if why, _, cooling := e.CoolingDown(engine.Question{Table: invoice}); !cooling || why != string(c.class) {
				t.Errorf("got: %q %v", why, cooling)
			}
			if _, _, cooling := e.CoolingDown(engine.Question{Table: invoice, Model: "gemini-3.6-flash"}); cooling {
				t.Error("another question cooling, too")
			}
			if _, f := ask(t, e, engine.Request{Model: "gemini-3.6-flash"}); f != nil {
				t.Errorf("another question: %v", f)
			}
		})
	}
}

// If the same request was accepted with another picture, a refusal without a reason is due to the picture.
func TestAnUnexplainedRefusalIsThePicturesOnlyWhereTheRequestIsKnownToBeRight(t *testing.T) {
	t.Parallel()
	unexplained := simulator.RawAnswer(400, "application/json", `{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT"}}`)
	e, _, _ := one(t, Options{}, simulator.TextAnswer(good), unexplained)
	if _, f := ask(t, e, engine.Request{}); f != nil {
		t.Fatal(f)
	}
	if _, f := ask(t, e, engine.Request{}); f == nil || f.Why != engine.BadPicture {
		t.Errorf("after a good answer: %v", f)
	}
	e, _, _ = one(t, Options{}, unexplained)
	if _, f := ask(t, e, engine.Request{}); f == nil || f.Why != engine.Halted {
		t.Errorf("as the first answer: %v", f)
	}
}

func TestAModelThatIsGoneIsNobodysFaultAndToldAtOnce(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]simulator.Answer{
		"404": simulator.PayloadAnswer("404-model-not-found"),
		"410": simulator.RawAnswer(410, "application/json", `{"error":{"code":410,"message":"models/gemini-3.7-flash was shut down.","status":"NOT_FOUND"}}`),
		"400": simulator.RawAnswer(400, "application/json", `{"error":{"code":400,"message":"Model gemini-3.7-flash is no longer available.","status":"INVALID_ARGUMENT"}}`),
		"403": simulator.RawAnswer(403, "application/json", `{"error":{"code":403,"message":"You do not have permission to use the model gemini-4-neon.","status":"PERMISSION_DENIED"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _, s := one(t, Options{}, answer, answer, answer)
			if _, f := ask(t, e, engine.Request{}); f == nil || f.Why != engine.Busy || f.Class != string(keypool.ModelUnavailable) {
				t.Fatalf("the first: %v", f)
			}
			if _, f := ask(t, e, engine.Request{}); f == nil || f.Why != engine.NoModel || !f.Why.Free() {
				t.Errorf("with no key left: %v", f)
			}
			if why, _, cooling := e.CoolingDown(engine.Question{Table: invoice}); !cooling || why != string(keypool.ModelUnavailable) {
				t.Errorf("got: %q %v", why, cooling)
			}
			if n := len(s.Calls()); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// Google's wording for the spend window is not published; these are likely wordings, and near misses.
func TestASpendWindowIsTakenForOneInManyWords(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]keypool.Class{
		"You have exceeded your spend rate limit of $10 per 10 minutes.":                           keypool.Spend,
		"Project has exceeded its spending limit for the rolling 10 minute window.":                keypool.Spend,
		"Spend-based rate limit exceeded. Please retry later.":                                     keypool.Spend,
		"Your cost in the last ten minutes is over the limit of your tier.":                        keypool.Spend,
		"Your project has exceeded its monthly spending cap. Please go to AI Studio at https://x.": keypool.Billing,
		"Your prepayment credits are depleted.":                                                    keypool.Billing,
		"Resource has been exhausted (e.g. check quota).":                                          keypool.Bare429,
	} {
		body := `{"error":{"code":429,"message":"` + message + `","status":"RESOURCE_EXHAUSTED"}}`
		if f := classify(429, 0, []byte(body)); f.class != want {
			t.Errorf("%s: %s, want %s", message, f.class, want)
		}
	}
	body := `{"error":{"code":429,"message":"Quota exceeded.","details":[{"violations":[{"quotaId":"SpendPer10MinutesPerProject-Tier1"}]}]}}`
	if f := classify(429, 0, []byte(body)); f.class != keypool.Spend {
		t.Errorf("by its quota: %s", f.class)
	}
}

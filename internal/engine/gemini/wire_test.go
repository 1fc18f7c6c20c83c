package gemini

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/keypool"
)

const good = `{"invoice_no":"A-1","total":12.5}`

// finished is a 200 whose text ended for this reason.
func finished(reason, text string) simulator.Answer {
	body, _ := json.Marshal(map[string]any{"candidates": []any{map[string]any{
		"content": map[string]any{"parts": []any{map[string]any{"text": text}}}, "finishReason": reason,
	}}})
	return simulator.RawAnswer(http.StatusOK, "application/json", string(body))
}

func TestEveryWayAnAnswerEndsHasItsMeaning(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]struct {
		class keypool.Class
		why   engine.Why
	}{
		"STOP": {keypool.OK, ""}, "OTHER": {keypool.OK, ""}, "LANGUAGE": {keypool.OK, ""}, "": {keypool.OK, ""},
		"SOMETHING_NEW": {keypool.OK, ""},
		"MAX_TOKENS":    {keypool.MaxTokens, engine.BadAnswer}, "CONTINUATION": {keypool.MaxTokens, engine.BadAnswer},
		"SAFETY": {keypool.Blocked, engine.Refused}, "BLOCKLIST": {keypool.Blocked, engine.Refused},
		"PROHIBITED_CONTENT": {keypool.Blocked, engine.Refused}, "SPII": {keypool.Blocked, engine.Refused},
		"IMAGE_SAFETY": {keypool.Blocked, engine.Refused}, "IMAGE_PROHIBITED_CONTENT": {keypool.Blocked, engine.Refused},
		"RECITATION": {keypool.Recitation, engine.Recited}, "IMAGE_RECITATION": {keypool.Recitation, engine.Recited},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			e, pool, s := one(t, Options{}, finished(reason, good))
			_, failure := ask(t, e, engine.Request{})
			switch {
			case want.class == keypool.OK && failure != nil:
				t.Errorf("a whole text was not taken: %v", failure)
			case want.class != keypool.OK && (failure == nil || failure.Class != string(want.class) || failure.Why != want.why):
				t.Errorf("%v, want %s", failure, want.class)
			}
			if len(s.Calls()) != 1 { // the SDK's own continuations are off
				t.Errorf("%d calls", len(s.Calls()))
			}
			if k := pool.Status(time.Now()).Keys[0]; k.State != keypool.Active || k.Success >= 0 && k.Success < 1 {
				t.Errorf("the key is blamed: %+v", k)
			}
		})
	}
}

// wireCase is a response that is no answer.
type wireCase struct {
	name   string
	answer simulator.Answer
	class  keypool.Class
}

func TestWhatIsNotAnAnswerIsANamedOutcome(t *testing.T) {
	t.Parallel()
	for _, c := range []wireCase{
		{"words only", simulator.TextAnswer("I cannot see a table."), keypool.BadAnswer},
		{"cut off inside", simulator.TextAnswer(`{"invoice_no":"A-1","to`), keypool.BadAnswer},
		{"another shape", simulator.TextAnswer(`42`), keypool.BadAnswer},
		{"blank", simulator.TextAnswer("  \n "), keypool.Empty},
		{"no body", simulator.RawAnswer(200, "application/json", ""), keypool.Transport},
		{"HTML as 200", simulator.RawAnswer(200, "text/html", "<html>Sign in</html>"), keypool.Foreign},
		{"HTML as 403", simulator.RawAnswer(403, "text/html", "<html>Blocked by your organisation</html>"), keypool.Foreign},
		{"HTML as 401", simulator.RawAnswer(401, "text/html", "<html>Sign in to the proxy</html>"), keypool.Foreign},
		{"HTML as 404", simulator.RawAnswer(404, "text/html", "<html>No such page</html>"), keypool.Foreign},
		{"a network that asks for a login", simulator.RawAnswer(511, "text/html", "<html>Sign in</html>"), keypool.Foreign},
		{"another's JSON", simulator.RawAnswer(200, "application/json", `{"login":"wanted"}`), keypool.Foreign},
		{"an empty object", simulator.RawAnswer(200, "application/json", `{}`), keypool.Foreign},
		{"an error as 200", simulator.RawAnswer(200, "application/json",
			`{"error":{"code":429,"message":"Resource has been exhausted","status":"RESOURCE_EXHAUSTED"}}`), keypool.Bare429},
		{"a list of errors", simulator.RawAnswer(429, "application/json",
			`[{"error":{"code":429,"message":"Resource has been exhausted","status":"RESOURCE_EXHAUSTED"}}]`), keypool.Bare429},
		{"HTML as 502", simulator.RawAnswer(502, "text/html", "<html>Bad Gateway</html>"), keypool.ModelOverloaded},
		{"a proxy's 407", simulator.RawAnswer(407, "text/plain", "who are you"), keypool.Foreign},
		{"torn", simulator.ResetAnswer(), keypool.Transport},
		{"half", simulator.HalfAnswer(), keypool.Transport},
		{"longer than 8 MiB", simulator.HugeAnswer(9 << 20), keypool.BadAnswer},
		{"candidates of nothing", simulator.RawAnswer(200, "application/json", `{"candidates":[null]}`), keypool.BadAnswer},
		{"candidates as words", simulator.RawAnswer(200, "application/json", `{"candidates":"none"}`), keypool.BadAnswer},
		{"a candidate as a word", simulator.RawAnswer(200, "application/json", `{"candidates":["none"]}`), keypool.BadAnswer},
		{"parts as a number", simulator.RawAnswer(200, "application/json", `{"candidates":[{"content":{"parts":7}}]}`), keypool.BadAnswer},
		{"usage as a word", simulator.RawAnswer(200, "application/json", `{"usageMetadata":"none"}`), keypool.BadAnswer},
		{"a list", simulator.RawAnswer(200, "application/json", `[]`), keypool.Foreign},
		{"null", simulator.RawAnswer(200, "application/json", `null`), keypool.Foreign},
		{"a number", simulator.RawAnswer(200, "application/json", `7`), keypool.Foreign},
		{"a word", simulator.RawAnswer(200, "application/json", `"x"`), keypool.Foreign},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e, pool, _ := one(t, Options{}, c.answer)
			reading, failure := ask(t, e, engine.Request{})
			if failure == nil || failure.Class != string(c.class) {
				t.Fatalf("%+v, %v; want %s", reading, failure, c.class)
			}
			if failure.Message == "" || len(failure.Err.Error()) > maxReason+10 {
				t.Errorf("got: %q, logged: %q", failure.Message, failure.Err)
			}
			if n := pool.Status(time.Now()).Keys[0].Running; n != 0 {
				t.Errorf("%d calls are still counted as running", n)
			}
		})
	}
}

// Bodies of these forms panic inside some versions of the SDK; the program must survive in any version.
func TestAPanicInTheSDKIsABadAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"candidates":[[]]}`, `{"candidates":{}}`, `{"candidates":[{"content":[]}]}`, `{"candidates":[{"content":{"parts":[1]}}]}`,
		`{"candidates":[{"content":{"parts":{"text":"x"}}}]}`, `{"promptFeedback":[]}`, `{"candidates":[{"content":"x"}]}`,
		`{"candidates":[{"content":{"parts":["x"]}}]}`, `{"candidates":[{"citationMetadata":7}]}`,
	} {
		e, pool, _ := one(t, Options{}, simulator.RawAnswer(200, "application/json", body))
		_, failure := ask(t, e, engine.Request{})
		if failure == nil || failure.Why != engine.BadAnswer {
			t.Errorf("%s: %v", body, failure)
		}
		if k := pool.Status(time.Now()).Keys[0]; k.State != keypool.Active || k.Running != 0 {
			t.Errorf("%s: the key is %s with %d running", body, k.State, k.Running)
		}
	}
}

func TestARedirectIsNotFollowedWithTheKey(t *testing.T) {
	t.Parallel()
	thief := simulator.Start(t, simulator.Options{})
	e, _, _ := one(t, Options{}, simulator.RedirectAnswer(thief.URL+"/v1beta/models/x:generateContent"))
	if _, failure := ask(t, e, engine.Request{}); failure == nil || failure.Class != string(keypool.Foreign) {
		t.Errorf("a redirect: %v", failure)
	}
	if n := len(thief.Calls()); n > 0 {
		t.Errorf("the key was carried to another host %d times", n)
	}
}

func TestTheKeyTravelsInAHeaderAndTheServiceKnowsTheDeadline(t *testing.T) {
	t.Parallel()
	e, _, s := one(t, Options{Timeout: 90 * time.Second}, simulator.TextAnswer(good))
	if _, failure := ask(t, e, engine.Request{}); failure != nil {
		t.Fatal(failure)
	}
	call := s.Calls()[0]
	if call.Key != "key 1" || len(call.Order) != 2 || call.Order[0] != "text" || call.Order[1] != "image/jpeg" {
		t.Errorf("call: %+v", call)
	}
	if d := call.Header.Get("X-Server-Timeout"); d == "" || len(d) > 2 {
		t.Errorf("the service was told to give up after %q", d)
	}
	if strings.Contains(fmt.Sprint(call.Header), secret) || strings.Contains(string(call.Body), "temperature") {
		t.Errorf("request: %v %s", call.Header, call.Body)
	}
}

func TestEachAttemptHasItsOwnDeadline(t *testing.T) {
	t.Parallel()
	e, pool, _ := one(t, Options{Timeout: 100 * time.Millisecond}, simulator.HangAnswer())
	_, failure := ask(t, e, engine.Request{})
	if failure == nil || failure.Why != engine.Unreachable || failure.Message != causes[causeTimeout] {
		t.Errorf("a call that hangs: %v", failure)
	}
	if k := pool.Status(time.Now()).Keys[0]; k.State != keypool.Active || k.Running != 0 {
		t.Errorf("the key: %+v", k)
	}
}

func TestAReadingThatIsNotWantedAnyMoreSaysNothingOfTheKey(t *testing.T) {
	t.Parallel()
	e, pool, s := one(t, Options{}, simulator.HangAnswer())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := e.Read(ctx, engine.Request{Picture: simulator.Draw(1).JPEG, MIME: "image/jpeg", Table: invoice})
		ended <- err
	}()
	if err := s.Wait(t.Context(), func() bool { return s.InFlight("key 1") == 1 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if k := pool.Status(time.Now()).Keys[0]; k.Running != 0 || k.Success >= 0 || len(k.Failures) > 0 {
		t.Errorf("the key: %+v", k)
	}
}

func TestAPictureIsEncodedOnceHoweverManyAttempts(t *testing.T) {
	t.Parallel()
	busy := simulator.PayloadAnswer("503-overloaded")
	e, _, s := one(t, Options{}, busy, busy, busy, simulator.TextAnswer(good))
	picture := simulator.Draw(3).JPEG
	var past []engine.Past
	for range 3 {
		_, failure := ask(t, e, engine.Request{Picture: picture, Previous: past})
		if failure == nil || failure.Why != engine.Unreachable {
			t.Fatalf("failure: %v", failure)
		}
		past = append(past, engine.Past{Why: failure.Why, Key: failure.Key})
	}
	if _, failure := ask(t, e, engine.Request{Picture: picture, Previous: past}); failure != nil {
		t.Fatal(failure)
	}
	if e.pictures.encodes != 1 {
		t.Errorf("encoded %d times", e.pictures.encodes)
	}
	if len(e.pictures.all) != 0 {
		t.Errorf("%d pictures are kept after the last attempt", len(e.pictures.all))
	}
	for _, call := range s.Calls() {
		if call.Sheet != 3 { // the splice put the whole picture into each request
			t.Errorf("call %d showed sheet %d", call.N, call.Sheet)
		}
	}
}

func TestBytesInFlightAreBounded(t *testing.T) {
	t.Parallel()
	picture := simulator.Draw(1).JPEG
	room := int64(len(picture)) * 3 // base64 of two, not of three
	e, _, s := one(t, Options{InFlight: room})
	s.SetKey(simulator.Key{Value: secret, Label: "key 1", Latency: 50 * time.Millisecond})
	ended := make(chan *engine.Failure, 6)
	for range 6 {
		go func() {
			_, err := e.Read(t.Context(), engine.Request{Picture: picture, MIME: "image/jpeg", Table: invoice})
			if err != nil {
				ended <- engine.AsFailure(err)
				return
			}
			ended <- nil
		}()
	}
	for range 6 {
		if f := <-ended; f != nil {
			t.Error(f)
		}
	}
	if peak := s.Stats()["key 1"].Peak; peak > 2 {
		t.Errorf("%d pictures at once where two fit", peak)
	}
}

func TestAProbeIsOneCheapCall(t *testing.T) {
	t.Parallel()
	dead, suspended := simulator.PayloadAnswer("400-api-key-invalid"), simulator.PayloadAnswer("403-consumer-suspended")
	s := simulator.Start(t, simulator.Options{Keys: []simulator.Key{
		{Value: secret, Label: "good"}, {Value: "dead-value", Label: "dead", Always: &dead},
		{Value: secret + "0000", Label: "suspended", Always: &suspended},
	}})
	e, _ := over(t, Options{BaseURL: s.URL}, secret)
	for value, want := range map[string]keypool.Class{
		secret: keypool.OK, "dead-value": keypool.KeyDead, secret + "0000": keypool.KeyDead, "unknown": keypool.KeyDead,
	} {
		o := e.Probe(t.Context(), keypool.Key{Label: "x", Secret: keypool.NewSecret(value)})
		if o.Class != want || strings.Contains(o.Reason, "AIza") {
			t.Errorf("%s, want %s: %s", o.Class, want, o.Reason)
		}
	}
	for _, call := range s.Calls() {
		if call.Method != "get" {
			t.Errorf("a probe costs: %+v", call)
		}
	}
	if o := e.Probe(t.Context(), keypool.Key{}); o.Class != keypool.KeyDead { // the SDK would take one from the environment
		t.Errorf("a key without a value: %+v", o)
	}
}

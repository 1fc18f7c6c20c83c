package gemini

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/genai"

	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/keypool"
)

// FuzzClassify recombines the stored answers. For any input there is a class with a message, limits and waits are
// within bounds, and the key is not in the message.
func FuzzClassify(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, p := range simulator.Payloads() {
		f.Add(p.Status, "", p.Body)
		if !p.JSON {
			continue
		}
		f.Add(p.Status, "30", rearranged(f, p.Body, rng))
		for n := 0; ; n += 3 {
			body, name := without(f, p.Body, n)
			if name == "" {
				break
			}
			f.Add(p.Status, "Wed, 25 Nov 2026 04:00:00 GMT", body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, retryAfter string, body []byte) {
		got := classify(status, retryAfterHeader(retryAfter, time.Unix(1_780_000_000, 0)), body)
		if _, known := meanings[got.class]; !known {
			t.Errorf("class %q has no meaning", got.class)
		}
		if got.limit < 0 || got.retry < 0 || got.retry > maxRetryAfter {
			t.Errorf("limit %d, wait %v", got.limit, got.retry)
		}
		if got.class == keypool.OK {
			t.Error("an error was taken for a success")
		}
		if said := redact(got.reason, secret); strings.Contains(said, secret) || len(said) > maxReason+len(" …") {
			t.Errorf("got: %s", said)
		}
	})
}

// FuzzAnswer: a 200 of any form that the SDK can parse is classified and parsed without a panic, and thoughts are
// not text.
func FuzzAnswer(f *testing.F) {
	for _, p := range simulator.Payloads() {
		if p.Status < 300 {
			f.Add(p.Body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var answer genai.GenerateContentResponse
		if json.Unmarshal(body, &answer) != nil {
			return
		}
		got, words := classifyResponse(&answer)
		if _, known := meanings[got.class]; !known && got.class != keypool.OK {
			t.Errorf("class %q has no meaning", got.class)
		}
		if got.class == keypool.OK && strings.TrimSpace(words) == "" {
			t.Error("nothing was taken for a text")
		}
		_, _ = invoice.Parse([]byte(words))
	})
}

// FuzzRedact: no key in any spelling is left, with any surrounding words.
func FuzzRedact(f *testing.F) {
	f.Add("Consumer 'api_key:", "' has been suspended", secret)
	f.Add("?key=", "&x=1", `AQ.a/b+c"<>&`)
	f.Fuzz(func(t *testing.T, before, after, key string) {
		if len(strings.TrimSpace(key)) < 8 || strings.ContainsAny(key, " \t\r\n\v\f") || strings.Contains(redacted, key) {
			return
		}
		if said := redact(before+key+after, key); strings.Contains(said, key) {
			t.Errorf("left in: %q", said)
		}
	})
}

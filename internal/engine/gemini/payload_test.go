package gemini

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/keypool"
	"sheetlift/internal/table"
)

// invoice fits the content of the stored good answers.
var invoice = table.Table{Single: true, Columns: []table.Column{
	{Name: "invoice_no", Type: table.Text}, {Name: "total", Type: table.Number}, {Name: "a", Type: table.Text},
}}

// expected returns the class and the limit that a stored answer names.
func expected(t testing.TB, p simulator.Payload) (class keypool.Class, limit int64) {
	t.Helper()
	word, _, _ := strings.Cut(p.Expect, " ")
	word, number, _ := strings.Cut(word, ":")
	switch word {
	case "ok_after_repair":
		word = "ok"
	case "model_unavailable_or_all_limits":
		word = "rpd"
	}
	if number != "" {
		var err error
		if limit, err = strconv.ParseInt(number, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return keypool.Class(word), limit
}

// one returns an engine with one key over a simulated service whose first answers are scripted.
func one(t testing.TB, o Options, script ...simulator.Answer) (*Engine, *keypool.Pool, *simulator.Server) {
	t.Helper()
	s := simulator.Start(t, simulator.Options{
		KeepBody: true, Keys: []simulator.Key{{Value: secret, Label: "key 1", Script: script}},
	})
	o.BaseURL = s.URL
	e, p := over(t, o, secret)
	return e, p, s
}

// over returns an engine with these keys.
func over(t testing.TB, o Options, values ...string) (*Engine, *keypool.Pool) {
	t.Helper()
	var keys []keypool.Key
	for i, v := range values {
		k, err := keypool.ParseKey(v, i+1)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	o.Pool = keypool.New(keys, keypool.Options{Secret: []byte("0123456789abcdef"), Rand: rand.New(rand.NewPCG(1, 1))})
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e, o.Pool
}

// secret is the key in the service's own example of a suspended key (403-consumer-suspended), so that the answer
// quotes the key that was sent; no real key has this value.
const secret = "AIzaSyXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"

// ask reads one drawn sheet with a timeout of a minute.
func ask(t testing.TB, e *Engine, r engine.Request) (*engine.Reading, *engine.Failure) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if r.Picture == nil {
		r.Picture = simulator.Draw(1).JPEG
	}
	if r.MIME == "" {
		r.MIME = "image/jpeg"
	}
	if len(r.Table.Columns) == 0 && !r.Table.Open {
		r.Table = invoice
	}
	reading, err := e.Read(ctx, r)
	if err == nil {
		return reading, nil
	}
	f := engine.AsFailure(err)
	if f.Class == "" {
		t.Fatalf("not a failure of the engine: %v", err)
	}
	return nil, f
}

func TestEveryStoredAnswerIsUnderstoodThroughTheSDK(t *testing.T) {
	t.Parallel()
	if n := len(simulator.Payloads()); n != 42 {
		t.Fatalf("%d stored answers, want 42", n)
	}
	for _, p := range simulator.Payloads() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			class, _ := expected(t, p)
			e, pool, s := one(t, Options{}, simulator.PayloadAnswer(p.Name))
			reading, failure := ask(t, e, engine.Request{})
			switch {
			case class == keypool.OK && failure != nil:
				t.Fatalf("not read: %v", failure)
			case class == keypool.OK:
				if len(reading.Rows) != 1 || reading.Key != "key 1" || reading.Usage.OutputTokens != 132 {
					t.Errorf("read: %+v", reading)
				}
			case failure == nil:
				t.Fatalf("read as %+v, want %s", reading, class)
			case failure.Class != string(class):
				t.Errorf("class %s, want %s: %v", failure.Class, class, failure)
			}
			if calls := len(s.Calls()); calls != 1 {
				t.Errorf("%d calls for one try", calls)
			}
			state := pool.Status(time.Now()).Keys[0]
			if dead := state.State == keypool.Quarantined; dead != (class == keypool.KeyDead || class == keypool.KeyFixable) {
				t.Errorf("the key is %s", state.State)
			}
			if said := fmt.Sprint(failure, state, pool.Status(time.Now()).Events); strings.Contains(said, secret) {
				t.Errorf("a key is shown: %s", said)
			}
		})
	}
}

func TestDetailsInAnyOrderMeanTheSame(t *testing.T) {
	t.Parallel()
	for _, p := range simulator.Payloads() {
		if p.Status < 300 || !p.JSON {
			continue
		}
		class, limit := expected(t, p)
		rng := rand.New(rand.NewPCG(7, uint64(len(p.Body))))
		for range 50 {
			body := rearranged(t, p.Body, rng)
			f := classify(p.Status, 0, body)
			if f.class != class || limit != 0 && f.limit != limit {
				t.Errorf("%s: %s:%d, want %s:%d: %s", p.Name, f.class, f.limit, class, limit, body)
			}
		}
	}
}

// rearranged returns the document with every list in another order.
func rearranged(t testing.TB, body []byte, rng *rand.Rand) []byte {
	t.Helper()
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	var turn func(any)
	turn = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, child := range v {
				turn(child)
			}
		case []any:
			rng.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
			for _, child := range v {
				turn(child)
			}
		}
	}
	turn(doc)
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A missing field may make the classification less precise, but never discards a good key or a good image.
func TestMissingFieldsNeverBlameAKeyOrAnImage(t *testing.T) {
	t.Parallel()
	blame := map[keypool.Class]bool{keypool.KeyDead: true, keypool.ImageFault: true, keypool.Blocked: true}
	for _, p := range simulator.Payloads() {
		if p.Status < 300 || !p.JSON {
			continue
		}
		whole := classify(p.Status, 0, p.Body).class
		for n := 0; ; n++ {
			body, name := without(t, p.Body, n)
			if name == "" {
				break
			}
			got := classify(p.Status, 0, body).class
			if got == "" || blame[got] && got != whole {
				t.Errorf("%s without %s is %q, with it %s", p.Name, name, got, whole)
			}
		}
	}
}

// without returns the document without its nth field or list element, and the name of that; "" past the last.
func without(t testing.TB, body []byte, n int) (out []byte, name string) {
	t.Helper()
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(v any, path string) any
	walk = func(v any, path string) any {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if n--; n == -1 {
					name = path + "." + key
					delete(v, key)
					return v
				}
				v[key] = walk(v[key], path+"."+key)
			}
		case []any:
			for i := range v {
				if n--; n == -1 {
					name = fmt.Sprintf("%s[%d]", path, i)
					return append(v[:i:i], v[i+1:]...)
				}
				v[i] = walk(v[i], fmt.Sprintf("%s[%d]", path, i))
			}
		}
		return v
	}
	doc = walk(doc, "")
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out, name
}

package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire stands between the program and a Gemini and keeps the questions.
type wire struct {
	mu        sync.Mutex
	models    []string
	questions []map[string]any
}

func (w *wire) between(t *testing.T, gemini string) (address string) {
	t.Helper()
	to, err := url.Parse(gemini)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if model, ask := strings.CutSuffix(r.URL.Path, ":generateContent"); ask {
			question := map[string]any{}
			if err := json.Unmarshal(body, &question); err != nil {
				t.Error(err)
			}
			w.mu.Lock()
			w.models, w.questions = append(w.models, model[strings.LastIndex(model, "/")+1:]), append(w.questions, question)
			w.mu.Unlock()
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestAModelOfTheFileAndTheWishNotToBeKeptReachTheService(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(file, []byte(`{"models": [{"id": "gemini-own", "offer": true, "thinking": ["low", "high"], "prices": [{"from": "2020-01-01", "input": 1000, "output": 1000}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for store, kept := range map[string]any{"never": false, "unsaid": nil, "auto": nil} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			gemini, environ := fake(t, 1, time.Millisecond)
			var w wire
			p := run(t, append(environ, "GEMINI_BASE_URL="+w.between(t, gemini.URL), "GEMINI_STORE="+store, "GEMINI_MODEL=gemini-own", "SHEETLIFT_MODELS="+file)...)
			id, _ := p.read(t, "", sheets(1))
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.questions) != 1 || w.models[0] != "gemini-own" || w.questions[0]["store"] != kept {
				t.Fatalf("asked %v, store %v", w.models, w.questions[0]["store"])
			}
			thinks, _ := w.questions[0]["generationConfig"].(map[string]any)["thinkingConfig"].(map[string]any)
			if level, _ := thinks["thinkingLevel"].(string); !strings.EqualFold(level, "low") {
				t.Errorf("it thinks %v", thinks)
			}
			_, answer := p.get(t, "/api/v1/batches/"+id)
			if counts, _ := answer["counts"].(map[string]any); counts["unpriced"] != 0.0 || counts["usd"] == 0.0 {
				t.Errorf("its price is not that of the file: %v", answer)
			}
		})
	}
}

package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Answer is the simulator's answer to one call; make one with the functions of this file.
type Answer struct {
	kind string // for the log
	send func(s *Server, w http.ResponseWriter, r *http.Request, call *Call)
}

// Kind returns the word under which calls with this answer are logged.
func (a Answer) Kind() string { return a.kind }

// SheetAnswer answers with the rows of the sheet on the picture, in the form of the request's schema.
func SheetAnswer() Answer {
	return Answer{"ok", func(s *Server, w http.ResponseWriter, _ *http.Request, call *Call) { s.sheet(w, call) }}
}

// PayloadAnswer answers with a stored answer of the real service; an unknown name panics at once.
func PayloadAnswer(name string) Answer {
	p := mustPayload(name)
	return Answer{name, func(_ *Server, w http.ResponseWriter, _ *http.Request, _ *Call) {
		contentType := "application/json; charset=UTF-8"
		if strings.HasPrefix(string(p.Body), "<") {
			contentType = "text/html; charset=UTF-8"
		}
		write(w, p.Status, contentType, p.Body)
	}}
}

// TextAnswer answers 200 STOP with this text of the model.
func TextAnswer(text string) Answer {
	return Answer{"text", func(_ *Server, w http.ResponseWriter, _ *http.Request, call *Call) {
		write(w, http.StatusOK, "application/json", success(call, text, "STOP"))
	}}
}

// RawAnswer answers with exactly this status, content type and body.
func RawAnswer(status int, contentType, body string) Answer {
	return Answer{"raw", func(_ *Server, w http.ResponseWriter, _ *http.Request, _ *Call) {
		write(w, status, contentType, []byte(body))
	}}
}

// HeaderAnswer is a with one more header, such as Retry-After.
func HeaderAnswer(name, value string, a Answer) Answer {
	return Answer{a.kind, func(s *Server, w http.ResponseWriter, r *http.Request, call *Call) {
		w.Header().Set(name, value)
		a.send(s, w, r, call)
	}}
}

// SlowAnswer is a, d later.
func SlowAnswer(d time.Duration, a Answer) Answer {
	return Answer{a.kind, func(s *Server, w http.ResponseWriter, r *http.Request, call *Call) {
		if s.pause(r, d) {
			a.send(s, w, r, call)
		}
	}}
}

// HeldAnswer is a once release is closed.
func HeldAnswer(release <-chan struct{}, a Answer) Answer {
	return Answer{a.kind, func(s *Server, w http.ResponseWriter, r *http.Request, call *Call) {
		select {
		case <-release:
			a.send(s, w, r, call)
		case <-r.Context().Done():
		case <-s.done:
		}
	}}
}

// HangAnswer never answers; the call ends when its client leaves or the server closes.
func HangAnswer() Answer {
	return Answer{"hang", func(s *Server, _ http.ResponseWriter, r *http.Request, _ *Call) {
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
	}}
}

// ResetAnswer closes the connection with a TCP reset instead of an answer.
func ResetAnswer() Answer {
	return Answer{"reset", func(_ *Server, w http.ResponseWriter, _ *http.Request, _ *Call) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // without it the connection would close normally
		}
		_ = conn.Close()
	}}
}

// HalfAnswer announces a whole good answer and closes the connection in the middle of it.
func HalfAnswer() Answer {
	return Answer{"half", func(_ *Server, w http.ResponseWriter, _ *http.Request, call *Call) {
		body := success(call, `{"rows":[]}`, "STOP")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
	}}
}

// RedirectAnswer answers 307 to the address.
func RedirectAnswer(url string) Answer {
	return Answer{"redirect", func(_ *Server, w http.ResponseWriter, _ *http.Request, _ *Call) {
		w.Header().Set("Location", url)
		write(w, http.StatusTemporaryRedirect, "text/html", nil)
	}}
}

// HugeAnswer answers 200 with a well-formed answer whose text has n bytes, sent in chunks.
func HugeAnswer(n int64) Answer {
	return Answer{"huge", func(_ *Server, w http.ResponseWriter, _ *http.Request, _ *Call) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"candidates":[{"content":{"parts":[{"text":"`)
		piece := strings.Repeat("a", 64<<10)
		for n > 0 {
			k, err := io.WriteString(w, piece[:min(n, int64(len(piece)))])
			if err != nil {
				return
			}
			n -= int64(k)
		}
		_, _ = io.WriteString(w, `"}]},"finishReason":"STOP"}]}`)
	}}
}

// OneOf is a random one of the answers for each call.
func OneOf(answers ...Answer) Answer {
	return Answer{"one of several", func(s *Server, w http.ResponseWriter, r *http.Request, call *Call) {
		s.mu.Lock()
		a := answers[s.rand.IntN(len(answers))]
		s.mu.Unlock()
		call.Kind = a.kind
		a.send(s, w, r, call)
	}}
}

// RefusedAnswer is the service's 429 for a used-up quota of limit requests per minute that recovers after left.
func RefusedAnswer(limit int, left time.Duration) Answer {
	return quota("Minute", limit, "gemini", left)
}

// quota is the service's 429 for a used-up request quota of free keys.
func quota(window string, limit int, model string, left time.Duration) Answer {
	const docs = "https://ai.google.dev/gemini-api/docs/rate-limits"
	return Answer{map[string]string{"Minute": "rpm", "Day": "rpd"}[window],
		func(_ *Server, w http.ResponseWriter, _ *http.Request, _ *Call) {
			body, _ := json.Marshal(map[string]any{"error": map[string]any{
				"code": 429,
				"message": fmt.Sprintf("You exceeded your current quota, please check your plan and billing details. "+
					"For more information on this error, head to: %s. \n* Quota exceeded for metric: "+
					"generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: %d, model: %s\n"+
					"Please retry in %s.", docs, limit, model, left),
				"status": "RESOURCE_EXHAUSTED",
				"details": []any{
					map[string]any{"@type": "type.googleapis.com/google.rpc.Help", "links": []any{
						map[string]any{"description": "Learn more about Gemini API quotas", "url": docs}}},
					map[string]any{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []any{
						map[string]any{
							"quotaMetric":     "generativelanguage.googleapis.com/generate_content_free_tier_requests",
							"quotaId":         "GenerateRequestsPer" + window + "PerProjectPerModel-FreeTier",
							"quotaDimensions": map[string]any{"location": "global", "model": model},
							"quotaValue":      strconv.Itoa(limit),
						}}},
					map[string]any{"@type": "type.googleapis.com/google.rpc.RetryInfo",
						"retryDelay": fmt.Sprintf("%ds", int(left.Seconds()))},
				},
			}})
			write(w, http.StatusTooManyRequests, "application/json; charset=UTF-8", body)
		}}
}

// success is a 200 answer of the model with usage data.
func success(call *Call, text, finish string) []byte {
	out := len(text)/4 + 1
	const thoughts = 50
	body, err := json.Marshal(map[string]any{
		"candidates": []any{map[string]any{
			"content":      map[string]any{"parts": []any{map[string]any{"text": text}}, "role": "model"},
			"finishReason": finish,
			"index":        0,
		}},
		"usageMetadata": map[string]any{
			"promptTokenCount":     call.Tokens,
			"candidatesTokenCount": out,
			"thoughtsTokenCount":   thoughts,
			"totalTokenCount":      call.Tokens + out + thoughts,
		},
		"modelVersion": call.Model,
		"responseId":   "fake-" + strconv.Itoa(call.N),
	})
	if err != nil {
		panic(err) // strings and numbers only
	}
	return body
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

package simulator

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	methodGenerate = "generateContent"
	methodCount    = "countTokens"
	methodGet      = "get"
	maxRequest     = 128 << 20
	imageTokens    = 1120 // one image at the default resolution of Gemini 3
)

// serve answers one request and logs it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	select {
	case <-s.done:
		s.mu.Unlock()
		return
	default:
	}
	s.busy.Add(1)
	if r.URL.Path == "/v1beta/models" && r.Method == http.MethodGet { // sent in the background, so no test counts it
		s.mu.Unlock()
		defer s.busy.Done()
		s.list(w, r.Header.Get("x-goog-api-key"))
		return
	}
	s.n++
	call := &Call{N: s.n, At: time.Now(), Sheet: -1, Header: r.Header.Clone()}
	s.mu.Unlock()
	defer s.busy.Done()

	value := r.Header.Get("x-goog-api-key")
	call.Header.Del("x-goog-api-key")
	recorder := &statusRecorder{ResponseWriter: w}
	defer s.finish(call, recorder)

	path, ok := strings.CutPrefix(r.URL.Path, "/v1beta/models/")
	if !ok {
		call.Kind = "no such path"
		http.NotFound(recorder, r)
		return
	}
	var found bool
	if call.Model, call.Method, found = strings.Cut(path, ":"); !found {
		call.Method = methodGet
	}
	asked, err := s.read(r, call)
	if err != nil {
		call.Kind = "bad request"
		write(recorder, http.StatusBadRequest, "application/json",
			[]byte(`{"error":{"code":400,"message":"Invalid JSON payload received.","status":"INVALID_ARGUMENT"}}`))
		return
	}
	key, answer, latency := s.decide(value, call, r)
	call.Kind = answer.kind
	if key != nil {
		defer s.leave(key)
	}
	call.asked = asked
	if s.pause(r, latency) {
		answer.send(s, recorder, r, call)
	} else {
		call.Kind = "left"
	}
}

// decide chooses the answer and counts the call.
func (s *Server) decide(value string, call *Call, r *http.Request) (*keyState, Answer, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.signal()
	key := s.keys[value]
	if key == nil {
		return nil, PayloadAnswer("400-api-key-invalid"), 0
	}
	call.Key = key.Label
	key.inFlight++
	key.peak = max(key.peak, key.inFlight)
	switch {
	case r.URL.Query().Has("key"):
		return key, RawAnswer(http.StatusBadRequest, "text/plain", "the key must not be in the address"), 0
	case s.outage != nil:
		return key, *s.outage, 0
	case call.Method != methodGenerate && key.Always != nil:
		return key, *key.Always, 0
	case !s.knows(call.Model):
		return key, PayloadAnswer("404-model-not-found"), 0
	case call.Method == methodGet:
		return key, modelAnswer(), 0
	case call.Method == methodCount:
		return key, countAnswer(), 0
	}
	answer, latency := key.next(call.At, s.opt.Minute, call.Model, s.rand)
	if s.opt.Plan != nil && answer.kind == SheetAnswer().kind {
		answer, latency = s.planned(call.Sheet, answer, latency)
	}
	return key, answer, latency
}

func (s *Server) planned(sheet int, answer Answer, latency time.Duration) (Answer, time.Duration) {
	s.attempts[sheet]++
	planned, factor := s.opt.Plan(sheet, s.attempts[sheet])
	if planned != nil {
		answer = *planned
	}
	return answer, time.Duration(factor * float64(latency))
}

func (s *Server) leave(key *keyState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key.inFlight--
}

func (s *Server) finish(call *Call, w *statusRecorder) {
	call.Took = time.Since(call.At)
	call.Status = w.status
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, *call)
	s.signal()
}

// statusRecorder records the status that was sent.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController hijack the connection.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// question is the part of a request that the simulator uses.
type question struct {
	schema map[string]any
}

type wireRequest struct {
	Contents []struct {
		Parts []struct {
			Text       string `json:"text"`
			InlineData *struct {
				MIMEType string `json:"mimeType"`
				Data     string `json:"data"`
			} `json:"inlineData"`
		} `json:"parts"`
	} `json:"contents"`
	GenerationConfig struct {
		JSONSchema map[string]any `json:"responseJsonSchema"`
		Schema     map[string]any `json:"responseSchema"`
	} `json:"generationConfig"`
}

// read parses the request and records it in the call.
func (s *Server) read(r *http.Request, call *Call) (question, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil || r.Method == http.MethodGet {
		return question{}, err
	}
	var req wireRequest
	if err := json.Unmarshal(raw, &req); err != nil {
		return question{}, err
	}
	for _, content := range req.Contents {
		for _, part := range content.Parts {
			if part.InlineData == nil {
				call.Order = append(call.Order, "text")
				call.Prompt += part.Text
				call.Tokens += len(part.Text) / 4
				continue
			}
			call.Order = append(call.Order, part.InlineData.MIMEType)
			call.Tokens += imageTokens
			picture, err := base64.StdEncoding.DecodeString(part.InlineData.Data)
			if err != nil {
				return question{}, err
			}
			call.Sheet, call.Picture = sheetOf(picture)
		}
	}
	if s.opt.KeepBody {
		call.Body = withoutPictures(raw)
	}
	schema := req.GenerationConfig.JSONSchema
	if schema == nil {
		schema = req.GenerationConfig.Schema
	}
	return question{schema}, nil
}

// withoutPictures returns the request with every inlineData.data emptied.
func withoutPictures(raw []byte) json.RawMessage {
	var doc any
	if json.Unmarshal(raw, &doc) != nil {
		return nil
	}
	var cut func(any)
	cut = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if inline, ok := v["inlineData"].(map[string]any); ok {
				inline["data"] = ""
			}
			for _, child := range v {
				cut(child)
			}
		case []any:
			for _, child := range v {
				cut(child)
			}
		}
	}
	cut(doc)
	out, err := json.Marshal(doc)
	if err != nil {
		return nil
	}
	return out
}

// sheet answers with the rows of the recognized sheet.
func (s *Server) sheet(w http.ResponseWriter, call *Call) {
	if call.Sheet < 0 {
		call.Kind = "no sheet"
		p := mustPayload("400-unable-to-process-image")
		write(w, p.Status, "application/json; charset=UTF-8", p.Body)
		return
	}
	text, err := json.Marshal(Shape(call.asked.schema, Header(), Rows(call.Sheet)))
	if err != nil {
		panic(err) // maps, strings and numbers
	}
	write(w, http.StatusOK, "application/json; charset=UTF-8", success(call, string(text), "STOP"))
}

// list returns the models; an unknown key, or an outage, gets an error.
func (s *Server) list(w http.ResponseWriter, key string) {
	s.mu.Lock()
	known, out, models := s.keys[key] != nil, s.outage != nil, s.opt.Models
	s.mu.Unlock()
	if !known || out {
		write(w, http.StatusServiceUnavailable, "application/json", []byte(`{"error":{"code":503,"message":"Overloaded.","status":"UNAVAILABLE"}}`))
		return
	}
	all := []any{}
	for _, m := range models {
		all = append(all, map[string]any{"name": "models/" + m, "supportedGenerationMethods": []string{methodGenerate, methodCount}, "thinking": !slices.Contains(s.opt.Plain, m)})
	}
	body, _ := json.Marshal(map[string]any{"models": all})
	write(w, http.StatusOK, "application/json; charset=UTF-8", body)
}

func modelAnswer() Answer {
	return Answer{methodGet, func(_ *Server, w http.ResponseWriter, _ *http.Request, call *Call) {
		body, _ := json.Marshal(map[string]any{
			"name": "models/" + call.Model, "version": "001", "displayName": call.Model, "inputTokenLimit": 1048576,
			"outputTokenLimit": 65536, "supportedGenerationMethods": []string{methodGenerate, methodCount},
		})
		write(w, http.StatusOK, "application/json; charset=UTF-8", body)
	}}
}

func countAnswer() Answer {
	return Answer{methodCount, func(_ *Server, w http.ResponseWriter, _ *http.Request, call *Call) {
		body, _ := json.Marshal(map[string]any{"totalTokens": call.Tokens})
		write(w, http.StatusOK, "application/json; charset=UTF-8", body)
	}}
}

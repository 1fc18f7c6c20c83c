// Package apitest holds answers of the API to its OpenAPI document.
package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
)

// Contract is an OpenAPI document that answers are held to.
type Contract struct {
	paths map[string]map[string]operation
	defs  json.RawMessage

	mu       sync.Mutex
	resolved map[string]*jsonschema.Resolved
}

type operation struct {
	Responses map[string]struct {
		Content map[string]struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"content"`
	} `json:"responses"`
}

// New parses a document.
func New(document []byte) (*Contract, error) {
	moved := bytes.ReplaceAll(document, []byte("#/components/schemas/"), []byte("#/$defs/"))
	var d struct {
		OpenAPI    string                          `json:"openapi"`
		Paths      map[string]map[string]operation `json:"paths"`
		Components struct {
			Schemas json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(moved, &d); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1.") || len(d.Paths) == 0 {
		return nil, fmt.Errorf("this is OpenAPI %q with %d paths", d.OpenAPI, len(d.Paths))
	}
	return &Contract{paths: d.Paths, defs: d.Components.Schemas, resolved: map[string]*jsonschema.Resolved{}}, nil
}

// Check returns how an answer differs from the document; nil for a path that is not of the API.
func (c *Contract) Check(method, path string, status int, header http.Header, body []byte) error {
	op, template, there := c.find(method, path)
	if !there {
		return nil
	}
	answer, declared := op.Responses[strconv.Itoa(status)]
	if !declared && status >= 400 {
		answer, declared = op.Responses["default"]
	}
	at := fmt.Sprintf("%s %s: %d", method, template, status)
	if !declared {
		return fmt.Errorf("%s is not in the document", at)
	}
	if len(answer.Content) == 0 || method == http.MethodHead {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")) // "" is in no document
	media, declared := answer.Content[kind]
	if !declared {
		return fmt.Errorf("%s as %q is not in the document", at, kind)
	}
	if len(media.Schema) == 0 {
		return nil
	}
	for _, value := range values(kind, body) {
		if err := c.validate(media.Schema, value); err != nil {
			return fmt.Errorf("%s: %w in %.500s", at, err, value)
		}
	}
	return nil
}

// find returns the operation of a path, and its template.
func (c *Contract) find(method, path string) (operation, string, bool) {
	given := strings.Split(strings.Trim(path, "/"), "/")
	for template, ops := range c.paths {
		parts := strings.Split(strings.Trim(template, "/"), "/")
		op, there := ops[strings.ToLower(method)]
		if !there || len(parts) != len(given) {
			continue
		}
		for i, part := range parts {
			there = there && (part == given[i] || strings.HasPrefix(part, "{"))
		}
		if there && (strings.HasPrefix(parts[len(parts)-1], "{") == (parts[len(parts)-1] != given[len(given)-1])) {
			return op, template, true
		}
	}
	return operation{}, "", false
}

// values returns the JSON values of a body: the body, its lines, or the data of its events.
func values(kind string, body []byte) [][]byte {
	var all [][]byte
	switch kind {
	case "application/x-ndjson":
		for line := range bytes.Lines(body) {
			all = append(all, line)
		}
		return all
	case "text/event-stream":
		for line := range bytes.Lines(body) {
			if data, ok := bytes.CutPrefix(line, []byte("data:")); ok && bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
				all = append(all, data)
			}
		}
		return all
	}
	return [][]byte{body}
}

func (c *Contract) validate(schema json.RawMessage, body []byte) error {
	resolved, err := c.resolve(string(schema))
	if err != nil {
		return err
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	return resolved.Validate(value)
}

// resolve returns a schema of the document, ready to validate.
func (c *Contract) resolve(schema string) (*jsonschema.Resolved, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.resolved[schema]; r != nil {
		return r, nil
	}
	whole := fmt.Sprintf(`{"allOf": [%s], "$defs": %s}`, schema, c.defs)
	s := &jsonschema.Schema{}
	if err := json.Unmarshal([]byte(whole), s); err != nil {
		return nil, err
	}
	r, err := s.Resolve(nil)
	if err == nil {
		c.resolved[schema] = r
	}
	return r, err
}

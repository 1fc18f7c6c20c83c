package simulator

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

//go:embed testdata/*.json
var payloadFiles embed.FS

// Payload is one answer of the real service, with the class that a parser must find in it.
type Payload struct {
	Name   string // the file's name without its extension
	Status int    // HTTP status
	Expect string // the class, "class:limit", or a class with words after it
	JSON   bool   // false: HTML or a truncated body
	Body   []byte // as sent on the wire
}

// Payloads returns every stored answer, sorted by name.
func Payloads() []Payload {
	entries, err := payloadFiles.ReadDir("testdata")
	if err != nil {
		panic(err) // embedded
	}
	all := make([]Payload, 0, len(entries))
	for _, e := range entries {
		all = append(all, mustPayload(strings.TrimSuffix(e.Name(), ".json")))
	}
	return all
}

// LoadPayload returns the stored answer of that name.
func LoadPayload(name string) (Payload, error) {
	raw, err := payloadFiles.ReadFile(path.Join("testdata", name+".json"))
	if err != nil {
		return Payload{}, fmt.Errorf("simulator: no stored answer %q", name)
	}
	var file struct {
		Meta struct {
			Status int    `json:"http_status"`
			Expect string `json:"expect"`
		} `json:"_meta"`
		Body json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return Payload{}, fmt.Errorf("simulator: stored answer %q: %w", name, err)
	}
	p := Payload{Name: name, Status: file.Meta.Status, Expect: file.Meta.Expect, JSON: true, Body: file.Body}
	var text string
	if json.Unmarshal(file.Body, &text) == nil {
		p.JSON, p.Body = false, []byte(text)
	}
	return p, nil
}

func mustPayload(name string) Payload {
	p, err := LoadPayload(name)
	if err != nil {
		panic(err)
	}
	return p
}

package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// DocumentPath is where the OpenAPI document is served.
const DocumentPath = "/api/openapi.json"

// The parts of an OpenAPI 3.1 document that this program uses.
type (
	// Document is an OpenAPI 3.1 document.
	Document struct {
		OpenAPI    string                        `json:"openapi"`
		Info       docInfo                       `json:"info"`
		Paths      map[string]map[string]*docOne `json:"paths"`
		Components docComponents                 `json:"components"`
		Security   []map[string][]string         `json:"security"`
	}
	docInfo struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	}
	docOne struct {
		ID          string                `json:"operationId"`
		Summary     string                `json:"summary"`
		Deprecated  bool                  `json:"deprecated,omitempty"`
		Parameters  []docParameter        `json:"parameters,omitempty"`
		RequestBody *docBody              `json:"requestBody,omitempty"`
		Responses   map[string]*docAnswer `json:"responses"`
	}
	docParameter struct {
		Name        string             `json:"name"`
		In          string             `json:"in"`
		Required    bool               `json:"required,omitempty"`
		Description string             `json:"description,omitempty"`
		Schema      *jsonschema.Schema `json:"schema"`
	}
	docBody struct {
		Content map[string]docMedia `json:"content"`
	}
	docAnswer struct {
		Description string               `json:"description"`
		Headers     map[string]docHeader `json:"headers,omitempty"`
		Content     map[string]docMedia  `json:"content,omitempty"`
	}
	docHeader struct {
		Description string             `json:"description"`
		Schema      *jsonschema.Schema `json:"schema"`
	}
	docMedia struct {
		Schema *jsonschema.Schema `json:"schema,omitempty"`
	}
	docComponents struct {
		Schemas         map[string]*jsonschema.Schema `json:"schemas"`
		SecuritySchemes map[string]map[string]string  `json:"securitySchemes"`
	}
)

// NewDocument returns the OpenAPI document of every operation. An error is a fault in the types of this package.
func NewDocument(version string) (*Document, error) {
	s, err := newSchemas()
	if err != nil {
		return nil, err
	}
	d := &Document{
		OpenAPI: "3.1.0", Paths: map[string]map[string]*docOne{},
		Info: docInfo{"Sheetlift", version, "From pictures of sheets to rows and a workbook. docs/api.md tells how the calls belong together."},
		Components: docComponents{SecuritySchemes: map[string]map[string]string{
			"token": {"type": "http", "scheme": "bearer", "description": "a token, where this server asks for a password"},
		}},
		Security: []map[string][]string{{"token": {}}, {}},
	}
	for _, op := range Operations() {
		one, err := s.describe(op)
		if err != nil {
			return nil, err
		}
		path := pathParameter.ReplaceAllString(op.Path, "{$1}")
		if d.Paths[path] == nil {
			d.Paths[path] = map[string]*docOne{}
		}
		d.Paths[path][strings.ToLower(op.Method)] = one
	}
	d.Components.Schemas = s.components
	return d, nil
}

// JSON returns the document as it is served.
func (d *Document) JSON() ([]byte, error) { return json.MarshalIndent(d, "", " ") }

// pathParameter is a part of a path that the caller fills in, as the router writes it.
var pathParameter = regexp.MustCompile(`:(\w+)`)

// describe returns one operation as the document has it.
func (s *schemas) describe(op Operation) (*docOne, error) {
	one := &docOne{ID: op.ID, Summary: op.Summary, Deprecated: op.Deprecated, Parameters: parameters(op)}
	if op.takes != "" {
		one.RequestBody = &docBody{map[string]docMedia{op.takes: {}}}
	} else if op.body != nil {
		schema, err := s.of(op.body)
		if err != nil {
			return nil, err
		}
		one.RequestBody = &docBody{map[string]docMedia{"application/json": {schema}}}
	}
	good := &docAnswer{Description: http.StatusText(op.status)}
	media := docMedia{}
	if op.answer != nil {
		schema, err := s.of(op.answer)
		if err != nil {
			return nil, err
		}
		media.Schema = schema
	}
	if kind := op.Media(); kind != "" {
		good.Content = map[string]docMedia{kind: media}
	}
	problem, kind := of[Problem](), "application/problem+json"
	if op.Deprecated {
		problem, kind = of[FirstProblem](), "application/json"
	}
	schema, err := s.of(problem)
	if err != nil {
		return nil, err
	}
	one.Responses = map[string]*docAnswer{
		strconv.Itoa(op.status): good,
		"default":               {Description: "The request was not carried out.", Content: map[string]docMedia{kind: {schema}}},
	}
	if op.repeats { // a repeated request gets the answer of the first one
		one.Responses["200"] = &docAnswer{Description: "The same request was answered before.", Content: good.Content}
	}
	if op.tagged {
		good.Headers = map[string]docHeader{"ETag": {"of what is told", &jsonschema.Schema{Type: "string"}}}
		if op.Method == http.MethodGet {
			one.Responses["304"] = &docAnswer{Description: "You have it already.", Headers: good.Headers}
		}
	}
	return one, nil
}

// Media returns the media type of the answer; "" if it has no content.
func (op Operation) Media() string {
	if op.produces == "" && op.answer != nil {
		return "application/json"
	}
	return op.produces
}

func parameters(op Operation) []docParameter {
	var all []docParameter
	for _, name := range pathParameter.FindAllStringSubmatch(op.Path, -1) {
		p := docParameter{Name: name[1], In: "path", Required: true, Schema: &jsonschema.Schema{Type: "string"}}
		switch name[1] {
		case "n":
			p.Schema, p.Description = &jsonschema.Schema{Type: "integer", Minimum: new(1.0)}, "the number of the image"
		case "upload":
			p.Schema.Pattern, p.Description = "^[A-Za-z0-9_-]{8,64}$", "an id of your own"
		default:
			p.Description = "of the batch"
		}
		all = append(all, p)
	}
	for _, q := range op.Query {
		all = append(all, docParameter{Name: q.Name, In: "query", Description: q.Meaning, Schema: &jsonschema.Schema{Type: q.Kind, Enum: q.Values}})
	}
	if op.repeats {
		all = append(all, docParameter{Name: "Idempotency-Key", In: "header", Description: "the same key with the same request is answered with the same batch", Schema: &jsonschema.Schema{Type: "string"}})
	}
	switch {
	case op.tagged && op.Method == http.MethodGet:
		all = append(all, docParameter{Name: "If-None-Match", In: "header", Description: "the ETag of what you have; 304 if nothing else is to be told", Schema: &jsonschema.Schema{Type: "string"}})
	case op.tagged:
		all = append(all, docParameter{Name: "If-Match", In: "header", Description: "the ETag of what you have seen; 412 if what can be changed here is another since", Schema: &jsonschema.Schema{Type: "string"}})
	}
	return all
}

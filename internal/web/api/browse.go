package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Entry is an operation as a person reads of it.
type Entry struct {
	Method, Path, Summary string
	Deprecated            bool
	Takes, Media          string // media types of the body and the answer; "" for none
	Query, Body, Answer   []Field
}

// Field is a field of a body or an answer, or a parameter.
type Field struct {
	Name     string
	Type     string
	Meaning  string
	Required bool
	Depth    int // how many fields it is inside
}

// Entries returns the operations of the document in the order of Operations.
func (d *Document) Entries() []Entry {
	var all []Entry
	for _, op := range Operations() {
		one := d.Paths[pathParameter.ReplaceAllString(op.Path, "{$1}")][strings.ToLower(op.Method)]
		e := Entry{Method: op.Method, Path: pathParameter.ReplaceAllString(op.Path, "{$1}"), Summary: op.Summary, Deprecated: op.Deprecated, Media: op.Media()}
		for _, p := range one.Parameters {
			e.Query = append(e.Query, Field{Name: p.Name, Type: d.typeOf(p.Schema), Meaning: p.Description, Required: p.Required})
		}
		if one.RequestBody != nil {
			for kind, media := range one.RequestBody.Content {
				e.Takes, e.Body = kind, d.fields(media.Schema, 0)
			}
		}
		for _, media := range one.Responses[fmt.Sprint(op.status)].Content {
			e.Answer = d.fields(media.Schema, 0)
		}
		all = append(all, e)
	}
	return all
}

// deepest is how deep fields inside fields are shown.
const deepest = 4

// fields lists the fields of an object, and below each those inside it.
func (d *Document) fields(s *jsonschema.Schema, depth int) []Field {
	s = d.inner(s)
	if s == nil || depth > deepest {
		return nil
	}
	var all []Field
	for _, name := range s.PropertyOrder {
		p := s.Properties[name]
		if p == nil {
			continue // hidden
		}
		all = append(all, Field{Name: name, Type: d.typeOf(p), Meaning: p.Description, Required: slices.Contains(s.Required, name), Depth: depth})
		all = append(all, d.fields(p, depth+1)...)
	}
	return all
}

// inner returns the object that s is, refers to, or lists.
func (d *Document) inner(s *jsonschema.Schema) *jsonschema.Schema {
	for s != nil {
		switch {
		case s.Ref != "":
			s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
		case s.Items != nil:
			s = s.Items
		default:
			return s
		}
	}
	return nil
}

// typeOf returns the type of a value in a few words.
func (d *Document) typeOf(s *jsonschema.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return strings.TrimPrefix(s.Ref, "#/components/schemas/")
	case s.Items != nil:
		return "[" + d.typeOf(s.Items) + "]"
	case len(s.Enum) > 0:
		var values []string
		for _, v := range s.Enum {
			text, _ := json.Marshal(v) // texts
			if string(text) != `""` {
				values = append(values, strings.Trim(string(text), `"`))
			}
		}
		return strings.Join(values, " | ")
	case len(s.Types) > 0:
		return strings.Join(s.Types, " | ")
	case s.Format != "":
		return s.Type + " (" + s.Format + ")"
	}
	return s.Type
}

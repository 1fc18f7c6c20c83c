package api

import (
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// schemaNames are the names of the Go types in the document, by which generated clients name theirs.
var schemaNames = map[reflect.Type]string{
	of[wishes](): "NewBatch", of[changes](): "BatchChanges", of[startWishes](): "Start", of[again](): "Retry", of[imageChanges](): "ImageChanges",
	of[batchInfo](): "Batch", of[batchList](): "BatchList", of[imageInfo](): "Image", of[imageList](): "ImageList", of[wholeImage](): "WholeImage",
	of[rowInfo](): "Row", of[rowList](): "RowList", of[retried](): "Retried", of[dayList](): "Figures", of[keyList](): "Keys", of[Uploaded](): "Uploaded",
	of[rowsFile](): "RowsFile", of[rowsLine](): "RowsLine", of[eventLine](): "Event", of[Problem](): "Problem", of[FirstProblem](): "FirstProblem",
	of[accepted](): "FirstAccepted", of[status](): "FirstStatus", of[results](): "FirstResults", of[batch.Counts](): "Counts", of[batch.Attempt](): "Attempt",
	of[table.Column](): "Column",
}

func oneOf(values ...any) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Enum: values}
}

// codes is the schema of Code.
func codes() *jsonschema.Schema {
	var all []any
	for _, code := range Codes() {
		all = append(all, code)
	}
	s := oneOf(all...)
	s.Description = "a short word for the kind of error, which stays the same; docs/api.md tells what each means"
	return s
}

// plain are the schemas of types that stand for a text with a few values.
func plain() map[reflect.Type]*jsonschema.Schema {
	return map[reflect.Type]*jsonschema.Schema{
		of[batch.Status]():      oneOf(batch.Draft, batch.Scheduled, batch.Pending, batch.Processing, batch.Paused, batch.Retrying, batch.Completed, batch.Failed, batch.Canceled),
		of[batch.Priority]():    oneOf(batch.High, batch.Normal, batch.Low, ""),
		of[batch.PauseReason](): oneOf(batch.PausedByUser, batch.PausedByKeys, batch.PausedByDisk),
		of[batch.Fallback]():    oneOf(batch.FallbackOff, batch.FallbackAsk, batch.FallbackAlways, ""),
		of[batch.Witness]():     oneOf(batch.WitnessOff, batch.WitnessOffline, ""),
		of[table.Type]():        oneOf(table.Text, table.Number, table.Date, table.YesNo, table.Choice, ""),
		of[Code]():              codes(),
		of[batch.ID]():          {Type: "string", Pattern: "^[a-z0-9]+$"},
	}
}

// schemas makes the schemas of types; a type with a name becomes a component, and a reference where it is used.
type schemas struct {
	components map[string]*jsonschema.Schema
	known      map[reflect.Type]*jsonschema.Schema
}

// hidden are properties of types that this program uses for itself; no answer has them.
var hidden = map[string][]string{"Counts": {"exact", "weighed", "checks", "columns"}}

// newSchemas makes the components. Types that others use come first.
func newSchemas() (*schemas, error) {
	s := &schemas{components: map[string]*jsonschema.Schema{}, known: plain()}
	for _, typ := range []reflect.Type{of[table.Column](), of[batch.Counts](), of[batch.Attempt](), of[batchInfo](), of[imageInfo](), of[rowInfo](), of[rowsLine]()} {
		if _, err := s.of(typ); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// of returns the schema of a type.
func (s *schemas) of(typ reflect.Type) (*jsonschema.Schema, error) {
	if known := s.known[typ]; known != nil {
		return known, nil
	}
	known := maps.Clone(s.known)
	for i := 0; typ.Kind() == reflect.Struct && i < typ.NumField(); i++ {
		if f := typ.Field(i); f.Anonymous {
			delete(known, f.Type) // its fields stand among those of typ: a reference cannot
		}
	}
	made, err := jsonschema.ForType(typ, &jsonschema.ForOptions{TypeSchemas: known})
	if err != nil {
		return nil, fmt.Errorf("the schema of %s: %w", typ, err)
	}
	name := schemaNames[typ]
	if name == "" {
		return made, nil
	}
	for _, word := range hidden[name] {
		delete(made.Properties, word)
	}
	if strings.HasSuffix(name, "Changes") || name == "NewBatch" || name == "Start" || name == "Retry" {
		made.Required = nil // every field of a request may be left out
	}
	s.components[name] = made
	s.known[typ] = &jsonschema.Schema{Ref: "#/components/schemas/" + name}
	return s.known[typ], nil
}

package errs

import (
	"errors"
	"strings"
)

// marked is an error with a code or a field for programs. Its kind and message are those of the error inside.
type marked struct {
	error
	code, field string
}

// Unwrap returns the error inside.
func (m *marked) Unwrap() error { return m.error }

// As gives err a code for programs that is narrower than that of its kind: a short word with underscores, which stays the same
// when the message is written anew. It returns nil for a nil err.
func As(code string, err error) error {
	if err == nil {
		return nil
	}
	return &marked{error: err, code: code}
}

// At says which one field of a request is at fault, by its name in the API, such as at_once. A field inside another one is named
// by two calls: At("columns[2]", At("type", err)) is columns[2].type. It returns nil for a nil err.
func At(field string, err error) error {
	if err == nil {
		return nil
	}
	return &marked{error: err, field: field}
}

// CodeOf returns the code of err: that of the outermost As, or else the name of its kind with underscores, such as not_found.
func CodeOf(err error) string {
	for inner := err; ; {
		m, ok := errors.AsType[*marked](inner)
		switch {
		case !ok:
			return KindOf(err).Code()
		case m.code != "":
			return m.code
		}
		inner = m.error
	}
}

// Code returns the kind's name for programs, such as not_found.
func (k Kind) Code() string { return strings.ReplaceAll(k.String(), " ", "_") }

// FieldOf returns the field that is at fault, "" if it is not one field alone.
func FieldOf(err error) string {
	var path []string
	for {
		m, ok := errors.AsType[*marked](err)
		if !ok {
			return strings.Join(path, ".")
		}
		if m.field != "" {
			path = append(path, m.field)
		}
		err = m.error
	}
}

// Package errs gives an error a kind, which internal/web turns into an HTTP status, and a message that is safe to
// show to people.
//
// An error of any other package has the kind Internal. Its text goes to the log only and is never shown.
package errs

import (
	"errors"
	"fmt"
)

// Kind classifies an error by the answer that it gets. The zero Kind is Internal.
type Kind uint8

// The kinds, each with the HTTP status that internal/web answers with.
const (
	Internal     Kind = iota // a fault of the program: 500, shown without details
	Invalid                  // the request is readable but unusable: 422
	Malformed                // the body cannot be parsed: 400
	Timeout                  // the body did not arrive in time: 408
	NotFound                 // unknown, or not visible to this person: 404
	Conflict                 // changed by another writer, or not allowed in its state: 409
	TooLarge                 // a file or a body over its limit: 413
	Unauthorized             // not signed in: 401
	Forbidden                // not allowed, signed in or not: 403
	TooMany                  // rate limit: 429
	Full                     // no free disk space: 507
	Unavailable              // a dependency is down for now: 503
	Changed                  // the condition of the request does not hold any more: 412
)

var kindNames = [...]string{
	"internal", "invalid", "malformed", "timeout", "not found", "conflict", "too large", "unauthorized", "forbidden", "too many", "full",
	"unavailable", "changed",
}

// String returns the kind's name for logs.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Error carries a kind, a message that may be shown to anyone, and the cause for the log.
type Error struct {
	Kind    Kind
	Message string // an English sentence: the problem, the reason, the remedy
	Format  string // the format of Message; translations are looked up by it and filled with Args
	Args    []any
	Err     error // the cause for the log, never shown; may be nil
}

// Error returns the message and, for logs, the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of the given kind. The formatted message must be safe to show.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Format: format, Args: args}
}

// Wrap gives err a kind and a message that is safe to show. It returns nil for a nil err.
func Wrap(err error, kind Kind, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Format: format, Args: args, Err: err}
}

// KindOf returns the kind of the outermost Error in err's chain, Internal for any other error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of the given kind. A nil err has no kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Message returns the text of err to show, in English: its safe message, or a general sentence for an error of
// another package.
func Message(err error) string {
	format, args := Sentence(err)
	return fmt.Sprintf(format, args...)
}

// Sentence returns the parts of Message: the English format, by which a translation is found, and its arguments.
func Sentence(err error) (format string, args []any) {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Format == "" {
			return "%s", []any{e.Message}
		}
		return e.Format, e.Args
	}
	return "Something went wrong on our side. Please try again; if it stays, ask your technician to look at the log.", nil
}

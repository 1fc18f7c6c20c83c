// Package errs gives an error a kind, for the doors that turn it into an answer, and a message that is safe and kind
// enough to show to the person who has to act on it.
//
// An error that did not come from here is Internal and shows nothing of itself: whatever it says goes to the log only.
package errs

import (
	"errors"
	"fmt"
)

// Kind says what went wrong in terms that a door can answer with. The zero Kind is Internal.
type Kind uint8

// The kinds, each with the HTTP status that internal/web answers with.
const (
	Internal     Kind = iota // our fault: 500, shown without details
	Invalid                  // what was sent cannot be used as it is: 422
	NotFound                 // no such thing, or not for this person: 404
	Conflict                 // somebody else changed it first, or its state does not allow this: 409
	TooLarge                 // a file or a body over its limit: 413
	Unauthorized             // not signed in: 401
	Forbidden                // signed in or not, never from there: 403
	TooMany                  // asked too often: 429
	Full                     // no room on the disk: 507
	Unavailable              // a part is away for now, later it works: 503
)

var kindNames = [...]string{
	"internal", "invalid", "not found", "conflict", "too large", "unauthorized", "forbidden", "too many", "full",
	"unavailable",
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
	Message string // an English sentence: the thing, the reason, the remedy
	Format  string // what Message was made of, with Args: a door that speaks another language looks it up by this
	Args    []any
	Err     error // never shown; may be nil
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

// New returns an error of the given kind whose formatted message is safe to show.
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

// Is reports whether err is of the given kind. A nil err is of no kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Message returns what may be shown of err, in English: its own safe message, or a general sentence for a foreign error.
func Message(err error) string {
	format, args := Sentence(err)
	return fmt.Sprintf(format, args...)
}

// Sentence returns what Message is made of: the English format, by which a translation is found, and its arguments.
func Sentence(err error) (format string, args []any) {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Format == "" {
			return "%s", []any{e.Message}
		}
		return e.Format, e.Args
	}
	return "Something went wrong on our side. Please try again; if it stays, ask your technician to look at the log.", nil
}

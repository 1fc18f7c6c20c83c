// Package engine is the contract of whatever reads one image: what it is given, what it returns, and why a reading
// failed. Engines say why; internal/extract alone decides what follows.
package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sheetlift/internal/table"
)

// Engine reads one image. Implementations are safe for concurrent use, hold back by themselves when they have no
// capacity, and return as soon as ctx ends.
type Engine interface {
	// Name is the stable name: "gemini" or "tesseract".
	Name() string
	// Read makes one try. On failure the error is a *Failure, or ctx's error when ctx ended.
	Read(ctx context.Context, req Request) (*Reading, error)
}

// Asker is an engine whose reading of a picture may stand for another reading of it.
type Asker interface {
	Engine
	// Asks returns all that a reading depends on besides the picture, as text: the words and settings of the question, the
	// model (the engine's own for ""), the version of the tool. Only where the text is the same may one reading stand for
	// the other. "" means that none may.
	Asks(t table.Table, model string) string
}

// Request is one image and what is wanted of it.
type Request struct {
	Batch    string      // for fairness between batches
	Priority int         // between batches: who has the higher one goes first
	Picture  []byte      // prepared: upright, shrunk, JPEG or PNG
	MIME     string      // image/jpeg or image/png
	Width    int         // pixels
	Height   int         // pixels
	Table    table.Table // the columns wanted
	Model    string      // for engines with models; "" is the engine's default
	Previous []Past      // the tries so far, oldest first: an engine may avoid a key or change its words

	// Begin is called by the engine once, when it has the capacity (a key, a slot) and before it reads: the try is
	// written down then, so that waiting for a turn is not a try. The engine stops with the error that Begin returns.
	// It may be nil; see Begun.
	Begin func(ctx context.Context, key string) error
}

// Begun calls Begin if there is one. key is the label of the key used, "" for engines without keys.
func (r Request) Begun(ctx context.Context, key string) error {
	if r.Begin == nil {
		return nil
	}
	return r.Begin(ctx, key)
}

// Past is what an engine may learn from an earlier try of the same image.
type Past struct {
	Why Why    // "" for a try that was cut off by a crash
	Key string // label of the key used, if any
}

// Usage is what one try cost.
type Usage struct {
	PromptTokens int     `json:"prompt,omitempty"`
	OutputTokens int     `json:"output,omitempty"` // with thinking, which is billed as output
	USD          float64 `json:"usd,omitempty"`    // 0 where no price is known
}

// Reading is what one try found.
type Reading struct {
	Columns []string      // header of an open table as the sheet shows it; nil when the request named the columns
	Rows    []table.Row   // cells in the order of Columns or of the request's table
	Issues  []table.Issue // what the engine itself doubts; rules are checked by table.Validate
	Text    string        // all the text that was read, where the engine has it
	Model   string        // the model that answered
	Key     string        // label of the key that paid, "" for engines without keys
	Usage   Usage
}

// Why says why a try failed. The words are stored with attempts.
type Why string

// The reasons. The first group is not the image's fault and costs no retry; the second counts against max_retries;
// the third ends the image.
const (
	Busy        Why = "busy"        // quota, dead or refused key: another key or a later time
	Unreachable Why = "unreachable" // network, 5xx, overloaded, timed out
	Resting     Why = "resting"     // nothing was tried: all keys rest for longer than is worth waiting in hand

	BadAnswer Why = "bad_answer" // not JSON, wrong shape, cut off, empty
	Crashed   Why = "crashed"    // the engine or the process died over it
	Recited   Why = "recited"    // the model would not repeat the text; often passes on another try

	Refused     Why = "refused"     // blocked for its content
	BadPicture  Why = "bad_picture" // the service cannot use this picture
	Unavailable Why = "unavailable" // no such model, no key at all, engine not installed
)

// Free reports whether a try that failed so costs the image none of its retries.
func (w Why) Free() bool { return w == Busy || w == Unreachable || w == Resting }

// Final reports whether trying the same again is pointless.
func (w Why) Final() bool { return w == Refused || w == BadPicture || w == Unavailable }

// Failure is the error of a try.
type Failure struct {
	Why     Why
	Message string    // a sentence without jargon for the clerk, never with a secret
	Until   time.Time // not before this instant; zero means at once
	Key     string    // label of the key used, if any
	Class   string    // the engine's own finer word, for the technician
	Usage   Usage     // a failed try may have been billed
	Err     error     // for the log, redacted
}

// Error returns the reason and the message; the cause is for Unwrap.
func (f *Failure) Error() string {
	if f.Err != nil {
		return fmt.Sprintf("%s: %s: %v", f.Why, f.Message, f.Err)
	}
	return fmt.Sprintf("%s: %s", f.Why, f.Message)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// AsFailure returns err as a Failure; an unknown error counts as a crash of the engine.
func AsFailure(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{Why: Crashed, Message: "The reading stopped unexpectedly.", Err: err}
}

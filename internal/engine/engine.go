// Package engine is the contract of an engine that reads one image: its input, its result, and the reason of a failure. Engines
// report the reason; internal/worker alone decides about retries.
package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sheetlift/internal/table"
)

// Engine reads one image. Implementations are safe for concurrent use, block while they have no capacity, and return as soon as
// ctx ends.
type Engine interface {
	// Name is the stable name: "gemini" or "tesseract".
	Name() string
	// Read makes one attempt. On failure the error is a *Failure, or ctx's error when ctx ended.
	Read(ctx context.Context, req Request) (*Reading, error)
}

// Asker is an engine whose readings can be cached.
type Asker interface {
	Engine
	// Asks returns, as text, everything besides the picture that a reading depends on: the prompt and settings of the question,
	// the model (the default one for ""), the version of the tool. A reading may be used again only where the text is equal. ""
	// means never.
	Asks(q Question) string
}

// Question is a request without its picture.
type Question struct {
	Table    table.Table // the requested columns
	Model    string      // for engines with models; "" is the engine's default
	Thinking string      // thinking level, for models that have levels; "" is the engine's default
}

// Request is one image with its question.
type Request struct {
	Batch    string      // for fairness between batches
	Priority int         // between batches: the higher one goes first
	Picture  []byte      // prepared: upright, shrunk, JPEG or PNG
	MIME     string      // image/jpeg or image/png
	Width    int         // pixels
	Height   int         // pixels
	Table    table.Table // the requested columns
	Model    string      // for engines with models; "" is the engine's default
	Thinking string      // see Question
	Previous []Past      // earlier attempts, oldest first: an engine may avoid a key or change its prompt

	// AtOnce bounds the calls of the batch that run at the same time; 0 means that only the caller does. Behind returns how many
	// images of the batch no call was begun for yet, this one included until Begin. An engine uses it near the end of a batch,
	// to end it sooner; it may call Behind often. nil means unknown.
	AtOnce int
	Behind func() int

	// The engine calls Begin once, when it has the capacity (a key, a slot) and before it reads: the attempt is stored then, so
	// that waiting for capacity does not count as an attempt. If Begin returns an error, the engine stops with it. Begin may be
	// nil; see Begun.
	Begin func(ctx context.Context, key string) error
}

// Question returns the question of r, without its picture.
func (r Request) Question() Question { return Question{r.Table, r.Model, r.Thinking} }

// Begun calls Begin if it is set. key is the label of the key used, "" for engines without keys.
func (r Request) Begun(ctx context.Context, key string) error {
	if r.Begin == nil {
		return nil
	}
	return r.Begin(ctx, key)
}

// Past is an earlier attempt at the same image, as far as it concerns an engine.
type Past struct {
	Why Why    // "" for an attempt that was interrupted by a crash
	Key string // label of the key used, if any
}

// Usage is the cost of one attempt.
type Usage struct {
	PromptTokens int     `json:"prompt,omitempty"`
	OutputTokens int     `json:"output,omitempty"` // with thinking, which is billed as output
	USD          float64 `json:"usd,omitempty"`
	Priced       bool    `json:"priced,omitempty"` // USD is the full cost; otherwise it is the part with a known price, or 0
}

// Plus adds the usage of two calls. The sum is priced only if each call that used tokens is; otherwise USD is a part of the
// cost.
func (u Usage) Plus(v Usage) Usage {
	known := func(u Usage) bool { return u.Priced || u.PromptTokens+u.OutputTokens == 0 }
	return Usage{
		PromptTokens: u.PromptTokens + v.PromptTokens, OutputTokens: u.OutputTokens + v.OutputTokens, USD: u.USD + v.USD,
		Priced: (u.Priced || v.Priced) && known(u) && known(v),
	}
}

// Reading is the result of one attempt.
type Reading struct {
	Columns []string      // header of an open table as on the sheet; nil if the request named the columns
	Rows    []table.Row   // cells in the order of Columns or of the request's table
	Issues  []table.Issue // issues found by the engine itself; table.Validate checks the rules
	Text    string        // the full text that was read, if the engine provides it
	Model   string        // the model that answered
	Key     string        // label of the key that was billed, "" for engines without keys
	Usage   Usage
}

// Why is the reason of a failed attempt. The words are stored with attempts.
type Why string

// The reasons. The first group is not caused by the image and costs no retry; the second counts against max_retries; the third
// ends the image.
const (
	Busy        Why = "busy"        // quota, dead or refused key: another key or a later time
	Unreachable Why = "unreachable" // network, 5xx, overloaded, timed out
	Resting     Why = "resting"     // no attempt made: all keys are in cooldown for longer than a worker should wait
	NoModel     Why = "no_model"    // no attempt made: no key may use the model, because it is gone or not allowed
	Halted      Why = "halted"      // a person must fix the request, the network or the model first; no picture can be read

	BadAnswer Why = "bad_answer" // not JSON, wrong shape, cut off, empty
	Crashed   Why = "crashed"    // the engine or the process crashed
	Recited   Why = "recited"    // the model refused to repeat the text; often succeeds on another attempt

	Refused     Why = "refused"     // blocked for its content
	BadPicture  Why = "bad_picture" // the service cannot use this picture
	Unavailable Why = "unavailable" // no such model, no key at all, engine not installed
)

// Free reports whether a failure with this reason costs the image no retry.
func (w Why) Free() bool { return w == Busy || w == Unreachable || w.Waits() }

// Waits reports whether the reason is independent of the picture: no picture can be read for now.
func (w Why) Waits() bool { return w == Resting || w == Halted || w == NoModel }

// Final reports whether another identical attempt is pointless.
func (w Why) Final() bool { return w == Refused || w == BadPicture || w == Unavailable }

// Failure is the error of an attempt.
type Failure struct {
	Why     Why
	Message string    // a sentence without jargon for the clerk, never with a secret
	Until   time.Time // earliest time of the next attempt; zero means at once
	Key     string    // label of the key used, if any
	Class   string    // the engine's own error class, for the technician
	Usage   Usage     // a failed attempt may have been billed
	Model   string    // the model that answered, if any
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

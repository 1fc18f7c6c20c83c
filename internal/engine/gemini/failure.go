package gemini

import (
	"errors"
	"time"

	"sheetlift/internal/engine"
	"sheetlift/internal/keypool"
)

// meaning is what a class means for the image: why the try failed, and how a clerk is told.
type meaning struct {
	why     engine.Why
	message string
}

var meanings = map[keypool.Class]meaning{
	keypool.RPM:     {engine.Busy, "The key's requests for this minute are used up; another key takes over, or it waits."},
	keypool.TPM:     {engine.Busy, "The key's text for this minute is used up; another key takes over, or it waits."},
	keypool.RPD:     {engine.Busy, "The key's requests for today are used up; another key takes over, or it waits."},
	keypool.TPD:     {engine.Busy, "The key's text for today is used up; another key takes over, or it waits."},
	keypool.Bare429: {engine.Busy, "Google asks for a pause; it is tried again after it."},
	keypool.Billing: {engine.Busy, "The key's account has no money left; another key takes over, or it waits."},

	keypool.KeyDead:          {engine.Busy, "Google refused the key; another key takes over."},
	keypool.KeyFixable:       {engine.Busy, "Google refused the key for a setting of its owner; another key takes over."},
	keypool.ModelUnavailable: {engine.Busy, "The key may not use this model; another key takes over."},

	keypool.ModelOverloaded: {engine.Unreachable, "Google was overloaded; it is tried again."},
	keypool.Transport:       {engine.Unreachable, "Google could not be reached; it is tried again."},

	keypool.BadAnswer:  {engine.BadAnswer, "The answer was not a table. A further try often helps."},
	keypool.Empty:      {engine.BadAnswer, "The answer was empty. A further try often helps."},
	keypool.MaxTokens:  {engine.BadAnswer, "The sheet has more rows than fit into one answer. Photograph it in two parts, or retry it."},
	keypool.Recitation: {engine.Recited, "Google would not copy this text, because it looks like a published one. A further try often helps."},
	keypool.Blocked:    {engine.Refused, "Google does not read this picture because of what it shows."},
	keypool.ImageFault: {engine.BadPicture, "Google cannot use this picture. Check it, or take a new photo of the sheet."},
	keypool.Region:     {engine.Busy, "Google does not offer this service where this machine is. Ask your technician."},
}

var causes = map[cause]string{
	causeTimeout:  "Google did not answer in time; it is tried again.",
	causeTooLong:  "The picture is more than the model takes. Photograph the sheet in two parts.",
	causeQuestion: "Google did not accept the request. Ask your technician to look at the log.",
	causeSchema:   "These columns are more than Google takes at once. Use fewer columns, or shorter lists of values.",
	causeLogin:    "Google asks for another kind of key; another key takes over.",
}

// failure says to the one who decides why the try failed.
func (e *Engine) failure(req engine.Request, lease *keypool.Lease, a *answered, f finding, reason, model string) *engine.Failure {
	m, known := meanings[f.class]
	if !known {
		m = meanings[keypool.BadAnswer]
	}
	if words := causes[f.cause]; words != "" {
		m.message = words
	}
	failure := &engine.Failure{
		Why: m.why, Message: m.message, Key: lease.Label(), Class: string(f.class), Usage: a.usage(model), Err: errors.New(reason),
	}
	if m.why == engine.Unreachable {
		failure.Until = time.Now().Add(stumble(1 + stumbles(req.Previous)))
	}
	return failure
}

// stumbles is how many tries in a row, up to the last one, the service stumbled over.
func stumbles(previous []engine.Past) int {
	n := 0
	for i := len(previous) - 1; i >= 0 && previous[i].Why == engine.Unreachable; i-- {
		n++
	}
	return n
}

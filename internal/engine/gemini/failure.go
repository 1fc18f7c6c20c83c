package gemini

import (
	"errors"
	"time"

	"sheetlift/internal/engine"
	"sheetlift/internal/keypool"
)

// meaning says how a class affects the image: the reason of the failure, and the message for people.
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
	keypool.Spend:   {engine.Busy, "The project has spent all that Google lets it spend in ten minutes; it goes on after them, or with keys of another project."},
	keypool.Billing: {engine.Busy, "The key's account has no money left; another key takes over, or it waits."},

	keypool.KeyDead:          {engine.Busy, "Google refused the key; another key takes over."},
	keypool.KeyFixable:       {engine.Busy, "Google refused the key for a setting of its owner; another key takes over."},
	keypool.ModelUnavailable: {engine.Busy, "The key may not use this model; another key takes over."},

	keypool.ModelOverloaded: {engine.Unreachable, "Google was overloaded; it is tried again."},
	keypool.Transport:       {engine.Unreachable, "Google could not be reached; it is tried again."},

	keypool.Foreign: {engine.Unreachable, "The answer was not Google's: something in the network answers in its place, such as a login page. It is tried again."},

	keypool.Request:  {engine.Halted, "Google did not accept the request, whichever picture it holds. Ask your technician to look at the log, or choose another model."},
	keypool.TooLarge: {engine.Halted, "Something between this machine and Google, such as a proxy, refuses requests of this size. Ask your technician to let requests of 20 MB pass."},

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

// promptRetries is how many transient failures in a row cost no wait near the end of a batch, where nothing else is to be read
// meanwhile.
const promptRetries = 3

// failure describes why the attempt failed, for the scheduler's decision.
func (e *Engine) failure(req engine.Request, lease *keypool.Lease, a *callResult, f finding, reason, model string) *engine.Failure {
	m, known := meanings[f.class]
	if !known {
		m = meanings[keypool.BadAnswer]
	}
	m.message = messageFor(f.class, f.cause)
	failure := &engine.Failure{
		Why: m.why, Message: m.message, Key: lease.Label(), Class: string(f.class), Usage: e.usage(a, model), Model: a.served, Err: errors.New(reason),
	}
	switch m.why {
	case engine.Unreachable:
		failure.Until = time.Now()
		if times := 1 + transientFailures(req.Previous); times > promptRetries || req.Behind == nil || req.Behind() > 0 {
			failure.Until = failure.Until.Add(transientDelay(times))
		}
	case engine.Halted: // later than the others, so that one of them tries the question next
		failure.Until = time.Now().Add(2 * refusedMin)
	}
	return failure
}

// messageFor returns the sentence for people.
func messageFor(class keypool.Class, c cause) string {
	if words := causes[c]; words != "" {
		return words
	}
	if m, known := meanings[class]; known {
		return m.message
	}
	return meanings[keypool.BadAnswer].message
}

// transientFailures returns the number of transient failures in a row, up to the last attempt.
func transientFailures(previous []engine.Past) int {
	n := 0
	for i := len(previous) - 1; i >= 0 && previous[i].Why == engine.Unreachable; i-- {
		n++
	}
	return n
}

package worker

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
)

const (
	maxDelay   = 10 * time.Minute // the longest wait between two attempts that are the image's fault
	slotWait   = time.Second      // a wait up to this long keeps the slot; a longer one releases it
	storePause = 2 * time.Second  // before a picture that the store could not return is requested again
	stopWrite  = 3 * time.Second  // the time-out for storing that an attempt was stopped
	maxText    = 200_000          // bytes of text kept with an image

	// whyStopped marks an attempt that ended because the program was stopped. It counts against nothing.
	whyStopped engine.Why = "stopped"
)

// errLeaseLost says that the image was claimed by another worker, canceled or deleted while this attempt waited for an engine.
var errLeaseLost = errors.New("the image is no longer this try's")

// retryPolicy is the retry policy of all engines. It maps the reason of a failure to the next step:
//
//	final                → failed, with the engine's sentence
//	free (quota, outage) → again when the engine says, at no cost, until the batch's time limit
//	no key for a while   → the same, but read offline at once where the batch always falls back
//	the image's fault    → again within the batch's retries, the delay doubling with full jitter
//
// An image that would fail goes to the offline engine first, if the batch's options say so and that engine is installed
// (fallback != ""). retryPolicy changes m and returns how long the worker waits before the next attempt. A negative time means
// that the unit is finished: the image is final, or it waits longer and a new unit will be queued at m.NotBefore.
func retryPolicy(b *batch.Batch, m *batch.Image, f *engine.Failure, now time.Time, jitter func(time.Duration) time.Duration, fallback string) time.Duration {
	giveUp := func(sentence string) time.Duration {
		if b.Options.Fallback != batch.FallbackAlways || fallback == "" || m.Engine != "" || b.Engine == fallback {
			fail(m, sentence, now)
			return -1
		}
		m.Engine, m.Model, m.Faults, m.Status, m.NotBefore = fallback, "", 0, batch.Retrying, time.Time{}
		return 0
	}
	var wait time.Duration
	switch {
	case f.Why.Final():
		return giveUp(f.Message)
	case f.Why == engine.NoModel && m.Model != "" && m.Engine == "":
		return giveUp(f.Message) // a person chose this model for this image alone: the batch need not wait for it
	case f.Why.Waits() && b.Options.Fallback == batch.FallbackAlways && fallback != "" && m.Engine == "":
		return giveUp(f.Message)
	case f.Why.Free():
		if now.After(b.Until) {
			return giveUp("It could not be read within a day, because the service was not available. " + f.Message)
		}
		wait = max(0, f.Until.Sub(now))
	default:
		m.Faults++
		if m.Faults > b.Options.MaxRetries {
			return giveUp(f.Message)
		}
		wait = max(jitter(delay(b.Options.RetryDelay, m.Faults)), f.Until.Sub(now))
	}
	m.Status = batch.Retrying
	if wait <= slotWait {
		m.NotBefore = time.Time{}
		return wait
	}
	m.NotBefore = now.Add(wait)
	m.Generation, m.Lease = m.Generation+1, batch.Lease{}
	return -1
}

// delay is the longest wait before attempt number faults+1: first, doubled for each further one.
func delay(first time.Duration, faults int) time.Duration {
	d := first
	for range faults - 1 {
		if d *= 2; d >= maxDelay {
			return maxDelay
		}
	}
	return min(d, maxDelay)
}

func fail(m *batch.Image, sentence string, now time.Time) {
	m.End(batch.Failed, sentence, now)
}

// endAttempt ends the newest attempt and records why it failed.
func endAttempt(m *batch.Image, f *engine.Failure, now time.Time) {
	a := m.Last()
	if a == nil || !a.Ended.IsZero() {
		return
	}
	a.Ended, a.Why, a.Class, a.Message = now, string(f.Why), f.Class, f.Message
	charge(a, f.Usage, f.Model)
	if f.Key != "" {
		a.Key = f.Key
	}
}

// charge records the tokens and the cost of an attempt, and the model that answered it.
func charge(a *batch.Attempt, u engine.Usage, model string) {
	a.Prompt, a.Output, a.USD, a.Priced = u.PromptTokens, u.OutputTokens, u.USD, u.Priced
	if model != "" && model != a.Model {
		a.Asked, a.Model = a.Model, model
	}
}

// closeOpenAttempt ends an attempt that was left open because its process died, and reports whether there was one. That does not
// count against the image: an attempt waits most of its time, and the picture is not open in this process then. A picture
// that was open has a mark; see markSuspect.
func closeOpenAttempt(m *batch.Image, now time.Time) bool {
	a := m.Last()
	if a == nil || !a.Ended.IsZero() {
		return false
	}
	endAttempt(m, &engine.Failure{Why: whyStopped, Message: "It was stopped; the image is read again."}, now)
	return true
}

func unavailable(name string) string {
	if name == "gemini" {
		return "This batch is to be read by Google Gemini, but no key is set here. Ask your technician to set " +
			"GEMINI_API_KEY_1, then retry it."
	}
	return "The engine that was to read this batch is not installed here. Ask your technician, then retry it."
}

// clip cuts s to at most n bytes at the border of a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[:n]
	for len(s) > 0 && !utf8.ValidString(s[max(0, len(s)-utf8.UTFMax):]) {
		s = s[:len(s)-1]
	}
	return strings.ToValidUTF8(s, "")
}

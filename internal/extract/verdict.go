package extract

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
)

const (
	maxCrashes = 3                // crashes over one image until it is set aside
	maxDelay   = 10 * time.Minute // the longest wait between two tries that are the image's fault
	inHand     = time.Second      // a wait up to this is waited out with the slot held; a longer one gives it free
	storePause = 2 * time.Second  // before a picture that the store could not give is asked for again
	stopWrite  = 3 * time.Second  // for writing down that a try was stopped
	maxText    = 200_000          // bytes of text kept with an image

	// whyStopped marks a try that ended because the program was stopped; it is nobody's fault.
	whyStopped engine.Why = "stopped"
)

// errLost says that the image was taken over, canceled or deleted while this try waited for its turn.
var errLost = errors.New("the image is no longer this try's")

// judge is where "why it failed" becomes "what follows", once for all engines:
//
//	final                → failed, with the engine's sentence
//	free (quota, outage) → again when the engine says, at no cost, until the batch's deadline
//	no key for a while   → the same, but read offline at once where the batch always falls back
//	the image's fault    → again within the batch's retries, the delay doubling with full jitter
//
// An image that is given up goes to the offline engine first, where the batch says so and there is one (instead != "").
// It changes m and returns how long the one who has the image in hand waits; negative: the unit is done with, because
// the image is final, or because it waits longer and a new unit will be queued at m.NotBefore.
func judge(b *batch.Batch, m *batch.Image, f *engine.Failure, now time.Time, jitter func(time.Duration) time.Duration, instead string) time.Duration {
	giveUp := func(sentence string) time.Duration {
		if b.Options.Fallback != batch.FallbackAlways || instead == "" || m.Engine != "" || b.Engine == instead {
			fail(m, sentence, now)
			return -1
		}
		m.Engine, m.Model, m.Faults, m.Status, m.NotBefore = instead, "", 0, batch.Retrying, time.Time{}
		return 0
	}
	var wait time.Duration
	switch {
	case f.Why.Final():
		return giveUp(f.Message)
	case f.Why == engine.Resting && b.Options.Fallback == batch.FallbackAlways && instead != "" && m.Engine == "":
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
	if wait <= inHand {
		m.NotBefore = time.Time{}
		return wait
	}
	m.NotBefore = now.Add(wait)
	m.Work, m.Turn = m.Work+1, batch.Turn{}
	return -1
}

// delay is the longest wait before try number faults+1: first, doubled for each further one.
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

// endAttempt completes the newest attempt with why it failed.
func endAttempt(m *batch.Image, f *engine.Failure, now time.Time) {
	a := m.Last()
	if a == nil || !a.Ended.IsZero() {
		return
	}
	a.Ended, a.Why, a.Class, a.Message = now, string(f.Why), f.Class, f.Message
	a.Prompt, a.Output, a.USD = f.Usage.PromptTokens, f.Usage.OutputTokens, f.Usage.USD
	if f.Key != "" {
		a.Key = f.Key
	}
}

// cutOff counts an attempt that never ended: the process that made it is gone.
func cutOff(m *batch.Image, now time.Time) bool {
	a := m.Last()
	if a == nil || !a.Ended.IsZero() {
		return false
	}
	endAttempt(m, &engine.Failure{Why: engine.Crashed, Message: "The program stopped while this picture was read."}, now)
	m.Crashes++
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

package gemini

import (
	"crypto/sha256"
	"sync"
	"time"

	"sheetlift/internal/engine"
	"sheetlift/internal/keypool"
)

const (
	refusedMin  = 15 * time.Second // before a refused question is sent again, doubled up to refusedMax
	refusedMax  = 5 * time.Minute
	maxRefusals = 1000 // questions that are remembered
)

// refusals remembers the questions that were refused independent of their picture: a field of the request that the
// model does not know, columns that make too large an answer, an intermediary that refuses requests of this size.
// The batches with such a question wait; one call at a time tries it again.
type refusals struct {
	mu  sync.Mutex
	all map[[32]byte]*refusal
}

// refusal is the state of one question. An answered one stays with a zero class: a later refusal without a reason
// is then due to the picture.
type refusal struct {
	class   keypool.Class
	reason  string // for the log, redacted
	cause   cause
	until   time.Time
	pause   time.Duration
	probing bool
}

func newRefusals() *refusals { return &refusals{all: map[[32]byte]*refusal{}} }

func digestOf(asks string) [32]byte { return sha256.Sum256([]byte(asks)) }

// enter reports whether the question may be sent now. If so, leave must follow.
func (r *refusals) enter(q [32]byte, now time.Time) (refusal, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.all[q]
	if one == nil || one.class == "" {
		return refusal{}, true
	}
	if one.probing || one.until.After(now) {
		return *one, false
	}
	one.probing = true
	return *one, true
}

// leave records the result of a question that was sent.
func (r *refusals) leave(q [32]byte, f finding, reason string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.all[q]
	switch {
	case f.class == keypool.Request || f.class == keypool.TooLarge:
		if one == nil {
			one = r.add(q)
		}
		if one.until.After(now) && !one.probing {
			return // one of several calls that were under way
		}
		one.pause = min(refusedMax, max(refusedMin, 2*one.pause))
		one.class, one.cause, one.reason, one.until, one.probing = f.class, f.cause, reason, now.Add(one.pause), false
	case f.class.Answered():
		if one == nil {
			one = r.add(q)
		}
		*one = refusal{}
	case one != nil:
		one.probing = false
	}
}

func (r *refusals) add(q [32]byte) *refusal {
	if len(r.all) >= maxRefusals {
		clear(r.all)
	}
	r.all[q] = &refusal{}
	return r.all[q]
}

// answered reports whether the question was answered before, so that the request as such is known to be valid.
func (r *refusals) answered(q [32]byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.all[q]
	return one != nil && one.class == ""
}

// paused reports until when the question is not sent, and why.
func (r *refusals) paused(q [32]byte, now time.Time) (class keypool.Class, until time.Time, cooling bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.all[q]
	if one == nil || one.class == "" || !one.until.After(now) {
		return "", time.Time{}, false
	}
	return one.class, one.until, true
}

// failure says that the question is not sent for now.
func (one refusal) failure(now time.Time) *engine.Failure {
	until := now.Add(maxPause)
	if one.until.After(now) && one.until.Before(until) {
		until = one.until
	}
	return &engine.Failure{
		Why: engine.Resting, Class: string(one.class), Message: messageFor(one.class, one.cause), Until: until,
	}
}

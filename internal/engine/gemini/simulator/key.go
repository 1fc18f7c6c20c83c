package simulator

import (
	"math/rand/v2"
	"time"
)

// Key is an API key of the simulator and its behaviour. The zero fields describe a healthy key.
type Key struct {
	Value   string        // the value of x-goog-api-key
	Label   string        // its name in logs; "": the value
	Project string        // keys of one project share PerMinute and PerDay; "": a project of its own
	Latency time.Duration // of a good answer; 0: at once
	Jitter  float64       // latency is drawn from Latency·(1 ± Jitter)

	PerMinute int           // requests in a window of Options.Minute; 0: no limit
	PerDay    int           // requests altogether; 0: no limit
	DayDelay  time.Duration // the RetryInfo of a used-up day, which is wrong as the real one is; 0: 51 s

	Always  *Answer  // the answer to every call: a dead key, a hanging key
	Failing float64  // share of calls answered with Failure, 0 to 1
	Failure *Answer  // nil: 503 "The model is overloaded"
	Script  []Answer // answers of the first calls, one each, before all other rules
}

// project is the quota of one Google project. Every request counts, including those answered with an error, as the
// service does.
type project struct {
	windowStart time.Time
	inWindow    int
	today       int
}

// keyState is a key with its counters; guarded by Server.mu.
type keyState struct {
	Key
	project  *project
	inFlight int
	peak     int
	used     int // answers taken from Script
}

// next chooses the answer of this call and its latency. The caller holds the server's lock.
func (k *keyState) next(now time.Time, minute time.Duration, model string, r *rand.Rand) (Answer, time.Duration) {
	if k.used < len(k.Script) {
		k.used++
		return k.Script[k.used-1], 0
	}
	if k.Always != nil {
		return *k.Always, 0
	}
	p := k.project
	if now.Sub(p.windowStart) >= minute {
		p.windowStart, p.inWindow = now, 0
	}
	if k.PerDay > 0 && p.today >= k.PerDay {
		delay := k.DayDelay
		if delay == 0 {
			delay = 51606482386 * time.Nanosecond
		}
		return quota("Day", k.PerDay, model, delay), 0
	}
	if k.PerMinute > 0 && p.inWindow >= k.PerMinute {
		return quota("Minute", k.PerMinute, model, minute-now.Sub(p.windowStart)), 0
	}
	p.inWindow++
	p.today++
	if k.Failing > 0 && r.Float64() < k.Failing {
		if k.Failure != nil {
			return *k.Failure, 0
		}
		return PayloadAnswer("503-overloaded"), 0
	}
	return SheetAnswer(), time.Duration(float64(k.Latency) * (1 + k.Jitter*(2*r.Float64()-1)))
}

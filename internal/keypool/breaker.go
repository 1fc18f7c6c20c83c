package keypool

import (
	"math/rand/v2"
	"time"
)

const (
	breakerWindow = 20 // outcomes looked at, over all keys
	breakerOpens  = 14 // so many of them stumbles: the service itself is down
	probePause    = 1800 * time.Millisecond
	probeMost     = 15 * time.Second // between probes, after a minute of outage
	probeSlower   = time.Minute
	regionEvery   = 10 * time.Minute // between probes where the service is not offered

	// Transient retries are at most three in ten calls, so that a service that struggles is not struck harder; one a
	// second is always allowed, so that the last images of a batch do not wait for ever.
	retryShare = 0.3
	retryMost  = 20
)

// model is what is known of a model whichever key is used.
type model struct {
	window  []bool // true: a stumble; newest last
	open    bool
	class   Class // Region while it is open because we are in the wrong place; "" for an outage
	opened  time.Time
	next    time.Time // of the next probe
	pause   time.Duration
	probing bool
	bare    []bareHit // bare refusals lately, by key

	budget   float64 // of retries
	budgetAt time.Time
	tokens   float64 // of an image, moving average
	watched  bool    // it has figures of its own
}

type bareHit struct {
	at  time.Time
	key *key
}

func (p *Pool) model(name string) *model {
	m := p.models[name]
	if m == nil {
		m = &model{budget: retryMost}
		p.models[name] = m
	}
	return m
}

// mayRetry is when a retry may start: retries wait while their budget is used up, they do not fail.
func (m *model) mayRetry(now time.Time) (at time.Time, ok bool) {
	m.refill(now)
	if m.budget >= 1 {
		return now, true
	}
	return now.Add(time.Duration((1 - m.budget) * float64(time.Second))), false
}

func (m *model) refill(now time.Time) {
	if !m.budgetAt.IsZero() {
		m.budget = min(retryMost, m.budget+now.Sub(m.budgetAt).Seconds())
	}
	m.budgetAt = now
}

// stumble counts an outcome and opens the breaker when most of the last ones were stumbles.
func (m *model) outcome(stumbled bool, now time.Time, rng *rand.Rand) (opened bool) {
	m.window = append(m.window, stumbled)
	if len(m.window) > breakerWindow {
		m.window = m.window[1:]
	}
	n := 0
	for _, s := range m.window {
		if s {
			n++
		}
	}
	if m.open || n < breakerOpens {
		return false
	}
	m.trip(now, rng)
	return true
}

// trip opens the breaker: from now on one call at a time.
func (m *model) trip(now time.Time, rng *rand.Rand) {
	m.open, m.class, m.opened, m.pause = true, "", now, probePause
	m.next = now.Add(between(rng, m.pause))
}

// refuse opens it because the service is not offered where we are: no key changes that, so it is asked now and then.
func (m *model) refuse(now time.Time, rng *rand.Rand) {
	m.trip(now, rng)
	m.class, m.next = Region, now.Add(regionEvery)
}

// probed settles a probe of an open breaker.
func (m *model) probed(good bool, now time.Time, rng *rand.Rand) {
	if good {
		m.open, m.class, m.window, m.bare = false, "", nil, nil
		return
	}
	m.class = ""
	if now.Sub(m.opened) > probeSlower {
		m.pause = min(probeMost, m.pause*3/2)
	}
	m.next = now.Add(between(rng, m.pause))
}

// between is a random time from half of d to d.
func between(rng *rand.Rand, d time.Duration) time.Duration {
	return time.Duration((0.5 + rng.Float64()/2) * float64(d))
}

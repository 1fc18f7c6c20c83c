package keypool

import (
	"math/rand/v2"
	"time"
)

const (
	breakerWindow    = 20 // outcomes counted, over all keys
	breakerThreshold = 14 // transient failures among them that open the breaker: the service itself is down
	probePause       = 1800 * time.Millisecond
	probeMax         = 15 * time.Second // longest pause between probes, reached after a minute of outage
	probeSlower      = time.Minute
	regionPause      = 10 * time.Minute // between probes while the service is not offered in this region
	foreignThreshold = 2                // foreign answers in a row, without a good one between them, that open the breaker
	foreignFirst     = 15 * time.Second // between probes while another server answers; doubled up to foreignMost
	foreignMax       = 2 * time.Minute

	// Transient retries are at most three in ten calls, so that a struggling service does not get more load. One
	// retry a second is always allowed, so that the last images of a batch do not wait for ever.
	retryShare = 0.3
	retryMax   = 20
)

// model is the state of a model, common to all keys.
type model struct {
	window  []bool // true: a transient failure; newest last
	open    bool
	class   Class // while open: Region (not offered here), Foreign (another server answers), or "" for an outage
	opened  time.Time
	next    time.Time // time of the next probe
	pause   time.Duration
	probing bool
	bare    []bareHit // recent bare refusals, by key
	foreign int       // foreign answers in a row

	budget   float64 // of retries
	budgetAt time.Time
	tokens   float64 // per image, moving average
	labeled  bool    // it has metrics of its own
}

type bareHit struct {
	at  time.Time
	key *key
}

func (p *Pool) model(name string) *model {
	m := p.models[name]
	if m == nil {
		m = &model{budget: retryMax}
		p.models[name] = m
	}
	return m
}

// retryAt returns the earliest time at which a retry may start. Retries wait while their budget is used up; they do
// not fail.
func (m *model) retryAt(now time.Time) (at time.Time, ok bool) {
	m.refill(now)
	if m.budget >= 1 {
		return now, true
	}
	return now.Add(time.Duration((1 - m.budget) * float64(time.Second))), false
}

func (m *model) refill(now time.Time) {
	if !m.budgetAt.IsZero() {
		m.budget = min(retryMax, m.budget+now.Sub(m.budgetAt).Seconds())
	}
	m.budgetAt = now
}

// outcome adds one result to the window. It opens the breaker when most results of the window are transient
// failures.
func (m *model) outcome(failed bool, now time.Time, rng *rand.Rand) (opened bool) {
	m.window = append(m.window, failed)
	if len(m.window) > breakerWindow {
		m.window = m.window[1:]
	}
	n := 0
	for _, s := range m.window {
		if s {
			n++
		}
	}
	if m.open || n < breakerThreshold {
		return false
	}
	m.trip(now, rng)
	return true
}

// trip opens the breaker: from now on one call at a time probes the service.
func (m *model) trip(now time.Time, rng *rand.Rand) {
	m.open, m.class, m.opened, m.pause = true, "", now, probePause
	m.next = now.Add(between(rng, m.pause))
}

// tripRegion opens the breaker because the service is not offered in this region. No key changes that, so probes
// are rare.
func (m *model) tripRegion(now time.Time, rng *rand.Rand) {
	m.trip(now, rng)
	m.class, m.next = Region, now.Add(regionPause)
}

// foreignAnswer counts an answer of another server. The second in a row opens the breaker: one may be an error of a
// proxy, two mean a network that asks for a login.
func (m *model) foreignAnswer(now time.Time) (opened bool) {
	m.foreign++
	if m.open || m.foreign < foreignThreshold {
		return false
	}
	m.open, m.class, m.opened, m.pause, m.next = true, Foreign, now, foreignFirst, now.Add(foreignFirst)
	return true
}

// recordProbe applies the result of a probe while the breaker is open.
func (m *model) recordProbe(o Class, now time.Time, rng *rand.Rand) {
	switch {
	case o.Answered():
		m.open, m.class, m.window, m.bare, m.foreign = false, "", nil, nil, 0
		return
	case o == Foreign && m.class == Foreign:
		m.pause = min(foreignMax, 2*m.pause)
		m.next = now.Add(m.pause)
		return
	case o == Foreign:
		m.class, m.pause, m.next = Foreign, foreignFirst, now.Add(foreignFirst)
		return
	case m.class == Foreign:
		m.opened, m.pause = now, probePause
	}
	m.class = ""
	if now.Sub(m.opened) > probeSlower {
		m.pause = min(probeMax, m.pause*3/2)
	}
	m.next = now.Add(between(rng, m.pause))
}

// between returns a random duration from d/2 to d.
func between(rng *rand.Rand, d time.Duration) time.Duration {
	return time.Duration((0.5 + rng.Float64()/2) * float64(d))
}

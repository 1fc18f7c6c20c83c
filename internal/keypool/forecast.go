package keypool

import (
	"slices"
	"time"
)

const (
	// slower: a key that takes so many times as long as the fastest is slow. Slow keys are the ones whose calls may end last.
	slower = 2
	// patience: a caller waits for a key that is busy only if the picture ends sooner than this share of the time on the
	// best free key.
	patience = 0.9
	// exploreCost is the share of the rest of a batch that one exploring call may cost.
	exploreCost = 0.02
	// slowFor is how long the time of a slow key is believed; then one call measures it anew.
	slowFor = 30 * time.Minute
)

// seconds returns the expected duration of a call with k. A key that has not answered yet is assumed to be fast, so that it
// is tried; not so near the end of a batch, where its call may be the last.
func (p *Pool) seconds(k *key, model string, tail bool) float64 {
	known := k.takes(model)
	switch {
	case known > 0:
		return known
	case tail:
		return max(unknownLatency, slower*p.usual(model))
	}
	return unknownLatency
}

// remaining returns the expected rest of a call, in seconds. A call that takes longer than usual is expected to go on for
// half the time it has taken.
func (p *Pool) remaining(l *Lease, now time.Time) float64 {
	age, usual := l.age(now), p.seconds(l.key, l.model, false)
	if age < usual {
		return usual - age
	}
	return age / 2
}

// frees are the keys that become free, by the time at which a picture that waits for one would be read.
type frees []free

type free struct {
	at   time.Time // when it is free
	ends float64   // seconds from now until the picture is read
}

// frees lists the busy keys of a model that a waiting caller may get, the one that reads its picture first in front.
func (p *Pool) frees(model string, tokens int, now time.Time) frees {
	var all frees
	for _, k := range p.keys {
		at, _, ok := p.permitted(k, model, tokens, now)
		if ok || !k.proved || k.state != Active {
			continue
		}
		took := p.seconds(k, model, false)
		if k.inflight < p.allowed(k) { // a limit
			if wait := at.Sub(now); wait < idle {
				all = append(all, free{at, wait.Seconds() + took})
			}
			continue
		}
		for _, l := range k.running {
			rest := p.remaining(l, now)
			all = append(all, free{now.Add(time.Duration(rest * float64(time.Second))), rest + took})
		}
	}
	slices.SortFunc(all, func(a, b free) int {
		switch {
		case a.ends < b.ends:
			return -1
		case a.ends > b.ends:
			return 1
		}
		return 0
	})
	return all
}

// mayExplore reports whether a group bears a call with a key that was passed over for long: the call must not be the last
// of the batch, nor cost much of the rest of it.
func (p *Pool) mayExplore(k *key, g *group, model string) bool {
	usual, takes := p.usual(model), k.takes(model)
	lasts, known := g.lasts(usual)
	if !known || !p.slow(k, model) {
		return true
	}
	n, _ := g.left()
	return lasts > 1.5*takes && takes-usual <= exploreCost*float64(n)*usual
}

// allowed returns the calls that k may have at once. A key that was never overloaded may take its share of the callers that want
// one, so that the keys that are left read with all slots from the beginning.
func (p *Pool) allowed(k *key) int {
	most := int(k.concurrency)
	if k.strained {
		return most
	}
	return max(most, min(startMost, p.fairShare))
}

// measure updates what the choice of a key needs to know of all keys: whether one has answered, the time of the fastest, and
// the share of each usable key of all calls that run or wait.
func (p *Pool) measure(now time.Time) {
	calls, usable := len(p.waiting), 0
	p.anyProved = false
	p.measureSpeeds()
	for _, k := range p.keys {
		p.forget(k, now)
		calls += k.inflight
		if k.state == Active {
			p.anyProved = p.anyProved || k.proved
			if !p.alwaysSlow(k) {
				usable++
			}
		}
	}
	p.fairShare = (calls + usable - 1) / max(1, usable)
}

// sooner reports whether a picture ends sooner if it waits for a busy key than with the best free one, and when to look again.
// It takes the busy key from those that later callers may wait for.
func (p *Pool) sooner(best choice, g *group, model string, tokens int, busy map[string]*frees, now time.Time) (time.Time, bool) {
	takes := p.seconds(best.key, model, g.tail())
	if usual := p.usual(model); best.due || usual == 0 || takes < 1.5*usual {
		return now, false
	}
	all := busy[model]
	if all == nil {
		list := p.frees(model, tokens, now)
		all = &list
		busy[model] = all
	}
	if len(*all) == 0 || (*all)[0].ends >= patience*takes {
		return now, false
	}
	at := (*all)[0].at
	*all = (*all)[1:]
	return at, true
}

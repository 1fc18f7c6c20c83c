package keypool

import (
	"fmt"
	"math"
	"time"
)

const (
	slowFailure   = time.Second // a stumble that took longer says that there is too much at once
	bareStorm     = 5 * time.Second
	bareKeys      = 3                // so many keys bare-refused within bareStorm: it is our address, or everybody
	bareMost      = 60 * time.Second // the longest rest after bare refusals
	minuteMargin  = 500 * time.Millisecond
	dayFirst      = 5 * time.Second // the least rest after the first refusal for the day
	fixableEvery  = 15 * time.Minute
	billingEvery  = time.Hour
	withoutModel  = time.Hour // how long it is believed that a key lacks a model
	guessedGrowth = 1.05      // a minute, of a limit that we only guessed
)

// probeSteps are the pauses between probes of a day that is used up.
var probeSteps = []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute, time.Hour}

// settle is the table from what became of a call to what it means for the key.
func (p *Pool) settle(l *Lease, o Outcome, now time.Time) {
	k, m := l.key, p.model(l.model)
	lim := k.quota.of(l.model)
	k.inflight--
	if l.trial {
		k.probing, lim.probing = false, false
	}
	if l.probe {
		m.probing = false
		if m.open && o.Class != Canceled {
			m.probed(o.Class.answered(), now, p.rng)
			if !m.open {
				p.ramp()
			}
		}
	}
	p.countCall(k, l.model, o)
	if o.Class == Canceled {
		return
	}
	if o.Class == OK || !o.Class.answered() {
		k.ended++
	}
	k.tally.count(now, o.Class == OK)
	if o.Project != "" {
		p.sameProject(k, o.Project, now)
		lim = k.quota.of(l.model) // it may be another one's by now
	}
	k.proved = k.proved || o.Class.answered() || o.Class.transient()
	switch {
	case o.Class.answered():
		p.answered(k, lim, m, o, l.trial, now)
	case o.Class.transient():
		p.stumbled(k, m, o, now)
	case o.Class == Region:
		p.note(k, now, o.Class, o.Reason)
		m.refuse(now, p.rng)
	default:
		p.refused(k, lim, l, o, now)
	}
	if o.Class.limited() || o.Class == KeyDead || o.Class == KeyFixable || o.Class == ModelUnavailable || l.trial {
		p.remember(k)
	}
}

// answered: the key did its part.
func (p *Pool) answered(k *key, lim *limit, m *model, o Outcome, trial bool, now time.Time) {
	if !m.open {
		m.outcome(false, now, p.rng)
	}
	if trial {
		lim.wake()
	}
	// A call that began before the key was refused for good says nothing against that.
	if trial && k.state != Disabled || k.state == Cooling {
		k.wake()
	}
	lim.dayHits = 0
	if o.Tokens > 0 && len(lim.starts) > 0 {
		m.tokens += (float64(o.Tokens) - m.tokens) * latWeight
	}
	if o.Class != OK {
		return // neither praise nor blame
	}
	k.strikes = 0
	k.good++
	k.ok, k.bad = k.ok*fade+1, k.bad*fade
	if took := o.Took.Seconds(); took > 0 {
		if k.latency == 0 {
			k.latency = took
		}
		k.latency += (took - k.latency) * latWeight
	}
	if k.half++; k.half >= k.conc {
		k.conc, k.half = min(concMax, k.conc+1), 0
	}
	if lim.guessed {
		if lim.rpm *= 1 + (guessedGrowth-1)/math.Max(1, lim.rpm); lim.rpm > 1000 {
			lim.rpm, lim.guessed = 0, false
		}
	}
	if lim.rpd > 0 && lim.used*int64(p.share) >= lim.rpd {
		lim.class, lim.reason = RPD, "Its requests for today are used up."
		lim.park(now)
		p.remember(k)
	}
}

// stumbled: the service's fault, whichever key was used.
func (p *Pool) stumbled(k *key, m *model, o Outcome, now time.Time) {
	if o.Took > slowFailure {
		k.conc = max(concMin, k.conc-1)
	}
	if !m.open && m.outcome(true, now, p.rng) {
		p.log.Warn("the service is down; one call at a time tries it", "class", o.Class)
	}
	p.note(k, now, o.Class, o.Reason)
}

// refused: a limit, or the key itself.
func (p *Pool) refused(k *key, lim *limit, l *Lease, o Outcome, now time.Time) {
	p.note(k, now, o.Class, o.Reason)
	switch o.Class {
	case RPM, TPM:
		p.minuteUsedUp(k, lim, l, o, now)
	case RPD, TPD:
		lim.class, lim.reason = o.Class, o.Reason
		if o.Class == RPD && o.Limit > 0 {
			lim.rpd = o.Limit
		}
		if lim.until.After(now) && !l.trial {
			return // one of several that were on their way
		}
		if lim.dayHits++; lim.dayHits == 1 {
			lim.until = now.Add(max(o.RetryAfter, dayFirst)) // trusted once: the time it names is often wrong
			return
		}
		lim.park(now)
		p.log.Info("a key's day is used up", "key", k.Label, "until", lim.until)
	case Billing:
		k.rest(Parked, now.Add(billingEvery), o.Class, o.Reason)
	case ModelUnavailable:
		k.unavailable[l.model] = now.Add(withoutModel)
	case KeyDead:
		k.rest(Quarantined, time.Time{}, o.Class, o.Reason)
		k.bad = k.bad*fade + 1
		p.log.Warn("a key was refused and is set aside", "key", k.Label, "reason", o.Reason)
	case KeyFixable:
		k.rest(Quarantined, now.Add(fixableEvery), o.Class, o.Reason)
		p.log.Warn("a key was refused for a setting", "key", k.Label, "reason", o.Reason)
	case Bare429:
		p.bare(k, lim, l.model, o, now)
	}
}

func (p *Pool) minuteUsedUp(k *key, lim *limit, l *Lease, o Outcome, now time.Time) {
	lim.class, lim.reason = o.Class, o.Reason
	if o.Class == TPM {
		if o.Limit > 0 {
			lim.tpm = o.Limit
		}
	} else {
		if o.Limit > 0 {
			lim.rpm, lim.guessed = float64(o.Limit), false
		} else if lim.rpm == 0 {
			lim.guess(now)
		}
		p.suspect(k, lim, l.model, o.Limit, now)
		lim = k.quota.of(l.model) // it may be another one's by now
	}
	until := now.Add(o.RetryAfter + minuteMargin + time.Duration(p.rng.Float64()*float64(time.Second)))
	if until.After(lim.until) && !lim.parked {
		lim.until, lim.class, lim.reason = until, o.Class, o.Reason
	}
}

// guess takes four fifths of what was done for the limit, when the service names none.
func (l *limit) guess(now time.Time) {
	l.rpm, l.guessed, l.guessAt = math.Ceil(0.8*float64(l.lately(now))), true, now
}

// park waits for the next midnight in California, with probes on the way: the service may be wrong about the day.
func (l *limit) park(now time.Time) {
	pause := probeSteps[min(l.step, len(probeSteps)-1)]
	l.step++
	l.parked = true
	l.until = earlier(now.Add(pause), nextMidnight(now))
}

// bare is a refusal without a word of which limit.
func (p *Pool) bare(k *key, lim *limit, model string, o Outcome, now time.Time) {
	m := p.model(model)
	k.strikes++
	most := min(bareMost, time.Duration(math.Pow(2, float64(min(k.strikes, 10))))*time.Second)
	until := now.Add(max(o.RetryAfter, time.Duration(p.rng.Float64()*float64(most))))
	switch {
	case k.state == Active || k.state == Cooling:
		k.rest(Cooling, until, o.Class, o.Reason)
	case !k.until.IsZero(): // set aside, and only tried
		k.until = later(k.until, until)
	}
	recent := []bareHit{{now, k}}
	keys := map[*key]bool{k: true}
	for _, hit := range m.bare {
		if now.Sub(hit.at) <= bareStorm {
			recent = append(recent, hit)
			keys[hit.key] = true
		}
	}
	m.bare = recent
	if len(keys) >= min(bareKeys, len(p.keys)) && len(keys) > 1 {
		if !m.open { // everybody is refused: the keys are not at fault, so none of them is slowed down
			m.trip(now, p.rng)
			p.log.Warn("all keys are refused at once; one call at a time tries again", "keys", len(keys))
		}
		for key := range keys {
			if key.state == Cooling && key.class == Bare429 {
				key.wake()
			}
			if l := key.quota.of(model); l.guessed && now.Sub(l.guessAt) <= bareStorm {
				l.rpm, l.guessed = 0, false
			}
		}
		return
	}
	if !lim.guessed && lim.rpm == 0 {
		lim.guess(now)
	} else if lim.guessed {
		lim.rpm = math.Max(1, lim.rpm*0.8)
	}
}

// ramp begins again with half of what keys had at once before an outage.
func (p *Pool) ramp() {
	for _, k := range p.keys {
		k.conc, k.half = max(concMin, math.Ceil(k.conc/2)), 0
	}
}

// suspect groups keys that were refused for a limit which their own calls do not explain: they share it. While other
// processes use the same keys, those explain it.
func (p *Pool) suspect(k *key, lim *limit, model string, value int64, now time.Time) {
	if value == 0 || p.share > 1 || float64(lim.lately(now)) > 0.7*float64(value) {
		return
	}
	lim.suspect, lim.suspects = now, value
	var others []*key
	for _, o := range p.keys {
		l := o.quota.of(model)
		if o.quota != k.quota && o.Project == "" && l.suspects == value && now.Sub(l.suspect) < window {
			others = append(others, o)
		}
	}
	if k.Project != "" || len(others) == 0 {
		return
	}
	for _, o := range others {
		p.merge(k, o, now)
	}
	p.tell(k, now, Shared, fmt.Sprintf("Shares its quota of %d a minute with other keys: they belong to one project.", value))
	p.log.Warn("keys share one quota: they belong to one project", "keys", len(others)+1, "limit", value)
}

package keypool

import (
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	slowFailure   = time.Second // a transient failure that took longer means that too many calls run at once
	bareStorm     = 5 * time.Second
	bareKeys      = 3                // keys bare-refused within bareStorm: the client's address is refused, or the service refuses everybody
	bareMax       = 60 * time.Second // longest cooldown after bare refusals
	minuteMargin  = 500 * time.Millisecond
	dayFirst      = 5 * time.Second // minimum cooldown after the first refusal for the day
	fixableEvery  = 15 * time.Minute
	billingEvery  = time.Hour
	withoutModel  = time.Hour // how long a key counts as having no access to a model
	spendWindow   = 10 * time.Minute
	guessedGrowth = 1.05 // per minute, of an estimated limit
)

// probeSteps are the pauses between probes of a used-up day.
var probeSteps = []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute, time.Hour}

// record applies the outcome of a call to its key, quota and model.
func (p *Pool) record(l *Lease, o Outcome, now time.Time) {
	k, m := l.key, p.model(l.model)
	lim := k.quota.of(l.model)
	k.inflight--
	k.running = slices.DeleteFunc(k.running, func(o *Lease) bool { return o == l })
	l.group.remove(l)
	if l.trial {
		k.probing, lim.probing = false, false
	}
	if l.probe {
		m.probing = false
		if m.open && o.Class != Canceled {
			m.recordProbe(o.Class, now, p.rng)
			if !m.open {
				p.halveConcurrency()
			}
		}
	}
	p.countCall(k, l.model, o)
	if o.Class == Canceled {
		return
	}
	if o.Class == OK || !o.Class.Answered() { // other answers are the picture's or the model's affair
		k.ended++
		k.tally.count(now, o.Class == OK)
	}
	if o.Project != "" {
		p.sameProject(k, o.Project, now)
		lim = k.quota.of(l.model) // sameProject may have replaced the quota
	}
	k.proved = k.proved || o.Class.Answered() || o.Class.transient()
	switch {
	case o.Class.Answered():
		p.recordAnswer(k, lim, l.model, o, l.trial, now)
	case o.Class.transient():
		p.recordTransient(k, l.model, o, now)
	case o.Class == Region:
		p.addFailure(k, now, o.Class, o.Reason)
		m.tripRegion(now, p.rng)
	default:
		p.recordRefusal(k, lim, l, o, now)
	}
	if o.Class.limited() || o.Class == KeyDead || o.Class == KeyFixable || o.Class == ModelUnavailable || l.trial {
		p.remember(k)
	}
}

// recordAnswer: the key did its part.
func (p *Pool) recordAnswer(k *key, lim *limit, model string, o Outcome, trial bool, now time.Time) {
	m := p.model(model)
	if !m.open {
		m.outcome(false, now, p.rng)
	}
	if trial {
		lim.clear()
	}
	// A call that began before the key was refused for good is no evidence against the refusal.
	if trial && k.state != Disabled || k.state == Cooling {
		k.activate()
	}
	lim.dayHits, m.foreign = 0, 0
	if o.Tokens > 0 && len(lim.starts) > 0 {
		m.tokens += (float64(o.Tokens) - m.tokens) * latencyWeight
	}
	if o.Class != OK {
		return // says nothing about the key
	}
	k.strikes = 0
	k.good++
	k.ok, k.bad = k.ok*decay+1, k.bad*decay
	if took := o.Took.Seconds(); took > 0 {
		if k.latency == 0 {
			k.latency = took
			p.remember(k)
		}
		k.latency += (took - k.latency) * latencyWeight
		k.timed(model, took, now)
	}
	if k.successes++; k.successes >= k.concurrency {
		k.concurrency, k.successes = min(maxConcurrency, k.concurrency+1), 0
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

// recordTransient: the service failed, independent of the key.
func (p *Pool) recordTransient(k *key, model string, o Outcome, now time.Time) {
	m := p.model(model)
	if o.Took > slowFailure && (o.Late || o.Took.Seconds() > slower*k.takes(model)) {
		k.concurrency, k.strained = max(minConcurrency, k.concurrency-1), true
	}
	switch {
	case o.Class == Foreign:
		if m.foreignAnswer(now) {
			p.log.Warn("another server answers instead of the service; probing with one call at a time", "reason", o.Reason)
		}
	case !m.open && m.outcome(true, now, p.rng):
		p.log.Warn("service down; probing with one call at a time", "class", o.Class)
	}
	p.addFailure(k, now, o.Class, o.Reason)
}

// recordRefusal: a limit, or the key itself is refused.
func (p *Pool) recordRefusal(k *key, lim *limit, l *Lease, o Outcome, now time.Time) {
	p.addFailure(k, now, o.Class, o.Reason)
	switch o.Class {
	case RPM, TPM:
		p.minuteUsedUp(k, lim, l, o, now)
	case RPD, TPD:
		lim.class, lim.reason = o.Class, o.Reason
		if o.Class == RPD && o.Limit > 0 {
			lim.rpd = o.Limit
		}
		if lim.until.After(now) && !l.trial {
			return // one of several calls that were under way
		}
		if lim.dayHits++; lim.dayHits == 1 {
			lim.until = now.Add(max(o.RetryAfter, dayFirst)) // trusted once: the time it names is often wrong
			return
		}
		lim.park(now)
		p.log.Info("daily quota of a key used up", "key", k.Label, "until", lim.until)
	case Billing:
		k.setAside(Parked, now.Add(billingEvery), o.Class, o.Reason)
	case Spend: // counts for all models and keys of the project
		k.quota.spentUntil = later(k.quota.spentUntil, now.Add(max(o.RetryAfter, spendWindow)))
		k.quota.reason = o.Reason
		p.log.Info("spend limit of a project reached", "key", k.Label, "until", k.quota.spentUntil)
	case ModelUnavailable:
		k.unavailable[l.model] = now.Add(withoutModel)
	case KeyDead:
		k.setAside(Quarantined, time.Time{}, o.Class, o.Reason)
		k.bad = k.bad*decay + 1
		p.log.Warn("key refused and quarantined", "key", k.Label, "reason", o.Reason)
	case KeyFixable:
		k.setAside(Quarantined, now.Add(fixableEvery), o.Class, o.Reason)
		p.log.Warn("key refused because of a setting; quarantined", "key", k.Label, "reason", o.Reason)
	case Bare429:
		p.recordBare(k, lim, l.model, o, now)
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
		lim = k.quota.of(l.model) // suspect may have replaced the quota
	}
	until := now.Add(o.RetryAfter + minuteMargin + time.Duration(p.rng.Float64()*float64(time.Second)))
	if until.After(lim.until) && !lim.parked {
		lim.until, lim.class, lim.reason = until, o.Class, o.Reason
	}
}

// guess estimates the limit at four fifths of the last minute's calls, when the service names none.
func (l *limit) guess(now time.Time) {
	l.rpm, l.guessed, l.guessAt = math.Ceil(0.8*float64(l.lately(now))), true, now
}

// park waits for the next midnight in California, with probes before: the service may be wrong about the day.
func (l *limit) park(now time.Time) {
	pause := probeSteps[min(l.step, len(probeSteps)-1)]
	l.step++
	l.parked = true
	l.until = earlier(now.Add(pause), nextMidnight(now))
}

// recordBare applies a 429 that names no limit.
func (p *Pool) recordBare(k *key, lim *limit, model string, o Outcome, now time.Time) {
	m := p.model(model)
	k.strikes++
	most := min(bareMax, time.Duration(math.Pow(2, float64(min(k.strikes, 10))))*time.Second)
	until := now.Add(max(o.RetryAfter, time.Duration(p.rng.Float64()*float64(most))))
	switch {
	case k.state == Active || k.state == Cooling:
		k.setAside(Cooling, until, o.Class, o.Reason)
	case !k.until.IsZero(): // quarantined or parked: this was its probe
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
		if !m.open { // every key is refused: the keys are not at fault, so none of them is slowed down
			m.trip(now, p.rng)
			p.log.Warn("all keys refused at once; probing with one call at a time", "keys", len(keys))
		}
		for key := range keys {
			if key.state == Cooling && key.class == Bare429 {
				key.activate()
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

// halveConcurrency restarts after an outage with half the concurrency of each key.
func (p *Pool) halveConcurrency() {
	for _, k := range p.keys {
		k.concurrency, k.successes, k.strained = max(minConcurrency, math.Ceil(k.concurrency/2)), 0, true
	}
}

// suspect joins keys that were refused for a limit which their own calls do not explain: they share it. While other
// processes use the same keys, their calls explain it.
func (p *Pool) suspect(k *key, lim *limit, model string, value int64, now time.Time) {
	if value == 0 || p.share > 1 || float64(lim.lately(now)) > 0.7*float64(value) {
		return
	}
	lim.suspectedAt, lim.suspectedLimit = now, value
	var others []*key
	for _, o := range p.keys {
		l := o.quota.of(model)
		if o.quota != k.quota && o.Project == "" && l.suspectedLimit == value && now.Sub(l.suspectedAt) < window {
			others = append(others, o)
		}
	}
	if k.Project != "" || len(others) == 0 {
		return
	}
	for _, o := range others {
		p.merge(k, o, now)
	}
	p.addEvent(k, now, Shared, fmt.Sprintf("Shares its quota of %d a minute with other keys: they belong to one project.", value))
	p.log.Warn("keys share one quota; joined as one project", "keys", len(others)+1, "limit", value)
}

package keypool

import "time"

// permitted reports whether k may be used now, or when. trial: its cooldown is over, and this one call decides.
func (p *Pool) permitted(k *key, model string, tokens int, now time.Time) (at time.Time, trial, ok bool) {
	never := now.Add(idle)
	switch k.state {
	case Disabled:
		return never, false, false
	case Quarantined:
		if k.class != KeyFixable {
			return never, false, false
		}
	}
	if k.until.After(now) {
		return k.until, false, false
	}
	if k.state != Active {
		if k.probing || k.inflight > 0 {
			return never, false, false
		}
		trial = true
	}
	if until, is := k.unavailable[model]; is && until.After(now) {
		return until, false, false
	}
	if k.inflight >= p.allowed(k) {
		return never, false, false
	}
	if !k.proved && k.inflight > 0 {
		if p.anyProved {
			return never, false, false // its first answer dispatches to the waiting callers
		}
		if alone := k.tried.Add(tryAlone + time.Duration(k.inflight-1)*tryApart); alone.After(now) {
			return alone, false, false
		}
	}
	if k.quota.spentUntil.After(now) {
		return k.quota.spentUntil, false, false
	}
	l := k.quota.of(model)
	if at, free := l.next(now, tokens, p.share); !free {
		return at, false, false
	}
	if !l.until.IsZero() {
		trial = true
	}
	return now, trial, true
}

// exhausted returns the error for a model that no key can serve, so that waiting is pointless.
func (p *Pool) exhausted(model string, now time.Time) error {
	usable, alive, without := 0, 0, 0
	for _, k := range p.keys {
		if k.state == Disabled {
			continue
		}
		usable++
		if k.state == Quarantined && k.class != KeyFixable {
			continue
		}
		alive++
		if until, is := k.unavailable[model]; is && until.After(now) {
			without++
		}
	}
	switch {
	case usable == 0:
		return ErrNoKeys
	case alive > 0 && without == alive:
		return ErrModelUnavailable
	}
	return nil
}

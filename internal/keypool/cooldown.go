package keypool

import (
	"fmt"
	"time"
)

// maxWait is how long Acquire waits while all keys cool down: longer than a minute's quota and than the first
// refusal for a day. Beyond that the caller gets a CooldownError, so that it can do other work meanwhile.
const maxWait = 90 * time.Second

// Cooldown says why no key may be issued for a model for some time.
type Cooldown struct {
	Class Class     // of the key that is back first; "" when people disabled all, or there is none
	Until time.Time // when a key may be issued again; zero: not before a person acts
}

// CooldownError is the error of Acquire while every key cools down.
type CooldownError struct{ Cooldown }

// Error implements error.
func (e *CooldownError) Error() string {
	if e.Until.IsZero() {
		return fmt.Sprintf("keypool: no key is usable (%s)", e.Class)
	}
	return fmt.Sprintf("keypool: every key cools down until %s (%s)", e.Until.UTC().Format(time.RFC3339), e.Class)
}

// Cooldown reports whether every key cools down for longer than Acquire would wait, and why. An outage of the
// service is none: it is probed all the time and waited out.
func (p *Pool) Cooldown(model string) (Cooldown, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cooldown(model, time.Now())
}

func (p *Pool) cooldown(model string, now time.Time) (Cooldown, bool) {
	if m := p.model(model); m.open {
		long := m.next.Sub(now) > maxWait || m.class == Foreign && m.next.After(now) // reported however soon the next probe is
		return Cooldown{m.class, m.next}, long
	}
	var first Cooldown
	for _, k := range p.keys {
		r, usable := k.cooldown(model, now, p.share)
		if usable && r.Until.Sub(now) <= maxWait {
			return Cooldown{}, false
		}
		switch {
		case usable && (first.Until.IsZero() || r.Until.Before(first.Until)):
			first = r
		case !usable && first.Until.IsZero() && r.Class != "":
			first.Class = r.Class
		}
	}
	return first, true
}

// cooldown returns the time until which k may not be issued, and why; usable is false when only a person can change
// that.
func (k *key) cooldown(model string, now time.Time, share int) (r Cooldown, usable bool) {
	if k.state == Disabled || k.state == Quarantined && k.class != KeyFixable {
		return Cooldown{Class: k.class}, false
	}
	r = Cooldown{k.class, later(now, k.until)}
	if until, is := k.unavailable[model]; is && until.After(r.Until) {
		r = Cooldown{ModelUnavailable, until}
	}
	if k.quota.spentUntil.After(r.Until) {
		r = Cooldown{Spend, k.quota.spentUntil}
	}
	l := k.quota.of(model)
	if at, free := l.next(now, 0, share); !free && at.After(r.Until) {
		r = Cooldown{l.class, at}
	}
	return r, true
}

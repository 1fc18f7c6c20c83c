package keypool

import (
	"fmt"
	"time"
)

// patience is how long Acquire waits for a key that rests: longer than a minute's quota and than the first refusal of a
// day. Who would wait longer is told, so that it can do something else meanwhile.
const patience = 90 * time.Second

// Rest is why no key may be lent for a model for some time.
type Rest struct {
	Class Class     // of the key that is back first; "" when people switched all off, or there is none
	Until time.Time // when one may be lent again; zero: not before a person does something
}

// RestError is the error of Acquire while every key rests.
type RestError struct{ Rest }

// Error implements error.
func (e *RestError) Error() string {
	if e.Until.IsZero() {
		return fmt.Sprintf("keypool: no key can be used (%s)", e.Class)
	}
	return fmt.Sprintf("keypool: every key rests until %s (%s)", e.Until.UTC().Format(time.RFC3339), e.Class)
}

// Resting tells whether every key rests for longer than Acquire would wait, and why. An outage of the service is no
// rest: it is tried all the time and waited out.
func (p *Pool) Resting(model string) (Rest, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.resting(model, time.Now())
}

func (p *Pool) resting(model string, now time.Time) (Rest, bool) {
	if m := p.model(model); m.open {
		return Rest{m.class, m.next}, m.next.Sub(now) > patience
	}
	var first Rest
	for _, k := range p.keys {
		r, usable := k.rests(model, now, p.share)
		if usable && r.Until.Sub(now) <= patience {
			return Rest{}, false
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

// rests tells until when k may not be lent, and why; usable is false when only a person can change that.
func (k *key) rests(model string, now time.Time, share int) (r Rest, usable bool) {
	if k.state == Disabled || k.state == Quarantined && k.class != KeyFixable {
		return Rest{Class: k.class}, false
	}
	r = Rest{k.class, later(now, k.until)}
	if until, is := k.unavailable[model]; is && until.After(r.Until) {
		r = Rest{ModelUnavailable, until}
	}
	l := k.quota.of(model)
	if at, free := l.next(now, 0, share); !free && at.After(r.Until) {
		r = Rest{l.class, at}
	}
	return r, true
}

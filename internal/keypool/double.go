package keypool

import "time"

const (
	// overdue: a call that takes so many times as long as usual, and overdueLeast seconds longer, may be doubled.
	overdue      = 2
	overdueLeast = 1
	// doubleShare bounds the doubles of a group, as a share of its calls. One is always allowed.
	doubleShare = 0.01
	// doubleRoom is the headroom under its limits that a key needs for a double: quota is for pictures first.
	doubleRoom = 0.5
	// recheck: so often the pool looks whether a batch has come to its last calls. Their callers do not tell when they begin.
	recheck = 100 * time.Millisecond
)

// Second yields at most one further lease, when the call takes far longer than usual and another key could end sooner. The
// caller makes the same call with it, takes the answer that comes first, cancels the other call and releases both leases.
// Nothing is yielded after Release.
func (l *Lease) Second() <-chan *Lease { return l.second }

// rescue doubles the late calls of keys that have not answered yet in groups with pictures left, before those get a key: a
// slot that a slow key holds is worth more than the next picture.
func (p *Pool) rescue(now time.Time) {
	if !p.doubles() {
		return
	}
	for _, g := range p.groups {
		if len(g.running) == 0 {
			continue
		}
		if left, known := g.left(); known && left > 0 {
			p.doubleLate(g, now)
		}
	}
}

// double doubles the late calls of groups without pictures left, and returns the time at which the next call is late.
func (p *Pool) double(now time.Time) time.Time {
	next := now.Add(idle)
	if !p.doubles() {
		return next
	}
	for _, g := range p.groups {
		if len(g.running) == 0 {
			continue
		}
		switch left, known := g.left(); {
		case !known:
		case left == 0:
			p.doubleLate(g, now)
			next = earlier(next, p.nextLate(g, now))
		case left <= len(g.running):
			next = earlier(next, now.Add(recheck))
		}
	}
	return next
}

// doubles reports whether calls may be doubled. While other processes use the same keys none is: their calls of the same
// batches are not known here.
func (p *Pool) doubles() bool { return !p.opt.NoDoubles && p.share == 1 }

func (p *Pool) doubleLate(g *group, now time.Time) {
	for !g.full() && g.mayDouble() {
		l := p.latest(g, now)
		if l == nil || !p.doubleOne(l, g, now) {
			return
		}
	}
}

// mayDouble reports whether the group may have one more double. Before its last pictures it keeps half of them.
func (g *group) mayDouble() bool {
	left, _ := g.left()
	most := max(1, int(doubleShare*float64(g.calls+left)))
	if left > 0 {
		most /= 2
	}
	return g.doubles < most
}

// late returns the age at which a call is late, in seconds; ok is false for one that is not to be doubled. With pictures left,
// only the calls of a key that has not answered yet are, all but the first: that one measures the key.
func (p *Pool) late(l *Lease, g *group) (seconds float64, ok bool) {
	k, usual := l.key, p.usual(l.model)
	if usual == 0 || l.doubled || l.first != nil || l.trial || l.probe {
		return 0, false
	}
	if left, _ := g.left(); left > 0 {
		return lateAfter(usual), !k.proved && k.running[0] != l
	}
	if takes := k.takes(l.model); k.proved && takes > 0 {
		return lateAfter(takes), true
	}
	return lateAfter(usual), true
}

func lateAfter(usual float64) float64 { return max(overdue*usual, usual+overdueLeast) }

// latest returns the call of a group that is late by most, or nil.
func (p *Pool) latest(g *group, now time.Time) *Lease {
	var worst *Lease
	most := 0.0
	for _, l := range g.running {
		if at, ok := p.late(l, g); ok && l.age(now) >= at && (worst == nil || l.age(now)-at > most) {
			worst, most = l, l.age(now)-at
		}
	}
	return worst
}

// nextLate returns when the next call of a group is late.
func (p *Pool) nextLate(g *group, now time.Time) time.Time {
	next := now.Add(idle)
	for _, l := range g.running {
		if at, ok := p.late(l, g); ok && at > l.age(now) {
			next = earlier(next, l.started.Add(time.Duration(at*float64(time.Second))+time.Millisecond))
		}
	}
	return next
}

// doubleOne issues a second lease for a call, unless no other key would end it sooner.
func (p *Pool) doubleOne(l *Lease, g *group, now time.Time) bool {
	m := p.model(l.model)
	if m.open {
		return false
	}
	var best *key
	var top float64
	for _, k := range p.keys {
		takes := k.takes(l.model)
		if k.quota == l.key.quota || !k.proved || k.state != Active || takes == 0 || k.quota.of(l.model).headroom(p.share) < doubleRoom {
			continue
		}
		if _, trial, ok := p.permitted(k, l.model, l.tokens, now); !ok || trial || takes >= l.age(now) {
			continue
		}
		if score := p.score(k, l.model, true); best == nil || score > top {
			best, top = k, score
		}
	}
	if best == nil {
		return false
	}
	second := p.issue(best, g, Want{Model: l.model}, m, l.tokens, false, now)
	second.first, l.doubled = l, true
	g.doubles++
	l.second <- second
	return true
}

// recordDouble counts the end of a call that was doubled or was a double. A call that lost took at least so long: that is
// all that is learned about its key.
func (p *Pool) recordDouble(l *Lease, o Outcome, now time.Time) {
	if l.first != nil && o.Class == OK {
		p.counters.won++
	} else if l.first != nil {
		p.counters.lost++
	}
	if l.doubled && o.Class == Canceled {
		l.key.tookLonger(l.model, l.age(now), now)
	}
}

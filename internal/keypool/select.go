package keypool

import (
	"cmp"
	"slices"
	"time"
)

const (
	// explore: a key that so many dispatches passed over gets the next one, or what it was once would be believed for
	// ever. One in 190 is 0.53 % of the work; at most two such calls are under way, since a key that takes 10 s holds a
	// picture for as long.
	explore, exploring = 190, 2
	// idle is how long a waiter sleeps when nothing is known to happen; every release wakes it before.
	idle = time.Minute
	// headStart is how many turns a group may have before it shares evenly with those that came before: with even
	// shares alone a small batch behind a large one would take a little more than twice its time.
	headStart = 6
	// unknownLatency is what a key is believed to take before it was tried, so that new ones are.
	unknownLatency = 0.5
)

// serve hands keys to those who wait, as long as there are both, and returns when to look again.
func (p *Pool) serve(now time.Time) time.Time {
	next := now.Add(idle)
	for len(p.waiting) > 0 {
		granted := false
		blocked := map[string]time.Time{} // models for which no key at all is free, and when one is
		for _, w := range p.inOrder() {
			if at, none := blocked[w.want.Model]; none {
				next = earlier(next, at)
				continue
			}
			l, at, err := p.choose(w.want, now)
			switch {
			case err != nil:
				w.err = err
				p.leave(w)
				close(w.granted)
				granted = true
			case l != nil:
				due := p.due(w.want.Group)
				p.turn, p.served[w.want.Group] = max(p.turn, due), due+1
				p.leave(w)
				p.counted.waits.observe(now.Sub(w.since))
				w.granted <- l
				granted = true
			default:
				if len(w.want.Avoid) == 0 && !w.want.Retry {
					blocked[w.want.Model] = at
				}
				next = earlier(next, at)
				continue
			}
			break // whose turn it is has changed
		}
		if !granted {
			break
		}
	}
	if len(p.waiting) == 0 && len(p.served) > 1000 {
		clear(p.served)
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (p *Pool) leave(w *waiter) {
	p.waiting = slices.DeleteFunc(p.waiting, func(o *waiter) bool { return o == w })
}

// inOrder is whose turn it is: the higher priority, then retries before new work, then the groups take turns, then who came first.
func (p *Pool) inOrder() []*waiter {
	order := slices.Clone(p.waiting)
	slices.SortStableFunc(order, func(a, b *waiter) int {
		if a.want.Priority != b.want.Priority {
			return cmp.Compare(b.want.Priority, a.want.Priority)
		}
		if a.want.Retry != b.want.Retry {
			if a.want.Retry {
				return -1
			}
			return 1
		}
		return cmp.Compare(p.due(a.want.Group), p.due(b.want.Group))
	})
	return order
}

// due is the turn of a group. One that was not here lately gets its head start, and no more.
func (p *Pool) due(group string) int { return max(p.served[group], p.turn-headStart) }

// choose picks the best permitted key, or says when there will be one.
func (p *Pool) choose(want Want, now time.Time) (*Lease, time.Time, error) {
	m := p.model(want.Model)
	if err := p.hopeless(want.Model, now); err != nil {
		return nil, now, err
	}
	if m.open {
		if m.probing {
			return nil, now.Add(idle), nil
		}
		if rest, long := p.resting(want.Model, now); long {
			return nil, now, &RestError{rest}
		}
		if m.next.After(now) {
			return nil, m.next, nil
		}
	}
	if want.Retry && !m.open {
		if at, ok := m.mayRetry(now); !ok {
			return nil, at, nil
		}
	}
	tokens := want.Tokens
	if tokens == 0 {
		tokens = int(m.tokens)
	}
	next := now.Add(idle)
	for _, avoid := range [][]string{want.Avoid, nil} {
		best, trial, at := p.best(want.Model, tokens, avoid, now)
		if best != nil {
			return p.lend(best, want, m, tokens, trial, now), now, nil
		}
		next = earlier(next, at)
		if len(avoid) == 0 {
			break
		}
	}
	if rest, long := p.resting(want.Model, now); long {
		return nil, now, &RestError{rest}
	}
	return nil, next, nil
}

// best scores the keys that are permitted now. It returns none, and when one will be, if there is none.
func (p *Pool) best(model string, tokens int, avoid []string, now time.Time) (best *key, trial bool, next time.Time) {
	next = now.Add(idle)
	var top float64
	for _, k := range p.keys {
		if slices.Contains(avoid, k.Label) {
			continue
		}
		at, rested, ok := p.permitted(k, model, tokens, now)
		if !ok {
			next = earlier(next, at)
			continue
		}
		score := p.score(k, model)
		if rested || k.inflight < exploring && p.count-k.last >= explore {
			score += 1e6 // it waited for this; one call tells more than any estimate
		}
		if best == nil || score > top {
			best, top, trial = k, score, rested
		}
	}
	return best, trial, next
}

// score is the competition: share follows success, room and speed.
func (p *Pool) score(k *key, model string) float64 {
	latency := k.latency
	if latency == 0 {
		latency = unknownLatency
	}
	room := k.quota.of(model).headroom(p.share)
	return p.success(k) * (0.25 + 0.75*room) / (latency * float64(1+k.inflight))
}

// permitted tells whether k may be used now, and otherwise when. trial: it rested, and this one call decides.
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
	if k.inflight >= int(k.conc) {
		return never, false, false
	}
	if !k.proved && k.inflight > 0 {
		if alone := k.tried.Add(tryAlone); alone.After(now) {
			return alone, false, false
		}
		if k.inflight >= unproved {
			return never, false, false // its first answer wakes those who wait
		}
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

// hopeless tells whether waiting makes no sense.
func (p *Pool) hopeless(model string, now time.Time) error {
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

func (p *Pool) lend(k *key, want Want, m *model, tokens int, trial bool, now time.Time) *Lease {
	p.count++
	k.last = p.count
	if k.inflight++; !k.proved && k.inflight == 1 {
		k.tried = now
	}
	l := k.quota.of(want.Model)
	l.start(now, tokens)
	if trial {
		k.probing = k.state != Active
		l.probing = !l.until.IsZero()
	}
	m.probing = m.open
	m.refill(now)
	if want.After != "" {
		p.counted.again[want.After]++
	}
	if want.Retry {
		m.budget = max(0, m.budget-1)
	} else {
		m.budget = min(retryMost, m.budget+retryShare)
	}
	k.calls++
	k.starts = keepLate(append(k.starts, now), now)
	p.recent = keepLate(append(p.recent, now), now)
	if p.opt.Memory != nil && p.beatDue(now) {
		p.wakeRun()
	}
	return &Lease{pool: p, key: k, label: k.Label, model: want.Model, tokens: tokens, started: now, trial: trial, probe: m.open}
}

func keepLate(at []time.Time, now time.Time) []time.Time {
	i := 0
	for i < len(at) && now.Sub(at[i]) > shareWindow {
		i++
	}
	return at[i:]
}

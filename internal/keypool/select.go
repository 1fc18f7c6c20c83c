package keypool

import (
	"cmp"
	"slices"
	"time"
)

const (
	// explore: a key passed over by so many dispatches gets the next one; otherwise an old estimate of it would
	// hold for ever. One in 190 is 0.53 % of the work. exploring bounds such calls under way to two, since a key
	// that takes 10 s holds a picture for as long.
	explore, exploring = 190, 2
	// idle is the time to the next dispatch when no change is known to come; every release dispatches before.
	idle = time.Minute
	// headStart is the number of leases that a new group gets before it shares evenly with older groups. With even
	// shares alone a small batch behind a large one would take a little more than twice its time.
	headStart = 6
	// unknownLatency is the latency assumed for an untried key, in seconds, so that new keys are tried.
	unknownLatency = 0.5
)

// serve issues keys to waiting callers while there are both, and returns the time of the next dispatch.
func (p *Pool) serve(now time.Time) time.Time {
	next := now.Add(idle)
	for len(p.waiting) > 0 {
		granted := false
		blocked := map[string]time.Time{} // models without a free key, and when one is free
		busy := map[string]*frees{}
		for _, w := range p.inOrder() {
			if w.group.full() {
				continue // the end of one of its calls dispatches
			}
			if at, none := blocked[w.want.Model]; none {
				next = earlier(next, at)
				continue
			}
			l, at, err := p.choose(w, busy, now)
			switch {
			case err != nil:
				w.err = err
				p.removeWaiter(w)
				close(w.granted)
				granted = true
			case l != nil:
				due := p.startTime(w.group)
				p.virtualTime, w.group.time = max(p.virtualTime, due), due+1
				p.removeWaiter(w)
				p.counters.waits.observe(now.Sub(w.since))
				w.granted <- l
				granted = true
			default:
				if len(w.want.Avoid) == 0 && !w.want.Retry && busy[w.want.Model] == nil {
					blocked[w.want.Model] = at
				}
				next = earlier(next, at)
				continue
			}
			break // the order has changed
		}
		if !granted {
			break
		}
	}
	p.dropIdleGroups()
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (p *Pool) removeWaiter(w *waiter) {
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		w.group.waiting--
	}
}

// inOrder returns the waiting callers in the order of service: the higher priority, then retries before new work,
// then the group with the lowest virtual time, then the oldest.
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
		return cmp.Compare(p.startTime(a.group), p.startTime(b.group))
	})
	return order
}

// startTime returns the virtual start time of a group. A group without recent leases gets its head start, and no
// more.
func (p *Pool) startTime(g *group) int { return max(g.time, p.virtualTime-headStart) }

// choose picks the best permitted key, or returns the time at which one is permitted. busy holds the busy keys of each model
// that the callers before this one do not wait for.
func (p *Pool) choose(w *waiter, busy map[string]*frees, now time.Time) (*Lease, time.Time, error) {
	want := w.want
	m := p.model(want.Model)
	if err := p.exhausted(want.Model, now); err != nil {
		return nil, now, err
	}
	if m.open {
		if m.probing {
			return nil, now.Add(idle), nil
		}
		if cooldown, long := p.cooldown(want.Model, now); long {
			return nil, now, &CooldownError{cooldown}
		}
		if m.next.After(now) {
			return nil, m.next, nil
		}
	}
	if want.Retry && !m.open {
		if at, ok := m.retryAt(now); !ok {
			return nil, at, nil
		}
	}
	tokens := want.Tokens
	if tokens == 0 {
		tokens = int(m.tokens)
	}
	next := now.Add(idle)
	for _, avoid := range [][]string{want.Avoid, nil} {
		best, trial, at := p.best(w.group, want.Model, tokens, avoid, now)
		if best.key != nil {
			if at, sooner := p.sooner(best, w.group, want.Model, tokens, busy, now); sooner {
				return nil, at, nil
			}
			w.group.calls++
			return p.issue(best.key, w.group, want, m, tokens, trial, now), now, nil
		}
		next = earlier(next, at)
		if len(avoid) == 0 {
			break
		}
	}
	if cooldown, long := p.cooldown(want.Model, now); long {
		return nil, now, &CooldownError{cooldown}
	}
	return nil, next, nil
}

// choice is the key that best picked. due: its turn has come, however long its calls take.
type choice struct {
	key *key
	due bool
}

// best picks the permitted key with the highest score. If none is permitted, it returns the time at which one is.
func (p *Pool) best(g *group, model string, tokens int, avoid []string, now time.Time) (best choice, trial bool, next time.Time) {
	next = now.Add(idle)
	var top float64
	tail := g.tail()
	for _, k := range p.keys {
		if slices.Contains(avoid, k.Label) {
			continue
		}
		at, rested, ok := p.permitted(k, model, tokens, now)
		if !ok {
			next = earlier(next, at)
			continue
		}
		score := p.score(k, model, tail)
		due := !tail && rested || k.inflight < exploring && p.count-k.last >= explore && p.mayExplore(k, g, model)
		switch {
		case due:
			score += 1e6 // its wait is over; one call tells more than any estimate
		case p.slow(k, model):
			score -= 1e6 // any other key ends the call sooner, however many calls it has
		}
		if best.key == nil || score > top {
			best, top, trial = choice{k, due}, score, rested
		}
	}
	return best, trial, next
}

// score ranks keys: the share of the work follows success rate, headroom and speed.
func (p *Pool) score(k *key, model string, tail bool) float64 {
	latency := p.seconds(k, model, tail)
	room := k.quota.of(model).headroom(p.share)
	return p.success(k) * (0.25 + 0.75*room) / (latency * float64(1+k.inflight))
}

// issue makes the lease of a call.
func (p *Pool) issue(k *key, g *group, want Want, m *model, tokens int, trial bool, now time.Time) *Lease {
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
	if want.RetryReason != "" {
		p.counters.retries[want.RetryReason]++
	}
	if want.Retry {
		m.budget = max(0, m.budget-1)
	} else {
		m.budget = min(retryMax, m.budget+retryShare)
	}
	k.calls++
	k.starts = keepRecent(append(k.starts, now), now)
	p.recent = keepRecent(append(p.recent, now), now)
	if p.opt.Memory != nil && p.heartbeatDue(now) {
		p.wakeRun()
	}
	issued := &Lease{
		pool: p, key: k, label: k.Label, model: want.Model, tokens: tokens, started: now, trial: trial, probe: m.open,
		group: g, second: make(chan *Lease, 1),
	}
	k.running, g.running = append(k.running, issued), append(g.running, issued)
	return issued
}

func keepRecent(at []time.Time, now time.Time) []time.Time {
	i := 0
	for i < len(at) && now.Sub(at[i]) > shareWindow {
		i++
	}
	return at[i:]
}

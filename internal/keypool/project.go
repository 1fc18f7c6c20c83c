package keypool

import "time"

// sameProject joins the quotas of keys for which the service named the same project.
func (p *Pool) sameProject(k *key, name string, now time.Time) {
	if k.Project != "" || k.quota.name == name {
		return
	}
	for _, o := range p.keys {
		if o != k && o.Project == "" && o.quota.name == name {
			p.merge(o, k, now)
			return
		}
	}
	if k.quota.name == "" {
		k.quota.name = name
	}
}

// merge gives b, and all keys that share b's quota, the quota of a. The use of both adds up.
func (p *Pool) merge(a, b *key, now time.Time) {
	into, from := a.quota, b.quota
	if into == from {
		return
	}
	for name, l := range from.models {
		into.of(name).merge(l, now)
	}
	if from.spentUntil.After(into.spentUntil) {
		into.spentUntil, into.reason = from.spentUntil, from.reason
	}
	if into.name == "" {
		into.name = "shared with " + a.Label
	}
	for _, k := range p.keys {
		if k.quota == from {
			k.quota = into
			p.remember(k)
		}
	}
	p.remember(a)
}

// merge adds the state of o, which turned out to be the same limit.
func (l *limit) merge(o *limit, now time.Time) {
	l.trim(now)
	o.trim(now)
	l.starts = mergeStarts(l.starts, o.starts)
	l.used += o.used
	l.dayHits = max(l.dayHits, o.dayHits)
	if o.until.After(l.until) {
		l.until, l.parked, l.step, l.class, l.reason = o.until, o.parked, o.step, o.class, o.reason
	}
	// A limit named by the service beats an estimate; otherwise the larger wins.
	if l.rpm == 0 || o.rpm > 0 && (l.guessed && !o.guessed || l.guessed == o.guessed && o.rpm > l.rpm) {
		l.rpm, l.guessed, l.guessAt = o.rpm, o.guessed, o.guessAt
	}
	l.tpm, l.rpd = max(l.tpm, o.tpm), max(l.rpd, o.rpd)
}

func mergeStarts(a, b []start) []start {
	out := make([]start, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0].at.Before(a[0].at) {
			a, b = b, a
		}
		out, a = append(out, a[0]), a[1:]
	}
	return append(append(out, a...), b...)
}

// sharers returns the labels of the other keys with k's quota.
func (p *Pool) sharers(k *key) []string {
	var labels []string
	for _, o := range p.keys {
		if o != k && o.quota == k.quota {
			labels = append(labels, o.Label)
		}
	}
	return labels
}

// longestLimit returns the limit of k's quota that lasts longest, and its model; nil when none is in force.
func (k *key) longestLimit(now time.Time) (l *limit, model string) {
	for name, m := range k.quota.models {
		if m.until.After(now) && (l == nil || m.until.After(l.until)) {
			l, model = m, name
		}
	}
	return l, model
}

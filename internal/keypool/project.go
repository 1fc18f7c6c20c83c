package keypool

import "time"

// sameProject groups keys for which the service named the same project.
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

// merge gives b the quota of a, with what both used, and all who shared b's come along.
func (p *Pool) merge(a, b *key, now time.Time) {
	into, from := a.quota, b.quota
	if into == from {
		return
	}
	for name, l := range from.models {
		into.of(name).join(l, now)
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

// join takes in what is known of a limit that turned out to be the same one.
func (l *limit) join(o *limit, now time.Time) {
	l.trim(now)
	o.trim(now)
	l.starts = mergeStarts(l.starts, o.starts)
	l.used += o.used
	l.dayHits = max(l.dayHits, o.dayHits)
	if o.until.After(l.until) {
		l.until, l.parked, l.step, l.class, l.reason = o.until, o.parked, o.step, o.class, o.reason
	}
	// What the service named counts more than what was guessed, then the larger.
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

// sharers are the labels of the other keys that use k's quota.
func (p *Pool) sharers(k *key) []string {
	var labels []string
	for _, o := range p.keys {
		if o != k && o.quota == k.quota {
			labels = append(labels, o.Label)
		}
	}
	return labels
}

// spent is when k may be used again as far as its quota goes, for whichever model rests longest.
func (k *key) spent(now time.Time) (l *limit, model string) {
	for name, m := range k.quota.models {
		if m.until.After(now) && (l == nil || m.until.After(l.until)) {
			l, model = m, name
		}
	}
	return l, model
}

package keypool

import "time"

// sameProject groups keys for which the service named the same project.
func (p *Pool) sameProject(k *key, name string) {
	if k.Project != "" || k.quota.name == name {
		return
	}
	for _, o := range p.keys {
		if o != k && o.Project == "" && o.quota.name == name {
			p.merge(o, k)
			return
		}
	}
	if k.quota.name == "" {
		k.quota.name = name
	}
}

// merge gives b the quota of a, with what both used, and all who shared b's come along.
func (p *Pool) merge(a, b *key) {
	into, from := a.quota, b.quota
	if into == from {
		return
	}
	for name, l := range from.models {
		have := into.of(name)
		have.starts = mergeStarts(have.starts, l.starts)
		have.used += l.used
		have.until = later(have.until, l.until)
		have.rpm, have.guessed = max(have.rpm, l.rpm), have.guessed && l.guessed
		have.tpm, have.rpd = max(have.tpm, l.tpm), max(have.rpd, l.rpd)
		have.parked = have.parked || l.parked
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

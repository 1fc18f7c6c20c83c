package keypool

import "time"

// Outlook returns what the calls of a new batch may expect from the keys that are not switched off or refused: the usual
// duration of a good call with the model (0: unknown), and the calls a minute that the limits of their projects allow together
// (0: no limit is known for one of them).
func (p *Pool) Outlook(model string, now time.Time) (takes time.Duration, perMinute float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var seconds float64
	timed, limited := 0, true
	seen := map[*quota]bool{}
	for _, k := range p.keys {
		if k.state == Disabled || k.state == Quarantined || p.slow(k, model) {
			continue
		}
		if s := k.takes(model); s > 0 {
			seconds, timed = seconds+s, timed+1
		}
		if seen[k.quota] {
			continue
		}
		seen[k.quota] = true
		if l := k.quota.models[model]; l != nil && l.rpm > 0 {
			perMinute += l.rpm / float64(max(p.share, 1))
		} else {
			limited = false
		}
	}
	if !limited {
		perMinute = 0
	}
	if timed == 0 {
		return 0, perMinute
	}
	return time.Duration(seconds / float64(timed) * float64(time.Second)), perMinute
}

package keypool

import "time"

// speed is how long the good calls of a key take with one model.
type speed struct {
	seconds  float64 // moving average
	measured time.Time
	own      bool // measured by this process
}

// takes returns the seconds of a good call with k, 0 if that is not known.
func (k *key) takes(model string) float64 { return k.speeds[model].seconds }

// timed notes the duration of a good call. The first call of this process, and one of a slow key that has recovered, count
// for more than those before.
func (k *key) timed(model string, seconds float64, now time.Time) {
	s := k.speeds[model]
	if !s.own || seconds < s.seconds/slower {
		s.seconds = seconds
	}
	s.seconds += (seconds - s.seconds) * latencyWeight
	k.speeds[model] = speed{s.seconds, now, true}
}

// tookLonger notes that a call took at least so long and was then canceled.
func (k *key) tookLonger(model string, seconds float64, now time.Time) {
	s := k.speeds[model]
	if seconds <= s.seconds {
		return
	}
	if k.proved {
		seconds = s.seconds + (seconds-s.seconds)*latencyWeight
	}
	k.speeds[model] = speed{seconds, now, s.own}
}

// forget drops the time of a slow key that is too old to be believed: its next call measures it alone.
func (p *Pool) forget(k *key, now time.Time) {
	for model, s := range k.speeds {
		if k.inflight == 0 && now.Sub(s.measured) > slowFor && p.slow(k, model) {
			delete(k.speeds, model)
			k.proved = false
		}
	}
}

// measureSpeeds finds the fastest key of each model.
func (p *Pool) measureSpeeds() {
	clear(p.fastest)
	for _, k := range p.keys {
		if !k.proved || k.state != Active {
			continue
		}
		for model, s := range k.speeds {
			if least := p.fastest[model]; least == 0 || s.seconds < least {
				p.fastest[model] = s.seconds
			}
		}
	}
}

// usual returns the seconds that a call takes on the fastest key that may be used, 0 if no such key has answered yet.
func (p *Pool) usual(model string) float64 { return p.fastest[model] }

// slow reports whether a call with k takes so much longer than with others that it may end last.
func (p *Pool) slow(k *key, model string) bool {
	usual := p.usual(model)
	return usual > 0 && k.takes(model) > slower*usual
}

// alwaysSlow reports whether k is slow with every model that it has answered for.
func (p *Pool) alwaysSlow(k *key) bool {
	for model := range k.speeds {
		if !p.slow(k, model) {
			return false
		}
	}
	return len(k.speeds) > 0
}

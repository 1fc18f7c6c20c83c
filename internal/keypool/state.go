package keypool

import (
	"slices"
	"time"
)

// State is the state of a key.
type State string

// The states.
const (
	Active      State = "active"
	Cooling     State = "cooling"     // waits out a limit or a refusal, for seconds
	Parked      State = "parked"      // its day or its credit is used up; probed now and then
	Quarantined State = "quarantined" // refused as dead, or for a setting; not used until tested
	Disabled    State = "disabled"    // switched off by a person
)

// key is a key with its state.
type key struct {
	Key
	id      string
	removed bool
	added   bool // at run time: Replace keeps it

	state    State
	until    time.Time // of Cooling and Parked, and of a fixable Quarantined: time of the next probe
	class    Class     // reason of the state
	reason   string
	strikes  int       // bare refusals in a row
	switched time.Time // when a person last switched it off or on; zero: never
	probing  bool      // the one probe after until is under way

	quota       *quota               // shared with the keys of its project
	unavailable map[string]time.Time // models it has no access to, and until when that is assumed

	proved bool             // a call has ended without a refusal of the key
	tried  time.Time        // start of the first call of an unproved key
	speeds map[string]speed // by model

	inflight    int
	running     []*Lease // the oldest first
	strained    bool     // it was overloaded: more calls at once are tried slowly
	concurrency float64  // calls at once that it may have
	successes   float64  // successes towards the next increase of concurrency
	ok, bad     float64  // outcomes due to the key, decaying
	latency     float64  // seconds of a good call with any model, moving average; 0: unknown
	last        uint64   // number of the last dispatch that used it

	calls, ended, good int // ended: without canceled calls and those that the picture or the model is to blame for
	counters           keyCounters
	starts             []time.Time // within the last shareWindow
	failures           []Failure   // by class, the newest last
	tally              tally
}

const (
	// tryAlone is how long the first call of a key runs alone: a refusal comes within it, an answer takes longer.
	// So a dead key, or one whose day is used up, costs one call and not one per concurrent call.
	tryAlone = 250 * time.Millisecond
	// tryApart is the time between its further calls, so that they do not all end, and begin again, at the same time: where a
	// limit is used up, all calls that began before its first refusal are refused too.
	tryApart = 100 * time.Millisecond

	startConcurrency = 4
	// startMost bounds the calls at once of a key that was never overloaded, when it has to take over the share of others.
	startMost      = 8
	minConcurrency = 1
	maxConcurrency = 32
	decay          = 0.97 // factor per outcome: about the last 30 count
	latencyWeight  = 0.2  // weight of the newest call in the moving average
	// shareWindow is the period over which the share of the work is shown.
	shareWindow = 5 * time.Minute
)

func (p *Pool) add(k Key) *key {
	for _, have := range p.keys {
		if have.Secret.Reveal() == k.Secret.Reveal() {
			return have
		}
	}
	p.numbered++
	n := &key{
		Key: k, id: idOf(p.opt.Secret, k), state: Active, concurrency: startConcurrency, unavailable: map[string]time.Time{}, last: p.count, speeds: map[string]speed{},
		counters: keyCounters{outcomes: map[Call]uint64{}, took: newHistogram(tookBounds)},
	}
	n.Label = p.freeLabel(cleanLabel(k))
	n.quota = p.quotaOf(k.Project)
	p.keys = append(p.keys, n)
	return n
}

// freeLabel makes a label unique.
func (p *Pool) freeLabel(label string) string {
	taken := func(l string) bool { return slices.ContainsFunc(p.keys, func(k *key) bool { return k.Label == l }) }
	if label != "" && !taken(label) {
		return label
	}
	base, i := label, 2
	if base == "" { // a number that no key here ever had
		base, i = "key", p.numbered
	}
	for ; ; i++ {
		if l := base + " " + itoa(i); !taken(l) {
			return l
		}
	}
}

// quotaOf returns the quota of a named project, or a new one.
func (p *Pool) quotaOf(project string) *quota {
	if project != "" {
		for _, k := range p.keys {
			if k.Project == project {
				return k.quota
			}
		}
	}
	return newQuota()
}

// success samples the success rate of a key: its mean plus noise that shrinks with the number of outcomes, so that
// a bad key is tried now and then and may recover.
func (p *Pool) success(k *key) float64 {
	a, b := k.ok+1, k.bad+1
	mean := a / (a + b)
	if k.bad < 0.5 { // no failures on record
		mean = (a + 8) / (a + b + 8)
	}
	return min(1, max(0.02, mean+p.rng.NormFloat64()*deviation(a, b)*0.5))
}

// setAside takes the key out of use. A key that a person disabled stays disabled, even if its last call fails.
func (k *key) setAside(state State, until time.Time, class Class, reason string) {
	if k.state == Disabled {
		return
	}
	k.state, k.until, k.class, k.reason = state, until, class, reason
}

func (k *key) activate() {
	k.state, k.until, k.class, k.reason, k.strikes = Active, time.Time{}, "", "", 0
}

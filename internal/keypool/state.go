package keypool

import (
	"slices"
	"time"
)

// State is where a key stands.
type State string

// The states.
const (
	Active      State = "active"
	Cooling     State = "cooling"     // waits out a limit or a refusal, for seconds
	Parked      State = "parked"      // its day or its money is used up; tried now and then
	Quarantined State = "quarantined" // refused as dead, or for a setting; not used until tested
	Disabled    State = "disabled"    // switched off by a person
)

// key is a key with everything known about it.
type key struct {
	Key
	id      string
	removed bool
	added   bool // while the pool works: Replace leaves it

	state    State
	until    time.Time // of Cooling and Parked, and of a fixable Quarantined: when it is tried again
	class    Class     // what brought it there
	reason   string
	strikes  int       // bare refusals in a row
	switched time.Time // when a person switched it off or on last; zero: never
	probing  bool      // the one try after until is under way

	quota       *quota               // shared with the keys of its project
	unavailable map[string]time.Time // models it was told not to have, until when that is believed

	proved bool      // the service did not refuse it so far
	tried  time.Time // when the first call of an unproved key began

	inflight int
	conc     float64 // how many calls at once it may have
	half     float64 // successes towards the next one more
	ok, bad  float64 // outcomes that were its own doing, fading
	latency  float64 // seconds of a good call, moving average; 0 unknown
	last     uint64  // the dispatch that used it last

	calls, ended, good int // ended: without those given up here or not its doing
	counted            keyCounters
	starts             []time.Time // of the last shareWindow
	failures           []Failure   // by class, the newest last
	tally              tally
}

const (
	// tryAlone is how long the first call of a key goes alone: a refusal comes within it, an answer takes longer. So a
	// dead key, or one whose day is used up, costs one call and not as many as it may have at once.
	tryAlone = 250 * time.Millisecond
	// unproved is how many calls a key may have at once before its first answer: a key that takes 10 s would otherwise
	// hold four pictures that others had read ten times over.
	unproved  = 2
	concStart = 4
	concMin   = 1
	concMax   = 32
	fade      = 0.97 // of past outcomes with each new one: the last 30 or so count
	latWeight = 0.2  // of the newest call in the moving average
	// shareWindow is over what the share of the work is shown.
	shareWindow = 5 * time.Minute
)

func (p *Pool) add(k Key) *key {
	for _, have := range p.keys {
		if have.Secret.Reveal() == k.Secret.Reveal() {
			return have
		}
	}
	p.named++
	n := &key{
		Key: k, id: idOf(p.opt.Secret, k), state: Active, conc: concStart, unavailable: map[string]time.Time{}, last: p.count,
		counted: keyCounters{outcomes: map[Call]uint64{}, took: newHistogram(tookBounds)},
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
		base, i = "key", p.named
	}
	for ; ; i++ {
		if l := base + " " + itoa(i); !taken(l) {
			return l
		}
	}
}

// quotaOf is the quota of a named project, or a new one.
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

// success is the sampled quality of a key: its mean with the doubt that few outcomes leave, so that a loser is tried
// now and then and may win again.
func (p *Pool) success(k *key) float64 {
	a, b := k.ok+1, k.bad+1
	mean := a / (a + b)
	if k.bad < 0.5 { // nothing against it
		mean = (a + 8) / (a + b + 8)
	}
	return min(1, max(0.02, mean+p.rng.NormFloat64()*deviation(a, b)*0.5))
}

// rest sets the key aside. One that a person switched off stays as it is, whatever its last call came to.
func (k *key) rest(state State, until time.Time, class Class, reason string) {
	if k.state == Disabled {
		return
	}
	k.state, k.until, k.class, k.reason = state, until, class, reason
}

func (k *key) wake() {
	k.state, k.until, k.class, k.reason, k.strikes = Active, time.Time{}, "", "", 0
}

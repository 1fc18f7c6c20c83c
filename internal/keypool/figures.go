package keypool

import (
	"maps"
	"slices"
	"time"
)

// Figures is a snapshot of the pool for monitoring: counters since the program started, and the current state. It
// holds no key's value.
type Figures struct {
	Waiting int               // callers that wait for a key
	Ready   int               // keys that could be issued now, if they are not busy
	Ended   uint64            // calls that ended by themselves, including those of keys removed since
	Retries map[string]uint64 // further calls for the same image, by Want.RetryReason
	Won     uint64            // second calls for an image that were answered before its first one
	Lost    uint64            // second calls that were not
	Waits   Histogram         // seconds that successful Acquire calls waited
	Models  []ModelFigures    // by name
	Keys    []KeyFigures      // in the order of the pool
}

// ModelFigures is the state of a model, common to all keys.
type ModelFigures struct {
	Model   string
	Down    bool          // the breaker is open: one call at a time probes it
	Probing bool          // a probe is under way
	Budget  float64       // of retries: 1 full, 0 used up
	Next    time.Duration // until a key may be issued, given cooldowns, limits and outages; below 0: unknown
}

// KeyFigures is the state of one key. Quotas hold its state for each model.
type KeyFigures struct {
	KeyStatus
	Outcomes map[Call]uint64
	Prompt   uint64    // tokens sent, as the service counted them
	Output   uint64    // tokens received
	Took     Histogram // seconds of successful calls
	Quotas   []Quota   // in the order of Figures.Models
}

// Call labels a counter of calls: the model asked, and the result.
type Call struct {
	Model string
	Class Class
	Late  bool // Transport only: the call timed out
}

// Quota is the state of a key for one model. The limits are those of its project.
type Quota struct {
	Model      string
	State      State
	PerMinute  float64       // requests; 0: unknown
	Used       float64       // share of the requests of a minute, by all processes, 0 to 1; 0 while the limit is unknown
	Tokens     int64         // per minute; 0: unknown
	TokensUsed float64       // share of Tokens, 0 to 1; 0 while the limit is unknown
	PerDay     int64         // requests; 0: unknown
	Today      int64         // requests of this process
	Cooldown   time.Duration // remaining cooldown; below 0: until a person acts
	Next       time.Duration // until the key may be issued again; below 0: not before a person acts
}

// Histogram counts values by size.
type Histogram struct {
	Bounds []float64 // ascending; shared: read only
	Counts []uint64  // values up to each bound and above the one before; the last counts those above all bounds
	Sum    float64   // of the values
}

// Count returns the number of values.
func (h Histogram) Count() uint64 {
	n := uint64(0)
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// The bounds of the histograms, in seconds.
var (
	waitBounds = []float64{0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 90}
	tookBounds = []float64{0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 90, 120}
)

func newHistogram(bounds []float64) Histogram {
	return Histogram{Bounds: bounds, Counts: make([]uint64, len(bounds)+1)}
}

func (h *Histogram) observe(d time.Duration) {
	v, i := d.Seconds(), 0
	for i < len(h.Bounds) && v > h.Bounds[i] {
		i++
	}
	h.Counts[i]++
	h.Sum += v
}

func (h Histogram) clone() Histogram {
	h.Counts = slices.Clone(h.Counts)
	return h
}

const (
	// watchedModels is the number of models with metrics of their own. People type model names freely, so the label
	// set must be bounded: further models count as OtherModel.
	maxLabeledModels = 16
	// OtherModel is the label of further models.
	OtherModel = "other"
)

// counters are the counters of a pool.
type counters struct {
	models    int               // models with metrics of their own
	ended     uint64            // calls that ended by themselves
	retries   map[string]uint64 // by Want.After
	waits     Histogram
	won, lost uint64 // second calls for an image
}

// keyCounters are the counters of one key.
type keyCounters struct {
	outcomes       map[Call]uint64
	prompt, output uint64 // tokens
	took           Histogram
}

// metricLabel returns the label under which calls of a model are counted.
func (p *Pool) metricLabel(name string) string {
	m := p.model(name)
	if !m.labeled {
		if p.counters.models == maxLabeledModels {
			return OtherModel
		}
		p.counters.models++
		m.labeled = true
	}
	return name
}

// countCall counts the outcome of a call.
func (p *Pool) countCall(k *key, model string, o Outcome) {
	c := &k.counters
	c.outcomes[Call{p.metricLabel(model), o.Class, o.Late}]++
	if o.Class == Canceled {
		return
	}
	p.counters.ended++
	c.prompt += uint64(max(0, o.Tokens-o.Output))
	c.output += uint64(max(0, o.Output))
	if o.Class == OK {
		c.took.observe(o.Took)
	}
}

// Figures returns the metrics of the pool at now.
func (p *Pool) Figures(now time.Time) Figures {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.status(now)
	f := Figures{
		Waiting: s.Waiting, Ready: s.Ready, Ended: p.counters.ended,
		Retries: maps.Clone(p.counters.retries), Won: p.counters.won, Lost: p.counters.lost, Waits: p.counters.waits.clone(),
	}
	for _, name := range slices.Sorted(maps.Keys(p.models)) {
		if m := p.models[name]; m.labeled {
			m.refill(now)
			f.Models = append(f.Models, ModelFigures{name, m.open, m.probing, m.budget / retryMax, -1})
		}
	}
	for i, k := range p.keys {
		kf := KeyFigures{
			KeyStatus: s.Keys[i], Outcomes: maps.Clone(k.counters.outcomes), Prompt: k.counters.prompt, Output: k.counters.output,
			Took: k.counters.took.clone(),
		}
		for i := range f.Models {
			m := &f.Models[i]
			q := p.quotaFigures(k, m.Model, now)
			if q.Next >= 0 && (m.Next < 0 || q.Next < m.Next) {
				m.Next = q.Next
			}
			kf.Quotas = append(kf.Quotas, q)
		}
		f.Keys = append(f.Keys, kf)
	}
	for i := range f.Models {
		m := &f.Models[i]
		if m.Next >= 0 && m.Down {
			m.Next = max(m.Next, p.models[m.Model].next.Sub(now))
		}
	}
	return f
}

func (p *Pool) quotaFigures(k *key, model string, now time.Time) Quota {
	l := k.quota.of(model)
	l.trim(now)
	q := Quota{Model: model, State: k.state, PerMinute: l.rpm, Tokens: l.tpm, PerDay: l.rpd, Today: l.used}
	if l.rpm > 0 {
		q.Used = min(1, float64(len(l.starts))*float64(p.share)/l.rpm)
	}
	if l.tpm > 0 {
		q.TokensUsed = min(1, float64(l.tokensUsed())*float64(p.share)/float64(l.tpm))
	}
	cooldown, usable := k.cooldown(model, now, p.share)
	if !usable {
		q.Cooldown, q.Next = -1, -1
		return q
	}
	q.Next = max(0, cooldown.Until.Sub(now))
	q.Cooldown = max(0, later(later(k.until, later(l.until, k.quota.spentUntil)), k.unavailable[model]).Sub(now))
	if k.state == Active && q.Cooldown > 0 {
		q.State = Cooling
		if l.parked && l.until.After(now) {
			q.State = Parked
		}
	}
	return q
}

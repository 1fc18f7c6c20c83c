package keypool

import (
	"maps"
	"slices"
	"time"
)

// Figures is the pool at one moment for machines that watch it: what was counted since the program began, and where
// things stand. No value of a key is in it.
type Figures struct {
	Waiting int               // those who wait for a key
	Ready   int               // keys that could be lent now, if they are not busy
	Ended   uint64            // calls that came to an end by themselves, by keys that were taken out meanwhile too
	Again   map[string]uint64 // calls for what was called for before, by Want.After
	Waits   Histogram         // seconds waited for a key, by those who got one
	Models  []ModelFigures    // by name
	Keys    []KeyFigures      // in the order of the pool
}

// ModelFigures is what holds of a model whichever key is used.
type ModelFigures struct {
	Model   string
	Down    bool          // tried one call at a time
	Probing bool          // that call is under way
	Budget  float64       // of retries, 1 full and 0 used up
	Next    time.Duration // until a key may be lent, by rests, limits and outages; below 0: nobody knows
}

// KeyFigures is one key. Where it stands with each model is in Quotas.
type KeyFigures struct {
	KeyStatus
	Outcomes map[Call]uint64
	Prompt   uint64    // tokens sent, as the service counted them
	Output   uint64    // tokens received
	Took     Histogram // seconds of good calls
	Quotas   []Quota   // in the order of Figures.Models
}

// Call is what a call was for, and what became of it.
type Call struct {
	Model string
	Class Class
	Late  bool // of Transport: there was no answer in time
}

// Quota is where a key stands with a model. The limits are those of its project.
type Quota struct {
	Model      string
	State      State
	PerMinute  float64       // requests; 0 unknown
	Used       float64       // of the requests of a minute, by all processes, 0 to 1; 0 where the limit is unknown
	Tokens     int64         // a minute; 0 unknown
	TokensUsed float64       // of them, 0 to 1; 0 where the limit is unknown
	PerDay     int64         // requests; 0 unknown
	Today      int64         // requests of this process
	Rests      time.Duration // how long it is set aside; below 0: until a person does something
	Next       time.Duration // until it may be lent again; below 0: not before a person does something
}

// Histogram counts values by size.
type Histogram struct {
	Bounds []float64 // ascending; shared: read only
	Counts []uint64  // values up to each bound and above the one before, and at the end those above all
	Sum    float64   // of the values
}

// Count is how many values there were.
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
	// watchedModels is how many models have figures of their own. People type the names of models: what is above it counts
	// as OtherModel, so that who watches does not drown in them.
	watchedModels = 16
	// OtherModel is the name under which further models are counted.
	OtherModel = "other"
)

// counters is what a pool counts for those who watch.
type counters struct {
	models int               // that have figures of their own
	ended  uint64            // calls that came to an end by themselves
	again  map[string]uint64 // by Want.After
	waits  Histogram
}

// keyCounters is the same of a key.
type keyCounters struct {
	outcomes       map[Call]uint64
	prompt, output uint64 // tokens
	took           Histogram
}

// watched is the name under which calls for a model are counted.
func (p *Pool) watched(name string) string {
	m := p.model(name)
	if !m.watched {
		if p.counted.models == watchedModels {
			return OtherModel
		}
		p.counted.models++
		m.watched = true
	}
	return name
}

// countCall counts what became of a call.
func (p *Pool) countCall(k *key, model string, o Outcome) {
	c := &k.counted
	c.outcomes[Call{p.watched(model), o.Class, o.Late}]++
	if o.Class == Canceled {
		return
	}
	p.counted.ended++
	c.prompt += uint64(max(0, o.Tokens-o.Output))
	c.output += uint64(max(0, o.Output))
	if o.Class == OK {
		c.took.observe(o.Took)
	}
}

// Figures returns the pool as it is at now.
func (p *Pool) Figures(now time.Time) Figures {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.status(now)
	f := Figures{
		Waiting: s.Waiting, Ready: s.Ready, Ended: p.counted.ended,
		Again: maps.Clone(p.counted.again), Waits: p.counted.waits.clone(),
	}
	for _, name := range slices.Sorted(maps.Keys(p.models)) {
		if m := p.models[name]; m.watched {
			m.refill(now)
			f.Models = append(f.Models, ModelFigures{name, m.open, m.probing, m.budget / retryMost, -1})
		}
	}
	for i, k := range p.keys {
		kf := KeyFigures{
			KeyStatus: s.Keys[i], Outcomes: maps.Clone(k.counted.outcomes), Prompt: k.counted.prompt, Output: k.counted.output,
			Took: k.counted.took.clone(),
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
	rest, usable := k.rests(model, now, p.share)
	if !usable {
		q.Rests, q.Next = -1, -1
		return q
	}
	q.Next = max(0, rest.Until.Sub(now))
	q.Rests = max(0, later(later(k.until, l.until), k.unavailable[model]).Sub(now))
	if k.state == Active && q.Rests > 0 {
		q.State = Cooling
		if l.parked && l.until.After(now) {
			q.State = Parked
		}
	}
	return q
}

package keypool

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"
)

// Memory persists the state of keys over restarts and shares it between processes: one document per key, under an
// id from which the key cannot be derived.
type Memory interface {
	// Load returns all documents by id.
	Load(ctx context.Context) (map[string][]byte, error)
	// Save stores a document durably; the last write wins.
	Save(ctx context.Context, id string, doc []byte) error
	// Forget removes a document. Removing an unknown id is no error.
	Forget(ctx context.Context, id string) error
	// Watch calls f for each stored document and for each later save by any process, until ctx ends; then it
	// returns nil.
	Watch(ctx context.Context, f func(id string, doc []byte)) error
}

// keyDoc is the stored state of a key.
type keyDoc struct {
	Node        string               `json:"node"` // the process that saved it
	State       State                `json:"state"`
	Switched    time.Time            `json:"switched,omitzero"`
	Until       time.Time            `json:"until,omitzero"`
	Class       Class                `json:"class,omitempty"`
	Reason      string               `json:"reason,omitempty"`
	Project     string               `json:"project,omitempty"` // as found out from answers, not configured
	Unavailable map[string]time.Time `json:"unavailable,omitempty"`
	Spent       time.Time            `json:"spent,omitzero"`   // end of the project's spend window
	Limits      map[string]limitDoc  `json:"limits,omitempty"` // by model
	Speeds      map[string]speedDoc  `json:"speeds,omitempty"` // by model; none: it has not answered yet
	Failures    []failureDoc         `json:"failures,omitempty"`
}

type speedDoc struct {
	Seconds  float64   `json:"seconds"`
	Measured time.Time `json:"measured"`
}

type failureDoc struct {
	Class Class     `json:"class"`
	Text  string    `json:"text,omitempty"`
	Count int       `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

type limitDoc struct {
	RPM     float64   `json:"rpm,omitempty"`
	Guessed bool      `json:"guessed,omitempty"`
	TPM     int64     `json:"tpm,omitempty"`
	RPD     int64     `json:"rpd,omitempty"`
	Used    int64     `json:"used,omitempty"`
	Day     string    `json:"day,omitempty"`
	DayHits int       `json:"day_hits,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Parked  bool      `json:"parked,omitempty"`
	Step    int       `json:"step,omitempty"`
	Class   Class     `json:"class,omitempty"`
	Reason  string    `json:"reason,omitempty"`

	// Lately counts the calls started in each second of the last minute, by Unix time.
	Lately map[int64]int `json:"lately,omitempty"`
}

const (
	saveEvery = beatEvery // at least, while keys are used: the counts of the day and of the minute change
	saveLimit = 5 * time.Second
)

func newNode(rng *rand.Rand) string { return strconv.FormatUint(rng.Uint64(), 36) }

// remember marks k for saving.
func (p *Pool) remember(k *key) {
	if p.opt.Memory == nil || k.removed {
		return
	}
	p.dirty[k] = true
	p.wakeRun()
}

// wakeRun makes Run save and announce without waiting for the next tick.
func (p *Pool) wakeRun() {
	select {
	case p.wakeSave <- struct{}{}:
	default:
	}
}

// Run loads the stored state, applies updates of other processes and saves its own, until ctx ends; then it saves
// once more. Without a Memory it only waits for ctx. Keys may be issued before Run has loaded, so start it first.
func (p *Pool) Run(ctx context.Context) error {
	if p.opt.Memory == nil {
		<-ctx.Done()
		return nil
	}
	watched := make(chan struct{})
	go func() { // owned: it ends with ctx, and Run waits for it
		defer close(watched)
		for ctx.Err() == nil {
			if err := p.opt.Memory.Watch(ctx, p.onDocument); err != nil && ctx.Err() == nil {
				p.log.Warn("watching key state of other processes failed; retrying", "err", err)
				sleep(ctx, saveLimit)
			}
		}
	}()
	defer func() { <-watched }()
	every := time.NewTicker(saveEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveLimit)
			defer cancel()
			p.markUsed()
			p.save(last)
			p.removePeers(last, []string{beatID + p.processID})
			return nil
		case <-p.wakeSave:
		case <-every.C:
			p.markUsed()
		}
		p.announce(ctx)
		p.save(ctx)
	}
}

// Recall loads the stored state of the keys. Call it once, before keys are issued.
func (p *Pool) Recall(ctx context.Context) error {
	if p.opt.Memory == nil {
		return nil
	}
	docs, err := p.opt.Memory.Load(ctx)
	if err != nil {
		return err
	}
	for id, doc := range docs {
		p.applyDocument(id, doc, true)
	}
	p.removePeers(ctx, stalePeers(docs, time.Now()))
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// markUsed marks the keys used recently for saving: their counts have changed.
func (p *Pool) markUsed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, k := range p.keys {
		if n := len(k.starts); n > 0 && now.Sub(k.starts[n-1]) < 2*saveEvery {
			p.dirty[k] = true
		}
	}
}

func (p *Pool) save(ctx context.Context) {
	p.mu.Lock()
	docs := map[*key][]byte{}
	now := time.Now()
	for k := range p.dirty {
		if doc, err := json.Marshal(p.document(k, now)); err == nil {
			docs[k] = doc
		}
	}
	clear(p.dirty)
	p.mu.Unlock()
	for k, doc := range docs {
		if err := p.opt.Memory.Save(ctx, k.id, doc); err != nil && ctx.Err() == nil {
			p.log.Warn("saving key state failed; retrying", "err", err)
			p.saveLater(k)
		}
	}
}

// saveLater marks k for the next save, without waking Run.
func (p *Pool) saveLater(k *key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !k.removed {
		p.dirty[k] = true
	}
}

func (p *Pool) document(k *key, now time.Time) keyDoc {
	m := keyDoc{
		Node: p.processID, State: k.state, Switched: k.switched, Until: k.until, Class: k.class, Reason: k.reason, Unavailable: k.unavailable,
		Limits: map[string]limitDoc{}, Spent: k.quota.spentUntil, Speeds: map[string]speedDoc{},
	}
	if k.Project == "" {
		m.Project = k.quota.name
	}
	for model, s := range k.speeds {
		m.Speeds[model] = speedDoc{s.seconds, s.measured}
	}
	for _, f := range k.failures {
		m.Failures = append(m.Failures, failureDoc(f))
	}
	for name, l := range k.quota.models {
		l.trim(now)
		m.Limits[name] = limitDoc{
			RPM: l.rpm, Guessed: l.guessed, TPM: l.tpm, RPD: l.rpd, Used: l.used, Day: l.day, DayHits: l.dayHits,
			Until: l.until, Parked: l.parked, Step: l.step, Class: l.class, Reason: l.reason, Lately: l.seconds(),
		}
	}
	return m
}

// onDocument applies a document saved by another process.
func (p *Pool) onDocument(id string, doc []byte) { p.applyDocument(id, doc, false) }

func (p *Pool) applyDocument(id string, doc []byte, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var m keyDoc
	if p.onHeartbeat(id, doc, now) || json.Unmarshal(doc, &m) != nil || m.Node == p.processID {
		return // the state of another version of the program is learned again
	}
	for _, k := range p.keys {
		if k.id == id {
			p.apply(k, m, now, first)
		}
	}
	p.dispatch(now)
}

func (p *Pool) apply(k *key, m keyDoc, now time.Time, first bool) {
	switch newer := m.Switched.Compare(k.switched); {
	case newer > 0: // the latest action of a person wins, in any process
		k.switched = m.Switched
		k.state, k.until, k.class, k.reason = m.State, m.Until, m.Class, m.Reason
	case newer == 0:
		k.setAside(m.State, m.Until, m.Class, m.Reason)
	}
	for model, s := range m.Speeds {
		if k.takes(model) == 0 && s.Seconds > 0 { // it was good: it is trusted at once
			k.speeds[model], k.proved = speed{seconds: s.Seconds, measured: s.Measured}, true
		}
	}
	if len(k.failures) == 0 { // from then on each process counts its own
		for _, f := range m.Failures {
			k.failures = append(k.failures, Failure(f))
		}
	}
	for model, until := range m.Unavailable {
		k.unavailable[model] = until
	}
	if m.Project != "" {
		p.sameProject(k, m.Project, now)
	}
	if m.Spent.After(later(k.quota.spentUntil, now)) {
		k.quota.spentUntil = m.Spent
	}
	for name, lm := range m.Limits {
		l := k.quota.of(name)
		l.trim(now)
		l.rpm, l.guessed, l.tpm, l.rpd = lm.RPM, lm.Guessed, lm.TPM, lm.RPD
		if lm.Day == pacificDay(now) {
			l.day, l.used = lm.Day, max(l.used, lm.Used)
			l.dayHits = max(l.dayHits, lm.DayHits)
		}
		if lm.Until.After(l.until) && (!lm.Parked || lm.Day == pacificDay(now)) {
			l.until, l.parked, l.step, l.class, l.reason = lm.Until, lm.Parked, lm.Step, lm.Class, lm.Reason
		}
		if first {
			l.recall(lm.Lately, now)
		}
	}
}

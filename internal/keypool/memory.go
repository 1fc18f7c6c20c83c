package keypool

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"
)

// Memory keeps what was learned of keys over restarts and shares it between processes: a document for each key, under
// an id from which the key cannot be told.
type Memory interface {
	// Load returns all documents by id.
	Load(ctx context.Context) (map[string][]byte, error)
	// Save stores a document durably; the last one wins.
	Save(ctx context.Context, id string, doc []byte) error
	// Forget removes a document; one that is not there is no error.
	Forget(ctx context.Context, id string) error
	// Watch calls f for each document that there is and for each that is saved from now on, by whichever process, until
	// ctx ends; then it returns nil.
	Watch(ctx context.Context, f func(id string, doc []byte)) error
}

// memo is what is kept of a key.
type memo struct {
	Node        string               `json:"node"` // who saved it
	State       State                `json:"state"`
	Switched    time.Time            `json:"switched,omitzero"`
	Until       time.Time            `json:"until,omitzero"`
	Class       Class                `json:"class,omitempty"`
	Reason      string               `json:"reason,omitempty"`
	Project     string               `json:"project,omitempty"` // that was found out, not given
	Unavailable map[string]time.Time `json:"unavailable,omitempty"`
	Limits      map[string]limitMemo `json:"limits,omitempty"` // by model
	Failures    []failureMemo        `json:"failures,omitempty"`
}

type failureMemo struct {
	Class Class     `json:"class"`
	Text  string    `json:"text,omitempty"`
	Count int       `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

type limitMemo struct {
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

	// Lately is how many were started in each second of the last minute, by its number since 1970.
	Lately map[int64]int `json:"lately,omitempty"`
}

const (
	saveEvery = beatEvery // at the least, while keys are used: the count of the day and of the minute
	saveLimit = 5 * time.Second
)

func newNode(rng *rand.Rand) string { return strconv.FormatUint(rng.Uint64(), 36) }

// remember marks k to be saved.
func (p *Pool) remember(k *key) {
	if p.opt.Memory == nil || k.removed {
		return
	}
	p.dirty[k] = true
	p.wakeRun()
}

// wakeRun has Run look at what is to be saved and told.
func (p *Pool) wakeRun() {
	select {
	case p.saving <- struct{}{}:
	default:
	}
}

// Run loads what is remembered, takes in what other processes learn, and saves what this one does, until ctx ends; then
// it saves once more. A pool without a Memory just waits. Keys may be lent before Run has loaded, so run it first.
func (p *Pool) Run(ctx context.Context) error {
	if p.opt.Memory == nil {
		<-ctx.Done()
		return nil
	}
	watched := make(chan struct{})
	go func() { // owned: it ends with ctx, and we wait for it
		defer close(watched)
		for ctx.Err() == nil {
			if err := p.opt.Memory.Watch(ctx, p.hear); err != nil && ctx.Err() == nil {
				p.log.Warn("what other processes learn of keys is not heard; trying again", "err", err)
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
			p.used()
			p.save(last)
			p.leavePeers(last, []string{beatID + p.node})
			return nil
		case <-p.saving:
		case <-every.C:
			p.used()
		}
		p.tellPeers(ctx)
		p.save(ctx)
	}
}

// Recall loads what is remembered of the keys. Call it once, before keys are lent.
func (p *Pool) Recall(ctx context.Context) error {
	if p.opt.Memory == nil {
		return nil
	}
	docs, err := p.opt.Memory.Load(ctx)
	if err != nil {
		return err
	}
	for id, doc := range docs {
		p.take(id, doc, true)
	}
	p.leavePeers(ctx, oldPeers(docs, time.Now()))
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

// used marks the keys that were used lately: their counts have changed.
func (p *Pool) used() {
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
		if doc, err := json.Marshal(p.memo(k, now)); err == nil {
			docs[k] = doc
		}
	}
	clear(p.dirty)
	p.mu.Unlock()
	for k, doc := range docs {
		if err := p.opt.Memory.Save(ctx, k.id, doc); err != nil && ctx.Err() == nil {
			p.log.Warn("what was learned of a key could not be stored; trying again", "err", err)
			p.saveLater(k)
		}
	}
}

// saveLater has k saved with what is next, or when it is time anyway.
func (p *Pool) saveLater(k *key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !k.removed {
		p.dirty[k] = true
	}
}

func (p *Pool) memo(k *key, now time.Time) memo {
	m := memo{
		Node: p.node, State: k.state, Switched: k.switched, Until: k.until, Class: k.class, Reason: k.reason, Unavailable: k.unavailable,
		Limits: map[string]limitMemo{},
	}
	if k.Project == "" {
		m.Project = k.quota.name
	}
	for _, f := range k.failures {
		m.Failures = append(m.Failures, failureMemo(f))
	}
	for name, l := range k.quota.models {
		l.trim(now)
		m.Limits[name] = limitMemo{
			RPM: l.rpm, Guessed: l.guessed, TPM: l.tpm, RPD: l.rpd, Used: l.used, Day: l.day, DayHits: l.dayHits,
			Until: l.until, Parked: l.parked, Step: l.step, Class: l.class, Reason: l.reason, Lately: l.seconds(),
		}
	}
	return m
}

// hear takes in what another process learned.
func (p *Pool) hear(id string, doc []byte) { p.take(id, doc, false) }

func (p *Pool) take(id string, doc []byte, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var m memo
	if p.hearPeer(id, doc, now) || json.Unmarshal(doc, &m) != nil || m.Node == p.node {
		return // what another version of the program knew is learned again
	}
	for _, k := range p.keys {
		if k.id == id {
			p.apply(k, m, now, first)
		}
	}
	p.dispatch(now)
}

func (p *Pool) apply(k *key, m memo, now time.Time, first bool) {
	switch newer := m.Switched.Compare(k.switched); {
	case newer > 0: // what a person did last counts, in whichever process
		k.switched = m.Switched
		k.state, k.until, k.class, k.reason = m.State, m.Until, m.Class, m.Reason
	case newer == 0:
		k.rest(m.State, m.Until, m.Class, m.Reason)
	}
	if len(k.failures) == 0 { // each process counts its own from then on
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

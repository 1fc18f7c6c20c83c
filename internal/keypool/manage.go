package keypool

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrUnknown means that no key has this label.
var ErrUnknown = errors.New("keypool: there is no key with this label")

// ErrNoProbe means that the pool was built without a way to test keys.
var ErrNoProbe = errors.New("keypool: keys cannot be tested here")

func (p *Pool) find(label string) *key {
	for _, k := range p.keys {
		if k.Label == label {
			return k
		}
	}
	return nil
}

// Working returns an active key, for a call that uses no quota; false while there is none.
func (p *Pool) ActiveKey() (Key, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.keys {
		if k.state == Active {
			return k.Key, true
		}
	}
	return Key{}, false
}

// Add adds a key to a running pool and returns its label. Adding a key that the pool has already changes nothing.
func (p *Pool) Add(k Key) (label string, added bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := len(p.keys)
	one := p.add(k)
	if len(p.keys) == before {
		return one.Label, false
	}
	one.added = true
	p.dispatch(time.Now())
	return one.Label, true
}

// Remove removes a key. A call that runs with it may end.
func (p *Pool) Remove(label string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.find(label)
	if k == nil {
		return ErrUnknown
	}
	p.remove(k)
	p.dispatch(time.Now())
	return nil
}

func (p *Pool) remove(k *key) {
	k.removed = true
	delete(p.dirty, k)
	p.keys = slices.DeleteFunc(p.keys, func(o *key) bool { return o == k })
}

// Replace sets the configured keys; keys added at run time stay. A key that stays keeps its state and takes the
// label and project given now; without a label it keeps its own. An added key that is now configured too counts as
// configured from then on.
func (p *Pool) Replace(keys []Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	stays := map[string]bool{}
	for _, k := range keys {
		stays[k.Secret.Reveal()] = true
	}
	for _, k := range slices.Clone(p.keys) {
		if !stays[k.Secret.Reveal()] && !k.added {
			p.remove(k)
		}
	}
	renamed := map[*key]string{}
	for _, k := range keys {
		one := p.add(k)
		one.added = false
		p.move(one, k.Project)
		if label := cleanLabel(k); k.named && label != one.Label {
			renamed[one] = label
			one.Label = "" // frees it, so that two keys may swap labels
		}
	}
	for _, k := range slices.Clone(p.keys) {
		if label, is := renamed[k]; is {
			k.Label = p.freeLabel(label)
		}
	}
	p.dispatch(time.Now())
}

// move assigns k to the project that a person gave, and to its quota.
func (p *Pool) move(k *key, project string) {
	if k.Project == project {
		return
	}
	k.quota = p.quotaOf(project)
	k.Project = project
	p.remember(k)
}

// Disable switches a key off. A call that runs with it may end.
func (p *Pool) Disable(label string) error {
	return p.set(label, func(k *key) {
		k.state, k.until, k.class, k.reason = Disabled, time.Time{}, "", "Switched off."
	})
}

// Enable switches a key on again, also after a refusal.
func (p *Pool) Enable(label string) error {
	return p.set(label, func(k *key) { k.activate() })
}

func (p *Pool) set(label string, f func(*key)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.find(label)
	if k == nil {
		return ErrUnknown
	}
	f(k)
	k.switched = time.Now()
	p.remember(k)
	p.dispatch(time.Now())
	return nil
}

// Test probes a key with one cheap call in any state, applies the outcome and returns it.
func (p *Pool) Test(ctx context.Context, label string) (Outcome, error) {
	if p.opt.Probe == nil {
		return Outcome{}, ErrNoProbe
	}
	p.mu.Lock()
	k := p.find(label)
	p.mu.Unlock()
	if k == nil {
		return Outcome{}, ErrUnknown
	}
	o := p.opt.Probe(ctx, k.Key)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case o.Class.Answered():
		if k.state != Disabled {
			k.activate()
		}
	case o.Class == KeyDead:
		k.setAside(Quarantined, time.Time{}, o.Class, o.Reason)
		p.addFailure(k, now, o.Class, o.Reason)
	case o.Class == KeyFixable:
		k.setAside(Quarantined, now.Add(fixableEvery), o.Class, o.Reason)
		p.addFailure(k, now, o.Class, o.Reason)
	}
	p.remember(k)
	p.dispatch(now)
	return o, nil
}

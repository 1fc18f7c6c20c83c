package keypool

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrUnknown is a label that no key has.
var ErrUnknown = errors.New("keypool: there is no key with this label")

// ErrNoProbe says that this pool has no way to test keys.
var ErrNoProbe = errors.New("keypool: keys cannot be tested here")

func (p *Pool) find(label string) *key {
	for _, k := range p.keys {
		if k.Label == label {
			return k
		}
	}
	return nil
}

// Add takes a key in while the pool works and returns its label; one that is there already changes nothing.
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

// Remove takes a key out. A call that runs with it may end.
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

// Replace makes the keys those given, and those that were added while the pool works. One that stays keeps all that is
// known of it and takes the label and the project that it is given now; one that is given no label keeps its own. An added
// one that is given too counts as given from then on.
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
			one.Label = "" // so that two may change theirs
		}
	}
	for _, k := range slices.Clone(p.keys) {
		if label, is := renamed[k]; is {
			k.Label = p.freeLabel(label)
		}
	}
	p.dispatch(time.Now())
}

// move makes k a key of the project that a person says now, with the project's quota.
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

// Enable switches a key on again, also one that was set aside.
func (p *Pool) Enable(label string) error {
	return p.set(label, func(k *key) { k.wake() })
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

// Test tries a key with one cheap call, whatever its state, and settles it by the outcome, which it returns.
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
	case o.Class.answered():
		if k.state != Disabled {
			k.wake()
		}
	case o.Class == KeyDead:
		k.rest(Quarantined, time.Time{}, o.Class, o.Reason)
		p.note(k, now, o.Class, o.Reason)
	case o.Class == KeyFixable:
		k.rest(Quarantined, now.Add(fixableEvery), o.Class, o.Reason)
		p.note(k, now, o.Class, o.Reason)
	}
	p.remember(k)
	p.dispatch(now)
	return o, nil
}

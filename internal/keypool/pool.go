// Package keypool lends API keys. It owns dispatch: who needs a key asks for the next permitted one and waits, so that
// "all keys are busy" is a queue with a known next instant and not an error. Keys compete: the share of each follows its
// success, its room under the limits it was found to have, and its speed. It knows no SDK and no service; what an
// answer was it is told as a Class.
package keypool

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Errors of Acquire.
var (
	// ErrNoKeys means that no key is left that could ever be lent: none was given, or people switched all off.
	ErrNoKeys = errors.New("keypool: there are no keys")
	// ErrModelUnavailable means that every key was told that it has no such model.
	ErrModelUnavailable = errors.New("keypool: no key has this model")
)

// Want is what a lease is for.
type Want struct {
	Model    string
	Group    string   // those who share fairly: a batch
	Priority int      // who has the higher one goes first
	Tokens   int      // expected in and out, for limits of tokens; 0 takes what images took so far
	Avoid    []string // labels to pass over while another key can do it
	Retry    bool     // again, because the service stumbled: a bounded share of all calls
	After    string   // why the call before was not the last, one of a few words for those who watch; "" for a first one
}

// Options of a pool.
type Options struct {
	Secret []byte     // names keys in the Memory; at least 16 bytes where there is a Memory
	Memory Memory     // nil forgets at the end
	Rand   *rand.Rand // nil is random
	Log    *slog.Logger
	// Models have figures from the start, and others when somebody asked for them.
	Models []string
	// Probe tests a key with one cheap call; nil makes Test impossible.
	Probe func(ctx context.Context, k Key) Outcome
}

// Pool lends keys. All methods are safe for concurrent use.
type Pool struct {
	opt Options
	log *slog.Logger

	mu      sync.Mutex
	rng     *rand.Rand
	keys    []*key
	models  map[string]*model
	waiting []*waiter
	timer   *time.Timer          // of the next look at those who wait; nil before the first wait
	served  map[string]int       // per group: the turn that it is due for
	turn    int                  // the latest that was served
	count   uint64               // dispatches so far
	share   int                  // live processes that pace against the same limits, this one included
	told    time.Time            // when the others were told of this one
	peers   map[string]time.Time // the others: when they were heard last
	named   int                  // keys ever given a number, for labels of added ones
	recent  []time.Time          // dispatches of the last shareWindow
	events  []Event
	counted counters
	dirty   map[*key]bool // to be saved
	saving  chan struct{}
	changed chan struct{}
	node    string // tells our own saves from those of others
}

type waiter struct {
	want    Want
	since   time.Time
	granted chan *Lease // buffered: dispatch never waits for the waiter
	err     error       // set before granted is closed without a lease
}

// New returns a pool of these keys; a value given twice counts once. Run keeps its memory.
func New(keys []Key, opt Options) *Pool {
	p := &Pool{
		opt: opt, log: opt.Log, rng: opt.Rand, models: map[string]*model{}, served: map[string]int{}, share: 1, peers: map[string]time.Time{},
		dirty: map[*key]bool{}, saving: make(chan struct{}, 1), changed: make(chan struct{}, 1),
		counted: counters{again: map[string]uint64{}, waits: newHistogram(waitBounds)},
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.rng == nil {
		p.rng = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	p.node = newNode(p.rng)
	for _, m := range opt.Models {
		p.watched(m)
	}
	for _, k := range keys {
		p.add(k)
	}
	return p
}

// Lease is a key in hand, for one call. Release it with what became of the call.
type Lease struct {
	pool    *Pool
	key     *key
	label   string // when it was lent
	model   string
	tokens  int
	started time.Time
	trial   bool // of a key or quota that rested: nobody else tries it meanwhile
	probe   bool // of a service that is down: nobody else tries it meanwhile
	once    sync.Once
}

// Label is the key's label when it was lent.
func (l *Lease) Label() string { return l.label }

// ID is the key's name in the store.
func (l *Lease) ID() string { return l.key.id }

// Secret is the key's value.
func (l *Lease) Secret() Secret { return l.key.Secret }

// Acquire waits for a key that may be used now. It returns ctx's error when ctx ends first, ErrNoKeys,
// ErrModelUnavailable, or a *RestError when all keys rest for longer than a minute and a half. Release the lease.
func (p *Pool) Acquire(ctx context.Context, want Want) (*Lease, error) {
	w := &waiter{want: want, since: time.Now(), granted: make(chan *Lease, 1)}
	p.mu.Lock()
	p.waiting = append(p.waiting, w)
	p.dispatch(time.Now())
	p.mu.Unlock()
	select {
	case l, ok := <-w.granted:
		if !ok {
			return nil, w.err
		}
		return l, nil
	case <-ctx.Done():
		return nil, p.giveUp(w, ctx.Err())
	}
}

// dispatch hands keys to those who wait, and looks again by itself when the next thing is known to happen.
func (p *Pool) dispatch(now time.Time) {
	defer p.stir()
	next := p.serve(now)
	switch {
	case len(p.waiting) == 0:
		if p.timer != nil {
			p.timer.Stop()
		}
	case p.timer == nil:
		p.timer = time.AfterFunc(max(next.Sub(now), time.Millisecond), func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.dispatch(time.Now())
		})
	default:
		p.timer.Reset(max(next.Sub(now), time.Millisecond))
	}
}

// giveUp takes w out of the queue; a lease granted at the same moment goes back unused.
func (p *Pool) giveUp(w *waiter, err error) error {
	p.mu.Lock()
	for i, other := range p.waiting {
		if other == w {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			break
		}
	}
	p.dispatch(time.Now())
	p.mu.Unlock()
	select {
	case l, ok := <-w.granted:
		if ok {
			l.Release(Outcome{Class: Canceled})
		}
	default:
	}
	return err
}

// Release gives the key back with what became of the call. Only the first Release of a lease counts.
func (l *Lease) Release(o Outcome) {
	l.once.Do(func() {
		p := l.pool
		p.mu.Lock()
		defer p.mu.Unlock()
		now := time.Now()
		if o.Took == 0 {
			o.Took = now.Sub(l.started)
		}
		p.settle(l, o, now)
		p.dispatch(now)
	})
}

// Changes has a word after something happened to the pool or its keys. Words are gathered, so one reader who is slow
// gets one word for all that happened meanwhile. What only time changes, such as the end of a rest, gives none.
func (p *Pool) Changes() <-chan struct{} { return p.changed }

func (p *Pool) stir() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Len is how many keys there are, whatever their state.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.keys)
}

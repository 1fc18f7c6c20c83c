// Package keypool issues API keys to callers. It owns dispatch: a caller asks for the next permitted key and waits,
// so "all keys are busy" is a queue with a known next instant and not an error. Keys compete: the share of each
// follows its success rate, its remaining room under the limits found so far, and its speed. The package knows no
// SDK and no service; callers report each answer as a Class.
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
	// ErrNoKeys means that no usable key exists: none was configured, or people disabled all.
	ErrNoKeys = errors.New("keypool: there are no keys")
	// ErrModelUnavailable means that every key was refused for lack of access to the model.
	ErrModelUnavailable = errors.New("keypool: no key has this model")
)

// Want describes the call that a key is needed for.
type Want struct {
	Model       string
	Group       string   // callers share fairly between groups: a batch
	Priority    int      // higher goes first
	Tokens      int      // expected input and output tokens, for token limits; 0 takes the average so far
	Avoid       []string // labels to pass over while another key is available
	Retry       bool     // again after a transient failure: such calls are a bounded share of all
	RetryReason string   // reason of a further call for the same image, one of a few words for metrics; "": first call

	// AtOnce bounds the calls of the group that run at the same time, doubles included; 0: no bound.
	AtOnce int
	// Behind returns how many images of the group have no call yet, those whose callers wait here included. The pool calls it
	// often, with its lock held, so it must be quick and must not call the pool. nil: the end of the group is not known, and
	// nothing is done to end it sooner.
	Behind func() int
}

// Options of a pool.
type Options struct {
	Secret []byte     // keys the ids in the Memory (HMAC); at least 16 bytes where there is a Memory
	Memory Memory     // nil: state is lost at the end
	Rand   *rand.Rand // nil: randomly seeded
	Log    *slog.Logger
	// Models have metrics from the start; other models get them with their first call.
	Models []string
	// NoDoubles never makes a second call for an image while the first one runs.
	NoDoubles bool
	// Probe tests a key with one cheap call. Without it Test returns ErrNoProbe.
	Probe func(ctx context.Context, k Key) Outcome
}

// Pool issues keys. All methods are safe for concurrent use.
type Pool struct {
	opt Options
	log *slog.Logger

	mu          sync.Mutex
	rng         *rand.Rand
	keys        []*key
	models      map[string]*model
	waiting     []*waiter
	timer       *time.Timer          // next dispatch for waiting callers; nil before the first wait
	groups      map[string]*group    // by name
	virtualTime int                  // the latest virtual start time served
	anyProved   bool                 // a usable key has answered
	fastest     map[string]float64   // seconds of a call on the fastest usable key, by model
	fairShare   int                  // calls at once for each usable key, of all that run or wait
	count       uint64               // dispatches so far
	share       int                  // live processes that pace against the same limits, this one included
	lastBeat    time.Time            // last heartbeat written
	peers       map[string]time.Time // last heartbeat of each other process
	numbered    int                  // keys numbered so far, for labels of added ones
	recent      []time.Time          // dispatches within the last shareWindow
	events      []Event
	counters    counters
	dirty       map[*key]bool // keys to be saved
	wakeSave    chan struct{}
	changed     chan struct{}
	processID   string // id of this process, to tell its own saves from those of others
}

type waiter struct {
	want    Want
	group   *group
	since   time.Time
	granted chan *Lease // buffered: dispatch never blocks on the caller
	err     error       // set before granted is closed without a lease
}

// New returns a pool of these keys; duplicates by value count once. Run persists its state.
func New(keys []Key, opt Options) *Pool {
	p := &Pool{
		opt: opt, log: opt.Log, rng: opt.Rand, models: map[string]*model{}, groups: map[string]*group{}, fastest: map[string]float64{}, share: 1, peers: map[string]time.Time{},
		dirty: map[*key]bool{}, wakeSave: make(chan struct{}, 1), changed: make(chan struct{}, 1),
		counters: counters{retries: map[string]uint64{}, waits: newHistogram(waitBounds)},
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.rng == nil {
		p.rng = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	p.processID = newNode(p.rng)
	for _, m := range opt.Models {
		p.metricLabel(m)
	}
	for _, k := range keys {
		p.add(k)
	}
	return p
}

// Lease is a key in use by one call. Release it with the outcome of the call.
type Lease struct {
	pool    *Pool
	key     *key
	label   string // when it was issued
	model   string
	tokens  int
	started time.Time
	trial   bool // the one call that tests a key or quota after its cooldown: no other call uses it meanwhile
	probe   bool // the one call that probes a service that is down: no other call is made meanwhile
	once    sync.Once

	group   *group
	first   *Lease      // of a double: the lease of the call that it doubles
	doubled bool        // it has a double
	second  chan *Lease // buffered: dispatch never blocks on the caller
}

// Label returns the label that the key had when it was issued.
func (l *Lease) Label() string { return l.label }

// ID returns the key's id in the store.
func (l *Lease) ID() string { return l.key.id }

// Secret returns the key's value.
func (l *Lease) Secret() Secret { return l.key.Secret }

// Acquire waits for a key that may be used now. It returns ctx's error when ctx ends first, ErrNoKeys,
// ErrModelUnavailable, or a *CooldownError when all keys cool down for longer than 90 seconds. Release the lease.
func (p *Pool) Acquire(ctx context.Context, want Want) (*Lease, error) {
	w := &waiter{want: want, since: time.Now(), granted: make(chan *Lease, 1)}
	p.mu.Lock()
	w.group = p.group(want)
	w.group.waiting++
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

// dispatch issues keys to waiting callers and doubles late calls, and sets a timer for the next known change.
func (p *Pool) dispatch(now time.Time) {
	defer p.notify()
	p.measure(now)
	p.rescue(now)
	next := p.serve(now)
	late := p.double(now)
	switch {
	case len(p.waiting) == 0 && late.Sub(now) >= idle:
		if p.timer != nil {
			p.timer.Stop()
		}
		return
	case len(p.waiting) == 0:
		next = late
	default:
		next = earlier(next, late)
	}
	switch {
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

// giveUp removes w from the queue. A lease granted at the same moment goes back unused.
func (p *Pool) giveUp(w *waiter, err error) error {
	p.mu.Lock()
	p.removeWaiter(w)
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

// Release returns the key with the outcome of the call. Only the first Release of a lease counts.
func (l *Lease) Release(o Outcome) {
	l.once.Do(func() {
		l.release(o)
		select {
		case unused := <-l.second: // issued at the same moment
			unused.Release(Outcome{Class: Canceled})
		default:
		}
	})
}

func (l *Lease) release(o Outcome) {
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if o.Took == 0 {
		o.Took = now.Sub(l.started)
	}
	p.recordDouble(l, o, now)
	p.record(l, o, now)
	p.dispatch(now)
}

// Changes signals after a change of the pool or its keys. Signals coalesce: a slow reader gets one for all changes
// meanwhile. Changes by time alone, such as the end of a cooldown, send none.
func (p *Pool) Changes() <-chan struct{} { return p.changed }

func (p *Pool) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Len returns the number of keys, in any state.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.keys)
}

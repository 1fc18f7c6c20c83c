package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	watchExpiry = 10 * time.Second
	watchBeat   = 2 * time.Second  // a node that fell silent for two of them is lost
	watchCheck  = 10 * time.Second // how often a watch in a cluster is compared with what the leader has
)

// watch follows a bucket. It is not the ordered consumer of nats.go (1.55): that one tries again with the name it tried
// before, and where the cluster had placed it on a node that was just lost it waits until that node comes back.
type watch struct {
	b *bucket
	f func(doc)

	mu   sync.Mutex // held while f runs
	next uint64     // the revision to go on from; 0 for the newest of each key
	eyes int        // counts the consumers: what an earlier one still brings is not taken
}

// watch calls f with every change after the given revision, in order, from one goroutine at a time, until stop is called;
// stop waits until f runs no more. After 0 it begins with the newest revision of each key that there is. It survives lost
// connections and lost nodes, and goes on with the change after the last that f was called with.
func (b *bucket) watch(ctx context.Context, after uint64, f func(doc)) (stop func(), err error) {
	w := &watch{b: b, f: f}
	if after > 0 {
		w.next = after + 1
	}
	broken, cc, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var following sync.WaitGroup
	following.Go(func() { w.follow(ctx, broken, cc) })
	return func() {
		cancel()
		following.Wait()
	}, nil
}

// follow opens the watch again each time it broke.
func (w *watch) follow(ctx context.Context, broken <-chan error, cc jetstream.ConsumeContext) {
	for {
		w.wait(ctx, broken)
		w.close(cc)
		for cc = nil; cc == nil; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(callPause):
			}
			var err error
			if broken, cc, err = w.open(ctx); err != nil && errors.Is(err, jetstream.ErrStreamNotFound) {
				w.b.s.log.Error("store: what is watched is gone", "bucket", w.b.name)
			}
		}
	}
}

// open begins to watch where it ended. broken yields when this must be done again.
func (w *watch) open(ctx context.Context) (broken <-chan error, cc jetstream.ConsumeContext, err error) {
	w.mu.Lock()
	w.eyes++
	eye := w.eyes
	cfg := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubject: w.b.prefix + ">"}
	if w.next > 0 {
		cfg = jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: w.next}
	}
	w.mu.Unlock()
	cons, err := w.b.reader(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	failed := make(chan error, 1)
	fail := func(err error) {
		select {
		case failed <- err:
		default:
		}
	}
	var brought uint64
	cc, err = cons.Consume(func(m jetstream.Msg) {
		meta, err := m.Metadata()
		if err == nil && meta.Sequence.Consumer != brought+1 {
			err = fmt.Errorf("change %d of the watch came after %d", meta.Sequence.Consumer, brought)
		}
		if err != nil {
			fail(err)
			return
		}
		brought++
		w.take(eye, m, meta.Sequence.Stream)
	}, jetstream.PullExpiry(watchExpiry), jetstream.PullHeartbeat(watchBeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { fail(err) }))
	return failed, cc, err
}

// take tells of one change, unless it was told already: a node that is behind begins earlier than it was asked to.
func (w *watch) take(eye int, m jetstream.Msg, seq uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if eye != w.eyes || seq < w.next {
		return
	}
	w.next = seq + 1
	d, err := w.b.doc(m.Subject(), seq, m.Headers(), m.Data())
	if err != nil {
		w.b.s.log.Error("store: a change could not be read", "key", d.key, "error", err)
		return
	}
	w.f(d)
}

// close ends one consumer; f is not called by it any more.
func (w *watch) close(cc jetstream.ConsumeContext) {
	cc.Stop() // and does not wait: its last call of f may itself wait for whoever stops the watch
	w.mu.Lock()
	w.eyes++
	w.mu.Unlock()
}

// wait returns when the watch must be opened again or ctx ends.
func (w *watch) wait(ctx context.Context, broken <-chan error) {
	if !w.b.s.clustered() {
		select {
		case <-broken:
		case <-ctx.Done():
		}
		return
	}
	check := time.NewTicker(watchCheck)
	defer check.Stop()
	var missed uint64 // what the leader had at the last look and the watch had not
	for {
		select {
		case <-broken:
			return
		case <-ctx.Done():
			return
		case <-check.C:
		}
		w.mu.Lock()
		next := w.next
		w.mu.Unlock()
		if missed >= next && missed > 0 {
			w.b.s.log.Warn("store: a node brought no changes; watching from another", "bucket", w.b.name, "behind", missed-next+1)
			return
		}
		if newest, err := w.b.newest(ctx, ">"); err == nil {
			missed = newest
		}
	}
}

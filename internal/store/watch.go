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
	watchBeat   = 2 * time.Second  // a node that misses two of them is lost
	watchCheck  = 10 * time.Second // how often a watch in a cluster is compared with the leader
)

// watch follows a bucket. It is not the ordered consumer of nats.go (1.55): that one retries with the same name,
// and if the cluster had placed it on a node that was just lost, it waits until that node comes back.
type watch struct {
	b *bucket
	f func(doc)

	mu    sync.Mutex // held while f runs
	next  uint64     // the revision to continue from; 0: the newest of each key
	epoch int        // number of the current consumer; messages of earlier ones are ignored
}

// watch calls f with every change after the given revision, in order, from one goroutine at a time, until stop is
// called; stop waits for a running f. After 0 it begins with the newest revision of each existing key. It survives
// lost connections and lost nodes, and continues with the change after the last one passed to f.
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

// follow opens the watch again each time it breaks.
func (w *watch) follow(ctx context.Context, broken <-chan error, cc jetstream.ConsumeContext) {
	for {
		w.wait(ctx, broken)
		w.close(cc)
		for cc = nil; cc == nil; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(retryPause):
			}
			var err error
			if broken, cc, err = w.open(ctx); err != nil && errors.Is(err, jetstream.ErrStreamNotFound) {
				w.b.s.log.Error("store: the watched bucket is gone", "bucket", w.b.name)
			}
		}
	}
}

// open starts a consumer at the next revision. broken yields when it must be replaced.
func (w *watch) open(ctx context.Context) (broken <-chan error, cc jetstream.ConsumeContext, err error) {
	w.mu.Lock()
	w.epoch++
	epoch := w.epoch
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
		w.deliver(epoch, m, meta.Sequence.Stream)
	}, jetstream.PullExpiry(watchExpiry), jetstream.PullHeartbeat(watchBeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { fail(err) }))
	return failed, cc, err
}

// deliver passes a change to f, unless it was passed already: a node that is behind starts earlier than requested.
func (w *watch) deliver(epoch int, m jetstream.Msg, seq uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if epoch != w.epoch || seq < w.next {
		return
	}
	w.next = seq + 1
	d, err := w.b.doc(m.Subject(), seq, m.Headers(), m.Data())
	if err != nil {
		w.b.s.log.Error("store: reading a change failed", "key", d.key, "err", err)
		return
	}
	w.f(d)
}

// close ends a consumer; it calls f no more.
func (w *watch) close(cc jetstream.ConsumeContext) {
	cc.Stop() // does not wait: its last call of f may itself wait for the caller of stop
	w.mu.Lock()
	w.epoch++
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
	var missed uint64 // newest revision of the leader at the last check, if the watch had not seen it
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
			w.b.s.log.Warn("store: watch is behind; opening it on another node", "bucket", w.b.name, "behind", missed-next+1)
			return
		}
		if newest, err := w.b.newest(ctx, ">"); err == nil {
			missed = newest
		}
	}
}

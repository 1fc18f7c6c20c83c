package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

const (
	holdExtend = 10 * time.Second // how often a unit waiting for Next is extended
	holdLimit  = 15 * time.Second // after that it is returned, for another machine
)

// fetchWait is the server-side wait of one request for a unit. Close waits for the request in progress, so that a
// unit which the server sends at that moment is returned and not blocked for ackWait.
const fetchWait = time.Second

// consumer implements batch.Consumer. One goroutine asks the server for a unit only when Next wants one, so that no
// unit is leased without a worker. It makes single requests: the client's own iterator (nats.go 1.55) can fail to
// request the next message when one is taken before the request for it has returned, and then waits for ever.
type consumer struct {
	s     *Store
	units jetstream.Consumer
	want  chan struct{} // received by the goroutine before it fetches
	out   chan *unit
	quit  chan struct{} // closed by Close
	ended chan struct{} // closed when the goroutine has ended; err is set
	err   error
	close sync.Once
}

func newConsumer(s *Store, units jetstream.Consumer) *consumer {
	l := &consumer{s: s, units: units, want: make(chan struct{}), out: make(chan *unit), quit: make(chan struct{}),
		ended: make(chan struct{})}
	s.owned.Go(l.run)
	return l
}

// Next implements batch.Consumer. After Close, or after Drop of the batch's queue, it returns an error.
func (l *consumer) Next(ctx context.Context) (batch.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	want := l.want
	for {
		select {
		case want <- struct{}{}:
			want = nil // the request is on its way
		case u := <-l.out:
			return u, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.ended:
			return nil, l.err
		}
	}
}

// Close implements batch.Consumer.
func (l *consumer) Close() {
	l.close.Do(func() { close(l.quit) })
	<-l.ended
}

func (l *consumer) run() {
	defer close(l.ended)
	for {
		select {
		case <-l.want:
		case <-l.quit:
			l.err = errConsumerClosed()
			return
		case <-l.s.ctx.Done():
			l.err = errClosed()
			return
		}
		u, err := l.fetch()
		if err != nil {
			l.err = err
			return
		}
		l.offer(u)
	}
}

// fetch waits for the next unit, over lost connections.
func (l *consumer) fetch() (*unit, error) {
	logged := false // once is enough while a cluster elects a leader
	for {
		m, err := l.fetchOne()
		switch {
		case m != nil:
			u, ok := parseUnit(m.Subject())
			if ok {
				return &unit{s: l.s, m: m, u: u}, nil
			}
			l.s.log.Error("store: invalid subject in the work queue", "subject", m.Subject())
			_ = m.Term()
		case l.s.ctx.Err() != nil:
			return nil, errClosed()
		case errors.Is(err, jetstream.ErrConsumerDeleted), errors.Is(err, jetstream.ErrConsumerNotFound):
			return nil, errs.Wrap(err, errs.NotFound, "The work of this batch was dropped.")
		case err != nil && l.dropped():
			return nil, errs.Wrap(err, errs.NotFound, "The work of this batch was dropped.")
		case err != nil:
			if !logged {
				l.s.log.Warn("store: waiting for work", "err", err)
				logged = true
			}
			select {
			case <-time.After(retryPause):
			case <-l.quit:
			case <-l.s.ctx.Done():
			}
		}
		select {
		case <-l.quit:
			return nil, errConsumerClosed()
		default:
		}
	}
}

// dropped reports whether the server-side consumer is gone: the server does not report that to a request for work.
func (l *consumer) dropped() bool {
	ctx, cancel := context.WithTimeout(l.s.ctx, callTimeout)
	defer cancel()
	info := l.units.CachedInfo()
	_, err := l.s.js.Consumer(ctx, info.Stream, info.Name)
	return errors.Is(err, jetstream.ErrConsumerNotFound)
}

// fetchOne makes one request for one unit; it returns neither a unit nor an error if none came in time.
func (l *consumer) fetchOne() (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(l.s.ctx, fetchWait)
	defer cancel()
	got, err := l.units.Fetch(1, jetstream.FetchContext(ctx))
	if err != nil {
		return nil, err
	}
	var one jetstream.Msg
	for m := range got.Messages() {
		one = m
	}
	if one != nil {
		return one, nil
	}
	if err := got.Error(); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
		return nil, err
	}
	return nil, nil
}

// offer extends a unit until Next takes it, and returns it to the queue if none does.
func (l *consumer) offer(u *unit) {
	extend := time.NewTicker(holdExtend)
	defer extend.Stop()
	limit := time.NewTimer(holdLimit)
	defer limit.Stop()
	for {
		select {
		case l.out <- u:
			return
		case <-extend.C:
			if err := u.KeepAlive(l.s.ctx); err != nil {
				l.s.log.Warn("store: extending a unit failed", "err", err)
			}
			continue
		case <-limit.C:
		case <-l.quit:
		case <-l.s.ctx.Done():
		}
		u.release()
		return
	}
}

func errConsumerClosed() error {
	return errs.New(errs.Unavailable, "Work on this batch was stopped here.")
}

// unit implements batch.Delivery.
type unit struct {
	s *Store
	m jetstream.Msg
	u batch.Unit
}

// Unit implements batch.Delivery.
func (u *unit) Unit() batch.Unit { return u.u }

// KeepAlive implements batch.Delivery.
func (u *unit) KeepAlive(ctx context.Context) error { return u.respond(ctx, "+WPI") }

// Ack implements batch.Delivery.
func (u *unit) Ack(ctx context.Context) error { return u.respond(ctx, "+ACK") }

// Nack implements batch.Delivery.
func (u *unit) Nack(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return u.respond(ctx, "-NAK")
	}
	return u.respond(ctx, fmt.Sprintf(`-NAK {"delay": %d}`, d.Nanoseconds()))
}

// release returns the unit to the queue, independent of a caller's context.
func (u *unit) release() {
	if u.s.ctx.Err() != nil {
		return // the embedded server stops too, and the next process releases all units
	}
	if err := u.Nack(u.s.ctx, 0); err != nil {
		u.s.log.Warn("store: returning a unit to the queue failed", "err", err)
	}
}

// respond acknowledges, extends or rejects the unit and waits for the server's confirmation. It is no error if the
// queue was dropped: the unit is gone then.
func (u *unit) respond(ctx context.Context, word string) error {
	return u.s.fail(ctx, u.s.try(ctx, func(ctx context.Context) error {
		_, err := u.s.conn.RequestWithContext(ctx, u.m.Reply(), []byte(word))
		if err != nil && u.dropped(ctx) {
			return nil
		}
		return err
	}))
}

// dropped reports whether the consumer that yielded the unit is gone.
func (u *unit) dropped(ctx context.Context) bool {
	meta, err := u.m.Metadata()
	if err != nil {
		return false
	}
	_, err = u.s.js.Consumer(ctx, meta.Stream, meta.Consumer)
	return errors.Is(err, jetstream.ErrConsumerNotFound)
}

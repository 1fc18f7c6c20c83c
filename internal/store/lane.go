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
	holdExtend = 10 * time.Second // how often a unit that nobody took yet is extended
	holdLimit  = 15 * time.Second // after that it goes back, for another machine
)

// fetchWait is how long one request for a unit waits at the server. Close waits for the request that is under way, so
// that a unit which the server sends at that moment is given back and not lost for ackWait.
const fetchWait = time.Second

// lane implements batch.Lane. One goroutine asks the server for a unit only when Next wants one, so that nothing is
// in hand that nobody works on. It asks with single requests: the client's own iterator (nats.go 1.55) can forget to
// ask for the next message when one is taken before the request for it has returned, and then waits for ever.
type lane struct {
	s     *Store
	units jetstream.Consumer
	want  chan struct{} // taken by the goroutine when it begins to fetch
	out   chan *unit
	quit  chan struct{} // closed by Close
	ended chan struct{} // closed when the goroutine is gone; err is set
	err   error
	close sync.Once
}

func newLane(s *Store, units jetstream.Consumer) *lane {
	l := &lane{s: s, units: units, want: make(chan struct{}), out: make(chan *unit), quit: make(chan struct{}),
		ended: make(chan struct{})}
	s.owned.Go(l.run)
	return l
}

// Next implements batch.Lane. After Close, and after the batch's lane was dropped, it returns an error.
func (l *lane) Next(ctx context.Context) (batch.Work, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	want := l.want
	for {
		select {
		case want <- struct{}{}:
			want = nil // it is on its way
		case u := <-l.out:
			return u, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.ended:
			return nil, l.err
		}
	}
}

// Close implements batch.Lane.
func (l *lane) Close() {
	l.close.Do(func() { close(l.quit) })
	<-l.ended
}

func (l *lane) run() {
	defer close(l.ended)
	for {
		select {
		case <-l.want:
		case <-l.quit:
			l.err = errLaneClosed()
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
		l.hand(u)
	}
}

// fetch waits for the next unit, through lost connections.
func (l *lane) fetch() (*unit, error) {
	said := false // of a cluster that elects a leader it is enough to hear once
	for {
		m, err := l.ask()
		switch {
		case m != nil:
			u, ok := parseUnit(m.Subject())
			if ok {
				return &unit{s: l.s, m: m, u: u}, nil
			}
			l.s.log.Error("store: not a unit of work", "subject", m.Subject())
			_ = m.Term()
		case l.s.ctx.Err() != nil:
			return nil, errClosed()
		case errors.Is(err, jetstream.ErrConsumerDeleted), errors.Is(err, jetstream.ErrConsumerNotFound):
			return nil, errs.Wrap(err, errs.NotFound, "The work of this batch was dropped.")
		case err != nil && l.dropped():
			return nil, errs.Wrap(err, errs.NotFound, "The work of this batch was dropped.")
		case err != nil:
			if !said {
				l.s.log.Warn("store: waiting for work", "error", err)
				said = true
			}
			select {
			case <-time.After(callPause):
			case <-l.quit:
			case <-l.s.ctx.Done():
			}
		}
		select {
		case <-l.quit:
			return nil, errLaneClosed()
		default:
		}
	}
}

// dropped reports whether the lane's consumer is gone: the server does not say so to who asks it for work.
func (l *lane) dropped() bool {
	ctx, cancel := context.WithTimeout(l.s.ctx, callTimeout)
	defer cancel()
	info := l.units.CachedInfo()
	_, err := l.s.js.Consumer(ctx, info.Stream, info.Name)
	return errors.Is(err, jetstream.ErrConsumerNotFound)
}

// ask makes one request for one unit; it returns neither a unit nor an error when there was none in time.
func (l *lane) ask() (jetstream.Msg, error) {
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

// hand keeps a unit extended until Next takes it; if nobody does, it goes back.
func (l *lane) hand(u *unit) {
	extend := time.NewTicker(holdExtend)
	defer extend.Stop()
	limit := time.NewTimer(holdLimit)
	defer limit.Stop()
	for {
		select {
		case l.out <- u:
			return
		case <-extend.C:
			if err := u.Extend(l.s.ctx); err != nil {
				l.s.log.Warn("store: extend", "error", err)
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

func errLaneClosed() error {
	return errs.New(errs.Unavailable, "Work on this batch was stopped here.")
}

// unit implements batch.Work.
type unit struct {
	s *Store
	m jetstream.Msg
	u batch.Unit
}

// Unit implements batch.Work.
func (u *unit) Unit() batch.Unit { return u.u }

// Extend implements batch.Work.
func (u *unit) Extend(ctx context.Context) error { return u.say(ctx, "+WPI") }

// Done implements batch.Work.
func (u *unit) Done(ctx context.Context) error { return u.say(ctx, "+ACK") }

// Back implements batch.Work.
func (u *unit) Back(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return u.say(ctx, "-NAK")
	}
	return u.say(ctx, fmt.Sprintf(`-NAK {"delay": %d}`, d.Nanoseconds()))
}

// release gives the unit back without waiting for anybody's context.
func (u *unit) release() {
	if u.s.ctx.Err() != nil {
		return // the server goes with us, and who opens the folder next frees all work
	}
	if err := u.Back(u.s.ctx, 0); err != nil {
		u.s.log.Warn("store: a unit could not be given back", "error", err)
	}
}

// say tells the server about the unit and waits until it has heard. Saying something about a unit whose lane was
// dropped is not an error: it is gone.
func (u *unit) say(ctx context.Context, word string) error {
	err := u.s.try(ctx, func(ctx context.Context) error {
		_, err := u.s.conn.RequestWithContext(ctx, u.m.Reply(), []byte(word))
		return err
	})
	if err == nil {
		return nil
	}
	if meta, metaErr := u.m.Metadata(); metaErr == nil {
		if _, infoErr := u.s.js.Consumer(ctx, meta.Stream, meta.Consumer); errors.Is(infoErr, jetstream.ErrConsumerNotFound) {
			return nil
		}
	}
	return u.s.fail(ctx, err)
}

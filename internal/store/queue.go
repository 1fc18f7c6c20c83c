package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

const (
	workStream  = "WORK"
	ackWait     = 30 * time.Second // a unit that is not extended for so long goes to another worker
	maxInFlight = 256              // maximum units in flight to the server
	addTimeout  = time.Minute      // how long an Add waits while none of the concurrent ones succeeds
)

// Queue implements batch.Queue.
type Queue struct{ s *Store }

// Queue returns the work queue of the store.
func (s *Store) Queue() *Queue { return &Queue{s} }

func (s *Store) openWork(ctx context.Context) error {
	stream, err := s.makeStream(ctx, jetstream.StreamConfig{
		Name: workStream, Subjects: []string{"work.>"}, Retention: jetstream.WorkQueuePolicy,
		// One message per unit: adding it again is refused, so Add is idempotent.
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
	})
	if err != nil || s.clustered() {
		return err // in a cluster other processes are running: the units of a dead process are free after ackWait
	}
	// The process that leased units is dead: this one holds the lock on the folder. Without its consumer a unit is
	// free at once instead of after ackWait; Open creates the consumer again.
	names := stream.ConsumerNames(ctx)
	for name := range names.Name() {
		if err := stream.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return err
		}
	}
	return names.Err()
}

// Add implements batch.Queue.
func (q *Queue) Add(ctx context.Context, units []batch.Unit) error {
	for _, u := range units {
		if err := checkUnit(u); err != nil {
			return err
		}
	}
	for len(units) > 0 {
		n := min(len(units), maxInFlight)
		if err := q.add(ctx, units[:n]); err != nil {
			return q.s.fail(ctx, err)
		}
		units = units[n:]
	}
	return nil
}

// add sends units concurrently, in order; those without an answer are sent again. Concurrent calls wait for each
// other, so that the timeout of a try covers its own units only, however many calls wait for the same disk.
func (q *Queue) add(ctx context.Context, units []batch.Unit) error {
	if err := q.s.takeTurn(ctx); err != nil {
		return err
	}
	err := q.s.try(ctx, func(ctx context.Context) error {
		acks := make([]jetstream.PubAckFuture, 0, len(units))
		for _, u := range units {
			// Units that an earlier try left in flight take room until they are answered or abandoned.
			ack, err := q.s.js.PublishAsync(unitSubject(u), nil, jetstream.WithStallWait(callTimeout))
			if err != nil {
				return err
			}
			acks = append(acks, ack)
			fault.At(fault.WorkAdded)
		}
		var failed []batch.Unit
		var failure error
		for i, ack := range acks {
			select {
			case <-ack.Ok():
			case err := <-ack.Err():
				if !alreadyQueued(err) {
					failed, failure = append(failed, units[i]), err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		units = failed
		return failure
	})
	q.s.endTurn(err == nil)
	return err
}

// takeTurn waits for its turn to send units; endTurn gives it back. On a slow machine many turns take long together. Only when
// none succeeds for addTimeout is the store down: then all waiting calls fail together, not one after the other.
func (s *Store) takeTurn(ctx context.Context) error {
	began := time.Now()
	for wait := addTimeout; wait > 0; wait = addTimeout - time.Since(began) {
		select {
		case s.addSlot <- struct{}{}:
			return nil
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return errClosed()
		}
		if last := s.added.Load(); last != nil && last.After(began) {
			began = *last
		}
	}
	return context.DeadlineExceeded
}

// endTurn ends a turn, and records whether its units were stored.
func (s *Store) endTurn(stored bool) {
	if stored {
		now := time.Now()
		s.added.Store(&now)
	}
	<-s.addSlot
}

func alreadyQueued(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == codeStoreFailed && strings.Contains(api.Description, "messages per subject")
}

// Drop implements batch.Queue. Dropping an unknown queue is no error.
func (q *Queue) Drop(ctx context.Context, id batch.ID) error {
	if err := checkID(id); err != nil {
		return err
	}
	err := q.s.try(ctx, func(ctx context.Context) error {
		stream, err := q.s.js.Stream(ctx, workStream)
		if err != nil {
			return err
		}
		if err := stream.Purge(ctx, jetstream.WithPurgeSubject(consumerFilter(id))); err != nil {
			return err
		}
		err = stream.DeleteConsumer(ctx, consumerName(id))
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil
		}
		return err
	})
	return q.s.fail(ctx, err)
}

// Open implements batch.Queue. A unit that waits in Delivery.Nack counts as leased until it is delivered again.
func (q *Queue) Open(ctx context.Context, id batch.ID, atOnce int) (batch.Consumer, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	var cons jetstream.Consumer
	err := q.s.try(ctx, func(ctx context.Context) (err error) {
		cons, err = q.s.js.CreateOrUpdateConsumer(ctx, workStream, jetstream.ConsumerConfig{
			Durable: consumerName(id), FilterSubject: consumerFilter(id), AckPolicy: jetstream.AckExplicitPolicy,
			AckWait: ackWait, MaxDeliver: -1, MaxAckPending: max(1, atOnce),
		})
		return err
	})
	if err != nil {
		return nil, q.s.fail(ctx, err)
	}
	return newConsumer(q.s, cons), nil
}

// Len returns the number of units, waiting and leased, on all machines.
func (q *Queue) Len(ctx context.Context) (n uint64, err error) {
	err = q.s.try(ctx, func(ctx context.Context) error {
		stream, err := q.s.js.Stream(ctx, workStream)
		if err == nil {
			n = stream.CachedInfo().State.Msgs
		}
		return err
	})
	return n, q.s.fail(ctx, err)
}

func consumerName(id batch.ID) string   { return "b_" + string(id) }
func consumerFilter(id batch.ID) string { return "work." + string(id) + ".>" }

func unitSubject(u batch.Unit) string {
	return fmt.Sprintf("work.%s.%d.%d", u.Batch, u.N, u.Generation)
}

func checkUnit(u batch.Unit) error {
	if !u.Batch.Valid() || u.N < 1 || u.Generation < 0 {
		return errs.New(errs.Invalid, "Image %d of batch %q is not a unit of work.", u.N, u.Batch)
	}
	return nil
}

// parseUnit is the inverse of unitSubject.
func parseUnit(subject string) (batch.Unit, bool) {
	part := strings.Split(subject, ".")
	if len(part) != 4 || part[0] != "work" {
		return batch.Unit{}, false
	}
	n, err1 := strconv.Atoi(part[2])
	seq, err2 := strconv.Atoi(part[3])
	u := batch.Unit{Batch: batch.ID(part[1]), N: n, Generation: seq}
	return u, err1 == nil && err2 == nil && checkUnit(u) == nil
}

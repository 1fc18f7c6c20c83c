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
	workStream = "WORK"
	ackWait    = 30 * time.Second // a unit that is not extended so long goes to another worker
	addWindow  = 256              // units on their way to the server at once
	turnLimit  = time.Minute      // how long who adds units waits for others who do
)

// Queue implements batch.Queue.
type Queue struct{ s *Store }

// Queue returns the work queue of the store.
func (s *Store) Queue() *Queue { return &Queue{s} }

func (s *Store) openWork(ctx context.Context) error {
	stream, err := s.makeStream(ctx, jetstream.StreamConfig{
		Name: workStream, Subjects: []string{"work.>"}, Retention: jetstream.WorkQueuePolicy,
		// One message a unit: adding it again is refused, which is how Add may be repeated.
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
	})
	if err != nil || s.clustered() {
		return err // in a cluster others are at work: what a dead process had in hand is free after ackWait
	}
	// Whoever had work in hand is dead: the lock on the folder is ours. Without its consumer a unit is free at once
	// instead of after ackWait; Open makes the consumer again.
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
		n := min(len(units), addWindow)
		if err := q.add(ctx, units[:n]); err != nil {
			return q.s.fail(ctx, err)
		}
		units = units[n:]
	}
	return nil
}

// add sends units side by side, in order; those that got no answer are sent again. Who adds beside others waits for a
// turn, so that the time a try may take is that of its own units, however many wait for the same disk.
func (q *Queue) add(ctx context.Context, units []batch.Unit) error {
	select {
	case q.s.adds <- struct{}{}:
		defer func() { <-q.s.adds }()
	case <-time.After(turnLimit):
		return context.DeadlineExceeded // a store that is away: not one after the other finds that out
	case <-ctx.Done():
		return ctx.Err()
	case <-q.s.ctx.Done():
		return errClosed()
	}
	return q.s.try(ctx, func(ctx context.Context) error {
		acks := make([]jetstream.PubAckFuture, 0, len(units))
		for _, u := range units {
			// What an earlier try left on its way takes room until it is answered or given up.
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
}

func alreadyQueued(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == codeStoreFailed && strings.Contains(api.Description, "messages per subject")
}

// Drop implements batch.Queue. Dropping what is not there is not an error.
func (q *Queue) Drop(ctx context.Context, id batch.ID) error {
	if err := checkID(id); err != nil {
		return err
	}
	err := q.s.try(ctx, func(ctx context.Context) error {
		stream, err := q.s.js.Stream(ctx, workStream)
		if err != nil {
			return err
		}
		if err := stream.Purge(ctx, jetstream.WithPurgeSubject(laneFilter(id))); err != nil {
			return err
		}
		err = stream.DeleteConsumer(ctx, laneName(id))
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil
		}
		return err
	})
	return q.s.fail(ctx, err)
}

// Open implements batch.Queue. A unit that waits in Work.Back counts as in hand until it is handed out again.
func (q *Queue) Open(ctx context.Context, id batch.ID, atOnce int) (batch.Lane, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	var cons jetstream.Consumer
	err := q.s.try(ctx, func(ctx context.Context) (err error) {
		cons, err = q.s.js.CreateOrUpdateConsumer(ctx, workStream, jetstream.ConsumerConfig{
			Durable: laneName(id), FilterSubject: laneFilter(id), AckPolicy: jetstream.AckExplicitPolicy,
			AckWait: ackWait, MaxDeliver: -1, MaxAckPending: max(1, atOnce),
		})
		return err
	})
	if err != nil {
		return nil, q.s.fail(ctx, err)
	}
	return newLane(q.s, cons), nil
}

// Len is how many units there are, waiting and in hand, on all machines.
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

func laneName(id batch.ID) string   { return "b_" + string(id) }
func laneFilter(id batch.ID) string { return "work." + string(id) + ".>" }

func unitSubject(u batch.Unit) string { return fmt.Sprintf("work.%s.%d.%d", u.Batch, u.N, u.Seq) }

func checkUnit(u batch.Unit) error {
	if !u.Batch.Valid() || u.N < 1 || u.Seq < 0 {
		return errs.New(errs.Invalid, "Image %d of batch %q is not a unit of work.", u.N, u.Batch)
	}
	return nil
}

// parseUnit is the reverse of unitSubject.
func parseUnit(subject string) (batch.Unit, bool) {
	part := strings.Split(subject, ".")
	if len(part) != 4 || part[0] != "work" {
		return batch.Unit{}, false
	}
	n, err1 := strconv.Atoi(part[2])
	seq, err2 := strconv.Atoi(part[3])
	u := batch.Unit{Batch: batch.ID(part[1]), N: n, Seq: seq}
	return u, err1 == nil && err2 == nil && checkUnit(u) == nil
}

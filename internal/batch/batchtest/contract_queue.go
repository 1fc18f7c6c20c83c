package batchtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

var queueTests = map[string]func(*testing.T, subject){
	"a unit is queued once, however often it is added":     aUnitIsQueuedOnce,
	"no more are in hand than allowed, over all consumers": noMoreAreInHandThanAllowed,
	"what is given back comes again, when it is due":       whatIsGivenBackComesAgain,
	"a consumer that is dropped says so":                   aConsumerThatIsDroppedSaysSo,
	"a consumer that is closed yields no more":             aConsumerThatIsClosedYieldsNoMore,
	"who gave up waiting takes nothing":                    whoGaveUpWaitingTakesNothing,
	"what is not a unit is refused":                        whatIsNotAUnitIsRefused,
}

func units(id batch.ID, n int) []batch.Unit {
	var all []batch.Unit
	for i := range n {
		all = append(all, batch.Unit{Batch: id, N: i + 1, Generation: 1})
	}
	return all
}

func (s subject) consumer(t *testing.T, id batch.ID, atOnce int) batch.Consumer {
	t.Helper()
	l, err := s.queue.Open(t.Context(), id, atOnce)
	must(t, err)
	t.Cleanup(l.Close)
	return l
}

// take returns the next unit, which must arrive.
func take(t *testing.T, l batch.Consumer) batch.Delivery {
	t.Helper()
	w, err := l.Next(soon(t))
	must(t, err)
	return w
}

// nothing fails the test if a consumer yields a unit.
func nothing(t *testing.T, l batch.Consumer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if w, err := l.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("more work came: %v, %v", w, err)
	}
}

func aUnitIsQueuedOnce(t *testing.T, s subject) {
	id := s.batch(t).ID
	for range 3 {
		must(t, s.queue.Add(t.Context(), units(id, 20)))
	}
	must(t, s.queue.Add(t.Context(), units(batch.NewID(), 3))) // of another batch
	l := s.consumer(t, id, 20)
	for n := 1; n <= 20; n++ {
		w := take(t, l)
		if w.Unit() != (batch.Unit{Batch: id, N: n, Generation: 1}) {
			t.Errorf("unit %v came in place of %d", w.Unit(), n)
		}
		must(t, s.queue.Add(t.Context(), []batch.Unit{w.Unit()})) // in flight: not added again
		must(t, w.KeepAlive(t.Context()))
		for range 2 { // acknowledging twice is not an error
			must(t, w.Ack(t.Context()))
		}
	}
	nothing(t, l)
	must(t, s.queue.Add(t.Context(), units(id, 1))) // an acknowledged unit may be queued again
	must(t, take(t, l).Ack(t.Context()))
}

func noMoreAreInHandThanAllowed(t *testing.T, s subject) {
	id := s.batch(t).ID
	must(t, s.queue.Add(t.Context(), units(id, 10)))
	l := s.consumer(t, id, 0) // at least one
	one := take(t, l)
	nothing(t, l)
	other := s.consumer(t, id, 2)
	two := take(t, l) // only from this consumer: a unit fetched for an abandoned Next is the first that the consumer yields
	nothing(t, other)
	must(t, one.Ack(t.Context()))
	three := take(t, other)
	if two.Unit() == three.Unit() || one.Unit() == three.Unit() {
		t.Errorf("%v came twice", three.Unit())
	}
}

func whatIsGivenBackComesAgain(t *testing.T, s subject) {
	id := s.batch(t).ID
	must(t, s.queue.Add(t.Context(), units(id, 1)))
	l := s.consumer(t, id, 1)
	for _, later := range []time.Duration{0, 0, time.Millisecond} {
		w := take(t, l)
		if w.Unit().N != 1 {
			t.Errorf("unit %v came", w.Unit())
		}
		must(t, w.Nack(t.Context(), later))
	}
	must(t, take(t, l).Nack(t.Context(), time.Hour))
	must(t, s.queue.Add(t.Context(), units(id, 2)))
	nothing(t, l) // it counts as in flight until it is due
}

func aConsumerThatIsDroppedSaysSo(t *testing.T, s subject) {
	id := s.batch(t).ID
	must(t, s.queue.Drop(t.Context(), id)) // dropping an unknown batch is not an error
	must(t, s.queue.Add(t.Context(), units(id, 4)))
	l := s.consumer(t, id, 3)
	hand := []batch.Delivery{take(t, l), take(t, l), take(t, l)}
	waits := make(chan error, 1)
	go func() {
		_, err := l.Next(soon(t))
		waits <- err
	}()
	for range 2 {
		must(t, s.queue.Drop(t.Context(), id))
	}
	wants(t, errs.NotFound, "who waited", <-waits)
	_, err := l.Next(soon(t))
	wants(t, errs.NotFound, "who asks afterwards", err)
	// Calls on units that are gone are not errors.
	must(t, hand[0].KeepAlive(t.Context()))
	must(t, hand[0].Ack(t.Context()))
	must(t, hand[1].Nack(t.Context(), 0))
	must(t, hand[2].Nack(t.Context(), time.Millisecond))
	must(t, s.queue.Add(t.Context(), units(id, 1)[:1])) // it may be filled again
	again := s.consumer(t, id, 5)
	must(t, take(t, again).Ack(t.Context()))
	nothing(t, again)
}

func aConsumerThatIsClosedYieldsNoMore(t *testing.T, s subject) {
	id := s.batch(t).ID
	l := s.consumer(t, id, 5)
	waits := make(chan error, 1)
	go func() {
		_, err := l.Next(soon(t))
		waits <- err
	}()
	for range 2 {
		l.Close()
	}
	wants(t, errs.Unavailable, "who waited", <-waits)
	must(t, s.queue.Add(t.Context(), units(id, 2)))
	_, err := l.Next(soon(t))
	wants(t, errs.Unavailable, "who asks afterwards", err)
	again := s.consumer(t, id, 5)
	take(t, again)
	take(t, again)
}

func whoGaveUpWaitingTakesNothing(t *testing.T, s subject) {
	id := s.batch(t).ID
	l := s.consumer(t, id, 1)
	nothing(t, l)
	must(t, s.queue.Add(t.Context(), units(id, 1)))
	if w, err := l.Next(over(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that had ended got %v, %v", w, err)
	}
	must(t, take(t, l).Ack(t.Context()))
	nothing(t, l)
}

func whatIsNotAUnitIsRefused(t *testing.T, s subject) {
	id := s.batch(t).ID
	bad := []batch.Unit{{Batch: id, N: 0, Generation: 1}, {Batch: id, N: -1, Generation: 1}, {Batch: id, N: 1, Generation: -1}}
	for _, other := range impossible {
		bad = append(bad, batch.Unit{Batch: other, N: 1, Generation: 1})
		_, err := s.queue.Open(t.Context(), other, 1)
		wants(t, errs.NotFound, "opening", err)
		wants(t, errs.NotFound, "dropping", s.queue.Drop(t.Context(), other))
	}
	for _, u := range bad {
		wants(t, errs.Invalid, "adding", s.queue.Add(t.Context(), append(units(id, 2), u)))
	}
	nothing(t, s.consumer(t, id, 1)) // nor one of the neighbouring ids
}

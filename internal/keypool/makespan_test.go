package keypool_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/keypool"
	"sheetlift/internal/keypool/keypooltest"
)

// quick is how long the service takes to refuse a call.
const quick = 50 * time.Millisecond

// batchRun reads the images of a scenario on virtual time, as the runner and the engine do.
type batchRun struct {
	keypooltest.Scenario
	pool    *keypool.Pool
	started time.Time

	mu       sync.Mutex
	attempts map[int]int // calls by image
	limits   map[int]*project
	calls    int
	perKey   map[int]int
	peak     int
	running  int
	taken    int // images that a worker took
	begun    int // of them, those with a call
	read     map[int]int
}

func newBatchRun(s keypooltest.Scenario, seed uint64, m keypool.Memory) *batchRun {
	r := &batchRun{Scenario: s, attempts: map[int]int{}, limits: map[int]*project{}, perKey: map[int]int{}, read: map[int]int{}}
	var keys []keypool.Key
	for i := 1; i <= keypooltest.Keys; i++ {
		r.limits[i] = &project{perMinute: s.PerMinute}
		keys = append(keys, keypool.Key{Label: fmt.Sprintf("key %d", i), Secret: keypool.NewSecret(fmt.Sprintf("value-%d", i))})
	}
	r.pool = keypool.New(keys, keypool.Options{Secret: []byte("0123456789abcdef"), Memory: m, Rand: rand.New(rand.NewPCG(seed, 2))})
	return r
}

// run returns the time from the start to the end of the batch.
func (r *batchRun) run(ctx context.Context) time.Duration {
	r.started = time.Now()
	var crew sync.WaitGroup
	for range r.AtOnce {
		crew.Go(func() {
			for {
				r.mu.Lock()
				r.taken++
				image := r.taken
				r.mu.Unlock()
				if image > r.Images {
					return
				}
				r.image(ctx, image)
			}
		})
	}
	crew.Wait()
	return time.Since(r.started)
}

// image reads one image, with as many attempts as it takes.
func (r *batchRun) image(ctx context.Context, image int) {
	want := keypool.Want{Model: model, Group: r.Name, AtOnce: r.AtOnce, Behind: r.behind}
	transient := 0
	for {
		l, err := r.pool.Acquire(ctx, want)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.begun++
		r.mu.Unlock()
		o := r.race(l, image)
		if o.Class != keypool.OK {
			r.mu.Lock()
			r.begun--
			r.mu.Unlock()
		}
		want.Retry, want.RetryReason = false, string(o.Class)
		switch {
		case o.Class == keypool.OK:
			r.mu.Lock()
			r.read[image]++
			r.mu.Unlock()
			return
		case o.Class == keypool.ModelOverloaded || o.Class == keypool.Transport:
			want.Retry, want.Avoid = true, []string{l.Label()}
			if transient++; transient > 1 {
				<-time.After(rand.N(min(8*time.Second, 100*time.Millisecond<<min(transient-2, 7))))
			}
		case o.Class == keypool.BadAnswer:
			transient = 0
		default:
			want.Avoid = append(want.Avoid, l.Label())
		}
	}
}

// behind returns how many images have no call yet.
func (r *batchRun) behind() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Images - r.begun
}

// race makes a call and its double, if the pool yields one, and releases both leases.
func (r *batchRun) race(l *keypool.Lease, image int) keypool.Outcome {
	type result struct {
		lease *keypool.Lease
		o     keypool.Outcome
	}
	ctx, cancel := context.WithCancel(context.Background())
	results, running := make(chan result, 2), 0
	run := func(l *keypool.Lease) {
		running++
		go func() { results <- result{l, r.call(ctx, l, image)} }()
	}
	run(l)
	var taken *keypool.Outcome
	for second := l.Second(); running > 0; {
		select {
		case two := <-second:
			second = nil
			run(two)
		case one := <-results:
			running--
			if taken == nil && (running == 0 || one.o.Class == keypool.OK) {
				taken = &one.o
				cancel()
			}
			one.lease.Release(one.o)
		}
	}
	cancel()
	return *taken
}

// call makes one call with a key.
func (r *batchRun) call(ctx context.Context, l *keypool.Lease, image int) keypool.Outcome {
	var key int
	_, _ = fmt.Sscanf(l.Label(), "key %d", &key)
	r.mu.Lock()
	r.calls++
	r.perKey[key]++
	r.running++
	r.peak = max(r.peak, r.running)
	now := time.Now()
	o, took := keypool.Outcome{}, quick
	switch refused, is := r.limits[key].refuse(now); {
	case r.IsDead(key):
		o.Class = keypool.KeyDead
	case r.IsDown(now.Sub(r.started)):
		o.Class = keypool.ModelOverloaded
	case is:
		o = refused
	default:
		r.attempts[image]++
		attempt := r.attempts[image]
		o.Class, took = classOf(r.Fate(image, attempt)), r.Took(key, image, attempt)
	}
	r.mu.Unlock()
	select {
	case <-time.After(took):
	case <-ctx.Done():
		o = keypool.Outcome{Class: keypool.Canceled}
	}
	r.mu.Lock()
	r.running--
	r.mu.Unlock()
	return o
}

func classOf(f keypooltest.Fate) keypool.Class {
	switch f {
	case keypooltest.Good:
		return keypool.OK
	case keypooltest.BadTable:
		return keypool.BadAnswer
	case keypooltest.Reset:
		return keypool.Transport
	}
	return keypool.ModelOverloaded
}

// remembered returns the memory of the keys after an earlier batch; nil for a scenario without one.
func remembered(t *testing.T, s keypooltest.Scenario, seed uint64) keypool.Memory {
	t.Helper()
	if !s.Remembered {
		return nil
	}
	m := &memory{docs: map[string][]byte{}}
	earlier := newBatchRun(s, seed+100, m)
	earlier.Images *= 10
	ctx, cancel := context.WithCancel(t.Context())
	var saving sync.WaitGroup
	saving.Go(func() { _ = earlier.pool.Run(ctx) })
	earlier.run(ctx)
	cancel()
	saving.Wait()
	return m
}

// TestABatchEndsWhenItsLastPictureCan holds the time of whole batches to the bound of an offline scheduler that knows every
// fault in advance. It is not parallel: virtual time advances only when all goroutines are blocked, and beside other tests each
// of those many moments waits for a processor.
func TestABatchEndsWhenItsLastPictureCan(t *testing.T) {
	for _, s := range keypooltest.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			var took []time.Duration
			var calls []int
			for seed := range uint64(5) {
				synctest.Test(t, func(t *testing.T) {
					r := newBatchRun(s, seed, remembered(t, s, seed))
					if err := r.pool.Recall(t.Context()); err != nil {
						t.Fatal(err)
					}
					took = append(took, r.run(t.Context()))
					calls = append(calls, r.calls)
					for image := 1; image <= s.Images; image++ {
						if r.read[image] != 1 {
							t.Errorf("image %d was read %d times", image, r.read[image])
						}
					}
					if r.peak > s.AtOnce {
						t.Errorf("%d calls at once, want at most %d", r.peak, s.AtOnce)
					}
				})
			}
			slices.Sort(took)
			slices.Sort(calls)
			reached := s.Bound().Seconds() / took[len(took)/2].Seconds()
			t.Logf("%.2f s of %.2f s = %.1f %%, %d calls of %d", took[len(took)/2].Seconds(), s.Bound().Seconds(), 100*reached, calls[len(calls)/2], s.Calls())
			if reached < s.Must {
				t.Errorf("%.1f %% of the bound, want %.0f %%", 100*reached, 100*s.Must)
			}
			if most := s.Calls() + s.Dead + max(1, s.Calls()/100); s.PerMinute == 0 && s.DownFor == 0 && calls[len(calls)-1] > most {
				t.Errorf("%d calls, want at most %d", calls[len(calls)-1], most)
			}
		})
	}
}

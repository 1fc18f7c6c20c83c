package keypool_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/keypool"
)

const model = "gemini-3.8-flash"

// service simulates the service on virtual time: the limits of each key's project and the fate of calls.
type service struct {
	mu       sync.Mutex
	rng      *rand.Rand
	keys     map[string]*owner // by label
	projects map[string]*project
	failing  float64 // share of calls answered with 503
	down     func(at time.Time) bool
	bare     func(at time.Time) bool
	calls    []call
}

type owner struct {
	latency time.Duration
	answer  keypool.Class // every answer, if set
	project string
}

type project struct {
	perMinute int
	perDay    int
	delay     time.Duration // RetryInfo of a used-up day
	starts    []time.Time
	day       string
	today     int
}

type call struct {
	at    time.Time
	key   string
	class keypool.Class
}

func newService(seed uint64, n int) *service {
	s := &service{rng: rand.New(rand.NewPCG(seed, 1)), keys: map[string]*owner{}, projects: map[string]*project{}}
	for i := range n {
		label := fmt.Sprintf("key %d", i+1)
		s.keys[label] = &owner{latency: time.Second, project: label}
	}
	return s
}

func (s *service) pool(t testing.TB, seed uint64, n int, m keypool.Memory) *keypool.Pool {
	t.Helper()
	var keys []keypool.Key
	for i := range n {
		k, err := keypool.ParseKey(fmt.Sprintf("value-%d", i+1), i+1)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keypool.New(keys, keypool.Options{
		Secret: []byte("0123456789abcdef"), Memory: m, Rand: rand.New(rand.NewPCG(seed, 2)),
	})
}

// quota puts the keys with these labels under one limit.
func (s *service) quota(perMinute, perDay int, labels ...string) *project {
	p := &project{perMinute: perMinute, perDay: perDay, delay: 51 * time.Second}
	for _, l := range labels {
		s.keys[l].project = labels[0]
	}
	s.projects[labels[0]] = p
	return p
}

// answer makes one call with the key and returns its outcome after the simulated latency.
func (s *service) answer(label string, bad bool) keypool.Outcome {
	s.mu.Lock()
	now := time.Now()
	k := s.keys[label]
	o, took := s.decide(k, now, bad)
	s.calls = append(s.calls, call{now, label, o.Class})
	s.mu.Unlock()
	<-time.After(took)
	o.Took = took
	return o
}

func (s *service) decide(k *owner, now time.Time, bad bool) (keypool.Outcome, time.Duration) {
	const quick = 50 * time.Millisecond
	switch {
	case s.down != nil && s.down(now):
		return keypool.Outcome{Class: keypool.ModelOverloaded}, quick
	case s.bare != nil && s.bare(now):
		return keypool.Outcome{Class: keypool.Bare429}, quick
	case k.answer != "":
		return keypool.Outcome{Class: k.answer, Reason: "No."}, quick
	}
	if p := s.projects[k.project]; p != nil {
		if o, refused := p.refuse(now); refused {
			return o, quick
		}
	}
	if s.failing > 0 && s.rng.Float64() < s.failing {
		return keypool.Outcome{Class: keypool.ModelOverloaded}, quick
	}
	if bad {
		return keypool.Outcome{Class: keypool.ImageFault}, quick
	}
	jitter := 0.9 + 0.2*s.rng.Float64()
	return keypool.Outcome{Class: keypool.OK, Tokens: 3000}, time.Duration(jitter * float64(k.latency))
}

func (p *project) refuse(now time.Time) (keypool.Outcome, bool) {
	if day := now.In(california()).Format(time.DateOnly); day != p.day {
		p.day, p.today = day, 0
	}
	if p.perDay > 0 && p.today >= p.perDay {
		return keypool.Outcome{Class: keypool.RPD, Limit: int64(p.perDay), RetryAfter: p.delay}, true
	}
	i := 0
	for i < len(p.starts) && now.Sub(p.starts[i]) >= time.Minute {
		i++
	}
	p.starts = p.starts[i:]
	if p.perMinute > 0 && len(p.starts) >= p.perMinute {
		return keypool.Outcome{Class: keypool.RPM, Limit: int64(p.perMinute), RetryAfter: time.Minute - now.Sub(p.starts[0])}, true
	}
	p.starts = append(p.starts, now)
	p.today++
	return keypool.Outcome{}, false
}

func california() *time.Location {
	l, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic(err)
	}
	return l
}

// counts returns the calls by class, of one key or of all ("").
func (s *service) counts(label string, from, to time.Time) map[keypool.Class]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[keypool.Class]int{}
	for _, c := range s.calls {
		if (label == "" || c.key == label) && !c.at.Before(from) && c.at.Before(to) {
			n[c.class]++
		}
	}
	return n
}

func sum(n map[keypool.Class]int) int {
	all := 0
	for _, v := range n {
		all += v
	}
	return all
}

// crew counts the results of workers that read images one after the other as the engine and the runner do.
type crew struct {
	done, failed int
	ends         []time.Time
	groups       map[string]time.Time // when the last image of a group was done
}

// work reads all images, or as many as fit into d, with the given number of workers.
func (s *service) work(ctx context.Context, p *keypool.Pool, workers int, d time.Duration, images chan job) *crew {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	c := &crew{groups: map[string]time.Time{}}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for {
				var j job
				var more bool
				select {
				case j, more = <-images:
				case <-ctx.Done():
				}
				if !more {
					return
				}
				ok, finished := s.read(ctx, p, j)
				mu.Lock()
				switch {
				case ok:
					c.done++
					c.ends = append(c.ends, time.Now())
					c.groups[j.group] = time.Now()
				case finished:
					c.failed++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return c
}

type job struct {
	group string
	bad   bool
}

// read tries one image until it is read, refused for its own sake, or the time is over.
func (s *service) read(ctx context.Context, p *keypool.Pool, j job) (ok, finished bool) {
	var avoid []string
	retry := false
	for failures := 0; ; {
		l, err := p.Acquire(ctx, keypool.Want{Model: model, Group: j.group, Avoid: avoid, Retry: retry})
		if err != nil {
			return false, ctx.Err() == nil
		}
		o := s.answer(l.Label(), j.bad)
		l.Release(o)
		retry = false
		switch o.Class {
		case keypool.OK:
			return true, true
		case keypool.ImageFault:
			return false, true
		case keypool.ModelOverloaded:
			retry = true
			if failures++; failures > 1 {
				wait := min(8, 0.05*float64(int(1)<<min(failures-1, 10)))
				select {
				case <-time.After(time.Duration(s.float() * wait * float64(time.Second))):
				case <-ctx.Done():
					return false, false
				}
			}
			avoid = []string{l.Label()}
		default:
			avoid = append(avoid, l.Label())
		}
	}
}

func (s *service) float() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Float64()
}

// endless has more images than any test reads.
func endless() chan job { return many(1<<20, "a") }

func many(n int, group string) chan job {
	c := make(chan job, n)
	for range n {
		c <- job{group: group}
	}
	close(c)
	return c
}

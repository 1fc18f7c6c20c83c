package keypool_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/keypool"
)

// warm returns a pool of n keys that have each answered one call in a second.
func warm(t *testing.T, n int, change func(*keypool.Options)) *keypool.Pool {
	t.Helper()
	var keys []keypool.Key
	for i := range n {
		k, err := keypool.ParseKey(string(rune('a'+i)), i+1)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	var o keypool.Options
	if change != nil {
		change(&o)
	}
	p := keypool.New(keys, o)
	var leases []*keypool.Lease
	for range n {
		leases = append(leases, take(t, p, keypool.Want{Model: model, Group: "earlier"}))
	}
	<-time.After(time.Second)
	for _, l := range leases {
		l.Release(keypool.Outcome{Class: keypool.OK})
	}
	return p
}

// second waits up to d for a second lease.
func second(l *keypool.Lease, d time.Duration) *keypool.Lease {
	select {
	case two := <-l.Second():
		return two
	case <-time.After(d):
		return nil
	}
}

// ending describes a call of a batch of which so many images have no call yet.
func ending(atOnce, left int) keypool.Want {
	return keypool.Want{Model: model, Group: "batch", AtOnce: atOnce, Behind: func() int { return left }}
}

func TestALateLastCallIsDoubledOnAnotherKeyOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := warm(t, 2, nil)
		l := take(t, p, ending(2, 0))
		if two := second(l, 1900*time.Millisecond); two != nil {
			t.Fatal("a call was doubled that may still be in time")
		}
		two := second(l, 200*time.Millisecond)
		if two == nil {
			t.Fatal("the late call was not doubled")
		}
		if two.Label() == l.Label() {
			t.Error("it was doubled with the same key")
		}
		if second(two, time.Hour) != nil || second(l, time.Hour) != nil {
			t.Error("it was doubled twice")
		}
		two.Release(keypool.Outcome{Class: keypool.OK})
		l.Release(keypool.Outcome{Class: keypool.Canceled})
		f := p.Figures(time.Now())
		if f.Won != 1 || f.Lost != 0 || f.Ended != 3 {
			t.Errorf("%d doubles won, %d lost, %d calls ended", f.Won, f.Lost, f.Ended)
		}
		for _, k := range p.Status(time.Now()).Keys {
			if k.Running != 0 {
				t.Errorf("%s still runs %d calls", k.Label, k.Running)
			}
		}
	})
}

func TestACallIsNotDoubledWhereThatIsOfNoUse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keys   int
		want   keypool.Want
		change func(*keypool.Options)
	}{
		"switched off":                {2, ending(2, 0), func(o *keypool.Options) { o.NoDoubles = true }},
		"images are left":             {2, ending(2, 3), nil},
		"the batch has all its calls": {2, ending(1, 0), nil},
		"there is no other key":       {1, ending(2, 0), nil},
		"the end is not known":        {2, keypool.Want{Model: model, Group: "batch", AtOnce: 2}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := take(t, warm(t, c.keys, c.change), c.want)
				if second(l, time.Minute) != nil {
					t.Error("it was doubled")
				}
				l.Release(keypool.Outcome{Class: keypool.OK})
			})
		})
	}
}

func TestASecondLeaseThatNobodyTookGoesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := warm(t, 2, nil)
		l := take(t, p, ending(2, 0))
		<-time.After(3 * time.Second)
		l.Release(keypool.Outcome{Class: keypool.OK})
		for _, k := range p.Status(time.Now()).Keys {
			if k.Running != 0 {
				t.Errorf("%s still runs %d calls", k.Label, k.Running)
			}
		}
		if f := p.Figures(time.Now()); f.Lost != 1 {
			t.Errorf("%d doubles lost, want the unused one", f.Lost)
		}
	})
}

func TestABatchNeverHasMoreCallsAtOnceThanItMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := warm(t, 3, nil)
		late := take(t, p, ending(2, 0))
		two := second(late, time.Minute)
		if two == nil {
			t.Fatal("the late call was not doubled")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := p.Acquire(ctx, ending(2, 0)); err == nil {
			t.Error("a third call began beside a call and its double")
		}
		other := take(t, p, keypool.Want{Model: model, Group: "another", AtOnce: 1})
		for _, l := range []*keypool.Lease{other, two, late} {
			l.Release(keypool.Outcome{Class: keypool.OK})
		}
	})
}

func TestAPictureWaitsForTheKeyThatEndsItSooner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := warm(t, 2, nil) // both in a second; key 2 then takes 10 s
		l := take(t, p, keypool.Want{Model: model, Avoid: []string{"key 1"}})
		<-time.After(40 * time.Second)
		l.Release(keypool.Outcome{Class: keypool.OK})
		var busy []*keypool.Lease
		for range 40 { // far more than key 1 takes at once
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			if l, err := p.Acquire(ctx, keypool.Want{Model: model}); err == nil {
				busy = append(busy, l)
			}
			cancel()
		}
		for _, l := range busy {
			if l.Label() != "key 1" {
				t.Errorf("a picture went to %s, which ends it later than waiting for key 1", l.Label())
			}
			l.Release(keypool.Outcome{Class: keypool.OK})
		}
		if len(busy) < 5 {
			t.Errorf("%d calls at once", len(busy))
		}
	})
}

func TestAKeyThatWasGoodBeforeARestartIsTrustedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{docs: map[string][]byte{}}
		s := newService(1, 1)
		waited := func(seed uint64) time.Duration {
			p, stop := s.running(t, seed, 1, m)
			defer stop()
			began := time.Now()
			var leases []*keypool.Lease
			for range 4 {
				leases = append(leases, take(t, p, keypool.Want{Model: model}))
			}
			took := time.Since(began)
			<-time.After(time.Second)
			for _, l := range leases {
				l.Release(keypool.Outcome{Class: keypool.OK})
			}
			return took
		}
		if took := waited(1); took == 0 {
			t.Error("four pictures went at once to a key that nobody knew")
		}
		if took := waited(2); took != 0 {
			t.Errorf("the fourth picture waited %v for a key that had been good", took)
		}
	})
}

func TestAKeyIsSlowOnlyWithTheModelThatIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := warm(t, 2, nil) // both in a second
		big, err := p.Acquire(t.Context(), keypool.Want{Model: "big", Avoid: []string{"key 2"}})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(30 * time.Second)
		big.Release(keypool.Outcome{Class: keypool.OK})
		used := map[string]int{}
		for range 4 {
			used[take(t, p, keypool.Want{}).Label()]++
		}
		if used["key 1"] != 2 || used["key 2"] != 2 {
			t.Errorf("four pictures for a model that both keys answer in a second went %v", used)
		}
	})
}

package keypool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/keypool"
)

// keysNamed returns keys with these labels.
func keysNamed(labels ...string) []keypool.Key {
	var keys []keypool.Key
	for _, l := range labels {
		keys = append(keys, keypool.Key{Label: l, Secret: keypool.NewSecret("value of " + l)})
	}
	return keys
}

// take acquires a key without waiting.
func take(t *testing.T, p *keypool.Pool, want keypool.Want) *keypool.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	want.Model = model
	l, err := p.Acquire(ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// came makes a call with the pool's only key and the outcome o.
func came(t *testing.T, p *keypool.Pool, o keypool.Outcome) {
	t.Helper()
	take(t, p, keypool.Want{}).Release(o)
}

// free reports whether a key can be acquired within d.
func free(t *testing.T, p *keypool.Pool, d time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	l, err := p.Acquire(ctx, keypool.Want{Model: model})
	if err != nil {
		return false
	}
	l.Release(keypool.Outcome{Class: keypool.Canceled})
	return true
}

func TestACallThatBeganBeforeARefusalSaysNothingAgainstIt(t *testing.T) {
	t.Parallel()
	for class, state := range map[keypool.Class]keypool.State{
		keypool.KeyDead: keypool.Quarantined, keypool.KeyFixable: keypool.Quarantined, keypool.Billing: keypool.Parked,
	} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := keypool.New(keysNamed("Ann"), keypool.Options{})
				came(t, p, keypool.Outcome{Class: keypool.OK}) // so that it may run several calls at once
				early, refused := take(t, p, keypool.Want{}), take(t, p, keypool.Want{})
				refused.Release(keypool.Outcome{Class: class, Reason: "No."})
				early.Release(keypool.Outcome{Class: keypool.OK})
				if k := p.Status(time.Now()).Keys[0]; k.State != state || k.Class != class {
					t.Errorf("after an earlier call was good the key is %s (%s)", k.State, k.Class)
				}
			})
		})
	}
}

func TestAKeySetAsideThatIsRefusedAgainRestsAgain(t *testing.T) {
	t.Parallel()
	for class, pause := range map[keypool.Class]time.Duration{keypool.Billing: time.Hour, keypool.KeyFixable: 15 * time.Minute} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := keypool.New(keysNamed("Ann"), keypool.Options{})
				came(t, p, keypool.Outcome{Class: keypool.RPM, Limit: 60})
				time.Sleep(2 * time.Minute)
				came(t, p, keypool.Outcome{Class: class})
				time.Sleep(pause)
				came(t, p, keypool.Outcome{Class: keypool.Bare429, RetryAfter: 20 * time.Second})
				if free(t, p, 10*time.Second) {
					t.Error("it was called again at once")
				}
				if k := p.Status(time.Now()).Keys[0]; k.Class != class {
					t.Errorf("it is %s for %s", k.State, k.Class)
				}
				time.Sleep(15 * time.Second)
				if !free(t, p, 10*time.Second) {
					t.Error("it does not come back")
				}
			})
		})
	}
}

func TestADeadKeyDoesNotHideThatNoneHasTheModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := keypool.New(keysNamed("Ann", "Bob"), keypool.Options{})
		first, second := take(t, p, keypool.Want{}), take(t, p, keypool.Want{})
		first.Release(keypool.Outcome{Class: keypool.KeyDead})
		second.Release(keypool.Outcome{Class: keypool.ModelUnavailable})
		if _, err := p.Acquire(t.Context(), keypool.Want{Model: model}); !errors.Is(err, keypool.ErrModelUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOneCallAloneTriesAServiceThatIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := keypool.New(keysNamed("Ann", "Bob", "Eve"), keypool.Options{})
		rested := take(t, p, keypool.Want{})
		others := slices.DeleteFunc([]string{"Ann", "Bob", "Eve"}, func(l string) bool { return l == rested.Label() })
		rested.Release(keypool.Outcome{Class: keypool.RPM, Limit: 60, RetryAfter: time.Second})
		time.Sleep(3 * time.Second)
		own := take(t, p, keypool.Want{Avoid: others}) // the trial of the key after its cooldown, which takes its time
		for range 20 {
			if p.Figures(time.Now()).Models[0].Down {
				break
			}
			take(t, p, keypool.Want{}).Release(keypool.Outcome{Class: keypool.ModelOverloaded})
		}
		time.Sleep(2 * time.Second)
		probe := take(t, p, keypool.Want{})
		own.Release(keypool.Outcome{Class: keypool.Transport})
		if free(t, p, 3*time.Second) {
			t.Error("a second call tried the service while the first was under way")
		}
		probe.Release(keypool.Outcome{Class: keypool.OK})
		if !free(t, p, time.Second) {
			t.Error("the service is back and nobody is let through")
		}
	})
}

func TestKeysFoundToShareAProjectShareWhatIsUsedUp(t *testing.T) {
	t.Parallel()
	const another, project = "another", "projects/7"
	ok := keypool.Outcome{Class: keypool.OK}
	day := keypool.Outcome{Class: keypool.RPD, Limit: 250, Reason: "Used up."}
	named := func(o keypool.Outcome) keypool.Outcome { o.Project = project; return o }
	type call struct {
		key, model string
		came       keypool.Outcome
	}
	for name, calls := range map[string][]call{
		"and the one used up was known first": {{"Ann", model, named(day)}, {"Ann", model, named(day)}, {"Bob", another, named(ok)}},
		"and the refusal itself says so":      {{"Bob", another, named(ok)}, {"Ann", model, named(day)}, {"Ann", model, named(day)}},
		"and the other was known first":       {{"Bob", another, named(ok)}, {"Ann", model, day}, {"Ann", model, day}, {"Ann", another, named(ok)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := keypool.New(keysNamed("Ann", "Bob"), keypool.Options{})
				for _, c := range calls {
					other := map[string]string{"Ann": "Bob", "Bob": "Ann"}[c.key]
					l, err := p.Acquire(t.Context(), keypool.Want{Model: c.model, Avoid: []string{other}})
					if err != nil || l.Label() != c.key {
						t.Fatalf("%s instead of %s, %v", l.Label(), c.key, err)
					}
					l.Release(c.came)
					time.Sleep(10 * time.Second)
				}
				for _, k := range p.Status(time.Now()).Keys {
					if k.State != keypool.Parked || k.Class != keypool.RPD || k.Reason == "" || k.PerDay != 250 || k.Today != len(calls) {
						t.Errorf("%s is %s for %s (%q), %d of %d today", k.Label, k.State, k.Class, k.Reason, k.Today, k.PerDay)
					}
				}
			})
		})
	}
}

// forgetful is a memory whose first saves fail.
type forgetful struct {
	memory
	lock  sync.Mutex
	fails int
}

func (m *forgetful) Save(ctx context.Context, id string, doc []byte) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.fails > 0 {
		m.fails--
		return errors.New("no room")
	}
	return m.memory.Save(ctx, id, doc)
}

func TestWhatCouldNotBeStoredOfAKeyIsStoredLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &forgetful{memory: memory{docs: map[string][]byte{}}, fails: 2}
		s := newService(1, 1)
		p, stop := s.running(t, 1, 1, m)
		defer stop()
		if err := p.Disable("key 1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		next := s.pool(t, 2, 1, m)
		if err := next.Recall(t.Context()); err != nil {
			t.Fatal(err)
		}
		if k := next.Status(time.Now()).Keys[0]; k.State != keypool.Disabled {
			t.Errorf("a key that was switched off is %s after a restart", k.State)
		}
	})
}

func TestAKeyThatIsGivenAnewTakesItsNewLabelAndProject(t *testing.T) {
	t.Parallel()
	parse := func(texts ...string) []keypool.Key {
		var keys []keypool.Key
		for i, text := range texts {
			k, err := keypool.ParseKey(text, i+1)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		return keys
	}
	p := keypool.New(parse("Ann@one:value A", "Bob@two:value B", "value C", "value D"), keypool.Options{})
	named := func() string {
		text := ""
		for _, k := range p.Status(time.Now()).Keys {
			text += fmt.Sprintf("%s@%s%v ", k.Label, k.Project, k.SharesQuota)
		}
		return text
	}
	for _, step := range []struct {
		given []string
		want  string
	}{
		{[]string{"Ann@one:value A", "Bob@one:value B", "value C", "value D"}, "Ann@one[Bob] Bob@one[Ann] key 3@[] key 4@[] "},
		{[]string{"Anna@one:value A", "Bob@two:value B", "value C", "value D"}, "Anna@one[] Bob@two[] key 3@[] key 4@[] "},
		{[]string{"Bob@two:value A", "Anna@two:value B", "Eve@two:value C", "value D"}, "Bob@two[Anna Eve] Anna@two[Bob Eve] Eve@two[Bob Anna] key 4@[] "},
		{[]string{"value A", "Anna@two:value B", "value D"}, "Bob@[] Anna@two[] key 4@[] "}, // a key without a label keeps its own
	} {
		p.Replace(parse(step.given...))
		if got := named(); got != step.want {
			t.Errorf("%q became\n%q, want\n%q", step.given, got, step.want)
		}
	}
}

package keypool_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/keypool"
)

// The spend window belongs to the project: its other keys and models cool down too, those of another project do
// not, and a restart keeps it.
func TestASpendWindowRestsTheWholeProjectForTenMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := &memory{docs: map[string][]byte{}}
		key := func(label, project string) keypool.Key {
			return keypool.Key{Label: label, Project: project, Secret: keypool.NewSecret("value of " + label)}
		}
		keys := []keypool.Key{key("a1", "a"), key("a2", "a"), key("b1", "b")}
		options := keypool.Options{Secret: []byte("0123456789abcdef"), Memory: memory}
		p := keypool.New(keys, options)
		issued := func(p *keypool.Pool, model string) map[string]bool {
			labels := map[string]bool{}
			for range 20 {
				l, err := p.Acquire(t.Context(), keypool.Want{Model: model})
				if err != nil {
					t.Fatal(err)
				}
				labels[l.Label()] = true
				l.Release(keypool.Outcome{Class: keypool.OK, Took: time.Second})
			}
			return labels
		}
		l, err := p.Acquire(t.Context(), keypool.Want{Model: "x", Avoid: []string{"a2", "b1"}})
		if err != nil || l.Label() != "a1" {
			t.Fatal(l, err)
		}
		l.Release(keypool.Outcome{Class: keypool.Spend, RetryAfter: time.Second, Reason: "spent"})
		for _, model := range []string{"x", "y"} {
			if got := issued(p, model); len(got) != 1 || !got["b1"] {
				t.Errorf("%s is read with %v", model, got)
			}
		}
		for _, k := range p.Status(time.Now()).Keys {
			if rests := k.Class == keypool.Spend && k.State == keypool.Cooling; rests != (k.Project == "a") {
				t.Errorf("%s: %s %s", k.Label, k.State, k.Class)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		var kept sync.WaitGroup
		kept.Go(func() { _ = p.Run(ctx) })
		<-time.After(time.Second)
		stop()
		kept.Wait()
		again := keypool.New(keys, options)
		if err := again.Recall(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := issued(again, "x"); got["a1"] || got["a2"] {
			t.Errorf("after a restart: %v", got)
		}
		<-time.After(10*time.Minute + time.Second)
		if got := issued(p, "x"); !got["a1"] || !got["a2"] {
			t.Errorf("after ten minutes: %v", got)
		}
	})
}

package gemini

import (
	"testing"
	"time"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/keypool"
)

// lastImage is the last image of a batch, whose first call is made with a key other than that with the label avoid.
func lastImage(avoid string) engine.Request {
	return engine.Request{
		Batch: "b", AtOnce: 2, Behind: func() int { return 0 }, Previous: []engine.Past{{Why: engine.Busy, Key: avoid}},
	}
}

// pair returns an engine with two keys that have each answered one call in 100 ms, and a function that replaces their answers.
func pair(t *testing.T) (*Engine, *keypool.Pool, *simulator.Server, func(n int, d time.Duration, always *simulator.Answer)) {
	t.Helper()
	s := simulator.Start(t, simulator.Options{})
	labels := []string{"key 1", "key 2"}
	set := func(n int, d time.Duration, always *simulator.Answer) {
		s.SetKey(simulator.Key{Value: "value-" + labels[n-1], Label: labels[n-1], Latency: d, Always: always})
	}
	set(1, 100*time.Millisecond, nil)
	set(2, 100*time.Millisecond, nil)
	e, p := over(t, Options{BaseURL: s.URL}, "value-key 1", "value-key 2")
	for n, other := range []string{"key 2", "key 1"} {
		if r, f := ask(t, e, lastImage(other)); f != nil || r.Key != labels[n] {
			t.Fatalf("the first call of %s: %v", labels[n], f)
		}
	}
	return e, p, s, set
}

func idleKeys(t *testing.T, p *keypool.Pool) {
	t.Helper()
	for _, k := range p.Status(time.Now()).Keys {
		if k.Running != 0 {
			t.Errorf("%s still runs %d calls", k.Label, k.Running)
		}
	}
}

func TestALateLastImageIsReadWithAnotherKeyAndTheLateCallIsCanceled(t *testing.T) {
	t.Parallel()
	e, p, s, set := pair(t)
	hang := simulator.HangAnswer()
	set(1, 0, &hang)
	r, f := ask(t, e, lastImage("key 2"))
	if f != nil {
		t.Fatal(f)
	}
	if r.Key != "key 2" || len(r.Rows) == 0 {
		t.Errorf("%d rows with %s", len(r.Rows), r.Key)
	}
	idleKeys(t, p)
	if err := s.Wait(t.Context(), func() bool { return s.InFlight("key 1") == 0 }); err != nil {
		t.Error("the late call was not canceled")
	}
	figures := p.Figures(time.Now())
	if figures.Won != 1 || figures.Lost != 0 || len(s.Calls()) != 4 {
		t.Errorf("%d doubles won, %d lost, %d calls", figures.Won, figures.Lost, len(s.Calls()))
	}
	for _, k := range p.Status(time.Now()).Keys {
		if k.State != keypool.Active || len(k.Failures) > 0 {
			t.Errorf("%s is blamed: %s, %v", k.Label, k.State, k.Failures)
		}
	}
}

func TestWhenOneOfTwoCallsFailsTheOtherCounts(t *testing.T) {
	t.Parallel()
	e, p, _, set := pair(t)
	busy := simulator.SlowAnswer(2*time.Second, simulator.PayloadAnswer("503-overloaded"))
	set(1, 0, &busy)
	set(2, 4*time.Second, nil)
	r, f := ask(t, e, lastImage("key 2"))
	if f != nil || r.Key != "key 2" {
		t.Fatalf("the answer of the second call did not count: %v", f)
	}
	idleKeys(t, p)
	if n := p.Figures(time.Now()).Keys[0].Outcomes[keypool.Call{Model: DefaultModel, Class: keypool.ModelOverloaded}]; n != 1 {
		t.Errorf("%d failures of the first call are told, want 1", n)
	}
}

func TestWhenBothCallsFailTheImageFailsOnce(t *testing.T) {
	t.Parallel()
	e, p, _, set := pair(t)
	busy := simulator.SlowAnswer(2*time.Second, simulator.PayloadAnswer("503-overloaded"))
	set(1, 0, &busy)
	set(2, 0, &busy)
	if _, f := ask(t, e, lastImage("key 2")); f == nil || f.Why != engine.Unreachable {
		t.Errorf("got %v", f)
	}
	idleKeys(t, p)
	if figures := p.Figures(time.Now()); figures.Won != 0 || figures.Lost != 1 {
		t.Errorf("%d doubles won, %d lost", figures.Won, figures.Lost)
	}
}

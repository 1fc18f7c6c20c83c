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

// held is an answer that comes once the condition on the calls in flight holds: how long a busy machine takes until a call is
// late depends on how long the calls before took.
func held(t *testing.T, s *simulator.Server, a simulator.Answer, cond func() bool) simulator.Answer {
	t.Helper()
	release := make(chan struct{})
	go func() {
		defer close(release)
		_ = s.Wait(t.Context(), cond)
	}()
	return simulator.HeldAnswer(release, a)
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
	e, p, s, set := pair(t)
	failures := func() uint64 {
		return p.Figures(time.Now()).Keys[0].Outcomes[keypool.Call{Model: DefaultModel, Class: keypool.ModelOverloaded}]
	}
	busy, answers := held(t, s, simulator.PayloadAnswer("503-overloaded"), func() bool { return s.InFlight("key 2") == 1 }), make(chan struct{})
	good := simulator.HeldAnswer(answers, simulator.SheetAnswer())
	set(1, 0, &busy)
	set(2, 0, &good)
	go func() { // the second answers when the failure of the first counts
		defer close(answers)
		for failures() == 0 && t.Context().Err() == nil {
			<-time.After(time.Millisecond)
		}
	}()
	r, f := ask(t, e, lastImage("key 2"))
	if f != nil || r.Key != "key 2" {
		t.Fatalf("the answer of the second call did not count: %v", f)
	}
	idleKeys(t, p)
	if n := failures(); n != 1 {
		t.Errorf("%d failures of the first call are told, want 1", n)
	}
}

func TestWhenBothCallsFailTheImageFailsOnce(t *testing.T) {
	t.Parallel()
	e, p, s, set := pair(t)
	busy := held(t, s, simulator.PayloadAnswer("503-overloaded"), func() bool { return s.InFlight("key 1") == 1 && s.InFlight("key 2") == 1 })
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

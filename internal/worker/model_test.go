package worker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
)

// gone is a scripted engine one of whose models is gone.
type gone struct {
	*scripted
	model string
}

func (g *gone) CoolingDown(q engine.Question) (string, time.Time, bool) {
	return "model_unavailable", time.Time{}, q.Model == g.model
}

func (g *gone) Read(ctx context.Context, req engine.Request) (*engine.Reading, error) {
	if req.Model == g.model {
		return nil, &engine.Failure{Why: engine.NoModel, Message: "No key may use it.", Class: "model_unavailable", Until: time.Now().Add(5 * time.Second)}
	}
	return g.scripted.Read(ctx, req)
}

func TestABatchWhoseModelIsGoneWaitsForAnotherAndNothingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.keyed = &gone{scripted: b.engine, model: "old"}
		defer b.process()()
		id := b.start(options(5), pictures(20)...)
		if _, err := b.service.Settings.SetModel(t.Context(), id, "old", ""); err != nil {
			t.Fatal(err)
		}
		<-time.After(3 * time.Hour)
		got, err := b.service.Batches.Batch(t.Context(), id)
		if c := b.counts(id); err != nil || got.Status != batch.Paused || got.Pause != batch.PausedByKeys || got.Cooldown.Why != "model_unavailable" || c.Failed > 0 {
			t.Fatalf("without its model: %s %+v, %+v, %v", got.Status, got.Cooldown, c, err)
		}
		if _, err := b.service.Settings.SetModel(t.Context(), id, "new", "high"); err != nil {
			t.Fatal(err)
		}
		if got, _ := b.wait(id, time.Minute); got.Status != batch.Completed || got.Counts.Completed != 20 || got.Model != "new" {
			t.Errorf("with another one: %s %+v", got.Status, got.Counts)
		}
	})
}

// A model that a person chose for one image alone must not make its batch wait.
func TestAnImageWhoseOwnModelIsGoneIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.keyed = &gone{scripted: b.engine, model: "old"}
		defer b.process()()
		id := b.start(options(5), pictures(1)...)
		b.wait(id, time.Minute)
		if _, err := b.service.Run.RetryWith(t.Context(), id, []int{1}, batch.ReadAs{Model: "old", Fresh: true}); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		if m, err := b.service.Batches.Image(t.Context(), id, 1); err != nil || m.Status != batch.Completed || m.Rereading {
			t.Errorf("it is %s, still to be read afresh %v, %v", m.Status, m.Rereading, err)
		}
	})
}

// serving is a scripted engine that tells which model answers.
type serving struct {
	*scripted
	by    string
	known bool
}

func (s *serving) Served(string) (string, bool) { return s.by, s.known }

func TestAnEarlierReadingAnswersOnlyWhileItsModelIsStillServed(t *testing.T) {
	for name, c := range map[string]struct {
		by    string // the model that answers; "" when unknown
		later time.Duration
		calls int
	}{
		"the same model":           {"model-1", 100 * time.Hour, 1},
		"another model":            {"model-2", time.Hour, 2},
		"nobody knows, just read":  {"", time.Hour, 1},
		"nobody knows, long since": {"", 100 * time.Hour, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.reuse = 720 * time.Hour
				b.keyed = &serving{scripted: b.engine, by: c.by, known: c.by != ""}
				defer b.process()()
				b.wait(b.start(options(1), "same"), time.Minute)
				<-time.After(c.later)
				b.wait(b.start(options(1), "same"), time.Minute)
				if n := b.engine.callsOf("same"); n != c.calls {
					t.Errorf("%d calls, want %d", n, c.calls)
				}
			})
		})
	}
}

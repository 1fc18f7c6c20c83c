package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/danger"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
	"sheetlift/internal/table"
	"sheetlift/internal/worker"
)

// second is an engine that reads the picture "p001" with another number, cannot read "p002", and reads all others as the
// scripted engine does.
type second struct {
	mu    sync.Mutex
	calls map[string]int
}

func (s *second) Name() string { return "tesseract" }

func (s *second) Read(ctx context.Context, req engine.Request) (*engine.Reading, error) {
	picture := string(req.Picture)
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[picture]++
	s.mu.Unlock()
	select {
	case <-time.After(5 * time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if picture == "p002" {
		return nil, failure(engine.BadPicture, 0)
	}
	number := "1"
	if picture == "p001" {
		number = "7"
	}
	return &engine.Reading{Columns: []string{"Item", "Quantity"}, Rows: []table.Row{{Cells: []table.Cell{{Text: "row of " + picture}, {Text: number}}}}}, nil
}

// witness starts a witness, as a process does, and returns the function that stops it.
func (b *bench) witness(s *second) (stop func()) {
	log := slog.New(slog.NewTextHandler(&b.log, nil))
	w := worker.NewWitness(worker.WitnessDeps{
		Edits: b.service.Edit, Repository: b.world, Pictures: b.world, Changes: b.world, Engine: s, Cutter: imaging.New(imaging.Limits{}), Danger: danger.New(log), Log: log,
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			b.t.Error(err)
		}
	})
	return sync.OnceFunc(func() { cancel(); running.Wait() })
}

// compared waits until each completed image of a batch was compared, at most for an hour, and returns the batch and its images.
func (b *bench) compared(id batch.ID) (*batch.Batch, map[string]*batch.Image) {
	b.t.Helper()
	for range 3600 {
		got, err := b.service.Batches.Batch(b.t.Context(), id)
		if err != nil {
			b.t.Fatal(err)
		}
		if got.Counts != nil && got.Counts.Compared == got.Counts.Completed {
			return got, b.images(id)
		}
		<-time.After(time.Second)
	}
	b.t.Fatalf("not all were compared within an hour\n%s", b.log.String())
	return nil, nil
}

func withWitness() batch.Options {
	o := options(5)
	o.Witness = batch.WitnessOffline
	return o
}

func TestACellThatTheSecondReadingReadsDifferentlyIsADoubtAndTheBatchDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		s := &second{}
		defer b.witness(s)()
		id := b.start(withWitness(), pictures(5)...)
		ended, images := b.wait(id, time.Minute)
		if took := ended.Ended.Sub(ended.Started); ended.Status != batch.Completed || took > 3*time.Second {
			t.Errorf("it ended as %s after %s; the witness takes 5 s a picture", ended.Status, took)
		}
		if images["p004"].Compared() && images["p003"].Compared() && images["p000"].Compared() {
			t.Error("all were compared before the end, so it proves nothing")
		}
		got, images := b.compared(id)
		if got.Counts.Compared != 5 || got.Counts.Issues != ended.Counts.Issues+1 {
			t.Errorf("it counts %+v, at the end %+v", got.Counts, ended.Counts)
		}
		for name, m := range images {
			disputed := 0
			for _, i := range m.Issues {
				if i.Kind == table.KindWitness {
					disputed++
					if name != "p001" || i.Row != 0 || i.Column != 1 || i.Message != "The offline reading has “7” here. Compare both with the picture." {
						t.Errorf("%s: %+v", name, i)
					}
				}
			}
			if want := map[string]int{"p001": 1}[name]; disputed != want || m.Witness == nil || m.Witness.Disputed != want || m.Witness.Failed != (name == "p002") {
				t.Errorf("%s: %d doubts, %+v", name, disputed, m.Witness)
			}
		}
		for picture, n := range s.calls {
			if n != 1 {
				t.Errorf("%s was read %d times", picture, n)
			}
		}
	})
}

func TestComparingGoesOnAfterARestartAndWaitsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		id := b.start(withWitness(), pictures(6)...)
		b.wait(id, time.Minute)
		s := &second{}
		stop := b.witness(s)
		<-time.After(12 * time.Second) // two are compared, one is read
		stop()
		b.world.Fail(func(op string) error {
			if op == "get picture" || op == "save image" {
				return errs.New(errs.Unavailable, "The store is away.")
			}
			return nil
		})
		defer b.witness(s)()
		<-time.After(time.Minute)
		b.world.Fail(nil)
		got, _ := b.compared(id)
		total := 0
		for _, n := range s.calls {
			total += n
		}
		if got.Counts.Compared != 6 || total > 9 { // one was cut off by the restart, two could not be stored
			t.Errorf("%d of 6 are compared with %d readings", got.Counts.Compared, total)
		}
	})
}

func TestNothingIsComparedWhereNobodyWantsItOrTheOfflineEngineReadIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		s := &second{}
		defer b.witness(s)()
		off := b.start(options(5), "p001")
		b.wait(off, time.Minute)
		<-time.After(time.Minute)
		if len(s.calls) > 0 {
			t.Errorf("it read %v", s.calls)
		}
		if _, err := b.service.Settings.Set(t.Context(), off, settings.Settings{Witness: new(batch.WitnessOffline)}); err != nil {
			t.Fatal(err)
		}
		if got, images := b.compared(off); got.Counts.Compared != 1 || images["p001"].Witness.Disputed != 1 {
			t.Errorf("switched on later: %+v, %+v", got.Counts, images["p001"].Witness)
		}
	})
}

func TestACellThatAPersonChangedMeanwhileIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		id := b.start(withWitness(), "p001")
		b.wait(id, time.Minute)
		defer b.witness(&second{})()
		<-time.After(time.Second) // it reads
		if _, err := b.service.Edit.Edit(t.Context(), id, 1, edit.Request{Do: batch.EditCell, By: "Anna", Generation: b.images(id)["p001"].Generation, Row: 1, Column: 1, Seen: "1", Text: "8"}); err != nil {
			t.Fatal(err)
		}
		got, images := b.compared(id)
		m := images["p001"]
		if m.Rows[0].Cells[1].Text != "8" || m.Witness.Disputed != 0 || got.Counts.Compared != 1 {
			t.Errorf("%+v, %+v", m.Rows, m.Witness)
		}
	})
}

func TestRowsThatAreReadAgainAreComparedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		s := &second{}
		defer b.witness(s)()
		id := b.start(withWitness(), "p001")
		b.wait(id, time.Minute)
		b.compared(id)
		if _, err := b.service.Run.RetryWith(t.Context(), id, []int{1}, batch.ReadAs{Fresh: true}); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		_, images := b.compared(id)
		if m := images["p001"]; !m.Compared() || m.Witness.Disputed != 1 || s.calls["p001"] != 2 {
			t.Errorf("%+v after %d readings: %s", m.Witness, s.calls["p001"], fmt.Sprint(m.Issues))
		}
	})
}

func TestComparingABatchThatHasEndedListsItsImagesAFewTimesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		stop := b.process()
		id := b.start(withWitness(), pictures(40)...)
		ended, _ := b.wait(id, time.Minute)
		stop()
		var asked atomic.Int32
		b.world.Fail(func(op string) error {
			if op == "get picture" && asked.Add(1) <= 3 {
				return errs.New(errs.Unavailable, "The store is away.")
			}
			return nil
		})
		before := b.world.Listed()
		defer b.witness(&second{})()
		got, _ := b.compared(id)
		synctest.Wait()
		if got.Counts.Compared != 40 || got.Counts.Issues != ended.Counts.Issues+1 || !got.Counts.Exact {
			t.Errorf("it counts %+v, at the end %+v", got.Counts, ended.Counts)
		}
		if n := b.world.Listed() - before; n < 1 || n > 3 {
			t.Errorf("the images were listed %d times", n)
		}
		if asked.Load() < 4 {
			t.Error("no picture was asked for again that the store did not give")
		}
	})
}

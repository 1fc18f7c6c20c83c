package worker_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/store"
	"sheetlift/internal/upkeep"
	"sheetlift/internal/worker"
)

var every = flag.Int("every", 60, "over the real store, fail every so many-th operation only; 1 for all of them")

var ways = []way{refused, unheard, late, crashBefore, crashAfter}

// TestNoOperationOfTheStoreCanFailHarmfully runs a batch from upload to its end, with a retry, once for each operation of the
// store and each way in which that operation can fail: over the store of the tests, in virtual time, with a batch of five.
func TestNoOperationOfTheStoreCanFailHarmfully(t *testing.T) {
	t.Parallel()
	const images = 5
	total := 0
	inMemory := func(t *testing.T, n int, w way) {
		synctest.Test(t, func(t *testing.T) {
			world := batchtest.NewWorld()
			x := newTrial(t, images, n, w)
			x.run(world, world)
			total = max(total, x.fault.n)
		})
	}
	inMemory(t, 0, refused)
	if total < 10*images {
		t.Fatalf("only %d operations were counted", total)
	}
	operations := total
	for _, w := range ways {
		t.Run(string(w), func(t *testing.T) {
			for n := 1; n <= operations; n++ {
				inMemory(t, n, w)
			}
		})
	}
	t.Logf("each of %d operations failed in each of five ways", operations)
}

// TestNoOperationOfTheRealStoreCanFailHarmfully is the same over a real store in memory. An ordinary test run takes a few
// of the operations, spread over all of the batch's life; make chaos takes all of them, of a batch of 20.
func TestNoOperationOfTheRealStoreCanFailHarmfully(t *testing.T) {
	t.Parallel()
	images := 5
	if *every == 1 {
		images = 20
	}
	whole := newTrial(t, images, 0, refused)
	whole.runStored()
	total := whole.ports.n
	if total < 10*images {
		t.Fatalf("only %d operations were counted", total)
	}
	trials := make(chan *trial)
	var all sync.WaitGroup
	for range 6 { // trials mostly wait, so several run at once
		all.Go(func() {
			for x := range trials {
				x.runStored()
			}
		})
	}
	for i, w := range ways {
		for n := 1 + i**every/len(ways); n <= total; n += *every {
			trials <- newTrial(t, images, n, w)
		}
	}
	close(trials)
	all.Wait()
	t.Logf("%d operations, every %d. failed in each of five ways", total, *every)
}

// stored is all that a trial needs of a store.
type stored interface {
	ports
	batch.Changes
	batch.Inventory
}

// trial is one batch, one store, one fault.
type trial struct {
	t       *testing.T
	ctx     context.Context
	images  int // in the batch
	store   stored
	queue   batch.Queue
	ports   *faulty // of the process that runs now
	fault   *faulty // of the first
	service *usecases.Services
	end     func()
	engine  *scripted
	id      batch.ID
	over    chan struct{} // tells that the batch changed
	acked   map[int]string
}

func newTrial(t *testing.T, images, n int, w way) *trial {
	return &trial{
		t: t, images: images, over: make(chan struct{}, 1), acked: map[int]string{},
		engine: &scripted{took: time.Millisecond, calls: map[string]int{}, scripts: map[string][]error{
			"picture 3": {failure(engine.BadPicture, 0)},
			"picture 5": {failure(engine.Unreachable, 0)},
		}},
		fault: &faulty{at: n, way: w},
	}
}

func (r *trial) failf(format string, args ...any) {
	r.t.Errorf("operation %d (%s) %s: %s", r.fault.at, r.fault.name, r.fault.way, fmt.Sprintf(format, args...))
}

// parts are the parts of a store that a trial uses.
type parts struct {
	*store.Store
	batch.ReadingCache
	batch.Inventory
}

// runStored runs over a real store.
func (r *trial) runStored() {
	s, err := store.Open(context.Background(), store.Config{Memory: true, MinFree: -1})
	if err != nil {
		r.failf("%v", err)
		return
	}
	defer s.Close()
	r.run(parts{s, s.Readings(), s.Inventory()}, s.Queue())
}

func (r *trial) run(s stored, q batch.Queue) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	r.ctx, r.store, r.queue = ctx, s, q
	stop, err := r.store.Subscribe(ctx, func(c batch.Change) {
		if c.N == 0 {
			select {
			case r.over <- struct{}{}:
			default:
			}
		}
	})
	if err != nil {
		r.failf("%v", err)
		return
	}
	defer stop()
	r.process(r.fault.at, r.fault.way)
	r.fault = r.ports
	defer func() { r.end() }()
	if err := r.live(); err != nil {
		r.failf("%v", err)
		return
	}
	r.end()
	r.fault.delayed.Wait()
	r.verify()
}

// process starts a process over the store whose operation at fails.
func (r *trial) process(at int, w way) {
	r.ports = newFaulty(r.store, r.queue, at, w)
	r.service = usecases.New(usecases.Ports{
		Repository: r.ports, Queue: r.ports, Pictures: r.ports, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"scripted"},
		ReadingCache: r.ports,
	}, usecases.Limits{MaxImages: 100})
	ctx, cancel := context.WithCancel(r.ctx)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	progress := progress.New(r.ports, log)
	ready := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { _ = progress.Run(ctx, r.store, ready) })
	runner := worker.New(worker.Deps{
		Batches: r.service.Batches, Runs: r.service.Run, Progress: progress, Repository: r.ports, Queue: r.ports, Pictures: r.ports, Changes: r.store,
		Engines: map[string]engine.Engine{"scripted": r.engine}, ReadingCache: r.ports, Reuse: time.Hour, Slots: 8, Log: log,
	})
	<-ready
	all.Go(func() { _ = runner.Run(ctx) })
	r.end = sync.OnceFunc(func() { cancel(); all.Wait() })
}

// again repeats f until it succeeds, as people do. It starts a new process when the old one has crashed.
func (r *trial) again(f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-r.ports.crashed:
			r.restart()
		case <-r.ctx.Done():
			return fmt.Errorf("it never worked: %w", err)
		default:
			if !errs.Is(err, errs.Unavailable) {
				return err
			}
		}
	}
}

func (r *trial) restart() {
	r.end()
	r.ports.free()
	r.process(0, refused)
}

// live runs the batch from the upload to its end.
func (r *trial) live() error {
	o := batch.Options{AtOnce: 4, MaxRetries: 3}
	err := r.again(func() error {
		b, err := r.service.Draft.Create(r.ctx, draft.NewBatch{Options: &o})
		if err == nil {
			r.id = b.ID
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	for i := 1; i <= r.images; i++ {
		picture := fmt.Sprintf("picture %d", i)
		err := r.again(func() error {
			got, err := r.service.Draft.AddImages(r.ctx, r.id, draft.Upload{
				ID: fmt.Sprintf("upload-%03d", i), Filename: picture + ".jpg", Position: i, Body: strings.NewReader(picture),
			})
			if err == nil {
				r.acked[got.Images[0].N] = picture
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("upload %d: %w", i, err)
		}
	}
	if err := r.again(func() error { _, err := r.service.Settings.RenameImage(r.ctx, r.id, 2, "Cellar"); return err }); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	if err := r.again(func() error { _, err := r.service.Run.Start(r.ctx, r.id); return err }); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	for {
		b, err := r.ended()
		if err != nil || b.Counts.Completed == r.images {
			return err
		}
		if err := r.again(func() error { _, err := r.service.Run.RetryFailed(r.ctx, r.id); return err }); err != nil {
			return fmt.Errorf("retry: %w", err)
		}
	}
}

// ended waits for the end of the batch.
func (r *trial) ended() (*batch.Batch, error) {
	for {
		b, err := r.store.Batch(r.ctx, r.id)
		if err != nil {
			return nil, err
		}
		if b.Status.Final() {
			return b, nil
		}
		crashed := r.ports.crashed
		select {
		case <-r.over:
		case <-crashed:
			r.restart()
		case <-r.ctx.Done():
			images, _ := r.store.Images(context.Background(), r.id)
			var where []string
			for _, m := range images {
				if !m.Status.Final() {
					where = append(where, fmt.Sprintf("%d %s work %d tries %d", m.N, m.Status, m.Generation, m.Tries))
				}
			}
			return nil, fmt.Errorf("the batch is still %s, not final: %q", b.Status, where)
		}
	}
}

// verify runs the checker over the store and compares the rows.
func (r *trial) verify() {
	services := usecases.New(usecases.Ports{Repository: r.store, Queue: r.queue, Pictures: r.store}, usecases.Limits{MaxImages: 100})
	d := upkeep.Deps{Runs: services.Run, Retention: services.Retention,
		Repository: r.store, Pictures: r.store, Inventory: r.store}
	<-time.After(time.Millisecond) // all that is stored is older than now
	for _, repair := range []bool{true, false} {
		report, err := upkeep.Check(r.ctx, d, upkeep.Options{All: true, Repair: repair, Before: time.Now()})
		if err != nil {
			r.failf("%v", err)
			return
		}
		if !report.Sound() || report.Count(upkeep.Corrupt) > 0 {
			r.failf("it left %v", report.Findings)
		}
	}
	images, err := services.Batches.Images(r.ctx, r.id)
	if err != nil || len(images) != r.images || len(r.acked) != r.images {
		r.failf("%d images, %d acknowledged, %v", len(images), len(r.acked), err)
		return
	}
	calls := 0
	for i, m := range images {
		want := r.acked[m.N]
		if m.N != i+1 || len(m.Rows) != 1 || m.Rows[0].Cells[0].Text != "row of "+want || want != fmt.Sprintf("picture %d", i+1) {
			r.failf("image %d holds %+v, want the row of %q", m.N, m.Rows, want)
		}
		calls += r.engine.callsOf(want)
	}
	if images[1].Name != "Cellar" {
		r.failf("the second image is called %q", images[1].Name)
	}
	if most := r.images + 2 + 4; calls > most {
		r.failf("%d calls were made, at most %d are needed", calls, most)
	}
}

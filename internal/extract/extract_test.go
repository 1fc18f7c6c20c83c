package extract_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/extract"
	"sheetlift/internal/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is an engine that answers each image as its script says, by the picture's text.
type scripted struct {
	took time.Duration

	mu      sync.Mutex
	scripts map[string][]error // what the tries of a picture come to; past the end: success
	calls   map[string]int
	models  map[int]string // asked for, by the number of the try
	running int
	most    int
	before  func(ctx context.Context, picture string) error // what capacity waits for
	enter   func(ctx context.Context, req engine.Request) (leave func(), err error)
}

func (s *scripted) Name() string { return "scripted" }

func (s *scripted) Read(ctx context.Context, req engine.Request) (*engine.Reading, error) {
	picture := string(req.Picture)
	if s.before != nil {
		if err := s.before(ctx, picture); err != nil {
			return nil, err
		}
	}
	if s.enter != nil {
		leave, err := s.enter(ctx, req)
		if err != nil {
			return nil, err
		}
		defer leave()
	}
	if err := req.Begun(ctx, "key 1"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	try := s.calls[picture]
	s.calls[picture]++
	if s.models == nil {
		s.models = map[int]string{}
	}
	s.models[try+1] = req.Model
	s.running++
	s.most = max(s.most, s.running)
	var outcome error
	if try < len(s.scripts[picture]) {
		outcome = s.scripts[picture][try]
	}
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.running--; s.mu.Unlock() }()
	select {
	case <-time.After(s.took):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if errors.Is(outcome, errPanic) {
		panic("the engine met a picture it could not bear")
	}
	if outcome != nil {
		return nil, outcome
	}
	return &engine.Reading{
		Rows: []table.Row{{Cells: []table.Cell{{Text: "row of " + picture}, {Text: "1"}, {}, {}, {}}}},
		Text: picture, Model: "model-1", Key: "key 1", Usage: engine.Usage{PromptTokens: 100, OutputTokens: 10, USD: 0.01},
	}, nil
}

func (s *scripted) callsOf(picture string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[picture]
}

var errPanic = errors.New("panic")

func failure(why engine.Why, until time.Duration) error {
	f := &engine.Failure{Why: why, Message: "It went wrong for the reason " + string(why) + ".", Key: "key 1", Class: string(why)}
	if until > 0 {
		f.Until = time.Now().Add(until)
	}
	return f
}

// bench is the domain on a world in memory with a scripted engine.
type bench struct {
	t       *testing.T
	world   *batchtest.World
	service *batch.Service
	engine  *scripted
	keyed   engine.Engine // in place of engine, unless nil
	offline *scripted     // nil for none
	log     *bytes.Buffer
	full    atomic.Bool // the disk
}

func newBench(t *testing.T) *bench {
	b := &bench{
		t: t, world: batchtest.NewWorld(), log: new(bytes.Buffer),
		engine: &scripted{took: time.Second, scripts: map[string][]error{}, calls: map[string]int{}},
	}
	b.service = batch.NewService(batch.Ports{
		Repository: b.world, Queue: b.world, Pictures: b.world, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"scripted", "offline"},
	}, batch.Limits{MaxImages: 5000})
	return b
}

// process starts a runner as one process has it and returns how to end it.
func (b *bench) process() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	board := batch.NewBoard(b.world, log)
	ready := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { _ = board.Run(ctx, b.world, ready) })
	<-ready
	engines := map[string]engine.Engine{"scripted": b.engine}
	if b.keyed != nil {
		engines["scripted"] = b.keyed
	}
	if b.offline != nil {
		engines["offline"] = b.offline
	}
	r := extract.New(extract.Deps{
		Batches: b.service, Board: board, Repository: b.world, Queue: b.world, Pictures: b.world, Changes: b.world,
		Engines: engines, Offline: "offline", Slots: 72, Grace: 20 * time.Second, Log: log,
		Crowded: func(bool) bool { return b.full.Load() },
	})
	all.Go(func() { _ = r.Run(ctx) })
	return sync.OnceFunc(func() { cancel(); all.Wait() })
}

func (b *bench) start(o batch.Options, pictures ...string) batch.ID {
	b.t.Helper()
	id := b.draft(o, pictures...)
	if _, err := b.service.Start(b.t.Context(), id); err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *bench) draft(o batch.Options, pictures ...string) batch.ID {
	b.t.Helper()
	d, err := b.service.Create(b.t.Context(), batch.NewBatch{Options: &o})
	if err != nil {
		b.t.Fatal(err)
	}
	for i, p := range pictures {
		if i > 100 { // every upload looks at those before it; so many would be all that the test does
			b.put(d.ID, i+1, p)
			continue
		}
		_, err := b.service.AddImages(b.t.Context(), d.ID, batch.Upload{
			ID: fmt.Sprintf("upload-%05d", i), Filename: p + ".jpg", Position: i + 1, Body: strings.NewReader(p),
		})
		if err != nil {
			b.t.Fatal(err)
		}
	}
	return d.ID
}

// put stores an image as an upload would.
func (b *bench) put(id batch.ID, n int, picture string) {
	b.t.Helper()
	m, err := b.world.Image(b.t.Context(), id, 1)
	if err != nil {
		b.t.Fatal(err)
	}
	m.N, m.Rev, m.Name = n, 0, picture
	m.Upload = fmt.Sprintf("upload-%05d", n)
	m.Picture.Key, m.Picture.Digest = m.Upload, picture
	if err := b.world.PutPicture(b.t.Context(), id, m.Upload, batch.Full, []byte(picture)); err != nil {
		b.t.Fatal(err)
	}
	if err := b.world.CreateImage(b.t.Context(), m); err != nil {
		b.t.Fatal(err)
	}
}

// wait lets virtual time pass until the batch has ended, at most for d, and returns it with its images by picture.
func (b *bench) wait(id batch.ID, d time.Duration) (*batch.Batch, map[string]*batch.Image) {
	b.t.Helper()
	for deadline := time.Now().Add(d); ; {
		got, err := b.service.Batch(b.t.Context(), id)
		if err != nil {
			b.t.Fatal(err)
		}
		if got.Status.Final() || time.Now().After(deadline) {
			return got, b.images(id)
		}
		<-time.After(max(100*time.Millisecond, d/2000))
	}
}

func (b *bench) images(id batch.ID) map[string]*batch.Image {
	b.t.Helper()
	images, err := b.service.Images(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	byName := map[string]*batch.Image{}
	for _, m := range images {
		byName[m.Name] = m
	}
	return byName
}

func pictures(n int) []string {
	var p []string
	for i := range n {
		p = append(p, fmt.Sprintf("p%03d", i))
	}
	return p
}

func options(atOnce int) batch.Options {
	o := batch.DefaultOptions()
	o.AtOnce = atOnce
	return o
}

func TestABatchEndsWithEveryImageReadOnceAndNoMoreAtOnceThanAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		began := time.Now()
		id := b.start(options(5), pictures(50)...)
		got, images := b.wait(id, time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 50 || got.Counts.Rows != 50 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		if b.engine.most != 5 {
			t.Errorf("%d at once, want 5", b.engine.most)
		}
		if took := time.Since(began); took > 10500*time.Millisecond {
			t.Errorf("50 images of 1 s, 5 at once, took %v", took)
		}
		for name, m := range images {
			if m.Rows[0].Cells[0].Text != "row of "+name || m.Tries != 1 || b.engine.calls[name] != 1 {
				t.Errorf("%s: rows %v, %d tries, %d calls", name, m.Rows, m.Tries, b.engine.calls[name])
			}
		}
		if n := b.world.Queued(id); n != 0 {
			t.Errorf("%d units are left in the queue", n)
		}
	})
}

func TestWhatIsNotTheImagesFaultCostsNoRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		for range 30 {
			b.engine.scripts["p000"] = append(b.engine.scripts["p000"], failure(engine.Busy, 0), failure(engine.Unreachable, 0))
		}
		id := b.start(options(5), pictures(2)...)
		got, images := b.wait(id, time.Hour)
		m := images["p000"]
		if got.Status != batch.Completed || m.Status != batch.Completed || m.Faults != 0 {
			t.Fatalf("batch %s, image %s with %d faults: %s", got.Status, m.Status, m.Faults, m.Failure)
		}
		if m.Tries != 61 || len(m.Attempts) != batch.MaxAttempts || m.Attempts[0].N != 12 {
			t.Errorf("%d tries, %d kept, the first of them %d", m.Tries, len(m.Attempts), m.Attempts[0].N)
		}
	})
}

func TestAnImageThatWaitsHoldsNoPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		b.engine.scripts["p000"] = []error{failure(engine.Busy, 10*time.Minute)}
		began := time.Now()
		id := b.start(options(1), pictures(20)...)
		<-time.After(30 * time.Second)
		images := b.images(id)
		waiting := images["p000"]
		if waiting.Status != batch.Retrying || waiting.NotBefore.IsZero() {
			t.Errorf("the waiting image is %s until %v", waiting.Status, waiting.NotBefore)
		}
		delete(images, "p000")
		for name, m := range images {
			if m.Status != batch.Completed {
				t.Errorf("%s is %s while another one waits", name, m.Status)
			}
		}
		got, _ := b.wait(id, time.Hour)
		if took := time.Since(began); got.Status != batch.Completed || took < 10*time.Minute || took > 10*time.Minute+5*time.Second {
			t.Errorf("ended as %s after %v", got.Status, took)
		}
	})
}

func TestTheImagesOwnFaultsEndWithItsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		bad := failure(engine.BadAnswer, 0)
		b.engine.scripts["p000"] = []error{bad, bad, bad, bad, bad}
		b.engine.scripts["p001"] = []error{bad, bad, bad}
		b.engine.scripts["p002"] = []error{failure(engine.Refused, 0)}
		b.engine.scripts["p003"] = []error{errPanic, bad}
		id := b.start(options(5), pictures(5)...)
		got, images := b.wait(id, time.Hour)
		if got.Status != batch.Completed || got.Counts.Failed != 2 || got.Counts.Completed != 3 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		for name, calls := range map[string]int{"p000": 4, "p001": 4, "p002": 1, "p003": 3, "p004": 1} {
			if b.engine.calls[name] != calls {
				t.Errorf("%s: %d calls, want %d", name, b.engine.calls[name], calls)
			}
		}
		if m := images["p002"]; m.Failure != "It went wrong for the reason refused." {
			t.Errorf("the sentence is %q", m.Failure)
		}

		if n, err := b.service.RetryFailed(t.Context(), id); err != nil || n != 2 {
			t.Fatalf("retrying all failed: %d, %v", n, err)
		}
		got, images = b.wait(id, time.Hour)
		if got.Status != batch.Completed || got.Counts.Failed != 0 || images["p000"].Status != batch.Completed {
			t.Errorf("after the retry: %s with %+v", got.Status, got.Counts)
		}
	})
}

func TestTheDelayDoublesUpToItsCapWithFullJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		o := options(1)
		o.MaxRetries, o.RetryDelay = 10, time.Minute
		for range 10 {
			b.engine.scripts["p000"] = append(b.engine.scripts["p000"], failure(engine.BadAnswer, 0))
		}
		id := b.start(o, "p000")
		_, images := b.wait(id, 3*time.Hour)
		m := images["p000"]
		if m.Status != batch.Completed || m.Tries != 11 {
			t.Fatalf("%s after %d tries", m.Status, m.Tries)
		}
		most := time.Minute
		for i := 1; i < len(m.Attempts); i++ {
			if wait := m.Attempts[i].Started.Sub(m.Attempts[i-1].Ended); wait > most+time.Second {
				t.Errorf("try %d came after %v, want at most %v", i+1, wait, most)
			}
			most = min(2*most, 10*time.Minute)
		}
	})
}

func TestADayWithoutTheServiceEndsTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		var day []error
		for range 100 {
			day = append(day, &engine.Failure{Why: engine.Unreachable, Message: "Google did not answer."})
		}
		b.engine.scripts["p000"] = day
		b.engine.took = 30 * time.Minute
		id := b.start(options(1), "p000")
		got, images := b.wait(id, 30*time.Hour)
		m := images["p000"]
		if got.Status != batch.Failed || m.Status != batch.Failed || m.Tries != 49 {
			t.Errorf("batch %s, image %s after %d tries: %s", got.Status, m.Status, m.Tries, m.Failure)
		}
	})
}

func TestACrashInTheMiddleLosesNothingAndDoublesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		stop := b.process()
		id := b.start(options(5), pictures(20)...)
		<-time.After(2500 * time.Millisecond)
		b.world.Fail(func(string) error { return errs.New(errs.Unavailable, "The machine is dead.") })
		stop()
		b.world.Fail(nil)
		b.world.Crash()
		defer b.process()()
		got, images := b.wait(id, time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 20 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		extra := 0
		for name, m := range images {
			if len(m.Rows) != 1 {
				t.Errorf("%s has %d rows", name, len(m.Rows))
			}
			extra += b.engine.calls[name] - 1
		}
		if extra > 5 {
			t.Errorf("%d calls were made twice, more than were in hand", extra)
		}
	})
}

func TestAPictureThatCrashesTheProcessThreeTimesIsSetAside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.engine.took = time.Hour
		id := b.start(options(1), "p000")
		for range 3 {
			stop := b.process()
			<-time.After(time.Second)
			b.world.Fail(func(string) error { return errs.New(errs.Unavailable, "The machine is dead.") })
			stop()
			b.world.Fail(nil)
			b.world.Crash()
		}
		defer b.process()()
		got, images := b.wait(id, time.Minute)
		if m := images["p000"]; got.Status != batch.Failed || m.Crashes != 3 || !strings.Contains(m.Failure, "three times") {
			t.Errorf("batch %s, image %s after %d crashes: %s", got.Status, m.Status, m.Crashes, m.Failure)
		}
	})
}

func TestADayOfRestartsWhileWaitingForAKeySetsNothingAside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		open := make(chan struct{})
		b.engine.before = func(ctx context.Context, _ string) error {
			select {
			case <-open:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		id := b.start(options(2), pictures(4)...)
		for range 6 {
			stop := b.process()
			<-time.After(time.Hour)
			stop()
			b.world.Crash()
		}
		close(open)
		defer b.process()()
		got, images := b.wait(id, time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 4 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		for name, m := range images {
			if m.Tries != 1 || m.Crashes != 0 {
				t.Errorf("%s: %d tries, %d crashes", name, m.Tries, m.Crashes)
			}
		}
	})
}

func TestStoppingLetsRunningImagesFinishWithinTheGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.engine.took = 15 * time.Second
		stop := b.process()
		id := b.start(options(2), pictures(6)...)
		<-time.After(time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("stopping took %v, although what ran needed 14 s", took)
		}
		done := 0
		for _, m := range b.images(id) {
			if m.Status == batch.Completed {
				done++
			}
		}
		if done != 2 {
			t.Errorf("%d images are read, want the two that ran", done)
		}
	})
}

func TestStoppingCutsWhatRunsLongerThanTheGraceAtNoCost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.engine.took = 50 * time.Second
		stop := b.process()
		id := b.start(options(1), "p000")
		<-time.After(time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("stopping took %v, want the grace of 20s", took)
		}
		defer b.process()()
		got, images := b.wait(id, 5*time.Minute)
		m := images["p000"]
		if got.Status != batch.Completed || m.Tries != 2 || m.Faults != 0 || m.Crashes != 0 || m.Attempts[0].Why != "stopped" {
			t.Errorf("batch %s; %d tries, %d faults, %d crashes: %+v", got.Status, m.Tries, m.Faults, m.Crashes, m.Attempts)
		}
	})
}

func TestALateResultOfALostTryIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.engine.took = 10 * time.Second
		defer b.process()()
		id := b.start(options(1), "p000")
		<-time.After(time.Second)
		b.world.Crash()     // the queue believes that the worker is dead
		defer b.process()() // another process takes the image over
		got, images := b.wait(id, time.Minute)
		m := images["p000"]
		if got.Status != batch.Completed || len(m.Rows) != 1 || m.Tries != 2 {
			t.Errorf("batch %s, %d rows after %d tries", got.Status, len(m.Rows), m.Tries)
		}
		if m.Attempts[0].Why != string(engine.Crashed) || m.Attempts[1].Why != "" {
			t.Errorf("attempts: %+v", m.Attempts)
		}
	})
}

func TestANameGivenWhileAnImageIsReadStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		id := b.start(options(1), "p000")
		<-time.After(500 * time.Millisecond)
		if _, err := b.service.RenameImage(t.Context(), id, 1, "Hall A"); err != nil {
			t.Fatal(err)
		}
		got, images := b.wait(id, time.Minute)
		if m := images["Hall A"]; got.Status != batch.Completed || m == nil || m.Tries != 1 || b.engine.callsOf("p000") != 1 {
			t.Errorf("batch %s, images %v", got.Status, maps.Collect(maps.All(images)))
		}
	})
}

func TestAStoreThatStumblesCostsNoImageItsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		id := b.start(options(3), pictures(9)...)
		ops := 0
		b.world.Fail(func(op string) error {
			if ops++; ops%3 == 0 {
				return errs.New(errs.Unavailable, "The store did not answer.")
			}
			return nil
		})
		got, images := b.wait(id, 30*time.Minute)
		if got.Status != batch.Completed || got.Counts.Completed != 9 {
			t.Fatalf("ended as %s with %+v", got.Status, got.Counts)
		}
		for name, m := range images {
			if m.Faults != 0 || len(m.Rows) != 1 {
				t.Errorf("%s: %d faults, %d rows", name, m.Faults, len(m.Rows))
			}
		}
	})
}

func TestWhatTheEngineGivesUpIsReadOfflineWhereTheBatchSaysSo(t *testing.T) {
	t.Parallel()
	for _, way := range []batch.Fallback{batch.FallbackOff, batch.FallbackAsk, batch.FallbackAlways} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.offline = &scripted{took: time.Second, scripts: map[string][]error{"p001": {failure(engine.BadPicture, 0)}}, calls: map[string]int{}}
			defer b.process()()
			b.engine.scripts["p000"] = []error{failure(engine.Refused, 0)}
			b.engine.scripts["p001"] = []error{failure(engine.BadPicture, 0)}
			o := options(2)
			o.Fallback = way
			id := b.start(o, pictures(3)...)
			got, images := b.wait(id, time.Minute)
			m := images["p000"]
			if way != batch.FallbackAlways {
				if m.Status != batch.Failed || b.offline.callsOf("p000") != 0 {
					t.Fatalf("%s: the image is %s after %d offline calls", way, m.Status, b.offline.callsOf("p000"))
				}
				if _, err := b.service.RetryWith(t.Context(), id, []int{m.N}, batch.With{Engine: "offline"}); err != nil { // a person asks for it
					t.Fatal(err)
				}
				got, images = b.wait(id, time.Minute)
				m = images["p000"]
			}
			if got.Status != batch.Completed || m.Status != batch.Completed || m.Engine != "offline" || m.Last().Engine != "offline" || len(m.Attempts) != 2 {
				t.Errorf("%s: the image is %s by %q: %+v", way, m.Status, m.Engine, m.Attempts)
			}
			if last := images["p001"]; last.Status != batch.Failed || b.engine.callsOf("p001") != 1 {
				t.Errorf("%s: an image that nobody can read is %s", way, last.Status)
			}
		})
	}
}

func TestAnImageThatWaitsIsReadAtItsTimeByTheNextProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		stop := b.process()
		b.engine.scripts["p000"] = []error{failure(engine.Busy, 90*time.Second)}
		began := time.Now()
		id := b.start(options(1), pictures(1)...)
		<-time.After(62 * time.Second)
		stop()
		b.world.Crash()
		defer b.process()()
		got, _ := b.wait(id, time.Hour)
		if took := time.Since(began); got.Status != batch.Completed || took > 95*time.Second {
			t.Errorf("it was to be read after 90 s; the batch ended as %s after %v", got.Status, took)
		}
	})
}

package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/danger"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
	"sheetlift/internal/table"
	"sheetlift/internal/worker"
)

// scripted is an engine that answers each image as its script says, by the picture's text.
type scripted struct {
	took time.Duration

	mu      sync.Mutex
	scripts map[string][]error // the results of a picture's attempts, in order; past the end: success
	calls   map[string]int
	models  map[int]string // the models requested, by the number of the attempt
	running int
	most    int
	before  func(ctx context.Context, picture string) error // the wait for capacity before a call
	enter   func(ctx context.Context, req engine.Request) (leave func(), err error)
	takes   func(picture string) time.Duration              // how long a call takes; nil: took
	opens   func(ctx context.Context, picture string) error // opens the answer, in a dangerous section; nil: nothing is opened
}

// forgetCalls forgets the calls of a process that was killed: they never return.
func (s *scripted) forgetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.most = 0, 0
}

// peak returns the largest number of calls at once since its last call.
func (s *scripted) peak() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.most
	s.most = s.running
	return n
}

func (s *scripted) Name() string { return "scripted" }

func (s *scripted) Asks(q engine.Question) string { return "scripted " + q.Model }

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
	took := s.took
	if s.takes != nil {
		took = s.takes(picture)
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.opens != nil {
		if err := danger.Do(ctx, func() error { return s.opens(ctx, picture) }); err != nil {
			return nil, err
		}
	}
	if errors.Is(outcome, errPanic) {
		panic("the engine met a picture it could not bear")
	}
	if outcome != nil {
		return nil, outcome
	}
	if picture == "empty" {
		return &engine.Reading{Model: "model-1"}, nil
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

// said collects the log of the processes of a bench.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// healthy fails the test when a warning or an error was logged.
func (b *bench) healthy() {
	b.t.Helper()
	for line := range strings.Lines(b.log.String()) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			b.t.Errorf("a healthy run logged %s", line)
		}
	}
}

// bench is the domain on a world in memory with a scripted engine.
type bench struct {
	t         *testing.T
	world     *batchtest.World
	service   *usecases.Services
	engine    *scripted
	keyed     engine.Engine // in place of engine, unless nil
	offline   *scripted     // nil for none
	log       said
	full      atomic.Bool        // whether the disk is full
	single    bool               // no other process reads the same batches
	reuse     time.Duration      // the maximum age of a reading that is used again
	marks     string             // the folder of the marks of opened pictures; "" for none
	slow      func() time.Time   // of the process that was started last
	beforePut func()             // called before a reading is put into the cache, unless nil
	progress  *progress.Progress // of the process that was started last
	redraw    func(batch.ID)     // called when a page is to show a batch in another way, unless nil
}

// newBench returns the parts of a process in virtual time. A test that lets hours pass is not parallel: virtual time
// advances only when all goroutines are blocked, and beside other tests each of those many moments waits for a processor
// (7 s became 163).
func newBench(t *testing.T) *bench {
	b := &bench{
		t: t, world: batchtest.NewWorld(),
		engine: &scripted{took: time.Second, scripts: map[string][]error{}, calls: map[string]int{}},
	}
	b.service = usecases.New(usecases.Ports{
		Repository: b.world, Queue: b.world, Pictures: b.world, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"scripted", "offline"},
		ReadingCache: b.world,
	}, usecases.Limits{MaxImages: 5000})
	return b
}

// process starts a runner, as one process does, and returns the function that stops it.
func (b *bench) process() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	log := slog.New(slog.NewTextHandler(&b.log, nil))
	progress := progress.New(b.world, log)
	ready := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { _ = progress.Run(ctx, b.world, ready) })
	<-ready
	engines := map[string]engine.Engine{"scripted": b.engine}
	if b.keyed != nil {
		engines["scripted"] = b.keyed
	}
	if b.offline != nil {
		engines["offline"] = b.offline
	}
	guard := danger.New(log)
	if b.marks != "" {
		var err error
		if guard, err = danger.Open(b.marks, log); err != nil {
			b.t.Fatal(err)
		}
	}
	r := worker.New(worker.Deps{
		Danger:  guard,
		Batches: b.service.Batches, Runs: b.service.Run, Progress: progress, Repository: b.world, Queue: b.world, Pictures: b.world, Changes: b.world,
		Cutter: imaging.New(imaging.Limits{}), Engines: engines, Offline: "offline", Slots: 72, Grace: 20 * time.Second, Log: log,
		ReadingCache: slowCache{b.world, b.beforePut}, Reuse: b.reuse,
		Crowded: func(bool) bool { return b.full.Load() }, Redraw: b.redraw, Shared: !b.single,
	})
	b.slow, b.progress = r.Slow, progress
	all.Go(func() { _ = r.Run(ctx) })
	return sync.OnceFunc(func() { cancel(); all.Wait(); _ = guard.Close() })
}

// kill ends a process as SIGKILL does: it stores nothing more, and its marks stay as they were.
func (b *bench) kill(stop func()) {
	b.t.Helper()
	file := filepath.Join(b.marks, "1")
	marks, err := os.ReadFile(file)
	if err != nil {
		b.t.Fatal(err)
	}
	b.world.Fail(func(string) error { return errs.New(errs.Unavailable, "The machine is dead.") })
	stop()
	b.world.Fail(nil)
	b.world.Crash()
	if err := os.WriteFile(file, marks, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// slowCache is a cache of readings that calls a function of the test before each reading is stored.
type slowCache struct {
	batch.ReadingCache
	beforePut func()
}

func (h slowCache) PutReading(ctx context.Context, question string, r *batch.Reading) error {
	if h.beforePut != nil {
		h.beforePut()
	}
	return h.ReadingCache.PutReading(ctx, question, r)
}

func (b *bench) start(o batch.Options, pictures ...string) batch.ID {
	b.t.Helper()
	id := b.draft(o, pictures...)
	if _, err := b.service.Run.Start(b.t.Context(), id); err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *bench) draft(o batch.Options, pictures ...string) batch.ID {
	b.t.Helper()
	d, err := b.service.Draft.Create(b.t.Context(), draft.NewBatch{Options: &o})
	if err != nil {
		b.t.Fatal(err)
	}
	for i, p := range pictures {
		if i > 100 { // every upload compares with the images before it; more uploads would dominate the test's time
			b.put(d.ID, i+1, p)
			continue
		}
		_, err := b.service.Draft.AddImages(b.t.Context(), d.ID, draft.Upload{
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
		got, err := b.service.Batches.Batch(b.t.Context(), id)
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
	images, err := b.service.Batches.Images(b.t.Context(), id)
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

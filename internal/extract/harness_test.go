package extract_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/engine"
	"sheetlift/internal/extract"
	"sheetlift/internal/table"
)

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

func (s *scripted) Asks(_ table.Table, model string) string { return "scripted " + model }

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

// bench is the domain on a world in memory with a scripted engine.
type bench struct {
	t        *testing.T
	world    *batchtest.World
	service  *batch.Service
	engine   *scripted
	keyed    engine.Engine // in place of engine, unless nil
	offline  *scripted     // nil for none
	log      *bytes.Buffer
	full     atomic.Bool   // the disk
	reuse    time.Duration // how old a reading may be that is used again
	remember func()        // called before a reading is remembered, unless nil
}

// newBench is the parts of a process in virtual time. A test that lets hours pass is not parallel: time goes on only when
// everything stands still, and beside others each of those many moments waits for a processor (7 s became 163).
func newBench(t *testing.T) *bench {
	b := &bench{
		t: t, world: batchtest.NewWorld(), log: new(bytes.Buffer),
		engine: &scripted{took: time.Second, scripts: map[string][]error{}, calls: map[string]int{}},
	}
	b.service = batch.NewService(batch.Ports{
		Repository: b.world, Queue: b.world, Pictures: b.world, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"scripted", "offline"},
		Readings: b.world,
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
		Readings: held{b.world, b.remember}, Reuse: b.reuse,
		Crowded: func(bool) bool { return b.full.Load() },
	})
	all.Go(func() { _ = r.Run(ctx) })
	return sync.OnceFunc(func() { cancel(); all.Wait() })
}

// held is the memory of readings with somebody at its door.
type held struct {
	batch.Readings
	remember func()
}

func (h held) Remember(ctx context.Context, question string, r *batch.Reading) error {
	if h.remember != nil {
		h.remember()
	}
	return h.Readings.Remember(ctx, question, r)
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

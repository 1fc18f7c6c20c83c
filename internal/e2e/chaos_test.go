package e2e_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/sync/errgroup"

	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/fault"
	"sheetlift/internal/store"
	"sheetlift/internal/upkeep"
)

var (
	chaosKills  = flag.Int("kills", 50, "how often the chaos test kills the process")
	chaosImages = flag.Int("images", 200, "how many images it has read at the least")
	chaosSeed   = flag.Uint64("seed", 0, "of the chaos test; 0 draws one")
)

const (
	chaosSlots = 8
	chaosTries = 6 // how often a crash point is aimed at before it counts as one that is never passed
	aim        = 15 * time.Second
	stuck      = time.Minute // with no answer after a start
)

// crashing is the real program, built once for all tests so that it can be told where to die; nothing else in it differs. It
// is built with the flags of the tests, so that both share the compiled packages. TestMain removes it.
var crashing = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sheetlift-crashing-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "sheetlift")
	if out, err := exec.Command("go", "build", "-tags", "crashpoints", "-o", bin, "sheetlift/cmd/sheetlift").CombinedOutput(); err != nil {
		return bin, fmt.Errorf("%w: %s", err, out)
	}
	return bin, nil
})

// crashed is set once crashing was asked for.
var crashed atomic.Bool

func crashProgram(t *testing.T) string {
	t.Helper()
	crashed.Store(true)
	bin, err := crashing()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// chaos is one run: a process that is killed again and again, its clients, and the outcome.
type chaos struct {
	bin, data, url string
	environ        []string
	gemini         *simulator.Server
	http           *http.Client
	log            *ackLog
	out            *logBuffer // the output of the process, over all restarts
	rng            *rand.Rand
	size           int             // images in a batch
	whole          context.Context // of the test; a process lives no longer

	aimed   atomic.Pointer[fault.Point] // where the process that runs is told to die
	newest  atomic.Pointer[string]
	sheets  atomic.Int64
	retries atomic.Int64
	presses atomic.Int64
	killed  atomic.Bool // all kills are done

	mu    sync.Mutex
	tasks []*task

	// Of the killer alone:
	kills   int
	at      map[fault.Point]int
	ready   []time.Duration
	lives   []life
	lost    int // images that no workbook has
	left    int // leftovers that checks between the kills found, harmless
	checked int

	rowsWanted, rowsThere int
}

// life is how long one process lived, from its start to its end.
type life struct{ from, to time.Time }

// enough reports whether people may go home.
func (c *chaos) enough() bool { return c.killed.Load() && c.sheets.Load() >= int64(*chaosImages) }

// TestNothingIsLostWhenTheProcessIsKilledAgainAndAgain has people upload, name, start and retry while the process is
// killed at every crash point and at random moments and Gemini fails three calls in ten.
func TestNothingIsLostWhenTheProcessIsKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	expectWarnings(t, killed, outage, impostor, poison, crashOrder, keysOfOneProject)
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	t.Logf("repeat it with -seed %d", seed)
	c := newChaos(t, seed)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute+time.Duration(*chaosKills)*8*time.Second)
	defer cancel()
	c.whole = ctx
	g, gctx := errgroup.WithContext(ctx)
	for n := range 4 {
		g.Go(func() error { return (&person{chaos: c, n: n}).work(gctx) })
	}
	watching, stopWatching := context.WithCancel(gctx)
	var viewers sync.WaitGroup
	var events [2]atomic.Int64
	for i := range events {
		viewers.Go(func() { c.watch(watching, &events[i]) })
	}
	last, err := c.rampage(gctx)
	if err != nil {
		cancel()
		stopWatching()
		_ = g.Wait()
		viewers.Wait()
		t.Fatalf("%v\n%s", err, tail(c.out))
	}
	err = g.Wait()
	stopWatching()
	viewers.Wait()
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(c.out))
	}
	c.verify(t, last)
	for i := range events {
		if events[i].Load() == 0 {
			t.Errorf("viewer %d saw nothing", i+1)
		}
	}
	c.report(t, seed, events[0].Load()+events[1].Load())
}

func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	c := &chaos{
		bin: crashProgram(t), data: filepath.Join(t.TempDir(), "data"), size: 8, at: map[fault.Point]int{}, out: watchedLog(t),
		rng: rand.New(rand.NewPCG(seed, 1)),
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	t.Cleanup(c.http.CloseIdleConnections)
	address := freeAddress(t)
	c.url = "http://" + address
	var o simulator.Options
	o.Seed = seed
	for i := range 12 {
		key := simulator.Key{Value: fmt.Sprintf("%s-%d", canary, i+1), Label: fmt.Sprintf("key %d", i+1),
			Latency: 40 * time.Millisecond, Jitter: 0.8, Failing: 0.3, Failure: mishap(simulator.HangAnswer())}
		o.Keys = append(o.Keys, key)
		c.environ = append(c.environ, fmt.Sprintf("GEMINI_API_KEY_%d=%s", i+1, key.Value))
	}
	c.gemini = simulator.Start(t, o)
	c.environ = append(c.environ, "PATH="+os.Getenv("PATH"), "SHEETLIFT_ENGINE=gemini", "GEMINI_BASE_URL="+c.gemini.URL,
		"SHEETLIFT_ADDR="+address, "SHEETLIFT_DATA="+c.data, fmt.Sprintf("SHEETLIFT_SLOTS=%d", chaosSlots), "SHEETLIFT_GRACE=1s")
	f, err := os.Create(filepath.Join(t.TempDir(), "acknowledged"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	c.log = &ackLog{f: f}
	return c
}

// mishap returns an answer that gives each call one of several faults of the service.
func mishap(hang simulator.Answer) *simulator.Answer {
	a := simulator.OneOf(
		simulator.PayloadAnswer("503-overloaded"), simulator.PayloadAnswer("500-internal"), simulator.PayloadAnswer("504-deadline-exceeded"),
		simulator.RefusedAnswer(1000, time.Second), simulator.ResetAnswer(), simulator.HalfAnswer(), hang,
		simulator.PayloadAnswer("200-stop-but-broken-json"), simulator.PayloadAnswer("200-truncated-body"), simulator.RawAnswer(http.StatusOK, "application/json", "null"),
		simulator.PayloadAnswer("200-prompt-blocked"),
	)
	return &a
}

// calm replaces the fault that hangs by one of two seconds: only the time limit of a call would end a hanging call, after
// two minutes.
func (c *chaos) calm() {
	for i := range 12 {
		value := fmt.Sprintf("%s-%d", canary, i+1)
		c.gemini.SetKey(simulator.Key{Value: value, Label: fmt.Sprintf("key %d", i+1), Latency: 40 * time.Millisecond, Jitter: 0.8,
			Failing: 0.3, Failure: mishap(simulator.SlowAnswer(2*time.Second, simulator.ResetAnswer()))})
	}
}

// rampage kills the process until it was killed often enough, and returns one that lives on.
func (c *chaos) rampage(ctx context.Context) (*victim, error) {
	aims := map[fault.Point]int{}
	var points []fault.Point
	for len(points) < *chaosKills/2 {
		points = append(points, fault.Points...)
	}
	c.rng.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	for c.kills < *chaosKills || len(points) > 0 {
		var point fault.Point
		if len(points) > 0 && (c.kills%2 == 0 || c.kills >= *chaosKills) {
			point, points = points[0], points[1:]
		}
		c.aimed.Store(&point)
		if point == fault.UnitBack {
			hang := simulator.HangAnswer()
			c.gemini.SetOutage(&hang)
		}
		v, err := c.start(ctx, point)
		if err != nil {
			return nil, err
		}
		if hit := c.end(ctx, v, point); point != "" && !hit {
			if aims[point]++; aims[point] >= chaosTries && c.at[point] == 0 {
				return nil, fmt.Errorf("the crash point %q was never passed", point)
			}
			if c.at[point] == 0 {
				points = append(points, point)
			}
		}
		if c.kills%10 == 0 {
			if err := c.inspect(ctx); err != nil {
				return nil, err
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	c.aimed.Store(nil)
	c.calm()
	v, err := c.start(ctx, "")
	c.killed.Store(true)
	return v, err
}

// victim is a running process; gone is closed when it is no more.
type victim struct {
	*exec.Cmd
	gone chan struct{}
}

// start starts the program, told to die at the point, and waits until it answers.
func (c *chaos) start(ctx context.Context, point fault.Point) (*victim, error) {
	cmd := exec.CommandContext(c.whole, c.bin, "serve")
	cmd.Dir = filepath.Dir(c.data)
	cmd.Env = c.environ
	if point != "" {
		cmd.Env = append(slices.Clone(c.environ), fmt.Sprintf("SHEETLIFT_CRASH=%s:%d", point, c.times(point)))
	}
	cmd.Stdout, cmd.Stderr = c.out, c.out
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	v := &victim{cmd, make(chan struct{})}
	go func() { _ = cmd.Wait(); close(v.gone) }() // ends with the process, which ends with ctx
	c.lives = append(c.lives, life{from: begun})
	for {
		if time.Since(begun) > stuck {
			_ = cmd.Process.Signal(syscall.SIGQUIT) // it says where it hangs
			<-v.gone
			return nil, fmt.Errorf("the program did not answer %v after its start", stuck)
		}
		patience, cancel := context.WithTimeout(ctx, time.Second)
		code, _, err := c.once(patience, c.fetch("/health"))
		cancel()
		if err == nil && code == http.StatusOK {
			c.ready = append(c.ready, time.Since(begun))
			return v, nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-v.gone:
			return v, nil // it died on the way, as it was told
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// times is how often a point is passed before the process dies there; of those that every image passes, not the first.
func (c *chaos) times(p fault.Point) int {
	if slices.Contains([]fault.Point{fault.PictureHalf, fault.PictureStored, fault.ImageCreated, fault.ImageKept, fault.ImageRenamed,
		fault.WorkAdded, fault.ImageTaken, fault.TryBegun, fault.TryRead, fault.TryKept, fault.UnitDone}, p) {
		return 1 + c.rng.IntN(3)
	}
	return 1
}

// end waits for the death that was ordered, or kills at a random moment; it reports whether the process died at the
// point.
func (c *chaos) end(ctx context.Context, v *victim, point fault.Point) (hit bool) {
	wait := time.Duration(30+c.rng.IntN(600)) * time.Millisecond
	if point != "" {
		wait = aim
	}
	if point == fault.UnitBack { // work is given back when the program is asked to stop and a call does not end
		for begun := time.Now(); c.calling() == 0 && time.Since(begun) < aim && pause(ctx, 5*time.Millisecond) == nil; {
		}
		_ = v.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-v.gone:
		hit = point != ""
	case <-time.After(wait):
		_ = v.Process.Kill()
	}
	<-v.gone
	c.gemini.SetOutage(nil)
	c.lives[len(c.lives)-1].to = time.Now()
	status, _ := v.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGKILL {
		return false // it ended in peace
	}
	c.kills++
	if hit {
		c.at[point]++
	}
	return hit
}

// calling is how many calls to Gemini are running.
func (c *chaos) calling() (n int) {
	for label := range c.gemini.Stats() {
		n += c.gemini.InFlight(label)
	}
	return n
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// inspect checks the folder of a process that was just killed: leftovers are natural, anything broken is not.
func (c *chaos) inspect(ctx context.Context) error {
	s, err := store.Open(ctx, store.Config{Dir: c.data, MinFree: -1})
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := upkeep.Check(ctx, c.deps(s), upkeep.Options{All: true})
	if err != nil {
		return err
	}
	c.checked++
	c.left += r.Count(upkeep.Orphan) + r.Count(upkeep.Stuck)
	if r.Count(upkeep.Corrupt) > 0 {
		return fmt.Errorf("after kill %d: %v", c.kills, r.Findings)
	}
	return nil
}

func (c *chaos) deps(s *store.Store) upkeep.Deps {
	services := usecases.New(usecases.Ports{Repository: s, Queue: s.Queue(), Pictures: s}, usecases.Limits{MaxImages: 1000})
	return upkeep.Deps{Runs: services.Run, Retention: services.Retention, Repository: s, Pictures: s, Inventory: s.Inventory()}
}

// verify compares every workbook with the acknowledgements, stops the program, and checks the data folder.
func (c *chaos) verify(t *testing.T, last *victim) {
	t.Helper()
	acknowledged, err := os.ReadFile(c.log.f.Name())
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(acknowledged, []byte("\n")); n != c.images() {
		t.Errorf("%d images were acknowledged, %d are in batches that were read", n, c.images())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, task := range c.tasks {
		var want [][]string
		for i, sheet := range task.sheets {
			for _, r := range simulator.Rows(sheet) {
				want = append(want, append([]string{task.names[i]}, r...))
			}
		}
		body, err := c.knock(ctx, c.fetch("/batches/"+task.id+"/workbook.xlsx"), http.StatusOK)
		if err != nil {
			t.Fatalf("the workbook of batch %s: %v\n%s", task.id, err, tail(c.out))
		}
		book, err := excelize.OpenReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		checkRows(t, book, want)
		c.count(t, book, task, len(want))
		_ = book.Close()
	}
	_ = last.Process.Signal(syscall.SIGTERM)
	<-last.gone
	if !last.ProcessState.Success() {
		t.Errorf("the last process ended with %v", last.ProcessState)
	}
	s, err := store.Open(t.Context(), store.Config{Dir: c.data, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := upkeep.Check(t.Context(), c.deps(s), upkeep.Options{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		t.Errorf("in the end: %v", f)
	}
	if extra := c.extra(); extra > c.kills*chaosSlots {
		t.Errorf("%d images were read twice, more than kills × images in hand = %d", extra, c.kills*chaosSlots)
	}
	if slowest := slices.Max(c.ready); slowest > 2*time.Second {
		t.Logf("a start took %v", slowest) // told, not judged: tests do not measure
	}
	if strings.Contains(c.out.String(), canary) || strings.Contains(c.out.String(), "panic") {
		t.Errorf("a key or a panic stands in the log: %s", tail(c.out))
	}
}

// count adds the missing images and the rows of a workbook to the figures of the report.
func (c *chaos) count(t *testing.T, book *excelize.File, task *task, want int) {
	t.Helper()
	rows, err := book.GetRows("All rows")
	if err != nil || len(rows) == 0 {
		t.Fatalf("a workbook without rows: %v", err)
	}
	named := map[string]bool{}
	for _, row := range rows[1:] {
		named[row[0]] = true
	}
	for _, name := range task.names {
		if !named[name] {
			c.lost++
		}
	}
	c.rowsWanted, c.rowsThere = c.rowsWanted+want, c.rowsThere+len(rows)-1
}

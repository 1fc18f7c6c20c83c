package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/keypool/keypooltest"
)

var (
	makespanRow  = flag.String("makespan", "", "the beginning of the names of the only rows that BenchmarkMakespans runs; empty runs all")
	makespanRuns = flag.Int("runs", 3, "how often BenchmarkMakespans runs each row")
)

// makespan is the result of one run of a scenario.
type makespan struct {
	took    time.Duration
	calls   int
	doubles float64
	machine float64 // share of the ideal that plain workers reached in the same seconds
}

// BenchmarkMakespans reads whole batches through the program and a simulated Gemini under the scenarios of keypooltest, from
// Start to the end of the batch, and prints the median beside the bound of an offline scheduler that knows every fault in
// advance, and the share that plain workers reached on this machine in the same seconds. Every run checks that each row of each picture is in the workbook once.
func BenchmarkMakespans(b *testing.B) {
	if b.N > 1 {
		b.Skip("once is enough")
	}
	expectWarnings(b, keyRefused, outage, keysOfOneProject)
	drafts := newDrafts(b)
	table := tabwriter.NewWriter(os.Stdout, 8, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nSCENARIO\tBOUND\tMEDIAN\tOF BOUND\tMACHINE\tMUST\tRUNS\tCALLS\tNEEDED\tDOUBLES")
	for _, s := range keypooltest.Scenarios() {
		if !strings.HasPrefix(s.Name, *makespanRow) {
			continue
		}
		var runs []makespan
		for range *makespanRuns {
			runs = append(runs, drafts.run(b, s))
		}
		slices.SortFunc(runs, func(x, y makespan) int { return int(x.took - y.took) })
		report(b, table, s, runs)
		if err := table.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}

func report(b *testing.B, table io.Writer, s keypooltest.Scenario, runs []makespan) {
	b.Helper()
	m := runs[len(runs)/2]
	reached := s.Bound().Seconds() / m.took.Seconds()
	must, all := "-", []string{}
	if s.Must > 0 {
		must = fmt.Sprintf("%.0f %%", 100*s.Must)
		if reached < s.Must*m.machine {
			must += " MISSED"
			b.Errorf("%s: %.1f %% of the bound, want %s", s.Name, 100*reached, must)
		}
	}
	for _, r := range runs {
		all = append(all, fmt.Sprintf("%.2f", r.took.Seconds()))
	}
	fmt.Fprintf(table, "%s\t%.2f s\t%.2f s\t%.1f %%\t%.1f %%\t%s\t%s\t%d\t%d\t%.0f\n", s.Name, s.Bound().Seconds(), m.took.Seconds(), 100*reached,
		100*m.machine, must, strings.Join(all, " "), m.calls, s.Calls(), m.doubles)
}

// drafts is a data folder with a draft of each size, which every run copies, so that each begins with cold keys.
type drafts struct {
	dir string
	ids map[int]string // by number of pictures
}

// earlier are the pictures of the batch that is read before a restart, where the keys are to be remembered.
const earlier = 100

func newDrafts(b *testing.B) *drafts {
	b.Helper()
	d := &drafts{filepath.Join(b.TempDir(), "drafts"), map[int]string{}}
	_, environ := fake(b, 1, 0)
	p := run(b, append(environ, "SHEETLIFT_DATA="+d.dir)...)
	for _, s := range keypooltest.Scenarios() {
		if strings.HasPrefix(s.Name, *makespanRow) && d.ids[s.Images] == "" {
			d.ids[s.Images] = p.draft(b, sheets(s.Images))
		}
		if strings.HasPrefix(s.Name, *makespanRow) && s.Remembered && d.ids[earlier] == "" {
			d.ids[earlier] = p.draft(b, sheets(earlier))
		}
	}
	p.stop()
	return d
}

// run reads one batch.
func (d *drafts) run(b *testing.B, s keypooltest.Scenario) makespan {
	b.Helper()
	data := filepath.Join(b.TempDir(), "data")
	if err := os.CopyFS(data, os.DirFS(d.dir)); err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(data)
	if err := os.RemoveAll(filepath.Join(data, "marks")); err != nil { // its permissions are not copied; it is made anew
		b.Fatal(err)
	}
	gemini, environ := service(b, s)
	environ = append(environ, "SHEETLIFT_DATA="+data, "SHEETLIFT_REUSE=off")
	if s.Remembered {
		p := run(b, environ...)
		p.start(b, d.ids[earlier], s.AtOnce)
		p.ended(b, d.ids[earlier], 5*time.Minute)
		p.stop()
	}
	p := run(b, environ...)
	defer p.stop()
	before := len(gemini.Calls())
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	machine := control(b, s)
	begun := time.Now()
	breakDown(ctx, gemini, s)
	p.start(b, d.ids[s.Images], s.AtOnce)
	status := p.ended(b, d.ids[s.Images], 10*time.Minute)
	share := machine()
	if status["completed_images"] != float64(s.Images) {
		b.Fatalf("%s ended with %v", s.Name, status)
	}
	ended, err := time.Parse(time.RFC3339, status["completed_at"].(string))
	if err != nil {
		b.Fatal(err)
	}
	checkRows(b, p.workbook(b, d.ids[s.Images]), wantRows(s.Images))
	m := makespan{took: ended.Sub(begun), calls: len(gemini.Calls()) - before, machine: share}
	if peak := atOnce(gemini.Calls()[before:]); peak > s.AtOnce {
		b.Errorf("%s: %d calls at once", s.Name, peak)
	}
	m.doubles = p.figure(b, `sheetlift_doubles_total{result="won"}`) + p.figure(b, `sheetlift_doubles_total{result="lost"}`)
	return m
}

// atOnce returns the largest number of calls that ran at the same time.
func atOnce(calls []simulator.Call) int {
	type edge struct {
		at time.Time
		by int
	}
	var edges []edge
	for _, c := range calls {
		if c.Method == "generateContent" {
			edges = append(edges, edge{c.At, 1}, edge{c.At.Add(c.Took), -1})
		}
	}
	slices.SortFunc(edges, func(x, y edge) int { return x.at.Compare(y.at) })
	most, now := 0, 0
	for _, e := range edges {
		now += e.by
		most = max(most, now)
	}
	return most
}

// figure returns a figure of /metrics; 0 if it is not there.
func (p *process) figure(b *testing.B, name string) float64 {
	b.Helper()
	_, text, _ := p.fetch(b, "/metrics")
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			var n float64
			if _, err := fmt.Sscan(value, &n); err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// breakDown lets the service fail for the time of a scenario's outage.
func breakDown(ctx context.Context, gemini *simulator.Server, s keypooltest.Scenario) {
	if s.DownFor == 0 {
		return
	}
	down := simulator.SlowAnswer(50*time.Millisecond, simulator.PayloadAnswer("503-overloaded"))
	context.AfterFunc(ctx, func() { gemini.SetOutage(nil) })
	time.AfterFunc(s.Down, func() { gemini.SetOutage(&down) })
	time.AfterFunc(s.Down+s.DownFor, func() { gemini.SetOutage(nil) })
}

// service starts the Gemini of a scenario, and returns it with the variables that point to it.
func service(b *testing.B, s keypooltest.Scenario) (*simulator.Server, []string) {
	b.Helper()
	o := simulator.Options{Plan: func(sheet, attempt int) (*simulator.Answer, float64) {
		return answerOf(s.Fate(sheet, attempt)), s.Stretch(sheet, attempt)
	}}
	environ := []string{"SHEETLIFT_ENGINE=gemini"}
	invalid := simulator.PayloadAnswer("400-api-key-invalid")
	for i := 1; i <= keypooltest.Keys; i++ {
		k := simulator.Key{Value: fmt.Sprintf("%s-%d", canary, i), Label: fmt.Sprintf("key %d", i), Latency: s.Call, PerMinute: s.PerMinute}
		if i == 1 && s.Slow > 0 {
			k.Latency = s.Slow
		}
		if s.IsDead(i) {
			k.Always = &invalid
		}
		o.Keys = append(o.Keys, k)
		environ = append(environ, fmt.Sprintf("GEMINI_API_KEY_%d=%s", i, k.Value))
	}
	gemini := simulator.Start(b, o)
	return gemini, append(environ, "GEMINI_BASE_URL="+gemini.URL)
}

func answerOf(f keypooltest.Fate) *simulator.Answer {
	var a simulator.Answer
	switch f {
	case keypooltest.Good:
		return nil
	case keypooltest.Busy:
		a = simulator.PayloadAnswer("503-overloaded")
	case keypooltest.BadTable:
		a = simulator.TextAnswer("This is no table.")
	case keypooltest.Reset:
		a = simulator.ResetAnswer()
	case keypooltest.Broken:
		a = simulator.PayloadAnswer("500-internal")
	}
	return &a
}

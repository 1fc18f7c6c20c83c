package gemini

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/keypool"
)

// figures are the results of one run of a scenario.
type figures struct {
	good, ideal float64 // images
	perImage    float64 // calls for each good image
	lost        int
	facts       string   // further promises of the scenario, in numbers
	missed      []string // promises that were not kept
}

func (f *figures) must(kept bool, format string, args ...any) {
	if !kept {
		f.missed = append(f.missed, fmt.Sprintf(format, args...))
	}
}

// scenario is a row of the table. least is the share of the ideal that it must reach, most the calls for each good
// image (0: the scenario has random errors).
type scenario struct {
	name        string
	least, most float64
	run         func(b *testing.B, seed uint64) figures
}

// onlyRow makes the benchmark run one row of the table.
var onlyRow = flag.String("row", "", "the number of the only row that BenchmarkKeys runs; empty runs all")

// rowsOf lists the scenarios in the order of the table. Those of one group run concurrently: they hardly use the
// machine.
var rowsOf = [][]scenario{
	{{"1 all healthy, 120 s", 0.97, 1.03, healthy}},
	{{"2 two of six dead, 120 s", 0.97, 1.05, twoDead}},
	{{"4 20 % 503 everywhere, 120 s", 0.98, 0, stumbling}},
	{{"6 one key takes 10 s, 120 s", 0.96, 1.05, slowKey}},
	{{"5 30 s outage in 90 s", 0.90, 0, outage}},
	{{"9 bare 429 for 20 s in 60 s", 0, 0, bareStorm}},
	{{"10 100 bad pictures in 1,000", 1, 0, badPictures}},
	{{"12 keys come and go, 30 s", 0.90, 1.05, comeAndGo}},
	{{"13 10 images behind a large batch", 1, 1, smallBehindLarge}},
	{
		{"3 3 × 10 + 3 × 60 a minute, 180 s", 0.98, 1.05, learned},
		{"7 day used up on four of six, 90 s", 0.98, 1.05, dayUsedUp},
		{"8 six keys of one project, 240 s", 0.95, 1.05, oneProject},
		{"11 restart in the middle of 2 and 3", 0.95, 1.05, restarted},
	},
}

// BenchmarkKeys drives the real engine, SDK and pool against the simulated service with its real bodies: six keys,
// 24 images at once, about a second per call, each row three times concurrently. It prints the median beside the
// ideal, and the throughput of plain workers on this machine in the same seconds (see control).
func BenchmarkKeys(b *testing.B) {
	if b.N > 1 {
		b.Skip("once is enough")
	}
	table := tabwriter.NewWriter(os.Stdout, 12, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nSCENARIO\tIDEAL\tGOOD\tOF IDEAL\tMACHINE\tMUST\tCALLS/IMAGE\tLOST\tMORE")
	for _, group := range rowsOf {
		group = slices.DeleteFunc(slices.Clone(group), func(s scenario) bool {
			return *onlyRow != "" && !strings.HasPrefix(s.name, *onlyRow+" ")
		})
		if len(group) == 0 {
			continue
		}
		var all sync.WaitGroup
		runs := make([][]figures, len(group))
		for i, s := range group {
			runs[i] = make([]figures, 3)
			for k := range 3 {
				all.Go(func() { runs[i][k] = s.run(b, uint64(100*i+k+1)) })
			}
		}
		machine := control(b.Context(), b, 30*time.Second)
		all.Wait()
		for i, s := range group {
			report(b, table, s, runs[i], machine)
		}
		if err := table.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}

// report writes the median run, and fails for the promises that the median missed.
func report(b *testing.B, table *tabwriter.Writer, s scenario, runs []figures, machine float64) {
	b.Helper()
	slices.SortFunc(runs, func(x, y figures) int { return int(1e6 * (x.good/x.ideal - y.good/y.ideal)) })
	f := runs[len(runs)/2]
	f.must(f.good >= s.least*f.ideal*machine, "%.1f %% of ideal", 100*f.good/f.ideal)
	f.must(s.most == 0 || f.perImage <= s.most, "%.3f calls an image", f.perImage)
	for _, r := range runs {
		f.must(r.lost == 0, "%d images lost", r.lost)
	}
	must := "-"
	if s.least > 0 {
		must = fmt.Sprintf("%.0f %%", 100*s.least)
	}
	more := f.facts
	if len(f.missed) > 0 {
		more += " MISSED: " + strings.Join(f.missed, "; ")
		b.Errorf("%s: %s", s.name, strings.Join(f.missed, "; "))
	}
	fmt.Fprintf(table, "%s\t%.0f\t%.0f\t%.1f %%\t%.1f %%\t%s\t%.3f\t%d\t%s\n",
		s.name, f.ideal, f.good, 100*f.good/f.ideal, 100*machine, must, f.perImage, f.lost, more)
}

func (r *rig) figures(d *done, ideal float64) figures {
	return figures{
		good: float64(d.good), ideal: ideal, lost: d.lost,
		perImage: float64(r.calls("", "", 0, ever)) / float64(max(1, d.good)),
	}
}

// twoMinutes is long enough that the half-read pictures at the end do not matter.
const twoMinutes = 2 * time.Minute

func healthy(b *testing.B, seed uint64) figures {
	r := newRig(b, seed, nil, nil)
	f := r.figures(r.work(b.Context(), twoMinutes, job{workers: workers}), 2*1440)
	least, most := r.shares()
	f.facts = fmt.Sprintf("a key has %.1f to %.1f %%", 100*least, 100*most)
	f.must(least >= 1.0/6-0.05 && most <= 1.0/6+0.05, "%s", f.facts)
	return f
}

func twoDead(b *testing.B, seed uint64) figures {
	invalid, leaked := simulator.PayloadAnswer("400-api-key-invalid"), simulator.PayloadAnswer("403-leaked")
	r := newRig(b, seed, nil, func(i int, k *simulator.Key) {
		switch i {
		case 1:
			k.Always = &invalid
		case 2:
			k.Always = &leaked
		}
	})
	f := r.figures(r.work(b.Context(), twoMinutes, job{workers: workers}), 2*1440)
	most := max(r.calls("key 1", "", 0, ever), r.calls("key 2", "", 0, ever))
	late := r.calls("key 1", "", time.Second, ever) + r.calls("key 2", "", time.Second, ever)
	f.facts = fmt.Sprintf("≤ %d calls to a dead key, %d after the first second", most, late)
	f.must(late == 0 && most <= 5, "%s", f.facts)
	return f
}

func stumbling(b *testing.B, seed uint64) figures {
	busy := simulator.SlowAnswer(50*time.Millisecond, simulator.PayloadAnswer("503-overloaded"))
	r := newRig(b, seed, nil, func(_ int, k *simulator.Key) { k.Failing, k.Failure = 0.2, &busy })
	f := r.figures(r.work(b.Context(), twoMinutes, job{workers: workers}), 2*1415)
	f.must(r.states() == "", "left active: %s", r.states())
	f.facts = "no key left active"
	return f
}

func slowKey(b *testing.B, seed uint64) figures {
	r := newRig(b, seed, nil, func(i int, k *simulator.Key) {
		if i == 3 {
			k.Latency = 10 * time.Second
		}
	})
	f := r.figures(r.work(b.Context(), twoMinutes, job{workers: workers}), 2*1400)
	share := float64(r.calls("key 3", "", 0, ever)) / float64(r.calls("", "", 0, ever))
	f.facts = fmt.Sprintf("the slow key has %.2f %%", 100*share)
	f.must(share >= 0.005, "%s", f.facts)
	return f
}

// during makes answer the service's only one for a period, while the images of a job are read.
func (r *rig) duringFault(b *testing.B, from, to, d time.Duration, answer simulator.Answer) *done {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		for _, step := range []struct {
			at     time.Duration
			answer *simulator.Answer
		}{{from, &answer}, {to, nil}} {
			select {
			case <-time.After(time.Until(r.started.Add(step.at))):
				r.service.SetOutage(step.answer)
			case <-ctx.Done():
			}
		}
	})
	return r.work(ctx, d, job{workers: workers})
}

// firstAfter returns the time from an instant to the next image read.
func (r *rig) firstAfter(d *done, at time.Duration) time.Duration {
	first := ever
	for _, end := range d.ends {
		if late := end.Sub(r.started) - at; late >= 0 {
			first = min(first, late)
		}
	}
	return first
}

func outage(b *testing.B, seed uint64) figures {
	const from, to = 20 * time.Second, 50 * time.Second
	r := newRig(b, seed, nil, nil)
	d := r.duringFault(b, from, to, 90*time.Second, simulator.SlowAnswer(50*time.Millisecond, simulator.PayloadAnswer("503-overloaded")))
	f := r.figures(d, 24*60)
	all, open, first := r.calls("", "", from, to), r.calls("", "", from+2*time.Second, to), r.firstAfter(d, to)
	f.facts = fmt.Sprintf("%d calls in the outage, %d of them after its first 2 s; first image %.1f s after it", all, open, first.Seconds())
	f.must(all <= 60 && open <= 30 && first <= 3*time.Second, "%s", f.facts)
	return f
}

func bareStorm(b *testing.B, seed uint64) figures {
	const from, to = 10 * time.Second, 30 * time.Second
	r := newRig(b, seed, nil, nil)
	d := r.duringFault(b, from, to, time.Minute, simulator.PayloadAnswer("429-bare-resource-exhausted"))
	f := r.figures(d, 24*40)
	late, first := r.calls("", "", from+5*time.Second, to), r.firstAfter(d, to)
	f.facts = fmt.Sprintf("%d calls in its last 15 s; first image %.1f s after it", late, first.Seconds())
	// A key that met the storm five times may cool down for up to 32 s after it; a permanently quarantined key is a
	// fault.
	f.must(late < 15 && first <= 20*time.Second && !strings.Contains(r.states(), string(keypool.Quarantined)), "%s %s", f.facts, r.states())
	return f
}

func badPictures(b *testing.B, seed uint64) figures {
	r := newRig(b, seed, nil, nil)
	d := r.work(b.Context(), 5*time.Minute, job{workers: workers, images: 1000, bad: 10})
	f := r.figures(d, 900)
	wasted := r.calls("", "no sheet", 0, ever)
	f.facts = fmt.Sprintf("%d calls for %d bad pictures", wasted, d.refused)
	f.must(wasted == 100 && d.refused == 100 && d.good == 900, "%s", f.facts)
	for _, k := range r.pool.Status(time.Now()).Keys {
		f.must(k.Success > 0.99, "%s is blamed: %.2f", k.Label, k.Success)
	}
	return f
}

func comeAndGo(b *testing.B, seed uint64) figures {
	r := newRig(b, seed, nil, nil)
	r.service.SetKey(simulator.Key{Value: "value-new", Label: "new", Latency: call, Jitter: 0.1})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		select {
		case <-time.After(10 * time.Second):
		case <-ctx.Done():
			return
		}
		r.pool.Add(keypool.Key{Label: "new", Secret: keypool.NewSecret("value-new")})
		_ = r.pool.Disable("key 1")
		_ = r.pool.Remove("key 2")
	})
	f := r.figures(r.work(ctx, 30*time.Second, job{workers: workers}), 24*30)
	used := r.calls("new", "", 0, 11*time.Second+500*time.Millisecond)
	late := r.calls("key 1", "", 10500*time.Millisecond, ever) + r.calls("key 2", "", 10500*time.Millisecond, ever)
	f.facts = fmt.Sprintf("the new key was used %d times within a second, those that went %d times after", used, late)
	f.must(used > 0 && late == 0, "%s", f.facts)
	return f
}

func smallBehindLarge(b *testing.B, seed uint64) figures {
	small := job{batch: "small", workers: 5, images: 10}
	alone := newRig(b, seed, nil, nil)
	alone.work(b.Context(), time.Minute, small)
	solo := time.Since(alone.started)

	r := newRig(b, seed, nil, nil)
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	all.Go(func() { r.work(ctx, time.Hour, job{batch: "large", workers: 64, images: 10_000}) })
	<-time.After(5 * time.Second) // the large one is at full speed
	began := time.Now()
	d := r.work(b.Context(), time.Minute, small)
	took := time.Since(began)
	cancel()
	all.Wait()
	f := r.figures(d, 10)
	f.perImage = 1
	f.facts = fmt.Sprintf("%.1f s, alone %.1f s", took.Seconds(), solo.Seconds())
	f.must(took <= 2*solo, "%s", f.facts)
	return f
}

func learned(b *testing.B, seed uint64) figures {
	r := newRig(b, seed, nil, func(i int, k *simulator.Key) { k.PerMinute = map[bool]int{true: 10, false: 60}[i <= 3] })
	f := r.figures(r.work(b.Context(), 180*time.Second, job{workers: workers}), 3*3*70)
	most := 0
	for i := 1; i <= rigKeys; i++ {
		most = max(most, r.calls(fmt.Sprintf("key %d", i), "rpm", time.Minute, ever))
	}
	f.facts = fmt.Sprintf("≤ %d refusals a key once its limit is known", most)
	f.must(most <= 2, "%s", f.facts)
	return f
}

func dayUsedUp(b *testing.B, seed uint64) figures {
	gone := simulator.PayloadAnswer("429-per-day-free-limit20")
	r := newRig(b, seed, nil, func(i int, k *simulator.Key) {
		if k.PerMinute = 60; i <= 4 {
			k.Always = &gone
		}
	})
	f := r.figures(r.work(b.Context(), 90*time.Second, job{workers: workers}), 240)
	most := 0
	for i := 1; i <= 4; i++ {
		most = max(most, r.calls(fmt.Sprintf("key %d", i), "", time.Second, ever))
	}
	f.facts = fmt.Sprintf("≤ %d calls a key after the first second", most)
	f.must(most <= 2, "%s", f.facts)
	return f
}

func oneProject(b *testing.B, seed uint64) figures {
	r := newRig(b, seed, nil, func(_ int, k *simulator.Key) { k.Project, k.PerMinute = "shop", 60 })
	f := r.figures(r.work(b.Context(), 240*time.Second, job{workers: workers}), 240)
	most := 0
	for i := 1; i <= rigKeys; i++ {
		for minute := 2 * time.Minute; minute < 4*time.Minute; minute += time.Minute {
			most = max(most, r.calls(fmt.Sprintf("key %d", i), "rpm", minute, minute+time.Minute))
		}
	}
	grouped := 0
	for _, k := range r.pool.Status(time.Now()).Keys {
		grouped = max(grouped, len(k.SharesQuota)+1)
	}
	f.facts = fmt.Sprintf("%d keys found to be one project; ≤ %d refusals a key and minute after two", grouped, most)
	f.must(grouped == rigKeys && most <= 1, "%s", f.facts)
	return f
}

func restarted(b *testing.B, seed uint64) figures {
	dead := simulator.PayloadAnswer("403-leaked")
	kept := &shelf{docs: map[string][]byte{}}
	r := newRig(b, seed, kept, func(i int, k *simulator.Key) {
		if k.PerMinute = 30; i <= 2 {
			k.Always = &dead
		}
	})
	first := r.life(b, 70*time.Second)
	r.restart(b, seed+50, kept)
	second := r.life(b, 65*time.Second)
	// From the restart on: the rest of the second minute, and the third.
	refused, again := r.calls("", "rpm", 0, ever), r.calls("key 1", "", 0, ever)+r.calls("key 2", "", 0, ever)
	f := r.figures(&done{good: first.good + second.good, lost: first.lost + second.lost}, 4*30*3)
	f.perImage = float64(len(r.service.Calls())) / f.good
	f.facts = fmt.Sprintf("after it %d refusals, %d calls to dead keys", refused, again)
	f.must(refused <= 3 && again == 0, "%s", f.facts)
	return f
}

// life runs the pool with its memory while images are read.
func (r *rig) life(b *testing.B, d time.Duration) *done {
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.pool.Run(ctx) }()
	result := r.work(b.Context(), d, job{workers: workers})
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	return result
}

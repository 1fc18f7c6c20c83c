package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/chromedp/chromedp"
)

// BenchmarkLive measures how soon open pages show the changes of a batch of 500 images. It runs the real program on a data
// folder that is synced before each acknowledgement, and prints each figure beside its target.
func BenchmarkLive(b *testing.B) {
	if b.N > 1 {
		b.Skip("once is enough")
	}
	c := newCrowd(b, 500)
	t := &targets{b: b, table: tabwriter.NewWriter(os.Stdout, 12, 0, 2, ' ', 0)}
	fmt.Fprintln(t.table, "\nWHAT\tMUST\tIS\t")
	c.weigh(b, t)
	c.press(b, t)
	c.follow(b, t)
	c.gather(b, t)
	if err := t.table.Flush(); err != nil {
		b.Fatal(err)
	}
}

// targets prints the table of the figures and their targets.
type targets struct {
	b     *testing.B
	table *tabwriter.Writer
}

// most is a figure that must not be above its target; 0: there is none.
func (t *targets) most(what string, is, must float64, unit string) {
	missed, target := "", "-"
	if must > 0 {
		target = fmt.Sprintf("≤ %.4g %s", must, unit)
		if is > must {
			missed = "MISSED"
			t.b.Errorf("%s: %.4g %s, must be at most %.4g", what, is, unit, must)
		}
	}
	fmt.Fprintf(t.table, "%s\t%s\t%.4g %s\t%s\n", what, target, is, unit, missed)
}

func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(data), " ")
	return one
}

// collector notes in the page which mark each row shows, and when that was painted, and the long tasks.
const collector = `(() => {
	window.shown = []; window.long = [];
	new PerformanceObserver((list) => { for (const e of list.getEntries()) long.push([performance.timeOrigin + e.startTime, e.duration]); }).observe({ type: "longtask" });
	const rows = new Set(), painted = new MessageChannel();
	let due = false;
	painted.port1.onmessage = () => {
		due = false;
		const at = performance.timeOrigin + performance.now();
		for (const row of rows) {
			const mark = /@(\d{16})/.exec(row.querySelector(".c-note")?.textContent ?? "");
			if (mark) shown.push([Number(row.id.slice(4)), Number(mark[1]), at]);
		}
		rows.clear();
	};
	new MutationObserver((list) => {
		for (const m of list) {
			const row = (m.target.nodeType === 1 ? m.target : m.target.parentElement)?.closest("tr");
			if (row) rows.add(row);
		}
		if (!due) { due = true; requestAnimationFrame(() => painted.port2.postMessage(0)); }
	}).observe(document.querySelector("#rows"), { subtree: true, childList: true, characterData: true, attributes: true });
})()`

// allShown is the condition that each row has shown its last change.
func allShown(changes []made) string {
	last := map[int]int64{}
	for _, m := range changes {
		last[m.n] = max(last[m.n], m.at)
	}
	var want [][2]int64
	for n, at := range last {
		want = append(want, [2]int64{int64(n), at})
	}
	list, _ := json.Marshal(want) // numbers always can be
	return fmt.Sprintf("(() => { const last = new Map(shown.map(([n, mark]) => [n, mark])); return %s.every(([n, at]) => last.get(n) >= at); })()", list)
}

// follow measures how long each of 1,000 changes a second takes to be painted by one page.
func (c *crowd) follow(b *testing.B, t *targets) {
	b.Helper()
	page := browser(b)
	page.do(chromedp.Navigate(c.p.url + "/batches/" + string(c.id)))
	page.until("document.querySelectorAll('#rows tr').length == 500")
	c.stuck(b)
	c.change(b, 500, 2*time.Second)
	page.do(chromedp.Evaluate[chromedp.Void](collector))
	const warm, during = time.Second, 4 * time.Second
	begun := time.Now()
	changes := c.change(b, 1000, warm+during)
	took := time.Since(begun)
	page.until(allShown(changes))
	var shown [][3]float64
	var long [][2]float64
	for into, js := range map[any]string{&shown: "JSON.stringify(shown)", &long: "JSON.stringify(long)"} {
		text, err := chromedp.Run(page.ctx, chromedp.Evaluate[string](js))
		if err == nil {
			err = json.Unmarshal([]byte(text), into)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	byRow := map[int][][3]float64{}
	for _, s := range shown {
		byRow[int(s[0])] = append(byRow[int(s[0])], s)
	}
	from := begun.Add(warm).UnixMicro()
	var delays []time.Duration
	for _, m := range changes {
		if m.at < from {
			continue
		}
		for _, s := range byRow[m.n] { // the first that shows this state of the row or a later one
			if int64(s[1]) >= m.at {
				delays = append(delays, time.Duration(s[2]*1000-float64(m.at))*time.Microsecond)
				break
			}
		}
	}
	page.end()
	busy := 0.0
	for _, l := range long {
		if l[0] >= float64(from)/1000 && l[0] < float64(from)/1000+during.Seconds()*1000 {
			busy += l[1]
		}
	}
	fmt.Fprintf(t.table, "one page, 500 rows (load %s)\t\t\t\n", load())
	t.most("  changes a second", float64(len(changes))/took.Seconds(), 0, "")
	t.most("  change to paint, half", ms(quantile(delays, .5)), 0, "ms")
	t.most("  change to paint, 99 %", ms(quantile(delays, .99)), 300, "ms")
	t.most("  long tasks in 4 s", busy/1000, 1.5, "s")
	t.most("  changes never shown", float64(len(changes))*during.Seconds()/(warm+during).Seconds()-float64(len(delays)), 0, "")
}

// weigh measures the bytes of each page on the network without its pictures, and the time to the first paint of the batch.
func (c *crowd) weigh(b *testing.B, t *targets) {
	b.Helper()
	fmt.Fprintf(t.table, "pages, each in a browser that has seen nothing before (load %s)\t\t\t\n", load())
	batch := "/batches/" + string(c.id)
	draft := "/batches/" + c.p.draft(b, sheets(3))
	const weight = `performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
		.filter((e) => !/thumb|picture|events|notes/.test(e.name)).reduce((sum, e) => sum + e.encodedBodySize, 0) / 1024`
	for _, path := range []string{"/", "/keys", draft + "?step=pictures", draft + "?step=names", draft + "?step=columns", batch, batch + "/rows", batch + "/images/1", "/nothing-here"} {
		page := browser(b)
		page.do(chromedp.Navigate(c.p.url + path))
		page.until("document.readyState == 'complete' && performance.getEntriesByName('first-contentful-paint').length > 0")
		kb, err := chromedp.Run(page.ctx, chromedp.Evaluate[float64](weight))
		if err != nil {
			b.Fatal(err)
		}
		t.most("  "+strings.NewReplacer(string(c.id), "…", strings.TrimPrefix(draft, "/batches/"), "…").Replace(path), kb, 120, "KB")
		page.forgive("404")
		page.end()
	}
	fmt.Fprintf(t.table, "first paints, each in a browser that has seen nothing before (load %s)\t\t\t\n", load())
	plain, whole, starting := c.paints(b, "/nothing-here", rests), c.paints(b, batch, rests), c.paints(b, batch, func(*testing.B) {})
	t.most("  of a page without anything, half", ms(quantile(plain, .5)), 0, "ms")
	t.most("  of 500 images, half", ms(quantile(whole, .5)), 300, "ms")
	t.most("  of 500 images, best", ms(quantile(whole, 0)), 0, "ms")
	t.most("  of 500 images, worst", ms(quantile(whole, 1)), 0, "ms")
	t.most("  of 500 images while the browser still starts, half", ms(quantile(starting, .5)), 0, "ms")
}

// rests waits until the machine is nearly idle for a tenth of a second. A browser that was just started keeps two cores busy
// for up to a second, and would dominate the time that a page takes meanwhile.
func rests(b *testing.B) {
	b.Helper()
	for range 100 {
		idle, all := idleSince(b, time.Tick(100*time.Millisecond))
		if idle > .93*all {
			return
		}
	}
	b.Fatal("the machine did not come to rest in ten seconds; what is measured on it now says nothing about pages")
}

// idleSince is how much time the cores had until a tick, and how much of it they were idle, in the kernel's units.
func idleSince(b *testing.B, tick <-chan time.Time) (idle, all float64) {
	b.Helper()
	look := func(sign float64) {
		data, err := os.ReadFile("/proc/stat")
		if err != nil {
			b.Fatal(err)
		}
		cores, _, _ := strings.Cut(string(data), "\n")
		for i, text := range strings.Fields(cores)[1:] {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				b.Fatal(err)
			}
			all += sign * n
			if i == 3 || i == 4 { // idle, and idle while something waits for the disk
				idle += sign * n
			}
		}
	}
	look(-1)
	<-tick
	look(1)
	return idle, all
}

// paints is when the first paint of a page comes, nine times, each in a browser of its own.
func (c *crowd) paints(b *testing.B, path string, ready func(*testing.B)) []time.Duration {
	b.Helper()
	var paints []time.Duration
	for range 9 {
		page := newBrowser(b)
		ready(b)
		page.do(chromedp.Navigate(c.p.url + path))
		page.until("performance.getEntriesByName('first-contentful-paint').length > 0")
		first, err := chromedp.Run(page.ctx, chromedp.Evaluate[float64]("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
		if err != nil {
			b.Fatal(err)
		}
		paints = append(paints, time.Duration(first*float64(time.Millisecond)))
		page.forgive("404")
		page.end()
	}
	return paints
}

// press measures how long the buttons of the batch take to answer.
func (c *crowd) press(b *testing.B, t *targets) {
	b.Helper()
	fmt.Fprintf(t.table, "buttons of a batch of 500 images (load %s)\t\t\t\n", load())
	for _, button := range []struct {
		path string
		form url.Values
	}{
		{"/resume", nil}, {"/pause", nil}, {"/settings", url.Values{"priority": {"high"}}}, {"/images/500/priority", url.Values{"priority": {"high"}}}, {"/images/500/cancel", nil}, {"/images/500/retry", nil},
	} {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, c.p.url+"/batches/"+string(c.id)+button.path, strings.NewReader(button.form.Encode()))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("HX-Request", "true")
		begun := time.Now()
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		t.most("  "+button.path+" "+strconv.Itoa(res.StatusCode), ms(time.Since(begun)), 100, "ms")
	}
}

// gather measures how long each change takes to 1,000 readers, beside ten that do not read.
func (c *crowd) gather(b *testing.B, t *targets) {
	b.Helper()
	for range 10 {
		c.stuck(b)
	}
	const readers, rate, during = 1000, 20, 6 * time.Second
	delays, bytes := c.crowdOf(b, readers, rate, during)
	fmt.Fprintf(t.table, "%d readers, %d changes a second, 10 more that never read (load %s)\t\t\t\n", readers, rate, load())
	t.most("  change to reader, half", ms(quantile(delays, .5)), 0, "ms")
	t.most("  change to reader, 99 %", ms(quantile(delays, .99)), 250, "ms")
	t.most("  seen of what was changed", 100*float64(len(delays))/(readers*rate*during.Seconds()), 0, "%")
	t.most("  sent to each, with the first state", float64(bytes)/readers/1024, 0, "KB")
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

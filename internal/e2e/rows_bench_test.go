package e2e_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sheetlift/internal/batch"
	"sheetlift/internal/store"
	"sheetlift/internal/table"
)

// readAlready is a data folder with a batch of images that were read: every 25th serial number comes twice, every 10th
// cell of a column is doubtful.
func readAlready(b testing.TB, images, rows int) (dir string, id batch.ID) {
	b.Helper()
	dir = b.TempDir() + "/data"
	s, err := store.Open(b.Context(), store.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	inventory, _ := table.Preset(table.Default)
	now := time.Now().UTC()
	x := &batch.Batch{
		ID: batch.NewID(), Name: "Spring inventory", Status: batch.Completed, Table: inventory, Engine: "gemini", Options: batch.DefaultOptions(),
		Created: now, Started: now, Ended: now, Counts: &batch.Counts{},
	}
	var all []*batch.Image
	for n := range images {
		m := &batch.Image{Batch: x.ID, N: n + 1, Upload: fmt.Sprintf("upload-%04d", n+1), Position: n + 1, Name: fmt.Sprintf("Room-%03d", n+1), Filename: fmt.Sprintf("IMG_%04d.jpg", n+1), Status: batch.Completed, Generation: 1, Tries: 1, Added: now, Ended: now}
		m.Attempts = []batch.Attempt{{N: 1, Engine: "gemini", Started: now, Ended: now}}
		m.Picture = batch.Picture{Key: m.Upload, Digest: fmt.Sprintf("%064x", n), MIME: "image/jpeg", Width: 1600, Height: 1200}
		for r := range rows {
			i := n*rows + r
			cell := func(text string, column int) table.Cell {
				c := table.Cell{Text: text, State: table.Read, Box: &table.Box{Top: r * 40, Left: column * 200, Bottom: r*40 + 36, Right: column*200 + 190}}
				if (i+column)%50 == 0 {
					c.State = table.Guessed
				}
				return c
			}
			m.Rows = append(m.Rows, table.Row{Box: &table.Box{Top: r * 40, Bottom: r*40 + 36, Right: 1000}, Cells: []table.Cell{
				cell([]string{"Office chair", "Label printer", "Ladder, aluminium"}[i%3], 0), cell(fmt.Sprint(1+i%9), 1), cell(fmt.Sprintf("SN-%06d", i-i%25/24), 2),
				cell(fmt.Sprintf("T%07d", i), 3), cell([]string{"Good", "Fair", "Missing"}[i%3], 4),
			}})
		}
		m.Issues = inventory.Check(nil, m.Rows)
		x.Order = append(x.Order, m.N)
		x.Counts.Add(m.Figures(x.Table), 1)
		all = append(all, m)
	}
	if err := s.CreateBatch(b.Context(), x); err != nil {
		b.Fatal(err)
	}
	for _, m := range all {
		if err := s.CreateImage(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
	return dir, x.ID
}

// BenchmarkRows measures how long a person waits on the pages of a batch of 500 images with 20 rows each, in Chromium: until
// the first paint of a page, and until the answer to a change of cells. It also measures the bytes sent for a page, without
// pictures.
func BenchmarkRows(b *testing.B) {
	if b.N > 1 {
		b.Skip("once is enough")
	}
	dir, id := readAlready(b, 500, 20)
	p := run(b, "SHEETLIFT_ENGINE=tesseract", "SHEETLIFT_DATA="+dir, "SHEETLIFT_BACKUPS=0")
	w := browser(b)
	defer w.forgive("404") // the pictures themselves are not there
	rows, image := p.url+"/batches/"+string(id)+"/rows", p.url+"/batches/"+string(id)+"/images/250"
	const whole = "document.querySelector('#sheet.live-grid') && document.querySelector('#grid').ariaRowCount == '10001'"
	w.do(chromedp.Navigate(rows))
	w.until(whole)
	for _, one := range []struct{ name, at, ready string }{
		{"all", rows, whole},
		{"doubts", rows + "?tab=doubts", "document.querySelector('[data-tab=doubts][aria-current]')"},
		{"search", rows + "?q=ladder", "document.querySelector('#q').value == 'ladder'"},
		{"sort", rows + "?sort=-3", "document.querySelector('[aria-sort=descending]')"},
		{"check", image, "document.querySelectorAll('#lines tr').length == 20"},
	} {
		var paints []float64
		for range 5 {
			w.do(chromedp.Navigate(one.at))
			w.until(one.ready + " && performance.getEntriesByName('first-contentful-paint').length > 0")
			paints = append(paints, w.number("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
		}
		b.Logf("%-8s first paint %4.0f ms, answer %4.0f ms, page %5.1f kB, with everything it needs %5.1f kB", one.name, middle(paints),
			w.number("performance.getEntriesByType('navigation')[0].responseEnd"), w.number("performance.getEntriesByType('navigation')[0].encodedBodySize")/1000,
			w.number("[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource').filter((e) => !/thumb|picture/.test(e.name))].reduce((s, e) => s + e.encodedBodySize, 0)")/1000)
	}

	b.Run("grid", func(b *testing.B) { gridTasks(b, w, rows, whole) })
	w.do(chromedp.Navigate(image))

	// Changes of cells: one by hand, one doubt confirmed as right, and all of a kind at once, with its undo.
	w.until("document.querySelector('#lines .cell[tabindex=\"0\"]')")
	took := func(name, act, done string) {
		b.Helper()
		begun := time.Now()
		w.script(act)
		w.until(done)
		b.Logf("%-8s %6.0f ms", name, float64(time.Since(begun).Microseconds())/1000)
	}
	took("accept", "document.querySelector('#accept').click()", allSaved)
	w.do(chromedp.Navigate(rows))
	w.until("document.querySelector('#replace')")
	fill := "document.querySelector('#replace').open = true; document.querySelector('[name=find]').value = 'aluminium'; document.querySelector('[name=with]').value = 'alu'; "
	took("count", fill+"document.querySelector('button[value=count]').click()", "document.querySelector('#replace button[value=replace]')")
	took("replace", "document.querySelector('#replace button[value=replace]').click()", "document.querySelector('#replaced')")
	took("undo", "document.querySelector('#replaced button').click()", "document.querySelector('#replaced') && !document.querySelector('#replaced button')")
}

// gridTasks scrolls, filters, sorts and pastes on a page of 10,000 rows, and measures the time until it is seen and the longest
// task of the page meanwhile. Tasks of 50 ms and more are told by the browser.
func gridTasks(b *testing.B, w *tab, rows, whole string) {
	b.Helper()
	w.do(chromedp.Navigate(rows))
	w.until(whole + " && document.querySelector('#lines .cell[tabindex=\"0\"]')")
	w.script("window.longest = 0; new PerformanceObserver((list) => { for (const e of list.getEntries()) longest = Math.max(longest, e.duration); }).observe({ type: 'longtask' })")
	focus := "document.querySelector('#lines .cell[data-column=\"2\"]').focus(); "
	filter := func(text string) string {
		return "{ const q = document.querySelector('#q'); q.value = '" + text + "'; q.dispatchEvent(new Event('input', { bubbles: true })); }"
	}
	block := "Array.from({ length: 200 }, (_, i) => ['Chair ' + i, i, 'P-' + i, 'T-' + i, 'Good'].join('\\t')).join('\\n')"
	paste := "document.querySelector('#lines .cell').focus(); { const d = new DataTransfer(); d.setData('text/plain', " + block + "); document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: d, bubbles: true, cancelable: true })); }"
	for _, one := range []struct{ name, do, seen string }{
		{"scroll", "window.hops = 0; (function hop() { const f = document.querySelector('#sheet'); f.scrollTop += 900; if (++hops < 300) requestAnimationFrame(hop); })()", "hops == 300 && !document.querySelector('#lines .hole')"},
		{"end", focus + "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'End', ctrlKey: true, bubbles: true, cancelable: true }))", "document.activeElement.id == 'c-500-20-5'"},
		{"filter", filter("ladder"), "document.querySelector('#grid').ariaRowCount == '3334' && !document.querySelector('#lines .hole')"},
		{"no filter", filter(""), whole},
		{"sort", "document.querySelector('thead [data-sort=\"3\"]').click()", "document.querySelector('th[aria-sort=ascending] [data-sort=\"3\"]') && !document.querySelector('#lines .hole')"},
		{"in order", "document.querySelector('thead [data-sort=\"\"]').click()", "document.querySelector('th[aria-sort=ascending] [data-sort=\"\"]') && !document.querySelector('#lines .hole')"},
		{"paste, seen", paste, "document.querySelector('#lines .cell').dataset.text == 'Chair 0'"},
		{"paste, stored", "", allSaved},
		{"paste undone", "document.querySelector('#fx-undo').click()", allSaved + " && document.querySelector('#lines .cell').dataset.text == 'Office chair'"},
	} {
		begun := time.Now()
		w.script("longest = 0; " + one.do)
		w.until(one.seen)
		took := time.Since(begun)
		longest := w.number("longest")
		b.Logf("%-14s %6.0f ms, longest task %3.0f ms, %d rows in the page", one.name, float64(took.Microseconds())/1000, longest, int(w.number("document.querySelectorAll('#lines tr').length")))
		if longest > 100 {
			b.Errorf("%s: a task of %.0f ms", one.name, longest)
		}
	}
}

// number returns the value of an expression on the page.
func (b *tab) number(js string) float64 {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](js))
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func middle(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

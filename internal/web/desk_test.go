package web_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/engine"
	"sheetlift/internal/keypool"
	"sheetlift/internal/live"
	"sheetlift/internal/table"
	"sheetlift/internal/web"
)

// desk serves the pages over an in-memory world.
type desk struct {
	slow     time.Time   // end of the reduced concurrency
	hooks    *told       // deliveries of webhooks; nil without endpoints
	offers   []web.Offer // models to choose from while there is a key
	t        *testing.T
	world    *batchtest.World
	service  *usecases.Services
	progress *progress.Progress
	feed     *live.Feed
	server   *web.Server
	pages    http.Handler
}

func newDesk(t *testing.T, engines ...string) *desk {
	t.Helper()
	return newDeskWith(t, nil, engines...)
}

func newDeskWith(t *testing.T, keys web.Keys, engines ...string) *desk {
	t.Helper()
	return newDeskOf(t, web.Config{}, keys, engines...)
}

func newDeskOf(t *testing.T, cfg web.Config, keys web.Keys, engines ...string) *desk {
	t.Helper()
	cfg.MaxImages = 1000
	world := batchtest.NewWorld()
	readers := batchtest.Readers(engines)
	service := usecases.New(usecases.Ports{Repository: world, Queue: world, Pictures: world, Intake: batchtest.Intake{}, Readers: readers, Ledger: world}, usecases.Limits{MaxImages: 1000})
	log := slog.New(slog.DiscardHandler)
	progress := progress.New(world, log)
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- progress.Run(ctx, world, ready) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	d := &desk{t: t, world: world, service: service, progress: progress, feed: live.New(live.Options{})}
	d.server = web.New(cfg, web.Deps{
		Slow:     func() time.Time { return d.slow },
		Offers:   func() []web.Offer { return d.offers },
		Services: service, Progress: progress, Feed: d.feed, Keys: keys, Readers: readers, TmpDir: t.TempDir(), Webhooks: hooksOf{d}, Log: log,
		Health: func(context.Context) error { return nil },
	})
	d.pages = d.server.Handler()
	return d
}

// draft creates a batch with pictures of these names.
func (d *desk) draft(names ...string) *batch.Batch {
	d.t.Helper()
	b, err := d.service.Draft.Create(d.t.Context(), draft.NewBatch{Name: "November"})
	if err != nil {
		d.t.Fatal(err)
	}
	for i, name := range names {
		_, err := d.service.Draft.AddImages(d.t.Context(), b.ID, draft.Upload{ID: fmt.Sprintf("upload-%d", i), Filename: name + ".jpg", Position: i + 1, Body: strings.NewReader(fmt.Sprint("picture", i))})
		if err != nil {
			d.t.Fatal(err)
		}
	}
	return b
}

// change updates an image as the worker would.
func (d *desk) change(id batch.ID, n int, f func(*batch.Image)) {
	d.t.Helper()
	m, err := d.world.Image(d.t.Context(), id, n)
	if err != nil {
		d.t.Fatal(err)
	}
	f(m)
	if err := d.world.SaveImage(d.t.Context(), m); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) image(id batch.ID, n int) *batch.Image {
	d.t.Helper()
	m, err := d.service.Batches.Image(d.t.Context(), id, n)
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

func (d *desk) stored(id batch.ID) *batch.Batch {
	d.t.Helper()
	b, err := d.service.Batches.Batch(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

type answer struct {
	status   int
	location string
	body     string
}

func (d *desk) ask(method, path string, form url.Values, header ...string) answer {
	d.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(d.t.Context(), method, "http://127.0.0.1"+path, body)
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.pages.ServeHTTP(w, r)
	return answer{w.Code, w.Header().Get("Location"), w.Body.String()}
}

func (d *desk) get(path string) answer { d.t.Helper(); return d.ask("GET", path, nil) }
func (d *desk) post(path string, form url.Values) answer {
	d.t.Helper()
	return d.ask("POST", path, form)
}
func (d *desk) htmx(path string, form url.Values) answer {
	d.t.Helper()
	return d.ask("POST", path, form, "HX-Request", "true")
}

func (a answer) has(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %.300s", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("the answer does not have %q", text)
		}
	}
}

func (a answer) lacks(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			t.Errorf("the answer has %q", text)
		}
	}
}

func (a answer) goesTo(t *testing.T, location string) {
	t.Helper()
	if a.status != http.StatusSeeOther || a.location != location {
		t.Fatalf("status %d to %q, want 303 to %q: %.300s", a.status, a.location, location, a.body)
	}
}

func pool(t *testing.T, labels ...string) *keypool.Pool {
	t.Helper()
	var keys []keypool.Key
	for _, label := range labels {
		keys = append(keys, keypool.Key{Label: label, Secret: keypool.NewSecret("canary-" + label)})
	}
	return keypool.New(keys, keypool.Options{})
}

// own returns the form of the column editor as a browser submits it.
func own(do string, columns ...[4]string) url.Values {
	form := url.Values{"preset": {"own"}, "from": {"own"}, "do": {do}, "at_once": {"5"}, "retries": {"3"}, "engine": {""}}
	for i, c := range columns {
		form.Add("name", c[0])
		form.Add("type", c[1])
		form.Add("description", c[2])
		form.Add("choices", c[3])
		if i == 0 {
			form.Add("required", "0")
		}
	}
	return form
}

// named returns the column names in page order.
func named(a answer) []string {
	var names []string
	for _, m := range regexp.MustCompile(`<input name="name" id="[^"]*" value="([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
		names = append(names, m[1])
	}
	return names
}

// started returns a batch with one image in every status; the second of its four drafts was removed before.
func (d *desk) started() *batch.Batch {
	d.t.Helper()
	b := d.draft("pending", "removed", "completed", "failed", "retrying")
	if err := d.service.Draft.RemoveImage(d.t.Context(), b.ID, 2); err != nil {
		d.t.Fatal(err)
	}
	b, err := d.service.Run.Start(d.t.Context(), b.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	try := func(why engine.Why, message string) batch.Attempt {
		return batch.Attempt{N: 1, Engine: "gemini", Key: "key 2", Started: at, Ended: at.Add(18 * time.Second), Why: string(why), Message: message}
	}
	d.change(b.ID, 3, func(m *batch.Image) {
		m.Status, m.Tries, m.Ended, m.Attempts = batch.Completed, 1, at.Add(18*time.Second), []batch.Attempt{try("", "")}
		m.Name = "line\r\nbreak\revent: x"
		m.Rows = []table.Row{{Cells: []table.Cell{{Text: "Chair\rx"}, {Text: "12"}, {Text: "0O123", State: table.Guessed}}}, {Cells: []table.Cell{{State: table.Unreadable}}}}
		m.Issues = []table.Issue{{Row: 0, Column: 2, Kind: table.KindGuessed, Message: "The print is smudged."}, {Row: 0, Column: 1, Kind: table.KindRule, Message: "Not a number."}, {Row: -1, Column: -1, Kind: table.KindRows, Message: "A row is missing."}, {Row: 9, Column: 9, Kind: table.KindRule, Message: "Nowhere."}}
		m.Text, m.Checks = "Chair\r\n12", table.Checks
	})
	d.change(b.ID, 4, func(m *batch.Image) {
		m.Status, m.Tries, m.Ended, m.Failure, m.Attempts = batch.Failed, 1, at, "The picture shows no table.", []batch.Attempt{try(engine.BadPicture, "The picture shows no table.")}
	})
	d.change(b.ID, 5, func(m *batch.Image) {
		m.Status, m.Tries, m.NotBefore, m.Attempts = batch.Retrying, 1, time.Now().Add(time.Hour), []batch.Attempt{try(engine.BadAnswer, "The answer was cut off.")}
	})
	return b
}

package web_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/live"
	"sheetlift/internal/logs"
	"sheetlift/internal/web"
)

// observed is a web.Requests that keeps what it is told.
type observed struct {
	mu  sync.Mutex
	all []string
}

func (o *observed) Observe(method, route string, status int, took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, fmt.Sprint(method, " ", route, " ", status, " ", took > 0))
}

// watched is a desk whose requests, log and levels can be looked at.
func watched(t *testing.T) (d *desk, requests *observed, levels *logs.Levels, log *bytes.Buffer) {
	t.Helper()
	d, requests, levels, log = newDesk(t), &observed{}, logs.NewLevels(slog.LevelInfo), &bytes.Buffer{}
	d.server = web.New(web.Config{MaxImages: 10}, web.Deps{
		Services: d.service, Progress: d.progress, Feed: live.New(live.Options{}), TmpDir: t.TempDir(), Requests: requests, Levels: levels,
		Log:    logs.For(logs.New(log, logs.Text, levels), "web"),
		Health: func(context.Context) error { return nil },
		Ready:  func(context.Context) error { return errs.New(errs.Unavailable, "stuck") },
	})
	d.pages = d.server.Handler()
	return d, requests, levels, log
}

func TestEachRequestIsCountedByItsRouteAndHasALineWithItsID(t *testing.T) {
	t.Parallel()
	d, requests, _, log := watched(t)
	b := d.draft("a")
	page := d.serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/batches/"+string(b.ID)+"?q=Miller+account", nil))
	d.serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/nothing/Miller", nil))
	d.serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://elsewhere.example/", nil))
	over, end := context.WithCancel(t.Context())
	end()
	d.serve(httptest.NewRequestWithContext(over, http.MethodGet, "http://127.0.0.1/events", nil))
	want := []string{"GET /batches/:id 200 true", "GET  404 true", "GET  421 true", "GET /events 200 false"}
	if !slices.Equal(requests.all, want) {
		t.Errorf("counted were\n%s", strings.Join(requests.all, "\n"))
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], "msg=request part=web request="+page.Header.Get("X-Request-Id")+" method=GET route=/batches/:id batch="+string(b.ID)+" image=\"\" status=200 bytes=") {
		t.Errorf("the log is\n%s", log)
	}
	if strings.Contains(log.String(), "Miller") {
		t.Error("the log holds text of an address that the client chose")
	}
}

func TestRequestsForAssetsAndProbesAreSampledInTheLogAndErrorsAreNot(t *testing.T) {
	t.Parallel()
	d, requests, _, log := watched(t)
	for _, path := range slices.Repeat([]string{"/static/base.css", "/healthz"}, 100) {
		d.serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1"+path, nil))
	}
	for range 3 {
		d.serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/static/none.css", nil))
	}
	if n := strings.Count(log.String(), "msg=request"); n != 2+3 || len(requests.all) != 203 {
		t.Errorf("%d lines, %d counted", n, len(requests.all))
	}
}

func TestTheProbesTellAliveFromReady(t *testing.T) {
	t.Parallel()
	d, _, _, _ := watched(t)
	for path, want := range map[string]int{"/healthz": 200, "/health": 200, "/readyz": 503} {
		if got := d.serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1"+path, nil)); got.StatusCode != want {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
}

func TestTheLevelsOfTheLogAreSetOnItsPageAllOrNone(t *testing.T) {
	t.Parallel()
	d, _, levels, _ := watched(t)
	post := func(form url.Values) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/log", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return d.serve(r).StatusCode
	}
	if got := post(url.Values{"level.web": {"loud"}, "level.": {"debug"}}); got != http.StatusUnprocessableEntity && got != http.StatusBadRequest {
		t.Errorf("a level that does not exist: %d", got)
	}
	if parts := levels.Parts(); parts[0].Level != slog.LevelInfo {
		t.Error("half of a form was carried out")
	}
	if got := post(url.Values{"level.web": {"debug"}, "level.kitchen": {"debug"}}); got != http.StatusOK {
		t.Errorf("set: %d", got)
	}
	if parts := levels.Parts(); len(parts) != 2 || parts[1] != (logs.Part{Name: "web", Level: slog.LevelDebug}) {
		t.Errorf("the levels are %v", parts)
	}
	if got := newDesk(t).serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/log", nil)); got.StatusCode != http.StatusNotFound {
		t.Errorf("a program without levels: %d", got.StatusCode)
	}
}

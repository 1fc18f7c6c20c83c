package app

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/config"
	"sheetlift/internal/demo"
	"sheetlift/internal/keypool"
)

// demoConfig returns the configuration without any setting changed, on a free port and with the data in memory.
func demoConfig(t *testing.T) *config.Config {
	t.Helper()
	c, _, err := config.Load([]string{"-addr", "127.0.0.1:0", "-data", config.Memory}, config.Source{
		ReadFile: func(name string) ([]byte, error) { return nil, fs.ErrNotExist },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// running runs a until the test ends.
func running(t *testing.T, a *App) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestTheDemonstrationReadsSixtySheetsThroughKeysThatFailAndComeBack(t *testing.T) {
	t.Parallel()
	a, err := newDemo(t.Context(), demoConfig(t), "test", slog.New(slog.DiscardHandler), 20)
	if err != nil {
		t.Fatal(err)
	}
	running(t, a)
	<-a.show.Started()
	id := a.progress.Overviews()[0].Batch.ID
	over := make(chan *batch.Batch, 1)
	cancel, err := a.store.Subscribe(t.Context(), func(c batch.Change) {
		if c.ID == id && c.Batch != nil && c.Batch.Status.Final() {
			select {
			case over <- c.Batch:
			default:
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	var b *batch.Batch
	select {
	case b = <-over:
	case <-time.After(5 * time.Minute):
		t.Fatal("the demonstration does not end")
	}
	if b.Counts.Completed != demo.Sheets-1 || b.Counts.Failed != 1 {
		t.Errorf("%d completed, %d failed", b.Counts.Completed, b.Counts.Failed)
	}
	states := map[string]keypool.KeyStatus{}
	working := 0
	for _, k := range a.pool.Status(time.Now()).Keys {
		states[k.Label] = k
		if k.Good > 0 {
			working++
		}
	}
	if working < 5 {
		t.Errorf("only %d of six keys have read anything: %+v", working, states)
	}
}

func TestAGuestSeesTheDemonstrationAndTheWayBack(t *testing.T) {
	t.Parallel()
	a, err := New(t.Context(), demoConfig(t), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	running(t, a)
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	page := func(method, path string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, a.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d, %v: %.200s", method, path, res.StatusCode, err, body)
		}
		return string(body)
	}
	if first := page(http.MethodGet, "/"); !strings.Contains(first, `action="/demo"`) || strings.Contains(first, `action="/demo/leave"`) {
		t.Error("the first page without keys does not offer the demonstration")
	}
	if shown := page(http.MethodPost, "/demo"); !strings.Contains(shown, "sheet-60") || !strings.Contains(shown, `action="/demo/leave"`) {
		t.Error("the demonstration is not shown, or is not marked as one")
	}
	if keys := page(http.MethodGet, "/keys"); !strings.Contains(keys, "key 4 five a minute") {
		t.Error("the simulated keys are not shown")
	}
	if back := page(http.MethodPost, "/demo/leave"); strings.Contains(back, "Demonstration") || !strings.Contains(back, `action="/demo"`) {
		t.Error("there is no way back, or the demonstration's batch stands among the real ones")
	}
}

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/app"
	"sheetlift/internal/config"
	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/web/api"
	"sheetlift/internal/web/api/apitest"
)

// canary is in every key of these tests, so that one that gets out can be found.
const canary = "canary-5e1d"

// process is the whole program, running in this process on a free port.
type process struct {
	url   string
	app   *app.App // nil in a process of its own
	log   *logBuffer
	stop  func() // ends it as a signal does, and waits
	renew func() // reads the keys anew, as on SIGHUP; it is done when the log says so
}

// run starts the program with these variables; it ends with the test at the latest.
func run(t testing.TB, environ ...string) *process {
	t.Helper()
	environ = append([]string{"SHEETLIFT_ADDR=127.0.0.1:0", "SHEETLIFT_DATA=:memory:", "SHEETLIFT_WITNESS=off"}, environ...)
	c, _, err := config.Load(nil, config.Source{Environ: environ, ReadFile: func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) { // .env and .env.local of the developer's machine
			return nil, fs.ErrNotExist
		}
		return os.ReadFile(name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	p := &process{log: watchedLog(t)}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, c, "test", slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	p.url, p.app, p.renew = a.URL(), a, a.Reload
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the program ended with %v", err)
		}
		if strings.Contains(p.log.String(), canary) {
			t.Error("a key stands in the log")
		}
	})
	t.Cleanup(p.stop)
	return p
}

// fake starts a Gemini with n keys that answer after d, and returns it with the variables that point to it.
func fake(t testing.TB, n int, d time.Duration) (*simulator.Server, []string) {
	t.Helper()
	var o simulator.Options
	environ := []string{"SHEETLIFT_ENGINE=gemini"}
	for i := range n {
		value := fmt.Sprintf("%s-%d", canary, i+1)
		o.Keys = append(o.Keys, simulator.Key{Value: value, Label: fmt.Sprintf("key %d", i+1), Latency: d})
		environ = append(environ, fmt.Sprintf("GEMINI_API_KEY_%d=%s", i+1, value))
	}
	s := simulator.Start(t, o)
	return s, append(environ, "GEMINI_BASE_URL="+s.URL)
}

// contract is the OpenAPI document, which the answers to do and get are held to.
var contract = sync.OnceValue(func() *apitest.Contract {
	d, err := api.NewDocument("test")
	if err != nil {
		panic(err)
	}
	data, err := d.JSON()
	if err != nil {
		panic(err)
	}
	c, err := apitest.New(data)
	if err != nil {
		panic(err)
	}
	return c
})

type file struct {
	name string
	data []byte
}

// drawn are the sheets that a test drew, for those that come after it: a tenth of all their work was drawing.
var drawn sync.Map

// sheets draws sheets 1 to n.
func sheets(n int) []file {
	files := make([]file, n)
	for i := range files {
		sheet, there := drawn.Load(i + 1)
		if !there {
			sheet, _ = drawn.LoadOrStore(i+1, simulator.Draw(i+1).JPEG)
		}
		files[i] = file{fmt.Sprintf("sheet-%03d.jpg", i+1), sheet.([]byte)}
	}
	return files
}

// post sends files to the endpoint of the first version.
func (p *process) post(t testing.TB, query string, files []file) (int, map[string]any) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, f := range files {
		part, err := form.CreateFormFile("images", f.name)
		if err == nil {
			_, err = part.Write(f.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/batch-process-images"+query, &body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	return p.do(t, req)
}

func (p *process) do(t testing.TB, req *http.Request) (int, map[string]any) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte(canary)) {
		t.Errorf("%s shows a key", req.URL)
	}
	if err := contract().Check(req.Method, req.URL.Path, res.StatusCode, res.Header, data); err != nil {
		t.Error(err)
	}
	answer := map[string]any{}
	if err := json.Unmarshal(data, &answer); err != nil {
		t.Fatalf("%s answered %d with %.300s", req.URL, res.StatusCode, data)
	}
	return res.StatusCode, answer
}

// get fetches and returns JSON.
func (p *process) get(t testing.TB, path string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p.do(t, req)
}

// fetch fetches bytes.
func (p *process) fetch(t testing.TB, path string) (int, []byte, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, data, res.Header
}

// ended waits until the batch is final and returns its status as the first version's endpoint gives it.
func (p *process) ended(t testing.TB, id string, within time.Duration) map[string]any {
	t.Helper()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(within)
	for {
		_, status := p.get(t, "/batch-status/"+id)
		switch status["status"] {
		case "completed", "failed", "canceled":
			return status
		}
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("after %v the batch is still %v", within, status)
		}
	}
}

// freeAddress is an address of this machine that nobody listened on a moment ago.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
)

// clientJob is a job as static/sheetlift.js reports it.
type clientJob struct {
	ID                                         string
	TotalImages, CompletedImages, FailedImages int
	Status                                     string
	Progress                                   float64
	ErrorMessage                               string
	Results                                    []struct {
		Number                                                          int
		Name, Filename, Status, ExtractedText, ErrorMessage, APIKeyUsed string
		TableData                                                       []map[string]string
		ProcessingTime                                                  float64
		RetryCount                                                      int
	}
}

// sceneResult is the output of a scene of testdata/client/scenes.mjs.
type sceneResult struct {
	Calls struct {
		Progress []float64
		Complete int
		Errors   []string
	}
	First, Job           clientJob
	Retried              int
	All, Forgotten, Left int
	Gone                 bool
	Logged               []string
	Status               int
	Code, Location       string
	Message, RequestID   string
}

// scene starts a scene of the client in Node, with the client as p serves it, against the server at base. The returned function
// waits for its result; lines receives its standard error.
func (p *process) scene(t *testing.T, name, base, token string, images int) (lines *bufio.Scanner, result func() sceneResult) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed here")
	}
	status, code, header := p.fetch(t, "/static/sheetlift.js")
	if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/javascript") {
		t.Fatalf("the client is served with %d as %s", status, header.Get("Content-Type"))
	}
	client := filepath.Join(t.TempDir(), "sheetlift.mjs")
	write(t, client, code)
	args := append([]string{filepath.Join("testdata", "client", "scenes.mjs"), client, name, base, token}, sheetFiles(t, images)...)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, node, args...)
	var out bytes.Buffer
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines = bufio.NewScanner(stderr)
	return lines, func() (r sceneResult) {
		t.Helper()
		var rest []string
		for lines.Scan() {
			rest = append(rest, lines.Text())
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %s %s", err, out.String(), strings.Join(rest, "\n"))
		}
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
		return r
	}
}

// wantTable returns the rows of sheet n as objects.
func wantTable(n int) []map[string]string {
	var rows []map[string]string
	for _, row := range simulator.Rows(n) {
		object := map[string]string{}
		for i, name := range simulator.Header() {
			object[name] = row[i]
		}
		rows = append(rows, object)
	}
	return rows
}

func TestTheClientForProgramsReadsABatchAndRetriesItsFailures(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 1, 20*time.Millisecond)
	bad := simulator.PayloadAnswer("400-unable-to-process-image")
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Latency: 20 * time.Millisecond, Script: []simulator.Answer{bad}})
	p := run(t, environ...)
	_, result := p.scene(t, "reads", p.url+"/", "", 6)
	r := result()
	if r.First.Status != "completed" || r.First.TotalImages != 7 || r.First.CompletedImages != 5 || r.First.FailedImages != 2 || r.First.Progress != 100 {
		t.Errorf("at its first end the job is %+v", r.First)
	}
	if r.Retried != 1 || r.Job.ID != r.First.ID || r.Job.Status != "completed" || r.Job.CompletedImages != 6 || r.Job.FailedImages != 1 {
		t.Errorf("after the retry of %d the job is %+v", r.Retried, r.Job)
	}
	for i, one := range r.Job.Results[:6] {
		name := map[int]string{0: "Hall A"}[i]
		if name == "" {
			name = fmt.Sprintf("sheet-%03d", i+1)
		}
		if one.Name != name || one.Filename != fmt.Sprintf("sheet-%03d.jpg", i+1) || one.Status != "completed" || one.APIKeyUsed != "key 1" || one.ProcessingTime < 0.02 || one.ErrorMessage != "" {
			t.Errorf("result %d is %+v", i+1, one)
		}
		if !reflect.DeepEqual(one.TableData, wantTable(i+1)) {
			t.Errorf("the rows of sheet %d are %v", i+1, one.TableData)
		}
	}
	if one := r.Job.Results[6]; one.Filename != "notes.jpg" || one.Status != "failed" || one.ErrorMessage == "" || one.Number != 0 {
		t.Errorf("the refused file is %+v", one)
	}
	if c := r.Calls; c.Complete != 2 || len(c.Errors) != 0 || len(c.Progress) < 5 {
		t.Errorf("the callbacks were %+v", c)
	}
	if r.All != 1 || r.Forgotten != 1 || r.Left != 0 || !r.Gone {
		t.Errorf("%d jobs, %d forgotten, %d left, gone: %v", r.All, r.Forgotten, r.Left, r.Gone)
	}
	if status, _ := p.get(t, "/api/v1/batches/"+r.Job.ID); status != http.StatusOK {
		t.Errorf("a job that the client forgot is answered with %d by the server", status)
	}
	log := strings.Join(r.Logged, "\n")
	for _, step := range []string{"created", "upload", "started", "stream open", "onProgress", "onComplete", "retry", "cleanup"} {
		if !strings.Contains(log, `"[sheetlift]","`+step+`"`) {
			t.Errorf("the log of debug has no step %q", step)
		}
	}
}

func TestTheClientForProgramsCancelsAtTheServerToo(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 1, 300*time.Millisecond)
	p := run(t, environ...)
	_, result := p.scene(t, "cancels", p.url, "", 8)
	r := result()
	if r.Job.Status != "canceled" || r.Calls.Complete != 1 || r.Job.CompletedImages == 0 || r.Job.CompletedImages == 8 || r.Job.Progress != 100 {
		t.Errorf("canceled, the job is %+v, %+v", r.Job, r.Calls)
	}
	if _, b := p.get(t, "/api/v1/batches/"+r.Job.ID); b["status"] != "canceled" {
		t.Errorf("at the server it is %v", b["status"])
	}
}

func TestTheClientForProgramsCancelsABatchWhoseFilesAreBeingSent(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 1, time.Millisecond)
	p := run(t, environ...)
	_, result := p.scene(t, "cancelsDraft", p.url, "", 30)
	r := result()
	if r.Job.Status != "canceled" || r.Calls.Complete != 1 || len(r.Calls.Errors) != 0 {
		t.Errorf("the job is %+v, %+v", r.Job, r.Calls)
	}
	if status, _ := p.get(t, "/api/v1/batches/"+r.Job.ID); status != http.StatusNotFound {
		t.Errorf("the draft is answered with %d", status)
	}
}

func TestTheClientForProgramsEndsWhenAnotherCancelsOrDeletesItsBatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path, status, says string }{
		{http.MethodPost, "/cancel", "canceled", ""},
		{http.MethodDelete, "", "failed", "deleted"},
	} {
		t.Run(c.status, func(t *testing.T) {
			t.Parallel()
			_, environ := fake(t, 1, 300*time.Millisecond)
			p := run(t, environ...)
			lines, result := p.scene(t, "follows", p.url, "", 8)
			if !lines.Scan() {
				t.Fatal("the scene tells no id")
			}
			req, err := http.NewRequestWithContext(t.Context(), c.method, p.url+"/api/v1/batches/"+lines.Text()+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			r := result()
			if r.Job.Status != c.status || !strings.Contains(r.Job.ErrorMessage, c.says) || r.Calls.Complete+len(r.Calls.Errors) != 1 {
				t.Errorf("the job is %+v, %+v", r.Job, r.Calls)
			}
		})
	}
}

func TestTheClientForProgramsPollsWhereNoStreamComesThrough(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 2, 100*time.Millisecond)
	p := run(t, environ...)
	there, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	through := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(there) }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			http.Error(w, "no streams here", http.StatusBadGateway)
			return
		}
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	_, result := p.scene(t, "reads", proxy.URL, "", 3)
	r := result()
	if r.First.Status != "completed" || r.First.CompletedImages != 3 || !reflect.DeepEqual(r.First.Results[2].TableData, wantTable(3)) {
		t.Errorf("the job is %+v", r.First)
	}
	if log := strings.Join(r.Logged, "\n"); !strings.Contains(log, `"poll"`) || strings.Contains(log, `"stream open"`) {
		t.Errorf("it did not poll: %s", log)
	}
}

func TestTheClientForProgramsSendsItsTokenAndNeverLogsIt(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 1, time.Millisecond)
	environ = append(environ, "SHEETLIFT_PASSWORD=open sesame", "SHEETLIFT_DATA="+shortFolder(t))
	token := done(t, environ, "token", "create", "shop", "operator")
	p := run(t, environ...)
	_, result := p.scene(t, "refused", p.url, "", 1)
	if r := result(); r.Status != http.StatusUnauthorized || r.Code != "unauthorized" || r.Location != "" || r.Message == "" || r.RequestID == "" {
		t.Errorf("without a token: %+v", r)
	}
	_, result = p.scene(t, "reads", p.url, token, 2)
	r := result()
	if r.Job.Status != "completed" || r.Job.CompletedImages != 2 {
		t.Errorf("with a token the job is %+v", r.Job)
	}
	if strings.Contains(strings.Join(r.Logged, "\n"), token) {
		t.Error("the log of debug shows the token")
	}
}

// TestTheTypesOfTheClientNameItsFunctions compares sheetlift.d.ts with the exports of sheetlift.js.
func TestTheTypesOfTheClientNameItsFunctions(t *testing.T) {
	t.Parallel()
	exported := func(file string) map[string]bool {
		data, err := os.ReadFile(filepath.Join("..", "..", "static", file))
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for line := range strings.Lines(string(data)) {
			rest, ok := strings.CutPrefix(line, "export ")
			rest = strings.TrimPrefix(rest, "async ")
			if kind, name, _ := strings.Cut(rest, " "); ok && (kind == "function" || kind == "class") {
				names[name[:strings.IndexAny(name, "( ")]] = true
			}
		}
		return names
	}
	code, types := exported("sheetlift.js"), exported("sheetlift.d.ts")
	if len(code) != 7 || !reflect.DeepEqual(code, types) {
		t.Errorf("sheetlift.js exports %v, sheetlift.d.ts %v", code, types)
	}
}

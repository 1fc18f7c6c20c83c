package e2e_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
)

// shows reports whether a key stands in data, as plain text or in a gzip stream within it.
func shows(data []byte) bool {
	if bytes.Contains(data, []byte(canary)) {
		return true
	}
	for from := 0; ; {
		at := bytes.Index(data[from:], []byte{0x1f, 0x8b, 8})
		if at < 0 {
			return false
		}
		from += at + 1
		unpacked, err := gzip.NewReader(bytes.NewReader(data[from-1:]))
		if err != nil {
			continue
		}
		unpacked.Multistream(false)
		if text, _ := io.ReadAll(io.LimitReader(unpacked, 64<<20)); bytes.Contains(text, []byte(canary)) { // cut off is as good
			return true
		}
	}
}

// grepWorkbook fails when a key stands in a part of the workbook, or in the name of one: as a whole it is compressed.
func grepWorkbook(t testing.TB, data []byte) {
	t.Helper()
	parts, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts.File {
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(canary)) || strings.Contains(part.Name, canary) {
			t.Errorf("a key stands in %s of the workbook", part.Name)
		}
	}
}

// grepCanary fails when a key stands anywhere in the folder. It returns how many files it looked into.
func grepCanary(t *testing.T, dir string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if shows(data) || strings.Contains(path, canary) {
			t.Errorf("a key stands in %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// links yields the addresses of our own on a page. A regular expression takes a minute for it under the race detector.
func links(page string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, name := range []string{"href", "src", "action", "hx-get", "hx-sse:connect", "data-connect"} {
			parts := strings.Split(page, name+`="/`)
			for _, part := range parts[1:] {
				if end := strings.IndexAny(part, `"#`); end >= 0 && !yield("/"+part[:end]) {
					return
				}
			}
		}
	}
}

// crawl fetches every address that pages link to, as a page and as a fragment, and returns those that it found.
func (p *process) crawl(t *testing.T, from ...string) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for len(from) > 0 {
		path := strings.ReplaceAll(from[0], "&amp;", "&")
		from = from[1:]
		if _, done := seen[path]; done {
			continue
		}
		for _, fragment := range []string{"", "true"} {
			status, body := p.look(t, http.MethodGet, path, nil, "HX-Request", fragment)
			seen[path] = status
			for link := range links(string(body)) {
				from = append(from, link)
			}
		}
	}
	return seen
}

// look makes a request and fails the test when a key stands in the answer. Of an event stream it reads
// the first event.
func (p *process) look(t *testing.T, method, path string, body io.Reader, header ...string) (int, []byte) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if endless, is := body.(endless); is { // announced, and not sent before the answer
		req.ContentLength = int64(endless)
		req.Header.Set("Expect", "100-continue")
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var data []byte
	if res.Header.Get("Content-Type") == "text/event-stream" {
		data = firstEvent(res.Body)
	} else if data, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	if shows(data) || strings.Contains(fmt.Sprint(res.Header), canary) {
		t.Errorf("%s %s shows a key", method, path)
	}
	if strings.HasSuffix(path, ".xlsx") && res.StatusCode == http.StatusOK {
		grepWorkbook(t, data)
	}
	return res.StatusCode, data
}

// endless is a body of so many bytes, without end.
type endless int64

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func firstEvent(r io.Reader) []byte {
	var all []byte
	part := make([]byte, 32<<10)
	for {
		n, err := r.Read(part)
		if all = append(all, part[:n]...); err != nil || bytes.Contains(all, []byte("\n\n")) {
			return all
		}
	}
}

// follow collects the data of an event stream until the test ends; heard returns it.
func (p *process) follow(t *testing.T, path string) (heard func() []byte) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(&all, res.Body) }) // until it is canceled
	heard = sync.OnceValue(func() []byte {
		cancel()
		reading.Wait()
		_ = res.Body.Close()
		return all.Bytes()
	})
	t.Cleanup(func() { heard() })
	return heard
}

// telltales are keys whose service answers with the key itself wherever an answer has room for it, and fails in every way.
func telltales(gemini *simulator.Server) (values []string) {
	problem := func(status int, word, format string) func(string) simulator.Answer {
		return func(key string) simulator.Answer {
			return simulator.RawAnswer(status, "application/json", fmt.Sprintf(
				`{"error":{"code":%d,"message":%q,"status":%q,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"X","metadata":{"consumer":"api_key:%s","containerInfo":%[4]q}}]}}`,
				status, fmt.Sprintf(format, key, url.QueryEscape(key)), word, url.PathEscape(key)))
		}
	}
	for i, answers := range [][]func(key string) simulator.Answer{
		{problem(400, "INVALID_ARGUMENT", "API key not valid: %s, %s")},
		{problem(401, "UNAUTHENTICATED", "%s is no key, nor is %s")},
		{problem(403, "PERMISSION_DENIED", "Consumer api_key:%s has been suspended (%s)")},
		{problem(403, "PERMISSION_DENIED", "Requests from %s are blocked (%s)")},
		{problem(429, "RESOURCE_EXHAUSTED", "Resource of %s has been exhausted (%s)")},
		{
			problem(503, "UNAVAILABLE", "The model is overloaded by %s (%s)"),
			problem(400, "INVALID_ARGUMENT", "Unable to process input image of %s (%s)"),
			func(string) simulator.Answer { return simulator.ResetAnswer() },
			func(string) simulator.Answer { return simulator.HalfAnswer() },
			func(key string) simulator.Answer { // the error of the call holds this address
				return simulator.RedirectAnswer("http://127.0.0.1:1/" + url.PathEscape(key) + "?key=" + url.QueryEscape(key))
			},
			func(key string) simulator.Answer { return simulator.RedirectAnswer("%zz" + url.QueryEscape(key)) },
			func(key string) simulator.Answer { return simulator.RawAnswer(502, "text/html", "<h1>"+key+"</h1>") },
			func(key string) simulator.Answer {
				return simulator.RawAnswer(200, "application/json", `{"candidates": `+key)
			},
			func(key string) simulator.Answer {
				return simulator.HeaderAnswer("Retry-After", key, simulator.PayloadAnswer("503-overloaded"))
			},
		},
		{},
	} {
		k := simulator.Key{Value: fmt.Sprintf(`%s-%d/+"&%%2F'`, canary, i), Label: fmt.Sprint("key ", i), Latency: 20 * time.Millisecond}
		for _, a := range answers {
			k.Script = append(k.Script, a(k.Value))
		}
		if len(answers) == 1 {
			k.Always, k.Script = &k.Script[0], nil
		}
		gemini.SetKey(k)
		values = append(values, k.Value)
	}
	return values
}

func TestNoKeyIsSeenAnywhereOutsideItsFile(t *testing.T) {
	t.Parallel()
	expectWarnings(t, keyRefused, keyMisset, outage, impostor)
	dir, err := os.MkdirTemp("", "sl") // short: the socket's path has to fit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	gemini := simulator.Start(t, simulator.Options{})
	values := telltales(gemini)
	file, data := filepath.Join(t.TempDir(), "keys"), filepath.Join(dir, "data")
	if err := os.WriteFile(file, []byte("# ours\nAnn@shop:"+values[0]+"\n"+strings.Join(values[1:3], "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{
		"SHEETLIFT_ENGINE=gemini", "SHEETLIFT_DEBUG=true", "SHEETLIFT_DATA=" + data, "GEMINI_BASE_URL=" + gemini.URL,
		"GEMINI_API_KEYS_FILE=" + file, "GEMINI_API_KEY_1=" + values[3], "GEMINI_API_KEY=Bob@:" + values[4],
	}
	p := run(t, environ...)
	wires := []func() []byte{p.follow(t, "/keys/events")}
	add := func(value string) {
		if _, page := p.act(t, "/keys", url.Values{"key": {value}}); !strings.Contains(page, "It stands in the keys file") {
			t.Errorf("adding says %s", said(page))
		}
	}
	add(values[5])
	_, started := p.post(t, "?max_concurrent=4", sheets(24))
	id := started["job_id"].(string)
	wires = append(wires, p.follow(t, "/batches/"+id+"/events"))
	waitFor(t, func() bool { return gemini.Stats()["key 5"].Calls >= 9 }) // everything was answered once
	add(values[6])
	p.ended(t, id, 2*time.Minute)
	for label := range p.labels(t) {
		for _, act := range []string{"test", "disable", "enable", "test"} {
			p.act(t, "/keys/"+act, url.Values{"label": {label}})
		}
	}
	p.reread(t)
	for label, key := range gemini.Stats() {
		if key.Calls == 0 && label != "test-key" {
			t.Errorf("%s was never used", label)
		}
	}

	seen := p.crawl(t, "/", "/keys", "/batches/"+id, "/batches/"+id+"?step=columns", "/batches/"+id+"/images/1", "/batches/"+id+"/rows", "/batches/"+id+"/uploads",
		"/batch-status/"+id, "/batch-results/"+id, "/api/v1/keys", "/health", "/livez", "/readyz", "/metrics", "/login")
	if len(seen) < 60 || seen["/keys/events"] != 200 || seen["/batches/"+id+"/workbook.xlsx"] != 200 {
		t.Errorf("%d addresses were looked at: %v", len(seen), seen)
	}
	p.errorPages(t, values[6])
	for i, heard := range wires {
		if sent := heard(); shows(sent) || !bytes.Contains(sent, []byte("hx-partial")) {
			t.Errorf("live wire %d shows a key, or nothing", i)
		}
	}
	backup := filepath.Join(dir, "backup")
	if code, told := command(t, environ, "backup", backup); code != 0 || strings.Contains(told, canary) {
		t.Errorf("backing up: %d, %s", code, told)
	}
	grepArchives(t, backup)
	p.stop() // and looks through the log
	if !strings.Contains(p.log.String(), "level=DEBUG") {
		t.Error("nothing was logged for debugging, so that proves nothing")
	}
	if files := grepCanary(t, dir); files < 10 {
		t.Errorf("only %d files were looked into", files)
	}
	if text, err := os.ReadFile(file); err != nil || bytes.Count(text, []byte(canary)) != 5 {
		t.Errorf("the keys file has not the three keys and the two added ones: %v", err)
	}
}

// errorPages causes every kind of error, with the key in each part of the request.
func (p *process) errorPages(t *testing.T, key string) {
	t.Helper()
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	sent := url.Values{"key": {key}, "label": {key}, "name": {key}}.Encode()
	for _, c := range []struct {
		status       int
		method, path string
		body         string
		header       []string
	}{
		{422, "POST", "/keys", sent, form},
		{400, "POST", "/keys", "key=%zz" + url.QueryEscape(key), form},
		{400, "POST", "/keys", "\x00" + key, []string{"Content-Type", "multipart/form-data; boundary=" + canary}},
		{404, "POST", "/keys/test", sent, form},
		{403, "POST", "/keys", sent, append([]string{"Sec-Fetch-Site", "cross-site"}, form...)},
		{404, "GET", "/nothing/" + url.PathEscape(key) + "?key=" + url.QueryEscape(key), "", nil},
		{404, "GET", "/batches/" + url.PathEscape(key), "", nil},
		{405, "DELETE", "/keys?key=" + url.QueryEscape(key), "", nil},
		{400, "POST", "/batch-process-images", key, []string{"Content-Type", "multipart/form-data; boundary=" + canary}},
	} {
		for _, as := range [][]string{nil, {"HX-Request", "true"}, {"Accept", "application/json"}} {
			status, _ := p.look(t, c.method, c.path, strings.NewReader(c.body), append(as, c.header...)...)
			if status != c.status {
				t.Errorf("%s %.40s answers %d, want %d", c.method, strings.ReplaceAll(c.path, canary, "…"), status, c.status)
			}
		}
	}
	for _, accept := range []string{"text/html", "application/json"} {
		path := "/batches/x/images/u?filename=sheet.jpg&key=" + url.QueryEscape(key)
		if status, _ := p.look(t, "PUT", path, endless(600<<20), "Accept", accept, "X-Key", key); status != 413 {
			t.Errorf("too large a file answers %d", status)
		}
	}
	locked := run(t, "SHEETLIFT_PASSWORD=a-long-enough-password")
	for status, tries := 0, 0; status != 429; tries++ {
		status, _ = locked.look(t, "POST", "/login", strings.NewReader("password="+url.QueryEscape(key)), form...)
		if tries > 100 {
			t.Fatal("wrong passwords may be tried without end")
		}
	}
	locked.stop()
}

// grepArchives looks into the archives of a folder, file by file, and fails when there is none.
func grepArchives(t *testing.T, dir string) {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join(dir, "*.tar*"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archive in %s: %v", dir, err)
	}
	for _, name := range archives {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for in := tar.NewReader(f); ; {
			head, err := in.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(in)
			if err != nil || shows(text) || strings.Contains(head.Name, canary) {
				t.Errorf("a key stands in %s of %s, %v", head.Name, name, err)
			}
		}
	}
}

func TestTheSearchForKeysFindsThemInWhatIsCompressed(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	packed.WriteString("before \x1f\x8b\x08 between ")
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, strings.Repeat("x", 1000)+canary)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	packed.WriteString(" behind")
	if bytes.Contains(packed.Bytes(), []byte(canary)) || !shows(packed.Bytes()) || shows([]byte("nothing \x1f\x8b\x08")) {
		t.Error("it does not")
	}
}

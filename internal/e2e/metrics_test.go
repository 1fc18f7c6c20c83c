package e2e_test

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"sheetlift/internal/engine/gemini/simulator"
)

// scraped is an answer of GET /metrics as Prometheus understands it.
type scraped map[string]*dto.MetricFamily

// scrape reads the figures with Prometheus's own parser.
func (p *process) scrape(t testing.TB) scraped {
	t.Helper()
	status, page, header := p.fetch(t, "/metrics")
	if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("the figures: %d, %v", status, header)
	}
	if bytes.Contains(page, []byte(canary)) {
		t.Error("a key stands in the figures")
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// sum adds up the values of a figure whose labels are these, given as name and value in turn; a histogram's is its
// count. There must be one.
func (s scraped) sum(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	all, found := 0.0, 0
	for _, m := range s[name].GetMetric() {
		have := map[string]string{}
		for _, l := range m.GetLabel() {
			have[l.GetName()] = l.GetValue()
		}
		fits := true
		for i := 0; i < len(labels); i += 2 {
			fits = fits && have[labels[i]] == labels[i+1]
		}
		if fits {
			found++
			all += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	if found == 0 {
		t.Errorf("there is no %s with %q", name, labels)
	}
	return all
}

// is fails the test when a figure differs from want.
func (s scraped) is(t testing.TB, want float64, name string, labels ...string) {
	t.Helper()
	if got := s.sum(t, name, labels...); got != want {
		t.Errorf("%s with %q is %v, want %v", name, labels, got, want)
	}
}

func TestTheFiguresAgreeWithWhatHappenedWhateverKeysFail(t *testing.T) {
	t.Parallel()
	expectWarnings(t, keyRefused, outage)
	gemini, environ := fake(t, 4, 20*time.Millisecond)
	const dead, overloaded = "400-api-key-invalid", "503-overloaded"
	refused, busy := simulator.PayloadAnswer(dead), simulator.PayloadAnswer(overloaded)
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Always: &refused})
	gemini.SetKey(simulator.Key{Value: canary + "-2", Label: "key 2", PerMinute: 3})
	// Each key is called at least once, so that the wrong answer always comes.
	gemini.SetKey(simulator.Key{Value: canary + "-3", Label: "key 3", Script: []simulator.Answer{simulator.TextAnswer("no table"), busy, busy}})
	// A call that is canceled on its way is in one count only.
	p := run(t, append(environ, "SHEETLIFT_DOUBLE=off")...)
	files := append(sheets(40), file{"notes.txt", []byte("no picture at all")})
	_, started := p.post(t, "?max_concurrent=6&retry_delay=0", files)
	status := p.ended(t, started["job_id"].(string), time.Minute)
	if status["completed_images"] != 40.0 {
		t.Fatalf("ended with %v", status)
	}
	waitFor(t, func() bool { return p.scrape(t).sum(t, "sheetlift_work_queue_depth") == 0 })
	waitFor(t, func() bool { return p.scrape(t).sum(t, "sheetlift_images_in_hand") == 0 })
	s := p.scrape(t)

	calls, kinds, prompt := map[string]float64{}, map[string]map[string]float64{}, map[string]float64{}
	for _, c := range gemini.Calls() {
		calls[c.Key]++
		if kinds[c.Key] == nil {
			kinds[c.Key] = map[string]float64{}
		}
		kinds[c.Key][c.Kind]++
		if c.Status == http.StatusOK {
			prompt[c.Key] += float64(c.Tokens)
		}
	}
	for key, n := range calls {
		s.is(t, n, "sheetlift_key_requests_total", "key", key)
		s.is(t, 0, "sheetlift_key_inflight", "key", key)
		s.is(t, prompt[key], "sheetlift_tokens_total", "key", key, "kind", "prompt")
		s.is(t, s.sum(t, "sheetlift_key_requests_total", "key", key, "outcome", "ok"), "sheetlift_key_latency_seconds", "key", key)
	}
	s.is(t, kinds["key 1"][dead], "sheetlift_key_requests_total", "key", "key 1", "outcome", "dead")
	s.is(t, kinds["key 2"]["rpm"], "sheetlift_key_requests_total", "key", "key 2", "outcome", "rpm")
	if n := kinds["key 3"][overloaded]; n > 0 { // a series appears with its first call
		s.is(t, n, "sheetlift_key_requests_total", "key", "key 3", "outcome", "5xx")
	}
	s.is(t, 1, "sheetlift_key_requests_total", "key", "key 3", "outcome", "badjson")
	s.is(t, 3, "sheetlift_key_rpm_limit", "key", "key 2")
	if used := s.sum(t, "sheetlift_key_rpm_used_ratio", "key", "key 2"); used <= 0.5 || used > 1 {
		t.Errorf("key 2 has used %v of its minute", used)
	}
	for key, number := range map[string]float64{"key 1": 3, "key 2": 1, "key 4": 0} {
		s.is(t, number, "sheetlift_key_state", "key", key)
	}
	if rests := s.sum(t, "sheetlift_key_next_available_seconds", "key", "key 1"); !math.IsInf(rests, 1) {
		t.Errorf("a dead key is back in %v", rests)
	}
	for label, state := range p.labels(t) {
		s.is(t, map[string]float64{"active": 0, "cooling": 1, "quarantined": 3}[state], "sheetlift_key_state", "key", label)
	}

	total := float64(len(gemini.Calls()))
	s.is(t, 40, "sheetlift_key_requests_total", "outcome", "ok")
	s.is(t, total/40, "sheetlift_calls_per_image")
	s.is(t, total-40, "sheetlift_retries_total")
	s.is(t, 1, "sheetlift_retries_total", "reason", "bad_answer")
	s.is(t, kinds["key 3"][overloaded], "sheetlift_retries_total", "reason", "unreachable")
	s.is(t, total, "sheetlift_pool_wait_seconds")
	s.is(t, 0, "sheetlift_pool_queue_depth")
	s.is(t, 0, "sheetlift_pool_next_seconds")
	s.is(t, 2, "sheetlift_pool_eligible_keys")
	s.is(t, 0, "sheetlift_model_breaker_state")

	bytes := 0
	for _, f := range files {
		bytes += len(f.data)
	}
	s.is(t, 40, "sheetlift_images_total", "result", "completed", "engine", "gemini")
	s.is(t, 40, "sheetlift_images_total")
	s.is(t, 1, "sheetlift_batches", "status", "completed")
	s.is(t, 1, "sheetlift_batches")
	s.is(t, 40, "sheetlift_batch_images", "status", "completed")
	s.is(t, 40, "sheetlift_uploads_total", "result", "taken")
	s.is(t, 1, "sheetlift_uploads_total", "result", "refused")
	s.is(t, 0, "sheetlift_uploads_running")
	s.is(t, 40, "sheetlift_upload_images_total")
	s.is(t, float64(bytes), "sheetlift_upload_bytes_total")
	s.is(t, 1, "sheetlift_store_up")
	s.is(t, 1, "sheetlift_build_info", "version", "test")
	for _, own := range []string{"go_goroutines", "process_resident_memory_bytes", "process_open_fds"} {
		if s.sum(t, own) <= 0 {
			t.Errorf("%s is not told", own)
		}
	}
}

func TestFiguresAreToldToManyWhileImagesAreReadAndNameNoBatch(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 3, 10*time.Millisecond)
	p := run(t, environ...)
	var all sync.WaitGroup
	over := make(chan struct{})
	for range 3 {
		all.Go(func() {
			for last := 0.0; ; {
				s := p.scrape(t)
				read := s.sum(t, "sheetlift_key_requests_total", "outcome", "ok")
				if read < last {
					t.Errorf("%v calls after %v", read, last)
				}
				last = read
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	_, started := p.post(t, "?max_concurrent=8", sheets(30))
	p.ended(t, started["job_id"].(string), time.Minute)
	close(over)
	all.Wait()
	p.scrape(t).is(t, 30, "sheetlift_images_total")
	_, page, _ := p.fetch(t, "/metrics")
	if bytes.Contains(page, []byte(started["job_id"].(string))) || bytes.Contains(page, []byte("sheet-0")) {
		t.Error("a batch or an image is named")
	}
}

func TestFiguresNeedThePasswordWherePagesDo(t *testing.T) {
	t.Parallel()
	const password = "a-long-password"
	p := run(t, "SHEETLIFT_PASSWORD="+password, "SHEETLIFT_ENGINE=tesseract")
	ask := func(authorization string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		page, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(page)
	}
	for _, wrong := range []string{"", "Bearer wrong-password", "Basic d3Jvbmc6d3Jvbmc="} {
		if code, page := ask(wrong); code != http.StatusUnauthorized || strings.Contains(page, "sheetlift_") {
			t.Errorf("with %q: %d, %.80s", wrong, code, page)
		}
	}
	if code, page := ask("Bearer " + password); code != http.StatusOK || !strings.Contains(page, "\nsheetlift_store_up 1\n") {
		t.Errorf("with the password: %d", code)
	}
}

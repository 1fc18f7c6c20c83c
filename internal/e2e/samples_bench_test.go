package e2e_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/engine/tesseract/accuracytest"
)

// BenchmarkSamples puts every file of the sample data into one batch of the program in a process of its own, one at a time
// and eight at a time, and tells how long the slowest refusal took, the most memory, and which reactions were wrong.
func BenchmarkSamples(b *testing.B) {
	all := accuracytest.Load(b, samples)
	for _, atOnce := range []int{1, 8} {
		b.Run(fmt.Sprintf("%d at once", atOnce), func(b *testing.B) {
			for b.Loop() {
				cmd, p := child(b, "SHEETLIFT_DATA="+b.TempDir()+"/data")
				id := p.draft(b, []file{{"first.jpg", sheets(1)[0].data}})
				var mu sync.Mutex
				var slowest time.Duration
				var slow string
				wrong, refused := 0, 0
				slots := make(chan struct{}, atOnce)
				var running sync.WaitGroup
				for i, one := range all {
					slots <- struct{}{}
					running.Go(func() {
						defer func() { <-slots }()
						code, said, took := p.send(b, id, i, one.File)
						mu.Lock()
						defer mu.Unlock()
						if code != http.StatusCreated {
							refused++
							if took > slowest {
								slowest, slow = took, one.File
							}
						}
						if why := reaction(one.Expect, filepath.Base(one.File), code, said); why != "" {
							wrong++
							b.Logf("%s: %s: %d %s", one.File, why, code, said)
						}
					})
				}
				running.Wait()
				if code, _, _ := p.fetch(b, "/health"); code != http.StatusOK {
					b.Errorf("after all of them the program answers %d", code)
				}
				b.Logf("of %d files %d were refused, the slowest was %s", len(all), refused, slow)
				b.ReportMetric(float64(wrong), "wrong")
				b.ReportMetric(float64(slowest.Milliseconds()), "ms-slowest-refusal")
				b.ReportMetric(memoryOf(b, cmd.Process.Pid, "VmHWM:"), "MB-most")
			}
		})
	}
}

// send uploads a file of the sample data.
func (p *process) send(b *testing.B, id string, n int, name string) (code int, said string, took time.Duration) {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(samples, name))
	if err != nil {
		b.Error(err)
		return
	}
	address := fmt.Sprintf("%s/batches/%s/images/sample-%04d?filename=%s", p.url, id, n, url.QueryEscape(filepath.Base(name)))
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPut, address, bytes.NewReader(data))
	if err != nil {
		b.Error(err)
		return
	}
	req.Header.Set("Accept", "application/json")
	start := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	defer res.Body.Close()
	var answer struct{ Detail string }
	_ = json.NewDecoder(res.Body).Decode(&answer)
	return res.StatusCode, answer.Detail, time.Since(start)
}

// reaction returns the fault of an answer to an upload, or "".
func reaction(expect, name string, code int, said string) string {
	taken := code == http.StatusCreated
	switch {
	case strings.HasPrefix(expect, "accept") && !taken:
		return "it must be taken"
	case expect == "reject" && taken:
		return "it must be refused"
	case !taken && code != http.StatusUnprocessableEntity && code != http.StatusRequestEntityTooLarge:
		return "that is no refusal"
	case !taken && (!strings.Contains(said, name) || !strings.HasSuffix(said, ".")):
		return cmp.Or(said, "it does not say what is wrong")
	}
	return ""
}

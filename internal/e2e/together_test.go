package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
)

// ask sends a request for programs about batches and returns the answer's code.
func (p *process) ask(t testing.TB, method, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(p.url+"/api/v1/batches/"+path, "/"), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return p.do(t, req)
}

// TestTwoPeopleWhoPressAtOnceHaveOneEffectAndNoError has four people, two in front of each of two processes over one
// store, press the same thing at the same moment.
func TestTwoPeopleWhoPressAtOnceHaveOneEffectAndNoError(t *testing.T) {
	t.Parallel()
	const images = 10
	gemini, environ := fake(t, 1, 300*time.Millisecond) // of several it would be chance which is asked
	refused := simulator.PayloadAnswer("400-unable-to-process-image")
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Latency: 300 * time.Millisecond, Script: []simulator.Answer{refused, refused}})
	var desks []*process
	for _, nats := range onNATS(t, 1, 2) {
		desks = append(desks, run(t, append(nats, environ...)...))
	}
	together := func(method, path, body string, field string, want any) {
		t.Helper()
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				code, answer := desks[i%2].ask(t, method, path, body)
				if code != http.StatusOK || field != "" && answer[field] != want {
					t.Errorf("%s %s: %d, %s is %v and not %v", method, path, code, field, answer[field], want)
				}
			})
		}
		all.Wait()
	}
	id := desks[0].draft(t, sheets(images))
	together("POST", id+"/start", `{"at_once": 3}`, "images", float64(images))
	together("POST", id+"/pause", "", "status", "paused")
	together("POST", id+"/resume", "", "status", "processing")
	together("PATCH", id+"/images/9", `{"priority": "high"}`, "priority", "high")
	together("POST", id+"/images/8/cancel", "", "n", 8.0)
	first := desks[1].ended(t, id, time.Minute)
	failed := first["failed_images"].(float64)
	if done := first["completed_images"].(float64) + failed; done < images-1 || failed == 0 {
		t.Fatalf("ended with %v", first)
	}

	// Retried by all four at once, each failed image is read once more.
	calls := len(gemini.Calls())
	together("POST", id+"/retry", "", "", nil)
	desks[0].ended(t, id, time.Minute)
	if more := len(gemini.Calls()) - calls; more != int(failed) {
		t.Errorf("a retry of %v images by four people made %d calls", failed, more)
	}
	_, eighth := desks[0].ask(t, "GET", id+"/images/8", "")
	together("POST", id+"/images/8/retry", `{"fresh": true}`, "n", 8.0)
	desks[1].ended(t, id, time.Minute)
	_, again := desks[1].ask(t, "GET", id+"/images/8", "")
	if before, after := eighth["tries"].(float64), again["tries"].(float64); after-before != 1 || again["status"] != "completed" {
		t.Errorf("retried by four at once, image 8 went from %v to %v tries and is %v", before, after, again["status"])
	}

	// Canceled by all, deleted by all, and brought back by all.
	other := desks[0].draft(t, sheets(images))
	together("POST", other+"/start", `{"at_once": 2}`, "status", "processing")
	together("POST", other+"/cancel", "", "status", "canceled")
	calls = len(gemini.Calls())
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, fmt.Sprintf("%s/api/v1/batches/%s", desks[i%2].url, other), nil)
			if err != nil {
				t.Error(err)
				return
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			if _ = res.Body.Close(); res.StatusCode != http.StatusNoContent {
				t.Errorf("deleting: %s", res.Status)
			}
		})
	}
	all.Wait()
	together("POST", other+"/undelete", "", "status", "canceled")
	if more := len(gemini.Calls()) - calls; more != 0 {
		t.Errorf("%d calls for a batch that is canceled", more)
	}
	checkRows(t, desks[0].workbook(t, id), wantRows(images))
}

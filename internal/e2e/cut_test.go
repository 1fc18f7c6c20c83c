package e2e_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/store/storetest"
)

// holding is some processes with a Gemini that never answers them.
type holding struct {
	gemini *simulator.Server
	keys   []simulator.Key
	first  *process // where people press
	count  int      // of processes
	id     string   // of the newest batch
}

// hold starts processes, as many as there are environments, each with keys of its own.
func hold(t testing.TB, start func(environ ...string) *process, environs ...[]string) *holding {
	t.Helper()
	h := &holding{count: len(environs)}
	for i := range environs {
		for k := range inHand {
			label := fmt.Sprintf("key %d of %d", k+1, i+1)
			h.keys = append(h.keys, simulator.Key{Value: fmt.Sprintf("%s-%d-%d", canary, i+1, k+1), Label: label, Latency: time.Hour})
		}
	}
	h.gemini = simulator.Start(t, simulator.Options{Keys: h.keys})
	for i, environ := range environs {
		environ = append(environ, "SHEETLIFT_ENGINE=gemini", "GEMINI_BASE_URL="+h.gemini.URL, fmt.Sprintf("SHEETLIFT_SLOTS=%d", inHand))
		for k := range inHand {
			environ = append(environ, fmt.Sprintf("GEMINI_API_KEY_%d=%s", k+1, h.keys[i*inHand+k].Value))
		}
		if p := start(environ...); i == 0 {
			h.first = p
		}
	}
	return h
}

// inHand is how many calls each process has running.
const inHand = 4

// begin starts a batch that keeps every process busy, and waits until it does.
func (h *holding) begin(t testing.TB) {
	t.Helper()
	atOnce := h.count * (inHand + 1) // each has one more, which waits for a slot
	status, started := h.first.post(t, fmt.Sprintf("?max_concurrent=%d", atOnce), sheets(atOnce+2))
	if status >= 300 {
		t.Fatalf("the batch was answered %d %v\n%s", status, started, h.first.log)
	}
	h.id = started["job_id"].(string)
	h.wait(t, func() bool {
		running := 0
		for _, k := range h.keys {
			running += h.gemini.InFlight(k.Label)
		}
		return running == h.count*inHand
	})
}

func (h *holding) wait(t testing.TB, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := h.gemini.Wait(ctx, cond); err != nil {
		t.Fatal(err)
	}
}

// cut presses something about the batch and returns how long after the press Gemini saw the last of the running calls
// hang up.
func (h *holding) cut(t testing.TB, what string) (last time.Duration) {
	t.Helper()
	before := len(h.gemini.Calls())
	pressed := time.Now()
	h.first.act(t, "/batches/"+h.id+"/"+what, url.Values{})
	h.wait(t, func() bool { return len(h.gemini.Calls()) >= before+h.count*inHand })
	for _, c := range h.gemini.Calls()[before:] {
		if c.Kind != "left" {
			t.Errorf("a call with %s ended as %s", c.Key, c.Kind)
		}
		last = max(last, c.At.Add(c.Took).Sub(pressed))
	}
	return last
}

func inProcess(t testing.TB) func(environ ...string) *process {
	return func(environ ...string) *process { return run(t, environ...) }
}

func ofItsOwn(t testing.TB) func(environ ...string) *process {
	return func(environ ...string) *process { _, p := child(t, environ...); return p }
}

// onNATS are the environments of n processes on a JetStream outside.
func onNATS(t testing.TB, nodes, n int) [][]string {
	t.Helper()
	url := storetest.Start(t, nodes).URL()
	environs := make([][]string, n)
	for i := range environs {
		environs[i] = []string{"SHEETLIFT_NATS_URL=" + url, "SHEETLIFT_SECRET=" + strings.Repeat("s", 32), "SHEETLIFT_DATA=:memory:"}
	}
	return environs
}

func TestACancelHangsUpOnGeminiInEveryProcess(t *testing.T) {
	t.Parallel()
	h := hold(t, ofItsOwn(t), onNATS(t, 1, 2)...)
	h.begin(t)
	h.cut(t, "cancel")
	if status := h.first.ended(t, h.id, time.Minute); status["status"] != "failed" || status["error_message"] == nil || len(h.gemini.Calls()) != 2*inHand {
		t.Errorf("ended with %v after %d calls", status, len(h.gemini.Calls()))
	}
}

func TestADeletedBatchHangsUpOnGemini(t *testing.T) {
	t.Parallel()
	h := hold(t, inProcess(t), []string{"SHEETLIFT_DATA=" + t.TempDir() + "/data"})
	h.begin(t)
	h.cut(t, "delete")
}

// BenchmarkCancel is from the press of Cancel, on one process, until Gemini sees the last of all running calls hang up.
func BenchmarkCancel(b *testing.B) {
	for _, c := range []struct {
		name string
		hold func(b *testing.B) *holding
	}{
		{"embedded", func(b *testing.B) *holding {
			return hold(b, inProcess(b), []string{"SHEETLIFT_DATA=" + b.TempDir() + "/data"})
		}},
		{"two-processes-one-node", func(b *testing.B) *holding { return hold(b, ofItsOwn(b), onNATS(b, 1, 2)...) }},
		{"two-processes-three-nodes", func(b *testing.B) *holding { return hold(b, ofItsOwn(b), onNATS(b, 3, 2)...) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := c.hold(b)
			var took []time.Duration
			for b.Loop() {
				h.begin(b)
				took = append(took, h.cut(b, "cancel"))
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms-middle")
			b.ReportMetric(took[len(took)-1].Seconds()*1000, "ms-worst")
		})
	}
}

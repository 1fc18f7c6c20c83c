package gemini

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/keypool"
)

var soak = flag.Duration("soak", 0, "how long TestSoak lasts; 0 is two seconds")

// TestSoak has 64 workers read while every fault hits the keys, one after the other. Nothing may be lost, no
// goroutine may be left, and no key may appear in the log or in the memory. make soak-keys runs it for an hour.
func TestSoak(t *testing.T) {
	d, latency := *soak, call
	if d == 0 {
		d, latency = 2*time.Second, call/4
	}
	before := runtime.NumGoroutine()
	log, kept := &safeBuffer{}, &shelf{docs: map[string][]byte{}}
	s, err := simulator.New(simulator.Options{Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	const canary = "canary-77f0"
	var keys []keypool.Key
	for i := range rigKeys {
		value := fmt.Sprintf("%s-%d", canary, i)
		s.SetKey(simulator.Key{Value: value, Label: fmt.Sprintf("key %d", i+1), Latency: latency, Jitter: 0.5})
		keys = append(keys, keypool.Key{Label: fmt.Sprintf("key %d", i+1), Secret: keypool.NewSecret(value)})
	}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := &rig{service: s, started: time.Now(), pool: keypool.New(keys, keypool.Options{
		Secret: []byte("0123456789abcdef"), Rand: rand.New(rand.NewPCG(1, 2)), Memory: kept, Log: logger,
	})}
	transport := newTransport()
	if r.engine, err = New(Options{Pool: r.pool, BaseURL: s.URL, Log: logger, Transport: transport, Timeout: 2 * time.Second}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = r.pool.Run(ctx) })
	all.Go(func() { trouble(ctx, s, canary, latency, d/40) })
	result := r.work(ctx, d, job{workers: 64})
	for n := 0; n < 20 && result.good == 0 && result.lost == 0; n++ { // a busy machine reads nothing in two seconds
		result = r.work(ctx, d, job{workers: 64})
	}
	cancel()
	all.Wait()
	s.Close()
	transport.CloseIdleConnections()
	t.Logf("%v: %d images, %d calls, %d lost", d, result.good, len(s.Calls()), result.lost)
	if result.lost > 0 || result.good == 0 {
		t.Errorf("%d images were lost, %d read", result.lost, result.good)
	}
	for id, doc := range kept.docs {
		if strings.Contains(id+string(doc), canary) {
			t.Errorf("a key stands in the memory: %s", doc)
		}
	}
	if strings.Contains(log.String()+fmt.Sprint(r.pool.Status(time.Now())), canary) {
		t.Error("a key is shown")
	}
	for wait := time.NewTimer(10 * time.Second); runtime.NumGoroutine() > before+2; {
		select {
		case <-wait.C:
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		default:
			runtime.Gosched()
		}
	}
}

// trouble gives one key after the other a fault for a while.
func trouble(ctx context.Context, s *simulator.Server, canary string, latency, each time.Duration) {
	faults := []simulator.Answer{
		simulator.PayloadAnswer("503-overloaded"), simulator.ResetAnswer(), simulator.HalfAnswer(), simulator.HangAnswer(),
		simulator.PayloadAnswer("429-bare-resource-exhausted"), simulator.PayloadAnswer("500-internal"),
		simulator.PayloadAnswer("html-sorry-429"), simulator.PayloadAnswer("504-deadline-exceeded"),
	}
	for n := 0; ; n++ {
		key := simulator.Key{
			Value: fmt.Sprintf("%s-%d", canary, n%rigKeys), Label: fmt.Sprintf("key %d", n%rigKeys+1), Latency: latency, Jitter: 0.5,
		}
		bad := key
		bad.Always = &faults[n%len(faults)]
		s.SetKey(bad)
		select {
		case <-time.After(each):
		case <-ctx.Done():
			return
		}
		s.SetKey(key)
	}
}

// safeBuffer is a buffer for concurrent writers.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

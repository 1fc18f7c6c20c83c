package gemini

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
)

// control measures the throughput of 24 plain workers on this machine in the same seconds: no pool, no SDK, no
// faults, each with its own key and simulated service. It returns the share of the ideal, 1 on an idle machine; the
// promises of the scenarios are measured against it.
func control(ctx context.Context, b *testing.B, d time.Duration) float64 {
	o := simulator.Options{Seed: 1}
	for i := range workers {
		o.Keys = append(o.Keys, simulator.Key{Value: fmt.Sprintf("bare-%d", i), Latency: call, Jitter: 0.1})
	}
	s := simulator.Start(b, o)
	body, err := json.Marshal(map[string]any{"contents": []any{map[string]any{"parts": []any{
		map[string]any{"text": invoice.Prompt()},
		map[string]any{"inlineData": map[string]any{"mimeType": "image/jpeg", "data": base64.StdEncoding.EncodeToString(picture())}},
	}}}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	client := &http.Client{Transport: newTransport()}
	var good atomic.Int64
	var crew sync.WaitGroup
	for i := range workers {
		crew.Go(func() {
			for ctx.Err() == nil {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1beta/models/m:generateContent", bytes.NewReader(body))
				if err != nil {
					return
				}
				req.Header.Set("x-goog-api-key", fmt.Sprintf("bare-%d", i))
				res, err := client.Do(req)
				if err != nil {
					continue
				}
				_, err = io.Copy(io.Discard, res.Body)
				if _ = res.Body.Close(); err == nil && res.StatusCode == http.StatusOK {
					good.Add(1)
				}
			}
		})
	}
	crew.Wait()
	full := float64(workers) * (d - call).Seconds() / call.Seconds() // the last call of each is cut off
	return min(1, float64(good.Load())/full)
}

package e2e_test

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
	"sheetlift/internal/keypool/keypooltest"
)

// control makes calls in the same seconds as a scenario, with as many plain workers as it has calls at once: no program, no
// store, no faults, each with its own key. The function that it returns ends it and returns the share of the ideal that they
// reached, 1 on an idle machine; the bound of a scenario is measured against it.
func control(b *testing.B, s keypooltest.Scenario) func() float64 {
	b.Helper()
	o := simulator.Options{}
	for i := range s.AtOnce {
		o.Keys = append(o.Keys, simulator.Key{Value: fmt.Sprintf("plain-%d", i), Latency: s.Call})
	}
	gemini := simulator.Start(b, o)
	body, err := json.Marshal(map[string]any{"contents": []any{map[string]any{"parts": []any{
		map[string]any{"text": "Read this sheet."},
		map[string]any{"inlineData": map[string]any{"mimeType": "image/jpeg", "data": base64.StdEncoding.EncodeToString(sheets(1)[0].data)}},
	}}}})
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: s.AtOnce}}
	ctx, cancel := context.WithCancel(b.Context())
	var calls atomic.Int64 // thousandths, so that a call that is cut off counts for its part
	var crew sync.WaitGroup
	began := time.Now()
	for i := range s.AtOnce {
		crew.Go(func() {
			for ctx.Err() == nil {
				start := time.Now()
				if plainCall(ctx, client, gemini.URL, fmt.Sprintf("plain-%d", i), body) {
					calls.Add(1000)
				} else if ctx.Err() != nil {
					calls.Add(int64(min(1000, 1000*time.Since(start)/s.Call)))
				}
			}
		})
	}
	return func() float64 {
		took := time.Since(began)
		cancel()
		crew.Wait()
		client.CloseIdleConnections()
		return min(1, float64(calls.Load())/1000/(float64(s.AtOnce)*took.Seconds()/s.Call.Seconds()))
	}
}

func plainCall(ctx context.Context, client *http.Client, url, key string, body []byte) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1beta/models/m:generateContent", bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("x-goog-api-key", key)
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.Body.Close() == nil && err == nil && res.StatusCode == http.StatusOK
}

package e2e_test

import (
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine/gemini/simulator"
)

func TestABatchWithoutAKeyThatWorksIsPausedSaysSoAndGoesOnWithANewOne(t *testing.T) {
	t.Parallel()
	expectWarnings(t, keyRefused, allKeysRefused)
	gemini, environ := fake(t, 2, 10*time.Millisecond)
	dead := simulator.PayloadAnswer("400-api-key-invalid")
	for _, n := range []string{"1", "2"} {
		gemini.SetKey(simulator.Key{Value: canary + "-" + n, Label: "key " + n, Always: &dead})
	}
	gemini.SetKey(simulator.Key{Value: canary + "-new", Label: "new", Latency: 10 * time.Millisecond})
	p := run(t, environ...)
	_, started := p.post(t, "", sheets(12))
	id := started["job_id"].(string)
	waitFor(t, func() bool { _, s := p.get(t, "/batch-status/"+id); return s["status"] == "paused" })
	if _, page, _ := p.fetch(t, "/batches/"+id); !strings.Contains(string(page), "Google refuses every key") {
		t.Error("the page does not say why nothing is read")
	}
	calls := len(gemini.Calls())
	p.act(t, "/keys", url.Values{"key": {canary + "-new"}})
	if status := p.ended(t, id, time.Minute); status["completed_images"] != 12.0 {
		t.Errorf("ended with %v", status)
	}
	if more := len(gemini.Calls()) - calls; more != 12 {
		t.Errorf("%d calls for 12 images once a key worked", more)
	}
}

func TestWhatNoKeyCanReadIsReadOfflineAtAPress(t *testing.T) {
	t.Parallel()
	expectWarnings(t, keyRefused, allKeysRefused)
	if _, err := exec.LookPath("tesseract"); err != nil {
		t.Skip("Tesseract is not installed here; make test installs it")
	}
	gemini, environ := fake(t, 1, 10*time.Millisecond)
	dead := simulator.PayloadAnswer("400-api-key-invalid")
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Always: &dead})
	p := run(t, environ...)
	_, started := p.post(t, "", sheets(3))
	id := started["job_id"].(string)
	waitFor(t, func() bool { _, s := p.get(t, "/batch-status/"+id); return s["status"] == "paused" })
	if _, page, _ := p.fetch(t, "/batches/"+id); !strings.Contains(string(page), "/batches/"+id+"/offline") {
		t.Fatal("the page does not offer to read offline what waits")
	}
	p.act(t, "/batches/"+id+"/offline", nil)
	if status := p.ended(t, id, 2*time.Minute); status["completed_images"] != 3.0 {
		t.Errorf("ended with %v", status)
	}
	images, err := p.app.Store().Images(t.Context(), batch.ID(id))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range images {
		if m.Engine != "tesseract" {
			t.Errorf("image %d was read by %q", m.N, m.Engine)
		}
	}
}

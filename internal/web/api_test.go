package web_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
)

func TestTheDocumentationNamesEveryAddressForPrograms(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var written []string
	for _, row := range regexp.MustCompile("(?m)^\\| ([A-Z]+) \\| `(/api/[^`]+)` \\|").FindAllSubmatch(text, -1) {
		written = append(written, string(row[1])+" "+string(row[2]))
	}
	there := slices.DeleteFunc(newDeskWith(t, pool(t, "one"), "gemini").server.Routes(), func(r string) bool {
		return !strings.Contains(r, " /api/") || strings.HasPrefix(r, "echo_")
	})
	slices.Sort(written)
	slices.Sort(there)
	if !slices.Equal(written, there) {
		t.Errorf("docs/api.md has\n%s\nthere is\n%s", strings.Join(written, "\n"), strings.Join(there, "\n"))
	}
}

// call sends a request as a program does.
func (d *desk) call(method, path, body string, header ...string) (int, map[string]any) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, "http://127.0.0.1/api/v1"+path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res := d.serve(r)
	var data bytes.Buffer
	if _, err := data.ReadFrom(res.Body); err != nil {
		d.t.Fatal(err)
	}
	answer := map[string]any{}
	if data.Len() > 0 {
		if err := json.Unmarshal(data.Bytes(), &answer); err != nil {
			d.t.Fatalf("%s %s: %d %.300s", method, path, res.StatusCode, data.String())
		}
	}
	if kind := res.Header.Get("Content-Type"); res.StatusCode >= 400 && kind != "application/problem+json" {
		d.t.Errorf("%s %s: an error as %s", method, path, kind)
	}
	return res.StatusCode, answer
}

func TestAProgramMakesOneBatchHoweverOftenItAsks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	wish := `{"name": "November", "preset": "receipt", "engine": "tesseract", "at_once": 7, "max_retries": 1, "retry_delay_ms": 50, "fallback": "off", "keep": "168h", "priority": "low"}`
	code, made := d.call("POST", "/batches", wish, "Idempotency-Key", "november-1")
	again, same := d.call("POST", "/batches", wish, "Idempotency-Key", "november-1")
	_, other := d.call("POST", "/batches", wish, "Idempotency-Key", "november-2")
	if code != 201 || again != 200 || made["id"] != same["id"] || made["id"] == other["id"] {
		t.Fatalf("%d %v, %d %v, %v", code, made["id"], again, same["id"], other["id"])
	}
	b := d.stored(batch.ID(made["id"].(string)))
	want := batch.Options{AtOnce: 7, MaxRetries: 1, RetryDelay: 50 * time.Millisecond, Fallback: batch.FallbackOff, Keep: 168 * time.Hour}
	if b.Options != want || b.Priority != batch.Low || b.Engine != "tesseract" || b.Table.Preset != "receipt" || made["keep"] != "168h" || made["priority"] != "low" {
		t.Errorf("made %+v with %+v", b, made)
	}
	_, list := d.call("GET", "/batches", "")
	if n := len(list["batches"].([]any)); n != 2 {
		t.Errorf("%d batches are listed", n)
	}
}

func TestAProgramSteersABatchAndEveryRequestMayBeRepeated(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	b := d.started() // 1 pending, 3 completed, 4 failed, 5 retrying
	here := "/batches/" + string(b.ID)
	for _, c := range []struct {
		method, path, body string
		code               int
		field              string // of the response
		want               any
	}{
		{"POST", "/pause", "", 200, "status", "paused"},
		{"POST", "/resume", "", 200, "status", "processing"},
		{"PATCH", "", `{"priority": "high", "at_once": 9, "keep": "forever", "name": "Other"}`, 200, "keep", "forever"},
		{"PATCH", "", `{"fallback": "always"}`, 200, "fallback", "always"},
		{"GET", "", "", 200, "name", "Other"},
		{"PATCH", "/images/1", `{"priority": "high", "name": "Hall"}`, 200, "priority", "high"},
		{"GET", "/images/1", "", 200, "name", "Hall"},
		{"GET", "/images/3", "", 200, "doubts", 3.0},
		{"POST", "/images/5/cancel", "", 200, "status", "canceled"},
		{"POST", "/images/4/retry", `{"engine": "tesseract"}`, 200, "status", "retrying"},
		{"POST", "/images/3/retry", `{"fresh": true}`, 200, "status", "retrying"},
		{"POST", "/start", "", 200, "status", "processing"},
		{"POST", "/cancel", "", 200, "status", "canceled"},
		{"DELETE", "", "", 204, "", nil},
		{"POST", "/undelete", "", 200, "status", "canceled"},
	} {
		for range 2 {
			code, answer := d.call(c.method, here+c.path, c.body)
			if code != c.code || c.field != "" && answer[c.field] != c.want {
				t.Errorf("%s %s: %d %v, want %d with %s %v", c.method, c.path, code, answer, c.code, c.field, c.want)
			}
		}
	}
	code, answer := d.call("GET", here+"/rows", "")
	if rows := answer["rows"].([]any); code != 200 || len(rows) != 2 || rows[0].(map[string]any)["image"] != 3.0 {
		t.Errorf("%d %v", code, answer)
	}
	code, answer = d.call("GET", here+"/images", "")
	if images := answer["images"].([]any); code != 200 || len(images) != 4 {
		t.Errorf("%d %v", code, answer)
	}
}

func TestAProgramRetriesWhatFailed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	b := d.started()
	here := "/batches/" + string(b.ID)
	for i, want := range []float64{1, 0} {
		if code, answer := d.call("POST", here+"/retry", `{"model": "gemini-9"}`); code != 200 || answer["retried"] != want {
			t.Errorf("retry %d: %d %v", i+1, code, answer)
		}
	}
	if m := d.image(b.ID, 4); m.Model != "gemini-9" || m.Generation != 2 {
		t.Errorf("image 4 is to be read by %q as work %d", m.Model, m.Generation)
	}
	if code, answer := d.call("POST", here+"/retry", `{"images": [3], "fresh": true}`); code != 200 || answer["retried"] != 1.0 {
		t.Errorf("afresh: %d %v", code, answer)
	}
}

func TestAProgramUploadsAndStartsAtATime(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	_, made := d.call("POST", "/batches", "")
	here := "/batches/" + made["id"].(string)
	for range 2 {
		code, answer := d.call("PUT", here+"/images/sheet-0001?filename=a.jpg&name=Hall", "a picture")
		if images, _ := answer["images"].([]any); code != http.StatusCreated || len(images) != 1 {
			t.Fatalf("%d %v", code, answer)
		}
	}
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
	for range 2 {
		if code, answer := d.call("POST", here+"/start", `{"start_at": "`+at+`", "priority": "high"}`); code != 200 || answer["status"] != "scheduled" || answer["start_at"] != at || answer["priority"] != "high" {
			t.Fatalf("%d %v", code, answer)
		}
	}
	if _, answer := d.call("POST", here+"/start", ""); answer["status"] != "processing" || answer["images"] != 1.0 {
		t.Errorf("started now it is %v", answer)
	}
}

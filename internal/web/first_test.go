package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// part is a form field: a file if it has a file name.
type part struct{ field, file, value string }

// send posts a form to the endpoint of the first version.
func (d *desk) send(query string, header map[string]string, parts ...part) (int, map[string]any) {
	d.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, p := range parts {
		var err error
		if p.file == "" {
			err = form.WriteField(p.field, p.value)
		} else {
			w, failed := form.CreateFormFile(p.field, p.file)
			if failed != nil {
				d.t.Fatal(failed)
			}
			_, err = w.Write([]byte(p.value))
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		d.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodPost, "http://127.0.0.1/batch-process-images"+query, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return d.answer(r)
}

func (d *desk) answer(r *http.Request) (int, map[string]any) {
	d.t.Helper()
	res := d.serve(r)
	answer := map[string]any{}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		d.t.Fatalf("%d: %v", res.StatusCode, err)
	}
	return res.StatusCode, answer
}

func (d *desk) fetch(path string) (int, map[string]any) {
	d.t.Helper()
	return d.answer(httptest.NewRequestWithContext(d.t.Context(), http.MethodGet, "http://127.0.0.1"+path, nil))
}

func picture(name string) part { return part{"images", name, "picture " + name} }

func TestAJobIsAcceptedInTheShapeOfTheFirstVersion(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	status, answer := d.send("?columns=receipt&max_concurrent=7", map[string]string{"X-Max-Retries": "1"},
		part{"names", "", "First sheet"}, part{"retry_delay", "", "250"}, picture("a.jpg"), picture("b.jpg"),
		part{"images", `C:\scans\c.png`, "picture c"}, part{"something", "", "else"})
	id, _ := answer["job_id"].(string)
	want := map[string]any{"success": true, "job_id": id, "total_images": 3.0, "status": "processing_started"}
	if status != http.StatusOK || id == "" || fmt.Sprint(answer) != fmt.Sprint(want) {
		t.Fatalf("%d: %v", status, answer)
	}
	b := d.stored(batch.ID(id))
	if b.Options.AtOnce != 7 || b.Options.MaxRetries != 1 || b.Options.RetryDelay != 250*time.Millisecond || b.Table.Preset != "receipt" {
		t.Errorf("the batch has %+v and the table %+v", b.Options, b.Table)
	}
	var names []string
	for n := 1; n <= 3; n++ {
		m := d.image(b.ID, n)
		names = append(names, m.Name+" of "+m.Filename)
	}
	if got := []string{"First sheet of a.jpg", "b of b.jpg", "c of c.png"}; !slices.Equal(names, got) {
		t.Errorf("the images are %q, want %q", names, got)
	}
}

func TestWhatTheFirstVersionRefusesItNames(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	for _, c := range []struct {
		name, query string
		parts       []part
		says        string
	}{
		{"no picture", "", []part{{"foo", "", "bar"}}, "images"},
		{"too many at once", "?max_concurrent=65", []part{picture("a.jpg")}, "1 to 64"},
		{"none at once", "?max_concurrent=0", []part{picture("a.jpg")}, "1 to 64"},
		{"a word for a number", "?retry_delay=soon", []part{picture("a.jpg")}, "retry_delay"},
		{"unknown columns", "?columns=all", []part{picture("a.jpg")}, "inventory, receipt or any"},
		{"unknown engine", "", []part{{"engine", "", "magic"}, picture("a.jpg")}, "tesseract"},
		{"an engine that cannot read here", "?engine=gemini", []part{picture("a.jpg")}, ""},
		{"only bad files", "", []part{{"images", "x.jpg", "bad"}, {"images", "y.jpg", "bad"}}, "None of the 2 files"},
	} {
		status, answer := d.send(c.query, nil, c.parts...)
		detail, _ := answer["detail"].(string)
		if status != http.StatusUnprocessableEntity || answer["success"] != false || detail == "" || !strings.Contains(detail, c.says) {
			t.Errorf("%s: %d, %v", c.name, status, answer)
		}
	}
	if n := d.world.PictureCount(); n != 0 {
		t.Errorf("%d pictures are left of what was refused", n)
	}
	for _, path := range []string{"/batch-status/none", "/batch-results/" + string(batch.NewID())} {
		if status, answer := d.fetch(path); status != http.StatusNotFound || answer["detail"] == nil {
			t.Errorf("%s: %d, %v", path, status, answer)
		}
	}
}

func TestABadFileIsRejectedByNameAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	status, answer := d.send("", nil, picture("a.jpg"), part{"images", "../../b.jpg", "bad"}, picture("c.jpg"))
	if status != http.StatusOK || answer["total_images"] != 2.0 {
		t.Fatalf("%d: %v", status, answer)
	}
	rejected, _ := answer["rejected"].([]any)
	if len(rejected) != 1 {
		t.Fatalf("rejected: %v", rejected)
	}
	if r := rejected[0].(map[string]any); r["filename"] != "b.jpg" || r["reason"] == "" {
		t.Errorf("rejected: %v", r)
	}
}

func TestStatusAndResultsTellWhatIsThereWhileTheBatchRuns(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	_, answer := d.send("?columns=receipt", nil, picture("a.jpg"), picture("b.jpg"), picture("c.jpg"))
	id := batch.ID(answer["job_id"].(string))
	d.change(id, 1, func(m *batch.Image) {
		m.Status, m.Tries, m.Text = batch.Completed, 3, "ACME 00123"
		m.Rows = []table.Row{{Cells: []table.Cell{{Text: "ACME"}, {Text: "2026-11-25"}, {Text: "1 Main St"}, {Text: "00123"}}}}
		began := time.Now().Add(-2 * time.Second)
		m.Attempts = []batch.Attempt{{N: 3, Engine: "gemini", Key: "key 2", Started: began, Ended: began.Add(1500 * time.Millisecond)}}
	})
	d.change(id, 2, func(m *batch.Image) { m.Status, m.Failure = batch.Failed, "It is blank." })

	status, answer := d.fetch("/batch-status/" + string(id))
	for name, want := range map[string]any{
		"success": true, "job_id": string(id), "status": "processing", "total_images": 3.0, "completed_images": 1.0,
		"failed_images": 1.0, "progress_percentage": 66.6, "completed_at": nil,
	} {
		if answer[name] != want {
			t.Errorf("status: %s is %v, want %v", name, answer[name], want)
		}
	}
	if _, err := time.Parse(time.RFC3339, answer["created_at"].(string)); status != http.StatusOK || err != nil {
		t.Errorf("%d: %v", status, err)
	}

	_, answer = d.fetch("/batch-results/" + string(id))
	results, _ := answer["results"].([]any)
	if len(results) != 3 || answer["progress_percentage"] != 66.6 {
		t.Fatalf("results: %v", answer)
	}
	first := results[0].(map[string]any)
	for name, want := range map[string]any{
		"filename": "a.jpg", "name": "a", "status": "completed", "extracted_text": "ACME 00123", "error_message": nil,
		"processing_time": 1.5, "retry_count": 2.0, "api_key_used": "key 2",
	} {
		if first[name] != want {
			t.Errorf("first result: %s is %v, want %v", name, first[name], want)
		}
	}
	if got := fmt.Sprint(first["table_data"]); got != "[map[address:1 Main St company:ACME date:2026-11-25 total:00123]]" {
		t.Errorf("table_data is %s", got)
	}
	if second := results[1].(map[string]any); second["error_message"] != "It is blank." || fmt.Sprint(second["table_data"]) != "[]" {
		t.Errorf("second result: %v", second)
	}
	if third := results[2].(map[string]any); third["status"] != "pending" || third["api_key_used"] != nil {
		t.Errorf("third result: %v", third)
	}
}

func TestACanceledBatchEndsAsFailedForClientsOfTheFirstVersion(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	_, answer := d.send("", nil, picture("a.jpg"), picture("b.jpg"))
	id := batch.ID(answer["job_id"].(string))
	d.change(id, 1, func(m *batch.Image) { m.Status = batch.Completed })
	if _, err := d.service.Run.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/batch-status/", "/batch-results/"} {
		_, answer := d.fetch(path + string(id))
		if why, _ := answer["error_message"].(string); answer["status"] != "failed" || !strings.Contains(why, "canceled") || answer["completed_at"] == nil {
			t.Errorf("%s: %v", path, answer)
		}
	}
	_, answer = d.fetch("/batch-results/" + string(id))
	results, _ := answer["results"].([]any)
	first, second := results[0].(map[string]any), results[1].(map[string]any)
	if why, _ := second["error_message"].(string); first["status"] != "completed" || first["error_message"] != nil || second["status"] != "failed" || !strings.Contains(why, "canceled") {
		t.Errorf("the results are %v and %v", first, second)
	}
}

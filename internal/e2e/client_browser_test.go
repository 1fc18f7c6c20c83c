package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// filesInBrowser is a script that makes File objects of the sheets 1 to n.
func filesInBrowser(n int) string {
	var texts []string
	for _, f := range sheets(n) {
		texts = append(texts, base64.StdEncoding.EncodeToString(f.data))
	}
	list, _ := json.Marshal(texts) // texts only
	return fmt.Sprintf(`const files = %s.map((text, i) =>
		new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], "sheet-00" + (i + 1) + ".jpg", { type: "image/jpeg" }));`, list)
}

// outcome waits until the page has set window.outcome and decodes it.
func (b *tab) outcome(into any) {
	b.t.Helper()
	b.until("window.outcome")
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("JSON.stringify(window.outcome)"))
	if err == nil {
		err = json.Unmarshal([]byte(text), into)
	}
	if err != nil {
		b.t.Fatalf("%v: %s", err, text)
	}
}

// elsewhere serves an empty page on an origin of its own.
func elsewhere(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>desk</title><link rel=icon href=data:,>")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestTheClientForProgramsWorksInABrowserFromItsOwnAndANamedOrigin(t *testing.T) {
	t.Parallel()
	desk := elsewhere(t)
	_, environ := fake(t, 2, 20*time.Millisecond)
	p := run(t, append(environ, "SHEETLIFT_ORIGINS="+desk)...)
	for _, page := range []string{p.url + "/", desk} {
		b := browser(t)
		b.do(chromedp.Navigate(page))
		b.script(filesInBrowser(4) + fmt.Sprintf(`
			window.calls = 0;
			import(%q).then((client) => client.createBatchJob(files, {
				maxConcurrent: 2, names: ["Hall A"], onProgress: () => { window.calls++; },
				onComplete: (job) => { window.outcome = { job }; }, onError: (error) => { window.outcome = { error: error.message }; },
			})).catch((error) => { window.outcome = { error: String(error) }; });`, p.url+"/static/sheetlift.js"))
		var got struct {
			Job   clientJob
			Error string
		}
		b.outcome(&got)
		if got.Error != "" || got.Job.Status != "completed" || got.Job.CompletedImages != 4 || !b.is("window.calls >= 4") {
			t.Fatalf("from %s the job is %+v", page, got)
		}
		for i, one := range got.Job.Results {
			if !reflect.DeepEqual(one.TableData, wantTable(i+1)) {
				t.Errorf("from %s the rows of sheet %d are %v", page, i+1, one.TableData)
			}
		}
		b.end()
	}
}

func TestAnUnchangedClientOfTheFirstVersionWorksFromANamedOriginAndNoOther(t *testing.T) {
	t.Parallel()
	desk, other := elsewhere(t), elsewhere(t)
	_, environ := fake(t, 2, 20*time.Millisecond)
	p := run(t, append(environ, "SHEETLIFT_ORIGINS="+desk)...)
	client := filesInBrowser(3) + fmt.Sprintf(`
		const base = %q;
		(async () => {
			const form = new FormData();
			for (const file of files) form.append("images", file);
			const sent = await fetch(base + "/batch-process-images?max_concurrent=2", { method: "POST", body: form });
			const { job_id } = await sent.json();
			for (;;) {
				const status = await (await fetch(base + "/batch-status/" + job_id)).json();
				if (status.status === "completed" || status.status === "failed") break;
				await new Promise((resolve) => setTimeout(resolve, 50));
			}
			return (await fetch(base + "/batch-results/" + job_id)).json();
		})().then((r) => { window.outcome = r; }, (error) => { window.outcome = { error_message: String(error) }; });`, p.url)
	var got struct {
		Status  string
		Error   string `json:"error_message"`
		Results []struct {
			Table []map[string]string `json:"table_data"`
		}
	}
	b := browser(t)
	b.do(chromedp.Navigate(desk))
	b.script(client)
	b.outcome(&got)
	if got.Status != "completed" || len(got.Results) != 3 || !reflect.DeepEqual(got.Results[2].Table, wantTable(3)) {
		t.Errorf("from the named origin: %+v", got)
	}
	b = browser(t)
	b.forgive("CORS", "ERR_FAILED", "403", "Failed to fetch")
	b.do(chromedp.Navigate(other))
	b.script(client)
	got.Status = ""
	b.outcome(&got)
	if got.Status != "" || got.Error == "" {
		t.Errorf("from another origin: %+v", got)
	}
	if _, all := p.get(t, "/api/v1/batches"); len(all["batches"].([]any)) != 1 {
		t.Errorf("a page of another origin made a batch: %v", all)
	}
}

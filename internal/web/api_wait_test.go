package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
)

// reply is an answer to a program, with its tag.
type reply struct {
	status int
	tag    string
	told   map[string]any
}

// talk sends a request as a program does; from any goroutine.
func (d *desk) talk(method, path, body string, header ...string) (r reply) {
	d.t.Helper()
	req := httptest.NewRequestWithContext(d.t.Context(), method, "http://127.0.0.1/api/v1"+path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res := d.serve(req)
	data, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Error(err)
	}
	r = reply{status: res.StatusCode, tag: res.Header.Get("ETag")}
	if len(data) > 0 && json.Unmarshal(data, &r.told) != nil {
		d.t.Errorf("%s %s: %d %.300s", method, path, r.status, data)
	}
	return r
}

// later sends a request that waits, and returns once it does; its answer comes later.
func (d *desk) later(path string, header ...string) <-chan reply {
	d.t.Helper()
	answered := make(chan reply, 1)
	go func() { answered <- d.talk("GET", path, "", header...) }()
	synctest.Wait()
	if len(answered) > 0 {
		d.t.Fatalf("%s is answered at once", path)
	}
	return answered
}

func TestWhoWaitsForAChangeIsAnsweredWhenItComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "gemini", "tesseract")
		b := d.started()
		here := "/batches/" + string(b.ID)
		for _, change := range []func(){
			func() {
				d.change(b.ID, 5, func(m *batch.Image) { m.Status, m.NotBefore, m.Failure = batch.Failed, time.Time{}, "x" })
			},
			func() { d.talk("POST", here+"/pause", "") },
			func() { d.talk("PATCH", here, `{"name": "Other"}`) },
			func() { d.talk("POST", here+"/resume", "") },
			func() { d.progress.SetFull(true) },
			func() { d.progress.SetFull(false) },
		} {
			seen := d.talk("GET", here, "")
			known, since := d.later(here+"?wait=60s", "If-None-Match", "W/"+seen.tag), d.later(here+"?wait=60s")
			began := time.Now()
			change()
			for _, waiting := range []<-chan reply{known, since} {
				if got := <-waiting; got.status != http.StatusOK || got.tag == seen.tag || got.told["id"] != string(b.ID) || !time.Now().Equal(began) {
					t.Errorf("%d %v after %s", got.status, got.told, time.Since(began))
				}
			}
			if got := d.talk("GET", here+"?wait=60s", "", "If-None-Match", seen.tag); got.status != http.StatusOK || !time.Now().Equal(began) {
				t.Errorf("what changed before is told with %d after %s", got.status, time.Since(began))
			}
		}
	})
}

func TestWaitingEndsWithItsTimeWithTheBatchAndWithItsDeletion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "gemini", "tesseract")
		b := d.started()
		here := "/batches/" + string(b.ID)
		began, seen := time.Now(), d.talk("GET", here, "")
		if got := d.talk("GET", here+"?wait=20s", "", "If-None-Match", seen.tag); got.status != http.StatusNotModified || got.tag != seen.tag || time.Since(began) != 20*time.Second {
			t.Errorf("nothing changed: %d after %s", got.status, time.Since(began))
		}
		if got := d.talk("GET", here+"?wait=20s", ""); got.status != http.StatusOK || got.tag != seen.tag || time.Since(began) != 40*time.Second {
			t.Errorf("nothing changed, and no tag was sent: %d after %s", got.status, time.Since(began))
		}
		end := d.later(here + "?wait=60s&until=end")
		d.talk("PATCH", here, `{"name": "Other"}`)
		d.change(b.ID, 5, func(m *batch.Image) { m.Status, m.NotBefore = batch.Processing, time.Time{} })
		synctest.Wait()
		if len(end) > 0 {
			t.Errorf("it is said to have ended: %v", <-end)
		}
		d.talk("POST", here+"/cancel", "")
		if got := <-end; got.status != http.StatusOK || got.told["status"] != "canceled" {
			t.Errorf("ended: %d %v", got.status, got.told)
		}
		now := d.talk("GET", here, "")
		if got := d.talk("GET", here+"?wait=60s", "", "If-None-Match", now.tag); got.status != http.StatusNotModified || time.Since(began) != 40*time.Second {
			t.Errorf("it has ended before: %d after %s", got.status, time.Since(began))
		}
		draft := d.draft("a")
		gone := d.later("/batches/" + string(draft.ID) + "?wait=60s&until=end")
		d.talk("DELETE", "/batches/"+string(draft.ID), "")
		if got := <-gone; got.status != http.StatusNotFound {
			t.Errorf("deleted: %d %v", got.status, got.told)
		}
		if d.server.Streams() != 0 {
			t.Errorf("%d requests are still counted as waiting", d.server.Streams())
		}
	})
}

func TestAServerThatStopsAnswersThoseWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "tesseract")
		waiting := d.later("/batches/" + string(d.draft("a").ID) + "?wait=60s&until=end")
		began := time.Now()
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := d.feed.Run(ctx); err != nil {
			t.Error(err)
		}
		if got := <-waiting; got.status != http.StatusOK || got.told["status"] != "draft" || !time.Now().Equal(began) {
			t.Errorf("%d %v after %s", got.status, got.told, time.Since(began))
		}
	})
}

func TestAWaitOutOfRangeIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	here := "/batches/" + string(d.draft("a").ID)
	for query, at := range map[string]string{"wait=61s": "query.wait", "wait=-1s": "query.wait", "wait=soon": "query.wait", "until=noon&wait=1s": "query.until", "until=end": "query.until"} {
		if got := d.talk("GET", here+"?"+query, ""); got.status != http.StatusUnprocessableEntity || got.told["location"] != at {
			t.Errorf("%s: %d %v", query, got.status, got.told)
		}
	}
	if got := d.talk("GET", here+"?wait=0s", ""); got.status != http.StatusOK {
		t.Errorf("%d %v", got.status, got.told)
	}
}

func TestWhatACallerHasAlreadyIsNotSentAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	b := d.started()
	here := "/batches/" + string(b.ID)
	for _, path := range []string{"", "/images", "/images/3", "/rows"} {
		first := d.talk("GET", here+path, "")
		for _, tags := range []string{first.tag, "W/" + first.tag, `"other", ` + first.tag, "*"} {
			if got := d.talk("GET", here+path, "", "If-None-Match", tags); got.status != http.StatusNotModified || got.tag != first.tag || got.told != nil {
				t.Errorf("%s: %d %v", path, got.status, got.told)
			}
		}
		d.change(b.ID, 3, func(m *batch.Image) { m.Rows[0].Cells[0].Text += "s"; m.Name += "s"; m.Issues = m.Issues[1:] })
		if got := d.talk("GET", here+path, "", "If-None-Match", first.tag); got.status != http.StatusOK || got.tag == first.tag {
			t.Errorf("%s has changed: %d", path, got.status)
		}
	}
}

func TestAChangeIsMadeOnlyToWhatItsAuthorSaw(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	b := d.started()
	here := "/batches/" + string(b.ID)
	for path, changes := range map[string][]string{
		"":          {`{"name": "First"}`, `{"at_once": 9}`, `{"priority": "high", "keep": "72h"}`, `{"model": "gemini-9"}`, `{"decimal": {"Quantity": "comma"}}`},
		"/images/1": {`{"name": "First"}`, `{"priority": "high"}`},
	} {
		for _, change := range changes {
			seen := d.talk("GET", here+path, "")
			if path == "" {
				d.change(b.ID, 5, func(m *batch.Image) { m.Tries++; m.Text += "x" }) // progress is no reason
			}
			made := d.talk("PATCH", here+path, change, "If-Match", seen.tag)
			if made.status != http.StatusOK || made.tag == seen.tag || made.tag == "" {
				t.Fatalf("%s %s: %d %v", path, change, made.status, made.told)
			}
			if again := d.talk("PATCH", here+path, change, "If-Match", seen.tag); again.status != http.StatusOK || again.tag != made.tag {
				t.Errorf("%s %s, sent again: %d %v", path, change, again.status, again.told)
			}
			late := d.talk("PATCH", here+path, `{"name": "Late", "priority": "low"}`, "If-Match", seen.tag)
			if late.status != http.StatusPreconditionFailed || late.told["code"] != "changed" || late.told["location"] != "header.If-Match" {
				t.Errorf("%s after %s: %d %v", path, change, late.status, late.told)
			}
			if now := d.talk("GET", here+path, ""); now.told["name"] == "Late" || now.told["priority"] == "low" || now.tag != made.tag {
				t.Errorf("%s after %s: half of it was kept: %v", path, change, now.told)
			}
		}
	}
	for tags, want := range map[string]int{"*": http.StatusOK, `"x-y"`: http.StatusPreconditionFailed, "": http.StatusPreconditionFailed, "-": http.StatusPreconditionFailed} {
		if got := d.talk("PATCH", here, fmt.Sprintf(`{"name": "With %x"}`, tags), "If-Match", tags); got.status != want {
			t.Errorf("%q: %d %v", tags, got.status, got.told)
		}
	}
}

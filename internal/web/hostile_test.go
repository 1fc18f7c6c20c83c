package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/web"
)

// listening serves a desk on loopback and returns its address.
func (d *desk) listening() string {
	d.t.Helper()
	return d.serving(d.server.HTTP())
}

// serving is listening with a server that the test adjusted.
func (d *desk) serving(server *http.Server) string {
	d.t.Helper()
	l, err := new(net.ListenConfig).Listen(d.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(d.server.Listener(l)) }()
	d.t.Cleanup(func() { _ = server.Close(); <-ended })
	return l.Addr().String()
}

// dial opens a connection that is closed at the end of the test, or after a minute.
func (d *desk) dial(address string) net.Conn {
	d.t.Helper()
	conn, err := new(net.Dialer).DialContext(d.t.Context(), "tcp", address)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

func TestAStalledUploadIsAnsweredAndClosed(t *testing.T) {
	t.Parallel()
	d := newDeskOf(t, web.Config{Stall: 20 * time.Millisecond}, nil, "tesseract")
	b := d.draft()
	at := d.listening()
	form := "POST /batches/" + string(b.ID) + "/images HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=line\r\n"
	for name, head := range map[string]string{
		"a picture":       "PUT /batches/" + string(b.ID) + "/images/upload-01?filename=a.jpg HTTP/1.1\r\n",
		"one of programs": "PUT /api/v1/batches/" + string(b.ID) + "/images/upload-01?filename=a.jpg HTTP/1.1\r\n",
		"a form":          form,
		"a first form":    "POST /batch-process-images HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=line\r\n",
	} {
		conn := d.dial(at)
		if _, err := fmt.Fprint(conn, head+"Host: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n--"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: no answer: %v", name, err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(body), "stood still") || err != nil {
			t.Errorf("%s: %d %.300s, %v", name, res.StatusCode, body, err)
		}
		if n, err := conn.Read(make([]byte, 1)); err == nil || n > 0 {
			t.Errorf("%s: the connection goes on", name)
		}
	}
}

func TestWhatIsRefusedBeforeRoutingIsAProblemForPrograms(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	for _, c := range []struct{ path, kind, field string }{
		{"/api/v1/batches", "application/problem+json", `"status":`},
		{"/batch-process-images", "application/json", `"detail":`},
		{"/batch-status/x", "application/json", `"detail":`},
		{"/batch-results/x", "application/json", `"detail":`},
		{"/batches", "text/plain; charset=utf-8", "."},
	} {
		for status, change := range map[int]func(*http.Request){
			http.StatusForbidden:          func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			http.StatusMisdirectedRequest: func(r *http.Request) { r.Host = "evil.example" },
		} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1"+c.path, nil)
			change(r)
			res := d.serve(r)
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != status || res.Header.Get("Content-Type") != c.kind || !strings.Contains(string(body), c.field) {
				t.Errorf("%s: %d as %s: %s", c.path, res.StatusCode, res.Header.Get("Content-Type"), body)
			}
		}
	}
}

func TestProgramsGetJSONWhateverTheyAccept(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	for _, path := range []string{"/api/v1/batches/none", "/api/v1/nothing", "/batch-status/none"} {
		got := d.get(path)
		got.has(t, http.StatusNotFound, `"detail":"There is nothing here: it was deleted, or the address is wrong."`)
	}
	locked := guarded(t)
	locked.get("/api/v1/batches").has(t, http.StatusUnauthorized, `"detail":`)
}

func TestAnUnknownWordInTheAddressIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a")
	here := "/batches/" + string(b.ID)
	for _, c := range []struct{ path, word, known string }{
		{"/batches?colour=red", "colour", ""},
		{"/figures?day=today", "day", "nothing after the question mark"},
		{here + "/images?page=2", "page", ""},
		{here + "/rows.csv?image=1&sep=tab", "sep", "image, checked, separator"},
		{here + "/rows.md?separator=tab", "separator", "image, checked."},
		{here + "/workbook.xlsx?tz=UTC", "tz", "nothing after the question mark"},
	} {
		code, answer := d.call("GET", c.path, "")
		if detail := fmt.Sprint(answer["detail"]); code != http.StatusUnprocessableEntity || !strings.Contains(detail, c.word) || !strings.Contains(detail, c.known) {
			t.Errorf("%s: %d %v", c.path, code, answer)
		}
		if answer["code"] != "unknown_query" || answer["location"] != "query."+c.word {
			t.Errorf("%s: %v", c.path, answer)
		}
	}
	if code, answer := d.call("PUT", "/batches/"+string(b.ID)+"/images/upload-77?filename=b.jpg&position=2&name=B&folder=x&dated=2026-01-01T00:00:00Z", "b"); code != http.StatusCreated {
		t.Errorf("%d %v", code, answer)
	}
}

func TestAKeyUsedForAnotherRequestIsAConflict(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	_, made := d.call("POST", "/batches", `{"name": "November", "at_once": 3}`, "Idempotency-Key", "key-1")
	if code, same := d.call("POST", "/batches", `{"at_once":3,"name":"November"}`, "Idempotency-Key", "key-1"); code != http.StatusOK || same["id"] != made["id"] {
		t.Errorf("the same in other words: %d %v", code, same)
	}
	code, answer := d.call("POST", "/batches", `{"name": "December"}`, "Idempotency-Key", "key-1")
	if code != http.StatusConflict || !strings.Contains(fmt.Sprint(answer["detail"]), fmt.Sprint(made["id"])) {
		t.Errorf("%d %v", code, answer)
	}
}

func TestSentencesForProgramsHaveNoWordsOfGo(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	for body, want := range map[string]string{
		`{"at_once": "many"}`: "a whole number", `{"columns": "x"}`: "a list", `{"columns": ["x"]}`: "an object", `{"name": 7}`: "a text",
		`{"single": 1}`: "true or false", `{"colour": 1}`: `no field "colour"`, `[]`: "an object", `{`: "not proper JSON",
	} {
		code, answer := d.call("POST", "/batches", body)
		detail := fmt.Sprint(answer["detail"])
		if code != http.StatusUnprocessableEntity || !strings.Contains(detail, want) || strings.Contains(detail, "struct") || strings.Contains(detail, "int ") {
			t.Errorf("%s: %d %s", body, code, detail)
		}
	}
}

func TestABatchThatIsBroughtBackHasItsImages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a", "b")
	d.call("DELETE", "/batches/"+string(b.ID), "")
	if code, answer := d.call("POST", "/batches/"+string(b.ID)+"/undelete", ""); code != http.StatusOK || answer["images"] != 2.0 {
		t.Errorf("%d %v", code, answer)
	}
}

func TestAFullDiskIsAnsweredAsSuchWhateverWasBeingWritten(t *testing.T) {
	t.Parallel()
	for _, err := range []error{syscall.ENOSPC, fmt.Errorf("write workbook: %w", &net.OpError{Op: "write", Err: syscall.EDQUOT})} {
		if status, detail := web.Understand(err); status != http.StatusInsufficientStorage || !strings.Contains(detail, "nearly full") {
			t.Errorf("%v: %d %s", err, status, detail)
		}
	}
}

func TestTheMenuOfABatchChangesAllOrNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.started()
	at := "/batches/" + string(b.ID)
	d.htmx(at+"/settings", url.Values{"priority": {"high"}, "keep": {"72h"}, "at_once": {"500"}}).has(t, http.StatusUnprocessableEntity)
	code, answer := d.call("PATCH", at, `{"keep":"72h","priority":"high","at_once":500}`)
	if now := d.stored(b.ID); code != http.StatusUnprocessableEntity || now.Priority == batch.High || now.Options.Keep != 0 {
		t.Errorf("%d %v, and half of it was kept: %+v", code, answer, now)
	}
}

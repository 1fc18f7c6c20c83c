package web_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/web"
)

// TestMain sets a separate temp folder for the tests, so that files left there by a request are detected.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sheetlift-web-")
	if err == nil {
		err = os.Setenv("TMPDIR", dir)
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// counted counts the bytes read from a body.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// zeros returns a body of n letters.
func zeros(n int64) io.Reader { return io.LimitReader(letters{}, n) }

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// floods are bodies larger than any limit, without pictures; the file exceeds the part of a form that net/http keeps in memory.
func floods() map[string]func() (kind string, body io.Reader) {
	form := func(size int64, disposition string) func() (string, io.Reader) {
		return func() (string, io.Reader) {
			return "multipart/form-data; boundary=line", io.MultiReader(
				strings.NewReader("--line\r\nContent-Disposition: form-data; "+disposition+"\r\n\r\nbad"), zeros(size), strings.NewReader("\r\n--line--\r\n"))
		}
	}
	return map[string]func() (string, io.Reader){
		"a file":  form(33<<20, `name="file"; filename="a.jpg"`),
		"a field": form(9<<20, `name="password"`),
		"a plain form": func() (string, io.Reader) {
			return "application/x-www-form-urlencoded", io.MultiReader(strings.NewReader("bad="), zeros(9<<20))
		},
	}
}

func TestNoRequestLeavesAFileInTheTempFolderOrHasMoreReadThanItsLimit(t *testing.T) {
	t.Parallel()
	secret := []byte("the secret of all processes")
	d := newDeskOf(t, web.Config{Password: password, Secret: secret}, nil, "tesseract")
	b := d.draft("a")
	fill := strings.NewReplacer(":id", string(b.ID), ":n", "1", ":upload", "u-1", ":file", "x.json", ":name", "base.css")
	session := "sheetlift=" + web.Ticket(password, secret, time.Now())
	for _, route := range d.server.Routes() {
		method, at, ok := strings.Cut(route, " ")
		if !ok || strings.HasPrefix(method, "echo_") {
			continue
		}
		for what, flood := range floods() {
			for _, cookie := range []string{"", session} {
				ctx, cancel := context.WithCancel(t.Context())
				if base := path.Base(at); method == http.MethodGet && (base == "events" || base == "notes") {
					cancel() // it has no end of its own
				}
				kind, body := flood()
				sent := &counted{Reader: body}
				r := httptest.NewRequestWithContext(ctx, method, "http://127.0.0.1"+fill.Replace(at), sent)
				r.Header.Set("Content-Type", kind)
				r.Header.Set("Cookie", cookie)
				res := d.serve(r)
				cancel()
				signed := cookie != ""
				if most := web.FormBytes(at, signed); sent.n > most && !(signed && web.TakesStream(method, at)) {
					t.Errorf("%s with %s, signed in %t: %d bytes were read, more than %d", route, what, signed, sent.n, most)
				}
				if res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("%s with %s: %d", route, what, res.StatusCode)
				}
				if left := filesIn(t, os.TempDir()); left != nil {
					t.Fatalf("%s with %s, signed in %t: left %v", route, what, signed, left)
				}
			}
		}
		b = d.renewed(b)
		fill = strings.NewReplacer(":id", string(b.ID), ":n", "1", ":upload", "u-1", ":file", "x.json", ":name", "base.css")
	}
}

// renewed returns a new draft if b was started or deleted.
func (d *desk) renewed(b *batch.Batch) *batch.Batch {
	d.t.Helper()
	if now, err := d.service.Batches.Batch(d.t.Context(), b.ID); err == nil && now.Status == batch.Draft {
		return b
	}
	return d.draft("a")
}

// filesIn returns the files directly in a folder; tests create folders only.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, e := range all {
		if !e.IsDir() {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files
}

func TestAFormReadsTheSameInBothEncodings(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a", "b")
	at := "/batches/" + string(b.ID) + "/names"
	d.post(at, url.Values{"name-1": {"Hall"}}).goesTo(t, "/batches/"+string(b.ID)+"?step=columns")
	body := "--line\r\nContent-Disposition: form-data; name=\"name-2\"\r\n\r\nRoom & Co\r\n--line--\r\n"
	d.sends(at, "multipart/form-data; boundary=line", body).goesTo(t, "/batches/"+string(b.ID)+"?step=columns")
	if one, two := d.image(b.ID, 1).Name, d.image(b.ID, 2).Name; one != "Hall" || two != "Room & Co" {
		t.Errorf("the names are %q and %q", one, two)
	}
}

func TestABrokenFormIsABadRequest(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a")
	at := "/batches/" + string(b.ID)
	const form = "multipart/form-data"
	for _, c := range []struct{ path, kind, body string }{
		{"/templates", form + "; boundary=line", "--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ncut"},
		{"/templates", form + "; boundary=line", "nothing of it"},
		{"/templates", form, "--line--"},
		{"/templates", "application/x-www-form-urlencoded", "data=%zz"},
		{"/who", form + "; boundary=line", "nothing of it"},
		{"/who", form + "; boundary=line", "--line\r\nContent-Disposition: form-data; name=\"name\"; filename=\"a.jpg\"\r\n\r\nx\r\n--line--\r\n"},
		{"/batches", form, "--line--"},
		{"/batches", form + "; boundary=line", "nothing of it"},
		{at + "/images", form + "; boundary=line", "nothing of it"},
		{at + "/images", "text/plain", "nothing of it"},
		{at + "/names", form + "; boundary=line", "nothing of it"},
		{at + "/columns", form + "; boundary=line", "nothing of it"},
		{"/batch-process-images", form + "; boundary=line", "nothing of it"},
	} {
		d.sends(c.path, c.kind, c.body).has(t, http.StatusBadRequest)
	}
}

func TestSavedColumnsAreImportedFromAFile(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	var body bytes.Buffer
	body.WriteString("--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\nContent-Type: application/json\r\n\r\n")
	body.WriteString(`{"kind":"sheetlift columns","version":1}`)
	body.WriteString("\r\n--line--\r\n")
	d.sends("/templates", "multipart/form-data; boundary=line", body.String()).has(t, http.StatusUnprocessableEntity)
	d.post("/templates", url.Values{"data": {strings.Repeat("x", draft.MaxTemplateFile+1)}}).has(t, http.StatusRequestEntityTooLarge)
	d.post("/templates", url.Values{}).has(t, http.StatusUnprocessableEntity, "Choose a file")
}

// sends posts a body of any content type.
func (d *desk) sends(path, kind, body string) answer {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodPost, "http://127.0.0.1"+path, strings.NewReader(body))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	d.pages.ServeHTTP(w, r)
	return answer{w.Code, w.Header().Get("Location"), w.Body.String()}
}

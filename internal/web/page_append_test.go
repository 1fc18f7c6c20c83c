package web_test

import (
	"bytes"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// submit sends a form with a file and fields from a browser and returns the status, the kind of the answer, and its body.
func (d *desk) submit(path string, file []byte, fields ...string) (int, string, []byte) {
	d.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if file != nil {
		w, err := form.CreateFormFile("file", "october <1>.xlsx")
		if err == nil {
			_, err = w.Write(file)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if err := form.WriteField(fields[i], fields[i+1]); err != nil {
			d.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		d.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodPost, "http://127.0.0.1"+path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	d.pages.ServeHTTP(w, r)
	data, err := io.ReadAll(w.Result().Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return w.Code, w.Header().Get("Content-Type"), data
}

func TestThePageSaysHowRowsFitAndThenGivesTheNewWorkbookWithoutScripts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	id := d.half()
	at := "/batches/" + id + "/append"
	for _, page := range []string{"/batches/" + id, "/batches/" + id + "/rows"} {
		d.get(page).has(t, http.StatusOK, `href="`+at+`"`)
	}
	d.get(at).has(t, http.StatusOK, `type="file"`, `enctype="multipart/form-data"`)
	old := lastMonth(t, "Number", "Item_Description")
	status, _, page := d.submit(at, old, "do", "match")
	said := html.UnescapeString(string(page))
	for _, want := range []string{"1 row go under row 2", "october <1>.xlsx", "Number", "Quantity, Serial_Number, Tag_Number, Status", `name="partial"`} {
		if status != http.StatusOK || !strings.Contains(strings.Map(plainText, said), want) {
			t.Errorf("%d: the page does not say %q", status, want)
		}
	}
	_, rest, found := strings.Cut(said, `name="carried" value="`)
	carried, _, _ := strings.Cut(rest, `"`)
	if !found {
		t.Fatal("the page carries no workbook")
	}
	if status, _, page := d.submit(at, nil, "carried", carried, "name", "october.xlsx", "do", "append"); status != http.StatusUnprocessableEntity || !strings.Contains(string(page), "has no column for") {
		t.Errorf("with columns that are missing: %d", status)
	}
	status, kind, now := d.submit(at, nil, "name", "october.xlsx", "carried", carried, "partial", "true", "do", "append")
	f, err := excelize.OpenReader(bytes.NewReader(now))
	if status != http.StatusOK || err != nil || !strings.Contains(kind, "spreadsheetml") {
		t.Fatalf("%d %s: %v", status, kind, err)
	}
	defer f.Close()
	if rows, err := f.GetRows("Sheet1"); err != nil || len(rows) != 3 || rows[2][1] != "Lamp; old" {
		t.Errorf("the rows are %q, %v", rows, err)
	}
	if status, _, page := d.submit(at, []byte("name,price"), "do", "match"); status != http.StatusUnprocessableEntity || !strings.Contains(string(page), "no Excel workbook") {
		t.Errorf("another file: %d", status)
	}
	if status, _, _ := d.submit(at, make([]byte, 13<<20), "do", "match"); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a file that is too large: %d", status)
	}
	if status, _, _ := d.submit(at, nil, "carried", "no base64", "do", "append"); status != http.StatusBadRequest {
		t.Errorf("a damaged form: %d", status)
	}
	if status, _, _ := d.submit("/batches/unknown/append", old, "do", "match"); status != http.StatusNotFound {
		t.Errorf("an unknown batch: %d", status)
	}
}

// plainText removes the marks that isolate texts of another direction.
func plainText(r rune) rune {
	if r >= 0x2066 && r <= 0x2069 {
		return -1
	}
	return r
}

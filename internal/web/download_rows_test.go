package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// file fetches a download and returns its response and body.
func (d *desk) file(path string, header ...string) (*http.Response, string) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodGet, "http://127.0.0.1"+path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.pages.ServeHTTP(w, r)
	return w.Result(), w.Body.String()
}

// half is a batch that runs, and of whose four images one was read.
func (d *desk) half() string {
	d.t.Helper()
	b := d.started()
	d.change(b.ID, 3, func(m *batch.Image) {
		m.Rows, m.Issues = []table.Row{{Cells: []table.Cell{{Text: "Lamp; old"}, {Text: "=1+1"}}}}, nil
	})
	return string(b.ID)
}

func TestRowsAreOfferedInEveryFormatOnPagesAndInTheAPI(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	id := d.half()
	for format, kind := range map[string]string{"csv": "text/csv", "json": "application/json", "ndjson": "application/x-ndjson", "md": "text/markdown"} {
		for _, door := range []string{"/batches/", "/api/v1/batches/"} {
			res, body := d.file(door + id + "/rows." + format)
			name := res.Header.Get("Content-Disposition")
			if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), kind) || !strings.Contains(body, "Lamp") {
				t.Errorf("%s%s: %d, %s: %s", door, format, res.StatusCode, res.Header.Get("Content-Type"), body)
			}
			if !strings.Contains(name, "(1 of ") || !strings.Contains(name, "."+format) {
				t.Errorf("the file of a running batch is called %s", name)
			}
		}
		if page := d.get("/batches/" + id + "/rows").body; !strings.Contains(page, "/rows."+format+`"`) {
			t.Errorf("the page of rows does not offer %s", format)
		}
		if page := d.get("/batches/" + id).body; !strings.Contains(page, "/rows."+format+`"`) {
			t.Errorf("the page of the batch does not offer %s", format)
		}
	}
}

func TestCSVIsSeparatedAsSpreadsheetsOfTheLanguageExpect(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	path := "/api/v1/batches/" + d.half() + "/rows.csv"
	for language, want := range map[string]string{"en": "Image,Row,", "fr": "Image;Ligne;", "es": "Imagen;Fila;"} {
		if _, body := d.file(path, "Accept-Language", language); !strings.HasPrefix(body, "\ufeff"+want) || !strings.Contains(body, `"Lamp; old"`) {
			t.Errorf("in %s: %q", language, body)
		}
	}
	if _, body := d.file(path+"?separator=tab", "Accept-Language", "fr"); !strings.HasPrefix(body, "\ufeffImage\tLigne\t") {
		t.Errorf("with tabs: %q", body)
	}
}

func TestAFileOfRowsTakesOnlyWordsThatItKnows(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	path := "/api/v1/batches/" + d.half() + "/rows."
	for query, want := range map[string]int{
		"csv?image=3": 200, "csv?image=3&checked=false&separator=comma": 200, "json?image=3": 200, "csv?checked=true": 200,
		"csv?image=0": 422, "csv?image=x": 422, "csv?checked=perhaps": 422, "csv?separator=dot": 422, "json?separator=comma": 422, "csv?images=2": 422,
		"csv?image=99": 404, "xml": 404,
	} {
		res, body := d.file(path + query)
		if res.StatusCode != want {
			t.Errorf("%s: %d, %s", query, res.StatusCode, body)
		}
		if problem := map[string]any{}; want >= 400 && (json.Unmarshal([]byte(body), &problem) != nil || problem["detail"] == "") {
			t.Errorf("%s is refused with %s", query, body)
		}
	}
	if res, _ := d.file("/batches/none/rows.csv"); res.StatusCode != http.StatusNotFound {
		t.Errorf("the rows of no batch are answered with %d", res.StatusCode)
	}
}

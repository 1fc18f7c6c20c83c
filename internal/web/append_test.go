package web_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// sendFile posts a body to an address of the API and returns the answer, which is held to the document.
func (d *desk) sendFile(path string, body io.Reader, language string) (int, []byte) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodPost, "http://127.0.0.1"+path, body)
	r.Header.Set("Accept-Language", language)
	res := d.serve(r)
	data, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, data
}

// lastMonth is a workbook with these headings and one row.
func lastMonth(t *testing.T, headings ...string) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, text := range headings {
		for r, v := range []any{text, i + 1} {
			name, _ := excelize.CoordinatesToCellName(i+1, r+1)
			if err := f.SetCellValue("Sheet1", name, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestProgramsAppendRowsToAWorkbookAndAreToldFirstHowTheyFit(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	draft := "/api/v1/batches/" + string(d.draft("a").ID) + "/append"
	id := d.half()
	at, first := "/api/v1/batches/"+id+"/append", "Item_Description"
	old := lastMonth(t, "Number", first)
	status, said := d.sendFile(draft, bytes.NewReader(old), "en")
	if status != http.StatusOK || !strings.Contains(string(said), `"matched":["`+first+`"]`) || !strings.Contains(string(said), `"empty":["Number"]`) || !strings.Contains(string(said), `"rows":0`) {
		t.Fatalf("%d: %s", status, said)
	}
	if status, said := d.sendFile(draft+".xlsx?partial=true", bytes.NewReader(old), "en"); status != http.StatusConflict {
		t.Errorf("without rows: %d: %s", status, said)
	}
	if status, said := d.sendFile(at+".xlsx", bytes.NewReader(old), "fr"); status != http.StatusUnprocessableEntity || !strings.Contains(string(said), "pas de colonne pour") {
		t.Errorf("with missing columns: %d: %s", status, said)
	}
	status, now := d.sendFile(at+".xlsx?partial=true&sheet=sheet1", bytes.NewReader(old), "en")
	f, err := excelize.OpenReader(bytes.NewReader(now))
	if status != http.StatusOK || err != nil {
		t.Fatalf("%d: %v: %.300s", status, err, now)
	}
	defer f.Close()
	if rows, err := f.GetRows("Sheet1"); err != nil || len(rows) != 3 || rows[2][1] != "Lamp; old" {
		t.Errorf("the rows are %q, %v", rows, err)
	}
	for path, want := range map[string]int{
		at + "?partial=maybe": http.StatusUnprocessableEntity, at + "?nothing=1": http.StatusUnprocessableEntity, at + "?sheet=No": http.StatusUnprocessableEntity,
		"/api/v1/batches/unknown/append": http.StatusNotFound,
	} {
		if status, said := d.sendFile(path, bytes.NewReader(old), "en"); status != want {
			t.Errorf("%s: %d: %s", path, status, said)
		}
	}
	if status, said := d.sendFile(at, strings.NewReader("name,price"), "es"); status != http.StatusUnprocessableEntity || !strings.Contains(string(said), "no es un libro de Excel") {
		t.Errorf("another file: %d: %s", status, said)
	}
	if status, said := d.sendFile(at, zeros(65<<20), "en"); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a file that is too large: %d: %s", status, said)
	}
}

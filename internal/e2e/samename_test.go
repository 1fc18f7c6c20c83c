package e2e_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// TestPicturesOfOneNameAreToldApartOnEveryPage has three pictures named image.jpg: the page of names says so, and the rows, the
// check page and the workbook call them by the same three names.
func TestPicturesOfOneNameAreToldApartOnEveryPage(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 1, 0)
	p := run(t, environ...)
	files := sheets(3)
	for i := range files {
		files[i].name = "image.jpg"
	}
	id := p.draft(t, files)
	page := func(path string) string {
		t.Helper()
		code, body, _ := p.fetch(t, path)
		if code != http.StatusOK {
			t.Fatalf("%s: %d", path, code)
		}
		return string(body)
	}
	if names := page("/batches/" + id + "?step=names"); !strings.Contains(names, "number 2 “image (2)”, number 3 “image (3)”") {
		t.Error("the page of names does not say that three pictures have one name")
	}
	if code, answer := p.ask(t, "POST", id+"/start", ""); code != http.StatusOK {
		t.Fatalf("%d %v", code, answer)
	}
	p.ended(t, id, time.Minute)
	rows, check := page("/batches/"+id+"/rows"), page("/batches/"+id+"/images/3")
	code, book, _ := p.fetch(t, "/batches/"+id+"/workbook.xlsx")
	if code != http.StatusOK {
		t.Fatalf("workbook: %d", code)
	}
	f, err := excelize.OpenReader(bytes.NewReader(book))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	first, err := f.GetCols(f.GetSheetList()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"image (2)", "image (3)"} {
		if !strings.Contains(rows, name) || !strings.Contains(strings.Join(first[0], "\n"), name) {
			t.Errorf("%s is missing in the rows or in the workbook", name)
		}
		if i, err := f.GetSheetIndex(name); err != nil || i < 0 {
			t.Errorf("no sheet is called %s: %v, %v", name, f.GetSheetList(), err)
		}
	}
	if !strings.Contains(check, "image (3)") {
		t.Error("the check page does not tell the third picture from the first")
	}
}

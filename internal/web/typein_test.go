package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/table"
)

func TestAPictureThatFailedIsTypedInBesideItself(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	path := fmt.Sprintf("/batches/%s/images/4", b.ID)
	d.get("/batches/"+string(b.ID)).has(t, http.StatusOK, `href="`+path+`#typein"`)
	page := d.get(path)
	page.has(t, http.StatusOK, `action="`+path+`/type"`, `id="typein"`)
	if strings.Contains(page.body, `name="headings"`) {
		t.Error("headings are asked for, though the batch has columns")
	}
	if a := d.post(path+"/type", url.Values{}); a.status != http.StatusSeeOther || a.location != path {
		t.Fatalf("%+v", a)
	}
	typed := d.get(path)
	typed.has(t, http.StatusOK, `data-do="add"`, "Typed in by ")
	if strings.Contains(typed.body, `id="typein"`) {
		t.Error("a picture that was typed in is asked to be typed in")
	}
	if m := d.image(b.ID, 4); m.Status != batch.Completed || m.Typed == nil || len(m.Rows) != 1 {
		t.Errorf("it is stored as %+v", m)
	}
	if _, err := d.service.Run.RetryWith(t.Context(), b.ID, []int{4}, batch.ReadAs{Fresh: true}); err != nil {
		t.Fatal(err)
	}
	if page := d.get("/batches/" + string(b.ID)); strings.Contains(page.body, "Typed in by ") {
		t.Error("a picture that is read again is said to be typed in")
	}
	d.post(fmt.Sprintf("/batches/%s/images/5/type", b.ID), url.Values{}).has(t, http.StatusConflict, "has not failed")
}

func TestTheHeadingsOfMostSheetsAreProposedForTyping(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b, err := d.service.Draft.Create(t.Context(), draft.NewBatch{Table: &table.Table{Open: true}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if _, err := d.service.Draft.AddImages(t.Context(), b.ID, draft.Upload{ID: fmt.Sprintf("upload-%d", i), Filename: "a.jpg", Body: strings.NewReader(fmt.Sprint("picture", i))}); err != nil {
			t.Fatal(err)
		}
	}
	if b, err = d.service.Run.Start(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	for n, columns := range [][]string{{"Other"}, {"Item", "Price"}, {"Item", "Price"}} {
		d.change(b.ID, n+1, func(m *batch.Image) { m.Status, m.Columns = batch.Completed, columns })
	}
	d.change(b.ID, 4, func(m *batch.Image) { m.Status, m.Failure = batch.Failed, "It is blurred." })
	path := fmt.Sprintf("/batches/%s/images/4", b.ID)
	d.get(path).has(t, http.StatusOK, `name="headings"`, "Item\nPrice</textarea>")
	d.post(path+"/type", url.Values{"headings": {" \r\n"}}).has(t, http.StatusUnprocessableEntity, "Type the headings of the sheet first")
	if a := d.post(path+"/type", url.Values{"headings": {"Article\r\nNumber"}}); a.status != http.StatusSeeOther {
		t.Fatalf("%+v", a)
	}
	if m := d.image(b.ID, 4); strings.Join(m.Columns, ",") != "Article,Number" {
		t.Errorf("the headings are %q", m.Columns)
	}
}

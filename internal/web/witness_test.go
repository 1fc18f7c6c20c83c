package web_test

import (
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

func TestTheEndOfABatchSaysThatItsPicturesAreStillBeingCompared(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	b := d.started()
	stored := d.stored(b.ID)
	stored.Status, stored.Options.Witness = batch.Completed, batch.WitnessOffline
	if err := d.world.SaveBatch(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	d.change(b.ID, 3, func(m *batch.Image) {
		m.Issues = nil
		m.Rows = []table.Row{{Cells: []table.Cell{{Text: "Chair", State: table.Read}, {Text: "12", State: table.Read}}}}
	})
	page := "/batches/" + string(b.ID)
	d.get(page).has(t, 200, "Nothing to check so far", "picture is still being compared offline")
	d.get(page+"/check").has(t, 200, "still being read", "New doubts appear here by themselves")
	d.change(b.ID, 3, func(m *batch.Image) { m.Witness = &batch.Comparison{Of: m.Ended, Agreed: 2} })
	d.get(page).has(t, 200, "Nothing to check")
	d.get(page).lacks(t, "so far", "still being compared")
}

func TestASecondReadingIsChosenBeforeTheStartAndThroughTheAPI(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	b := d.draft("one.jpg")
	page := "/batches/" + string(b.ID)
	form := own("", [4]string{"Item", "text", "", ""})
	form.Set("at_once", "5")
	form.Set("retries", "3")
	form.Set("witness", "offline")
	d.htmx(page+"/columns", form)
	if got := d.stored(b.ID).Options.Witness; got != batch.WitnessOffline {
		t.Errorf("the form stored %q", got)
	}
	d.get(page+"?step=columns").has(t, 200, `<option value="offline" selected>`)
	code, answer := d.call("PATCH", page, `{"witness": "off"}`)
	if code != 200 || answer["witness"] != "off" {
		t.Errorf("%d %v", code, answer)
	}
	if code, answer = d.call("PATCH", page, `{"witness": "twice"}`); code != 422 {
		t.Errorf("an unknown witness gets %d %v", code, answer)
	}
}

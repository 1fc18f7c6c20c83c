package web_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// TestEveryPageAndFileTellsTheSameNumberOfDoubts counts doubts of one cell with two issues, doubts between pictures, and notes that ask
// nothing, while the batch is read and after its end.
func TestEveryPageAndFileTellsTheSameNumberOfDoubts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	for _, n := range d.stored(b.ID).Order {
		d.change(b.ID, n, func(m *batch.Image) {
			m.Status, m.Checks = batch.Completed, table.Checks
			m.Rows = []table.Row{
				{Cells: []table.Cell{{Text: "Chair"}, {Text: "1"}, {Text: fmt.Sprint("SN-", n)}}},
				{Cells: []table.Cell{{Text: "Desk"}, {Text: "12 %"}, {Text: "VNB3R 7", State: table.Guessed}}},
			}
			m.Issues = []table.Issue{
				{Row: -1, Column: -1, Kind: table.KindOffline, Message: "This image was read offline. Please compare it with the picture."},
				{Row: 1, Column: 1, Kind: table.KindRule, Message: "This has a percent sign, so it was left as text."},
				{Row: 1, Column: 2, Kind: table.KindGuessed, Message: "This was guessed; compare it with the picture."},
			}
		})
	}
	images := len(d.stored(b.ID).Order)
	same := func(want int) {
		t.Helper()
		path := "/batches/" + string(b.ID)
		d.get(path).has(t, 200, fmt.Sprintf("Check %d cells", want))
		d.get(path+"/rows").has(t, 200, fmt.Sprintf("%d doubts", want), fmt.Sprintf("Check %d cells", want))
		d.get(path+"/check").has(t, 200, fmt.Sprintf("of %d", want))
		var queue struct{ Total int }
		if err := json.Unmarshal([]byte(d.get(path+"/check/doubts").body), &queue); err != nil || queue.Total != want {
			t.Errorf("the queue has %d, %v", queue.Total, err)
		}
		var one struct {
			Counts struct{ Issues int }
		}
		if err := json.Unmarshal([]byte(d.get("/api/v1"+path).body), &one); err != nil || one.Counts.Issues != want {
			t.Errorf("the API has %d, %v", one.Counts.Issues, err)
		}
		book, err := excelize.OpenReader(strings.NewReader(d.get(path + "/workbook.xlsx").body))
		if err != nil {
			t.Fatal(err)
		}
		facts, err := book.GetRows("Summary")
		if err != nil || !slices.ContainsFunc(facts, func(row []string) bool { return len(row) > 1 && row[0] == "Doubts" && row[1] == fmt.Sprint(want) }) {
			t.Errorf("the workbook does not have %d doubts: %v, %v", want, facts, err)
		}
	}
	same(2 * images) // the cell that comes again on each picture is one doubt there, with two issues
	if ended, err := d.service.Run.Finish(t.Context(), b.ID); err != nil || !ended {
		t.Fatal(ended, err)
	}
	same(2 * images)
	d.get("/").has(t, 200, fmt.Sprintf("%d to check", 2*images))
	d.post("/batches/"+string(b.ID)+"/check", map[string][]string{"id": {"1.2.2"}, "generation": {"1"}, "do": {"cell"}, "seen": {"VNB3R 7"}, "text": {"SN-1000"}}).goesTo(t, "/batches/"+string(b.ID)+"/check?at=3.2.2")
	same(2*images - 1)
	d.get("/").has(t, 200, fmt.Sprintf("%d to check", 2*images-1))
}

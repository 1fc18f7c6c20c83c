package web_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/table"
)

func TestARowIsEditedWithoutScriptsAndAClashKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	path := "/batches/" + string(b.ID) + "/images/3"
	d.get(path+"?row=1").has(t, 200, `id="edit"`, `name="text-2" value="0O123"`, `name="seen-2" value="0O123"`)
	form := url.Values{"do": {"row"}, "reading": {"1"}, "row": {"1"}, "text-0": {"Chair\r\nx"}, "seen-0": {"Chair\r\nx"},
		"text-1": {"12"}, "seen-1": {"12"}, "text-2": {"00123"}, "seen-2": {"0O123"}}
	d.post(path+"/edits", form).goesTo(t, path)
	if c := d.image(b.ID, 3).Rows[0].Cells[2]; c.Text != "00123" || c.State != table.Edited {
		t.Errorf("the cell is %+v", c)
	}
	form.Set("text-2", "O0123")
	d.post(path+"/edits", form).has(t, 409, `id="clash"`, "00123", `name="text" value="O0123"`, `name="text-2" value="O0123"`)
	d.htmx(path+"/edits", url.Values{"do": {"cell"}, "reading": {"1"}, "row": {"1"}, "column": {"2"}, "seen": {"0O123"}, "text": {"mine"}}).has(t, 409, `id="clash"`, "mine")
	d.htmx(path+"/edits", url.Values{"do": {"nonsense"}, "reading": {"1"}}).has(t, 422, "cannot be done")
	d.post(path+"/edits", url.Values{"do": {"delete"}, "reading": {"1"}, "row": {"2"}, "sum": {edit.Fingerprint(d.image(b.ID, 3).Rows[1])}}).goesTo(t, path)
	if n := len(d.image(b.ID, 3).Rows); n != 1 {
		t.Errorf("%d rows are left", n)
	}
	d.post(path+"/edits", url.Values{"do": {"check"}, "reading": {"1"}}).goesTo(t, path)
	d.get(path).has(t, 200, "Checked by")
	d.post("/who", url.Values{"name": {"Anna"}, "back": {path}}).goesTo(t, path)
	d.post("/who", url.Values{"name": {"Anna"}, "back": {"//elsewhere"}}).goesTo(t, "/")
}

func TestAValueThatComesTwiceSaysWhereTheOtherOneIsOnEveryPageAndInTheWorkbook(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	for _, n := range []int{3, 4} {
		d.change(b.ID, n, func(m *batch.Image) {
			m.Status, m.Issues, m.Name = batch.Completed, nil, fmt.Sprintf("Room-%03d", n)
			m.Rows = []table.Row{{Cells: []table.Cell{{Text: "Chair"}, {Text: "1"}, {Text: fmt.Sprint("SN-", n)}}}, {Cells: []table.Cell{{Text: "Desk"}, {Text: "1"}, {Text: "VNB3R 7"}}}}
		})
	}
	url0 := "/batches/" + string(b.ID)
	said := "The same value is also on “Room-004”, row 2."
	d.get(url0+"/images/3").has(t, 200, said, `data-cell="c-3-2-3"`)
	d.get(url0+"/rows").has(t, 200, "2 doubts", said, "The same value is also on “Room-003”, row 2.")
	d.get(url0+"/rows?doubts=1").has(t, 200, "2 of 4 rows")
	book, err := excelize.OpenReader(strings.NewReader(d.get(url0 + "/workbook.xlsx").body))
	if err != nil {
		t.Fatal(err)
	}
	problems, err := book.GetRows("Problems")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(problems, func(line []string) bool {
		return slices.Equal(line, []string{"Room-003", "2", "Serial_Number", "C3", "Duplicate", said})
	}) {
		t.Errorf("the workbook's problems are %q", problems)
	}
	// The edit that removes the duplicate gets a response without the issue, for both images.
	form := url.Values{"do": {"cell"}, "reading": {"1"}, "row": {"2"}, "column": {"2"}, "seen": {"VNB3R 7"}, "text": {"VNB3R 8"}}
	answer := d.htmx(url0+"/images/4/edits", form)
	answer.has(t, 200, "VNB3R 8")
	answer.lacks(t, "The same value")
	d.get(url0+"/images/3").lacks(t, "The same value")
}

func TestAllRowsAreFilteredSortedAndPaged(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	d.change(b.ID, 3, func(m *batch.Image) {
		m.Rows, m.Issues = nil, nil
		for i := range 250 {
			m.Rows = append(m.Rows, table.Row{Cells: []table.Cell{{Text: "Item"}, {Text: string(rune('a' + i%26))}, {Text: []string{"", "needle"}[i/249]}}})
		}
		m.Issues = []table.Issue{{Row: 7, Column: 1, Kind: table.KindRule, Message: "Not a number."}}
	})
	path := "/batches/" + string(b.ID) + "/rows"
	d.get(path).has(t, 200, "250 of 250 rows", "Page 1 of 3", `id="r-3-100"`, "page=1")
	d.get(path+"?page=2").has(t, 200, "Page 3 of 3", `id="r-3-250"`)
	d.get(path+"?page=99").has(t, 200, "Page 3 of 3")
	d.get(path+"?q=NEEDLE").has(t, 200, "1 of 250 rows", `id="r-3-250"`)
	d.get(path+"?doubts=1").has(t, 200, "1 of 250 rows", `id="r-3-8"`)
	d.get(path+"?image=4").has(t, 200, "0 of 250 rows")
	d.get(path+"?sort=-2").has(t, 200, `aria-sort="descending"`, `id="r-3-26"`)
	d.get(path+"?sort=x").has(t, 200, "250 of 250 rows")
	d.post(path+"/replace", url.Values{"do": {"count"}, "find": {"item"}, "with": {"Thing"}}).has(t, 200, "Cells found: 250, on images: 1", "Thing")
	d.post(path+"/replace", url.Values{"do": {"count"}, "find": {" "}}).has(t, 422, "nothing to look for")
}

package web_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/batch"
)

// sheet sends JSON to a page of the batch and decodes the answer.
func (d *desk) sheet(path, body string, into any) int {
	d.t.Helper()
	method := "GET"
	if body != "" {
		method = "POST"
	}
	r := httptest.NewRequestWithContext(d.t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("HX-Request", "true")
	w := httptest.NewRecorder()
	d.pages.ServeHTTP(w, r)
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			d.t.Fatalf("%d: %v in %.200s", w.Code, err, w.Body)
		}
	}
	return w.Code
}

type order struct {
	Rows                       []int
	Said, All, Edited, Missing string
	Doubts                     string `json:"in_doubt"`
}

func TestTheGridKnowsItsRowsByTabFilterAndOrder(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	here := "/batches/" + string(d.started().ID) + "/rows"
	for _, one := range []struct {
		query string
		want  []int
	}{
		{"", []int{3, 1, 3, 2, 4, 0}}, // the failed image has a row of its own
		{"?tab=doubts", []int{3, 1}},
		{"?tab=edited", nil},
		{"?tab=missing", []int{3, 2, 4, 0}},
		{"?q=chair", []int{3, 1}},
		{"?q=nobody", nil},
		{"?image=4", []int{4, 0}},
		{"?sort=-1", []int{3, 1, 3, 2, 4, 0}}, // blank ones are last both ways
		{"?doubts=1", []int{3, 1}},            // an address of an older page
	} {
		var o order
		if code := d.sheet(here+"/order"+one.query, "", &o); code != 200 || !slices.Equal(o.Rows, one.want) {
			t.Errorf("%s: %d, rows %v, want %v", one.query, code, o.Rows, one.want)
		}
		if o.All != "2" || o.Edited != "0" || o.Missing != "2" {
			t.Errorf("%s: the tabs say %+v", one.query, o)
		}
	}
	d.get(here).has(t, 200, "Not read", `id="r-4-0"`)
	d.get(here+"/lines?rows=3.2+4.0+3.99+nonsense").has(t, 200, `id="r-3-2"`, `id="r-4-0"`)
	d.get(here+"/lines?rows=3.2").lacks(t, `id="r-3-1"`)
	d.get(here+"/lines?rows="+strings.Repeat("1.1+", 401)).has(t, 422)
}

func TestManyCellsAreOneChangeThatIsTakenBackAsOne(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	here := "/batches/" + string(b.ID) + "/rows/edits"
	reading := d.image(b.ID, 3).Generation
	cell := func(row, column int, seen, text string) string {
		return fmt.Sprintf(`{"n":3,"do":"cell","reading":%d,"row":%d,"column":%d,"seen":%q,"text":%q}`, reading, row, column, seen, text)
	}
	texts := func() (all []string) {
		for _, row := range d.image(b.ID, 3).Rows {
			for _, c := range row.Cells {
				all = append(all, c.Text)
			}
		}
		return all
	}
	before := texts()
	body := `{"group":"g-1","edits":[` + cell(1, 0, "Chair\nx", "Desk") + "," + cell(1, 1, "13", "14") + "," + cell(2, 0, "", "Lamp") + `]}`
	var done struct {
		Done    int
		Refused []int
		Problem string
	}
	for range 2 { // sent again, because the answer was lost
		done.Refused, done.Problem = nil, ""
		if code := d.sheet(here, body, &done); code != 200 || !slices.Equal(done.Refused, []int{1}) || done.Done != 2 || done.Problem == "" {
			t.Errorf("%d: %+v", code, done)
		}
	}
	if got := texts(); got[0] != "Desk" || got[1] != "12" || !slices.Contains(got, "Lamp") {
		t.Errorf("the cells are %q", got)
	}
	if n := len(d.image(b.ID, 3).Edits); n != 2 {
		t.Errorf("%d edits are stored", n)
	}
	var o order
	if d.sheet("/batches/"+string(b.ID)+"/rows/order?tab=edited", "", &o); o.Edited != "2" || len(o.Rows) != 4 {
		t.Errorf("edited are %+v", o)
	}
	if code := d.sheet(here, `{"group":"g-1","undo":true}`, &done); code != 200 || done.Done != 2 {
		t.Errorf("taken back: %d, %+v", code, done)
	}
	if got := texts(); !slices.Equal(got[:2], before[:2]) || slices.Contains(got, "Lamp") {
		t.Errorf("taken back, the cells are %q, want %q", got, before)
	}
	for _, bad := range []string{"", "{", `{"edits":[]}`, `{"group":"g","edits":[{"n":3,"do":"check"}]}`, `{"group":"` + strings.Repeat("g", 65) + `"}`} {
		if code := d.sheet(here, bad+" ", nil); code != 422 {
			t.Errorf("%q: %d", bad, code)
		}
	}
	if m := d.image(b.ID, 3); m.Status != batch.Completed {
		t.Errorf("it is %s", m.Status)
	}
}

package web_test

import (
	"net/url"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// openMarks is a started batch whose image 3 has quantities that may mean thousands or thousandths.
func openMarks(t *testing.T) (d *desk, here string) {
	t.Helper()
	d = newDesk(t, "gemini")
	b := d.started()
	d.change(b.ID, 3, func(m *batch.Image) {
		m.Issues = nil
		m.Rows = []table.Row{
			{Cells: []table.Cell{{Text: "Chair"}, {Text: "1,250"}, {Text: "A1"}}},
			{Cells: []table.Cell{{Text: "Desk"}, {Text: "7"}, {Text: "A2"}}},
		}
	})
	return d, "/batches/" + string(b.ID)
}

func TestThePageOfRowsAsksOnceWhatADecimalMarkMeansAndTakesItBack(t *testing.T) {
	t.Parallel()
	d, here := openMarks(t)
	id := batch.ID(here[len("/batches/"):])
	d.get(here+"/rows").has(t, 200, `name="do" value="decimal"`, `<button name="decimal" value="comma">`, `<button name="decimal" value="point">`)
	say := func(mark string) {
		t.Helper()
		for range 2 {
			d.post(here+"/rows/replace", url.Values{"do": {"decimal"}, "column": {"Quantity"}, "decimal": {mark}}).goesTo(t, here+"/rows#dates")
		}
		if got := d.stored(id).Table.Columns[1].Decimal; string(got) != mark {
			t.Errorf("%q is stored as %q", mark, got)
		}
	}
	say("comma")
	d.get(here+"/rows").has(t, 200, `<button name="decimal" value="">`)
	d.get(here+"/rows").lacks(t, `<button name="decimal" value="comma">`)
	say("")
	d.get(here+"/rows").has(t, 200, `<button name="decimal" value="comma">`)
	d.post(here+"/rows/replace", url.Values{"do": {"decimal"}, "column": {"Nothing"}, "decimal": {"comma"}}).has(t, 422)
	d.post(here+"/rows/replace", url.Values{"do": {"decimal"}, "column": {"Quantity"}, "decimal": {"dot"}}).has(t, 422, "dot")
}

func TestAProgramSaysWhatADecimalMarkMeansAndGetsTheValues(t *testing.T) {
	t.Parallel()
	d, here := openMarks(t)
	quantity := func() any {
		t.Helper()
		code, answer := d.call("GET", here+"/rows", "")
		if code != 200 {
			t.Fatalf("%d %v", code, answer)
		}
		values, _ := answer["rows"].([]any)[0].(map[string]any)["values"].(map[string]any)
		return values["Quantity"]
	}
	for _, c := range []struct {
		body  string
		code  int
		value any
	}{
		{`{}`, 200, nil},
		{`{"decimal": {"Quantity": "comma"}}`, 200, "1.250"},
		{`{"decimal": {"Quantity": "point"}}`, 200, "1250"},
		{`{"decimal": {"Quantity": "dot"}}`, 422, "1250"},
		{`{"decimal": {"Nothing": "comma"}}`, 422, "1250"},
		{`{"decimal": {"Quantity": ""}}`, 200, nil},
	} {
		if code, answer := d.call("PATCH", here, c.body); code != c.code {
			t.Errorf("%s: %d %v", c.body, code, answer)
		}
		if got := quantity(); got != c.value {
			t.Errorf("after %s the value is %v, want %v", c.body, got, c.value)
		}
	}
}

package table_test

import (
	"slices"
	"testing"

	"sheetlift/internal/table"
)

func sheet(columns []string, rows ...[]string) table.Seen {
	s := table.Seen{Columns: columns}
	for _, texts := range rows {
		var r table.Row
		for _, text := range texts {
			r.Cells = append(r.Cells, table.Cell{Text: text})
		}
		s.Rows = append(s.Rows, r)
	}
	return s
}

func TestColumnsAreSuggestedFromWhatSheetsShow(t *testing.T) {
	t.Parallel()
	var rows [][]string
	for i := range 6 {
		rows = append(rows, []string{"Chair", []string{"2", "3", "10", "1", "4", ""}[i], "0012" + string(rune('0'+i)), "2026-11-0" + string(rune('1'+i)), []string{"good", "broken"}[i%2], "yes", "48210" + string(rune('0'+i))})
	}
	header := []string{"Item", "Qty", "Serial No.", "Bought", "State", "Checked", "Tag"}
	got := table.Suggest([]table.Seen{sheet(header, rows...), sheet([]string{"ITEM", "Qty", "Remarks", "State"}, [][]string{{"Desk", "1", "", "good"}, {"Desk", "1", "", "Good"}, {"Lamp", "1", "", "broken"}, {"Lamp", "1", "", "good"}}...)})
	if err := got.Validate(); err != nil {
		t.Fatal(err)
	}
	want := []table.Column{
		{Name: "Item", Type: table.Text, Required: true, Example: "Chair"},
		{Name: "Qty", Type: table.Number, Example: "2"},
		{Name: "Serial No.", Type: table.Text, Example: "00120"},
		{Name: "Bought", Type: table.Date, Example: "2026-11-01"},
		{Name: "State", Type: table.Choice, Choices: []string{"good", "broken"}, Example: "good"},
		{Name: "Checked", Type: table.YesNo, Example: "yes"},
		{Name: "Tag", Type: table.Text, Example: "482100"},
		{Name: "Remarks", Type: table.Text},
	}
	if len(got.Columns) != len(want) {
		t.Fatalf("got %d columns: %+v", len(got.Columns), got.Columns)
	}
	for i, c := range got.Columns {
		w := want[i]
		if c.Name != w.Name || c.Type != w.Type || c.Required != w.Required || c.Example != w.Example || !slices.Equal(c.Choices, w.Choices) {
			t.Errorf("column %d is %+v, want %+v", i+1, c, w)
		}
	}
	if empty := table.Suggest([]table.Seen{{}}); len(empty.Columns) != 0 {
		t.Errorf("out of nothing came %+v", empty)
	}
}

func TestAPatternIsARuleAndAnExampleKeepsIt(t *testing.T) {
	t.Parallel()
	c := table.Column{Name: "Tag", Type: table.Text, Pattern: "[A-Z]{2}-[0-9]{3}", Example: "AB-001"}
	valid := func(c table.Column) bool { return table.Table{Columns: []table.Column{c}}.Validate() == nil }
	if !valid(c) || c.Broken("AB-123") != "" || c.Broken(" AB-123 ") != "" || c.Broken("xAB-123") == "" || c.Broken("AB-123|") == "" {
		t.Error("the pattern does not hold for the whole value")
	}
	for _, bad := range []table.Column{
		{Name: "Tag", Type: table.Text, Pattern: "("}, {Name: "Tag", Type: table.Text, Pattern: "[0-9]+", Example: "x"},
		{Name: "Tag", Type: table.Text, Pattern: string(make([]byte, 300))}, {Name: "Tag", Type: table.Text, Example: "a\nb"},
	} {
		if valid(bad) {
			t.Errorf("%+v is taken", bad)
		}
	}
}

package table_test

import (
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

func TestPresetsAreValidAndCopies(t *testing.T) {
	t.Parallel()
	all := table.Presets()
	if len(all) != 3 || all[0].Name != table.Default || all[0].Label != "Equipment inventory" {
		t.Fatalf("presets %+v", all)
	}
	for _, p := range all {
		if err := p.Table.Validate(); err != nil || p.Label == "" || p.Description == "" || p.Table.Preset != p.Name {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	all[0].Table.Columns[0].Name = "changed"
	p := preset(t, "inventory")
	want := []string{"Item_Description", "Quantity", "Serial_Number", "Tag_Number", "Status"}
	if got := p.Header(nil); !slices.Equal(got, want) {
		t.Errorf("columns %q", got)
	}
	if _, ok := table.Preset("none"); ok {
		t.Error("a preset that does not exist")
	}
}

func TestWrongColumnsAreNamedWithTheRemedy(t *testing.T) {
	t.Parallel()
	text := func(names ...string) table.Table {
		var all table.Table
		for _, n := range names {
			all.Columns = append(all.Columns, table.Column{Name: n, Type: table.Text})
		}
		return all
	}
	one := func(c table.Column) table.Table { return table.Table{Columns: []table.Column{c}} }
	for name, c := range map[string]struct {
		table table.Table
		words string
	}{
		"none":            {table.Table{}, "Add at least one"},
		"too many":        {text(strings.Split(strings.Repeat("x,", 50)+"x", ",")...), "at most 50"},
		"no name":         {text("a", " "), "Column 2 has no name"},
		"long name":       {text(strings.Repeat("é", 101)), "at most 100"},
		"control":         {text("a\x00"), "Type it again"},
		"spaces":          {text(" a"), "Type it again"},
		"twice":           {text("Serial No", "serial_no"), "Rename one"},
		"type":            {one(table.Column{Name: "a", Type: "money"}), "unknown type"},
		"description":     {one(table.Column{Name: "a", Type: table.Text, Description: strings.Repeat("é", 501)}), "Shorten it"},
		"choices on text": {one(table.Column{Name: "a", Type: table.Text, Choices: []string{"x"}}), "remove the values"},
		"no choices":      {one(table.Column{Name: "a", Type: table.Choice}), "list is empty"},
		"blank choice":    {one(table.Column{Name: "a", Type: table.Choice, Choices: []string{"x", " "}}), "is blank"},
		"choice twice":    {one(table.Column{Name: "a", Type: table.Choice, Choices: []string{"x", "X"}}), "twice"},
		"long choice":     {one(table.Column{Name: "a", Type: table.Choice, Choices: []string{strings.Repeat("x", 101)}}), "longer than 100"},
		"many choices":    {one(table.Column{Name: "a", Type: table.Choice, Choices: make([]string, 101)}), "at most 100"},
		"preset":          {table.Table{Preset: "magic", Open: true}, "inventory, receipt or any"},
		"open":            {table.Table{Open: true, Columns: text("a").Columns}, "Remove the columns"},
	} {
		err := c.table.Validate()
		if !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Message(err), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := table.Table{Columns: []table.Column{{Name: "#", Type: table.Number}, {Name: "%", Type: table.Number}, {Name: "Größe", Type: table.Choice, Choices: []string{"S", "M"}}}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}

func TestAnOrderSaysWhichDayADateInNumbersMeans(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"03/04/2024": {"2024-04-03", "2024-03-04"}, "3.4.2024": {"2024-04-03", "2024-03-04"}, "03 04 24": {"2024-04-03", "2024-03-04"},
		"25/12/2024": {"2024-12-25", "2024-12-25"}, "12/25/2024": {"2024-12-25", "2024-12-25"}, "12-25-24": {"2024-12-25", "2024-12-25"},
		"05/05/39": {"2039-05-05", "2039-05-05"}, "05/05/40": {"1940-05-05", "1940-05-05"}, "2024-03-04": {"2024-03-04", "2024-03-04"},
		"13/13/2024": {}, "03/04-2024": {}, "31/04/2024": {}, "00/04/2024": {}, "03/04": {}, "03/04/124": {},
	} {
		for i, order := range []table.DateOrder{table.DayFirst, table.MonthFirst} {
			d, ok := table.ParseDate(text, order)
			if ok != (want[i] != "") || ok && d.Format("2006-01-02") != want[i] {
				t.Errorf("%q, %s first: %v %v, want %s", text, order, d, ok, want[i])
			}
			if doubt := (table.Column{Type: table.Date, Dates: order}).Broken(text); (doubt == "") != ok {
				t.Errorf("%q, %s first: %q", text, order, doubt)
			}
		}
	}
	for _, c := range []table.Column{{Name: "D", Type: table.Date, Dates: "year"}, {Name: "D", Type: table.Text, Dates: table.DayFirst}} {
		if err := (table.Table{Columns: []table.Column{c}}).Validate(); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestADateThatOnlyAnOrderMakesPlainIsWrittenAsOneThatNeedsNone(t *testing.T) {
	t.Parallel()
	dates := table.Column{Name: "D", Type: table.Date}
	for text, want := range map[string][2]string{
		"03/04/2024": {"2024-04-03", "2024-03-04"}, "3.4.24": {"2024-04-03", "2024-03-04"}, "25/12/24": {"2024-12-25", "2024-12-25"},
		"25/12/2024": {}, "04/04/2024": {}, "2024-03-04": {}, "3 Apr 2024": {}, "31/04/24": {}, "03/04": {}, "today": {}, "": {},
		"29.02.23": {}, "00/00/24": {},
	} {
		day, month, ok := dates.YearFirst(table.Cell{Text: text})
		if ok != (want[0] != "") || ok && [2]string{day, month} != want {
			t.Errorf("%q: %q %q %v, want %q", text, day, month, ok, want)
		}
		if ok && dates.Broken(day)+dates.Broken(month) != "" {
			t.Errorf("%q or %q is still a doubt", day, month)
		}
	}
	for _, c := range []table.Column{{Type: table.Text}, {Type: table.Date, Dates: table.MonthFirst}, {Type: table.Date, Pattern: `\d\d/\d\d/\d{4}`}} {
		if got, _, ok := c.YearFirst(table.Cell{Text: "03/04/2024"}); ok {
			t.Errorf("%+v was written as %s", c, got)
		}
	}
	for cell, want := range map[table.Cell]bool{
		{State: table.Read}: true, {State: table.Read, Confidence: 0.9}: true, {State: table.Edited, Confidence: 0.3}: true,
		{State: table.Read, Confidence: 0.3}: false, {State: table.Guessed}: false, {State: table.Unreadable}: false, {State: table.Accepted}: false,
	} {
		cell.Text = "03/04/2024"
		if _, _, ok := dates.YearFirst(cell); ok != want {
			t.Errorf("%+v: %v", cell, ok)
		}
	}
}

func TestRulesGiveDoubts(t *testing.T) {
	t.Parallel()
	p := table.Table{Columns: []table.Column{
		{Name: "T", Type: table.Text, Required: true}, {Name: "N", Type: table.Number}, {Name: "D", Type: table.Date}, {Name: "Y", Type: table.YesNo},
		{Name: "C", Type: table.Choice, Choices: []string{"New", "Used"}},
	}}
	row := func(cells ...table.Cell) []table.Row { return []table.Row{{Cells: cells}} }
	cell := func(s string) table.Cell { return table.Cell{Text: s, State: table.Read} }
	for name, c := range map[string]struct {
		rows []table.Row
		want []string
	}{
		"good":       {row(cell("a"), cell("1,234.5"), cell("2024-01-02"), cell("Yes"), cell("new")), nil},
		"blank":      {row(table.Cell{State: table.Blank}, table.Cell{}, table.Cell{}, table.Cell{}, table.Cell{}), []string{"missing 0"}},
		"broken":     {row(cell("a"), cell("many"), cell("03/04/2024"), cell("maybe"), cell("old")), []string{"rule 1", "rule 3", "rule 4", "meaning 2"}},
		"unreadable": {row(table.Cell{State: table.Unreadable}, table.Cell{Text: "x", State: table.Unreadable}), []string{"unreadable 0", "unreadable 1"}},
		"guessed":    {row(table.Cell{Text: "a", State: table.Guessed}), []string{"guessed 0"}},
		"unsure":     {row(table.Cell{Text: "a", State: table.Read, Confidence: 0.3}), []string{"confidence 0"}},
		"sure":       {row(table.Cell{Text: "a", State: table.Read, Confidence: 0.9}), nil},
		"edited":     {row(table.Cell{Text: "a", State: table.Edited, Confidence: 0.1}, table.Cell{Text: "x", State: table.Edited}), []string{"rule 1"}},
		"too long":   {row(cell("a"), cell("1"), table.Cell{}, table.Cell{}, table.Cell{}, cell("more")), nil},
	} {
		var got []string
		for _, i := range p.CheckAlone(nil, c.rows) {
			got = append(got, i.Kind+" "+string(rune('0'+i.Column)))
			if i.Row != 0 || i.Message == "" {
				t.Errorf("%s: %+v", name, i)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	open := table.Table{Open: true}
	if got := open.Check([]string{"A"}, row(table.Cell{Text: "x", State: table.Guessed}, cell("beyond"))); len(got) != 1 {
		t.Errorf("open: %+v", got)
	}
}

func TestHeadingsMatchColumns(t *testing.T) {
	t.Parallel()
	inventory, receipt := preset(t, "inventory"), preset(t, "receipt")
	for _, c := range []struct {
		table  table.Table
		header []string
		want   []int
	}{
		{inventory, []string{"Item_Description", "Quantity", "Serial_Number", "Tag_Number", "Status"}, []int{0, 1, 2, 3, 4}},
		{inventory, []string{"CONDITION", "s/n", "QTY.", "Asset Tag #", "Description"}, []int{4, 2, 1, 3, 0}},
		{inventory, []string{"No.", "Item", "Qty", "Serial No.", "Asset No", "Remarks"}, []int{-1, 0, 1, 2, 3, -1}},
		{inventory, []string{"Item", "Item Description", "Qty"}, []int{-1, 0, 1}},
		{inventory, []string{"Serial", "Serial", "Quantity on hand"}, []int{2, -1, 1}},
		{inventory, []string{"", "#", "Price", "Total"}, []int{-1, -1, -1, -1}},
		{inventory, []string{"Beschreibung", "Anzahl", "Seriennummer", "Inventar-Nr.", "Zustand"}, []int{0, 1, 2, 3, 4}},
		{receipt, []string{"Vendor", "Invoice Date", "Store Address", "Grand Total"}, []int{0, 1, 2, 3}},
		{table.Table{Open: true}, []string{"a", "b"}, []int{-1, -1}},
		{inventory, nil, []int{}},
	} {
		if got := c.table.Match(c.header); !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.header, got, c.want)
		}
	}
}

func TestHeadingsOfOpenTablesAllDiffer(t *testing.T) {
	t.Parallel()
	open := table.Table{Open: true}
	for _, c := range []struct{ open, want []string }{
		{[]string{"A", "", "A", "a", "A (2)"}, []string{"A", "Column 2", "A (3)", "a (4)", "A (2)"}},
		{[]string{"Column 2", "", " x\ny "}, []string{"Column 2", "Column 2 (2)", "x y"}},
		{nil, []string{}},
	} {
		if got := open.Header(c.open); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.open, got, c.want)
		}
	}
}

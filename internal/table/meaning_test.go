package table_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sheetlift/internal/table"
)

// columnOf returns rows of one column.
func columnOf(texts ...string) []table.Row {
	var rows []table.Row
	for _, text := range texts {
		rows = append(rows, table.Row{Cells: []table.Cell{{Text: text, State: table.Read}}})
	}
	return rows
}

// concluded returns the meaning of a column by its own rows: the value of each cell, "" for those left as text, and the
// number of cells in doubt.
func concluded(c table.Column, rows []table.Row) (values []string, doubts int) {
	t := table.Table{Columns: []table.Column{c}}
	e := t.Evidence(rows)
	t = t.Concluded(e.Columns)
	for _, row := range rows {
		values = append(values, t.Columns[0].Value(row.Cells[0]))
	}
	return values, len(t.OpenDoubts(rows, e.Open))
}

func TestWhatAValueMeansIsDecidedFromItsWholeColumn(t *testing.T) {
	t.Parallel()
	number, date := table.Column{Name: "A", Type: table.Number}, table.Column{Name: "A", Type: table.Date}
	said := func(mark table.Mark) table.Column { return table.Column{Name: "A", Type: table.Number, Decimal: mark} }
	for name, c := range map[string]struct {
		column table.Column
		texts  []string
		want   []string
		doubts int
	}{
		"comma proved":         {number, []string{"0,500", "1,250", "12,75", "2,000", "12.500"}, []string{"0.500", "1.250", "12.75", "2.000", "12500"}, 0},
		"point proved":         {number, []string{"1,234.56", "1,250", "12.500"}, []string{"1234.56", "1250", "12.500"}, 0},
		"India":                {number, []string{"1,00,000", "1,250"}, []string{"100000", "1250"}, 0},
		"nothing proved":       {number, []string{"1,250", "9", "12.500"}, []string{"", "9", ""}, 2},
		"proved both ways":     {number, []string{"12,75", "12.75", "1,250"}, []string{"12.75", "12.75", ""}, 1},
		"said":                 {said(table.CommaMark), []string{"1,250", "12.500"}, []string{"1.250", "12500"}, 0},
		"point proved, comma":  {said(table.CommaMark), []string{"1,250", "12.500", "12.75"}, []string{"", "", "12.75"}, 2},
		"said against proof":   {said(table.PointMark), []string{"12,75", "1,250"}, []string{"12.75", ""}, 1},
		"said, proved both":    {said(table.PointMark), []string{"12,75", "12.75", "1,250"}, []string{"12.75", "12.75", "1250"}, 0},
		"dates said wrongly":   {table.Column{Name: "A", Type: table.Date, Dates: table.MonthFirst}, []string{"25/12/2024", "03/04/2024"}, []string{"2024-12-25", ""}, 1},
		"one currency":         {number, []string{"$5.00", "$6", "7", "$1,250"}, []string{"5.00", "6", "7", "1250"}, 0},
		"currency and doubt":   {number, []string{"¥1,000", "¥2,000"}, []string{"", ""}, 2},
		"most in one currency": {number, []string{"5.00 €", "6 EUR", "$7"}, []string{"5.00", "6", ""}, 1},
		"several currencies":   {number, []string{"USD 10.00", "EUR 10,00", "10.00 CHF", "¥1,000"}, []string{"", "", "", ""}, 4},
		"dates day first":      {date, []string{"03/04/2024", "25/12/2024", "03/04/24"}, []string{"2024-04-03", "2024-12-25", "2024-04-03"}, 0},
		"dates month first":    {date, []string{"03/04/2024", "12/25/2024"}, []string{"2024-03-04", "2024-12-25"}, 0},
		"dates both ways":      {date, []string{"03/04/2024", "12/25/2024", "25/12/2024"}, []string{"", "2024-12-25", "2024-12-25"}, 1},
		"dates open":           {date, []string{"03/04/2024", "4 mars 2024", "25/12/24"}, []string{"", "2024-03-04", ""}, 2},
	} {
		if got, doubts := concluded(c.column, columnOf(c.texts...)); !slices.Equal(got, c.want) || doubts != c.doubts {
			t.Errorf("%s: %q with %d doubts, want %q with %d", name, got, doubts, c.want, c.doubts)
		}
	}
}

func TestTheNumbersAndDatesOfTheFaultySheetAreRightOrInDoubt(t *testing.T) {
	t.Parallel()
	want := table.Table{Columns: []table.Column{{Name: "Item", Type: table.Text}, {Name: "kg", Type: table.Number}, {Name: "Price", Type: table.Number}, {Name: "Until", Type: table.Date}}}
	a := parse(t, want, "20-numbers-and-dates.txt")
	e := want.Evidence(a.Rows)
	judged := want.Concluded(e.Columns)
	var got [][]string
	for _, row := range a.Rows {
		got = append(got, []string{judged.Columns[1].Value(row.Cells[1]), judged.Columns[2].Value(row.Cells[2]), judged.Columns[3].Value(row.Cells[3])})
	}
	if fmt.Sprint(got) != "[[0.500  9999-12-31] [1.250  9999-12-31] [12.75  2192-04-09] [2.000  ]]" {
		t.Errorf("%q", got)
	}
	var doubtful []string
	for _, i := range want.CheckAlone(nil, a.Rows) {
		doubtful = append(doubtful, fmt.Sprint(i.Row, i.Column))
	}
	if slices.Sort(doubtful); !slices.Equal(doubtful, []string{"0 2", "1 2", "2 2", "3 2", "3 3"}) {
		t.Errorf("in doubt are %q", doubtful)
	}
}

func TestCellsInDoubtProveNothingAndThoseAPersonSettledStay(t *testing.T) {
	t.Parallel()
	number := table.Column{Name: "A", Type: table.Number}
	rows := append(columnOf("1,250"), table.Row{Cells: []table.Cell{{Text: "12,75", State: table.Guessed}}}, table.Row{Cells: []table.Cell{{Text: "12,75", State: table.Read, Confidence: 0.3}}})
	if got, doubts := concluded(number, rows); got[0] != "" || doubts != 1 {
		t.Errorf("a guess proves: %q, %d", got, doubts)
	}
	comma := table.Table{Columns: []table.Column{number}}.Concluded([]table.Tally{{Comma: 1}}).Columns[0]
	open := table.Table{Columns: []table.Column{number}}.Columns[0]
	for _, c := range []struct {
		column   table.Column
		text     string
		accepted bool
		meant    string
	}{
		{comma, "1,250", false, "comma"}, {comma, "1,250", true, "comma"}, {open, "1,250", true, table.MeantText}, {open, "1,250", false, ""}, {comma, "12,75", true, ""}, {comma, "x", true, ""},
		{comma, "$5", false, "comma"}, {table.Column{Type: table.Text}, "1,250", true, ""}, {table.Column{Type: table.Date, Dates: table.DayFirst}, "03/04/2024", false, "day"},
		{table.Column{Type: table.Date}, "03/04/2024", true, table.MeantText},
	} {
		if got := c.column.Meant(c.text, c.accepted); got != c.meant {
			t.Errorf("%q, accepted %v: %q, want %q", c.text, c.accepted, got, c.meant)
		}
	}
	accepted := func(meant string) table.Row {
		return table.Row{Cells: []table.Cell{{Text: "1,250", State: table.Accepted, Meant: meant}}}
	}
	rows = append(columnOf("1,234.5"), accepted("comma"), accepted(table.MeantText), accepted(""))
	if got, doubts := concluded(number, rows); !slices.Equal(got, []string{"1234.5", "1.250", "", "1250"}) || doubts != 0 {
		t.Errorf("settled values are %q with %d doubts", got, doubts)
	}
}

func TestAValueThatStaysTextIsInDoubtWhateverItsColumnMeans(t *testing.T) {
	t.Parallel()
	for kind, texts := range map[table.Type][]string{
		table.Date:   {"03/04/2567", "31/02/24", "30.02.24"},
		table.Number: {"1,250 %", "1.250 Eimer", "12.500 %"},
	} {
		for _, proof := range []string{"", "25/12/2024", "12/25/2024", "12,75", "12.75"} {
			for _, text := range texts {
				want := table.Table{Columns: []table.Column{{Name: "A", Type: kind}}}
				rows := columnOf(text)
				if want.Columns[0].Broken(proof) == "" && proof != "" {
					rows = columnOf(text, proof)
				}
				if issues := want.CheckAlone(nil, rows); len(issues) != 1 || issues[0].Row != 0 || issues[0].Kind != table.KindRule {
					t.Errorf("%q beside %q: %+v", text, proof, issues)
				}
			}
		}
	}
}

// TestTheDoubtsCountedAreTheDoubtsShown: the number that lists and progress count from tallies equals the number of cells
// that the pages show in doubt, for every distribution of rows over images.
func TestTheDoubtsCountedAreTheDoubtsShown(t *testing.T) {
	t.Parallel()
	texts := []string{"1,250", "12.500", "12,75", "12.75", "9", "$5", "5 €", "$1,250", "¥1,000", "03/04/2024", "25/12/2024", "12/25/2024", "03/04/24", "x", "12 %", "1,250 %", "1.250 Eimer", "03/04/2567", "31/02/24", ""}
	rapid.Check(t, func(t *rapid.T) {
		want := table.Table{Columns: []table.Column{{Name: "N", Type: table.Number}, {Name: "D", Type: table.Date}}}
		if rapid.Bool().Draw(t, "said") {
			want.Columns[0].Decimal, want.Columns[1].Dates = table.CommaMark, table.DayFirst
		}
		images := rapid.SliceOfN(rapid.SliceOf(rapid.Custom(func(t *rapid.T) table.Row {
			cell := func(name string) table.Cell {
				return table.Cell{Text: rapid.SampledFrom(texts).Draw(t, name), State: rapid.SampledFrom([]table.State{table.Read, table.Guessed, table.Edited, table.Accepted}).Draw(t, name+" is")}
			}
			return table.Row{Cells: []table.Cell{cell("N"), cell("D")}}
		})), 1, 4).Draw(t, "images")
		sum := make([]table.Tally, 2)
		for _, rows := range images {
			for i, tally := range want.Evidence(rows).Columns {
				sum[i].Add(tally, 1)
			}
		}
		judged, shown := want.Concluded(sum), 0
		for _, rows := range images {
			shown += len(judged.OpenDoubts(rows, want.Evidence(rows).Open))
		}
		if counted := want.Columns[0].Doubts(sum[0]) + want.Columns[1].Doubts(sum[1]); counted != shown {
			t.Fatalf("%d counted, %d shown of %+v", counted, shown, sum)
		}
	})
}

func TestCellsAreRankedByWhatTheyMean(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind table.Type
		want []string
	}{
		"numbers":      {table.Number, []string{"−20", "-3.5", "(1)", "0", "9", "12.5 %", "$100", "1,234", "12345678901234567890", "12345678901234567891", "many"}},
		"of no type":   {table.Text, []string{"−20", "9", "1,234", "25/12/2023", "01/03/2024", "apple", "Pear"}},
		"proved comma": {table.Number, []string{"0,5", "1,250", "2", "1.000"}},
		"dates":        {table.Date, []string{"31/12/2023", "4 mars 2024", "2024-04-01", "25/12/2024", "soon"}},
	} {
		for turn := range c.want {
			texts := append(slices.Clone(c.want[turn:]), c.want[:turn]...)
			var cells []table.Cell
			for _, text := range texts {
				cells = append(cells, table.Cell{Text: text, State: table.Read})
			}
			column := table.Table{Columns: []table.Column{{Name: "A", Type: c.kind}}}
			column = column.Concluded(column.Evidence(columnOf(texts...)).Columns)
			ranks := column.Columns[0].Ranks(cells)
			at := make([]int, len(cells))
			for i := range at {
				at[i] = i
			}
			slices.SortFunc(at, func(x, y int) int { return ranks[x].Compare(ranks[y]) })
			for i, j := range at {
				if texts[j] != c.want[i] {
					t.Errorf("%s: place %d has %q, want %q", name, i, texts[j], c.want[i])
				}
			}
		}
	}
}

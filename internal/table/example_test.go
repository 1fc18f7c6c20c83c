package table_test

import (
	"fmt"

	"sheetlift/internal/table"
)

// An answer of an engine becomes rows of the requested columns. Check returns the doubts about them.
func ExampleTable_Parse() {
	wanted := table.Table{Columns: []table.Column{
		{Name: "Item", Type: table.Text, Required: true},
		{Name: "Quantity", Type: table.Number},
	}}
	answer, err := wanted.Parse([]byte("```json\n" + `{"rows": [{"Item": "Chair", "Quantity": "12"}, {"Item": "Table", "Quantity": "some"}]}` + "\n```"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range answer.Rows {
		fmt.Println(row.Cells[0].Text, row.Cells[1].Text)
	}
	for _, issue := range wanted.Check(answer.Columns, answer.Rows) {
		fmt.Println(issue.Message)
	}
	// Output:
	// Chair 12
	// Table some
	// This is not a plain number, so it was left as text.
}

func ExampleParseNumber() {
	for _, text := range []string{"1 234,50 €", "1,250", "12 kg"} {
		if n, ok := table.ParseNumber(text, table.NoMark); ok {
			fmt.Println(text, ok, n.Text, n.Unit)
		} else {
			fmt.Println(text, ok) // 1.25 or 1250
		}
	}
	// Output:
	// 1 234,50 € true 1234.50 EUR
	// 1,250 false
	// 12 kg true 12 kg
}

func ExampleParseDate() {
	for _, text := range []string{"25/12/2024", "3 mars 2024", "03/04/2024"} {
		if day, ok := table.ParseDate(text, table.NoOrder); ok {
			fmt.Println(text, ok, day.Format("2006-01-02"))
		} else {
			fmt.Println(text, ok) // April or March
		}
	}
	// Output:
	// 25/12/2024 true 2024-12-25
	// 3 mars 2024 true 2024-03-03
	// 03/04/2024 false
}

package export_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/batch"
	"sheetlift/internal/export"
	"sheetlift/internal/table"
)

// A batch with one image becomes a workbook with all rows, a summary, the problems, and a sheet of the image.
func ExampleWorkbook() {
	when := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	b := &batch.Batch{ID: batch.NewID(), Name: "Main hall", Status: batch.Completed, Created: when, Ended: when, Table: table.Table{
		Columns: []table.Column{{Name: "Item", Type: table.Text}, {Name: "Quantity", Type: table.Number}},
	}}
	image := &batch.Image{N: 1, Name: "shelf 1", Filename: "shelf-1.jpg", Status: batch.Completed, Ended: when, Rows: []table.Row{
		{Cells: []table.Cell{{Text: "Chair"}, {Text: "12"}}},
	}}
	images := func(yield func(*batch.Image, error) bool) { yield(image, nil) }
	var file bytes.Buffer
	if err := export.Workbook(context.Background(), &file, b, images, export.Options{Now: when}); err != nil {
		fmt.Println(err)
		return
	}
	workbook, err := excelize.OpenReader(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = workbook.Close() }()
	fmt.Println(workbook.GetSheetList())
	rows, err := workbook.GetRows("All rows")
	for _, row := range rows {
		fmt.Printf("%q\n", row)
	}
	fmt.Println(err)
	// Output:
	// [All rows Summary Problems shelf 1]
	// ["Image" "Item" "Quantity"]
	// ["shelf 1" "Chair" "12"]
	// <nil>
}

package app_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/engine/tesseract/accuracytest"
)

var accuracy = flag.Bool("accuracy", false, "read the sample data offline and report how much is right")

const samples = "../../../shared/data"

// TestAccuracy takes all tables and receipts of the sample data through the offline engine to workbooks and reports
// words, cells, rows and fields. The bounds are what the offline engine promises.
func TestAccuracy(t *testing.T) {
	t.Parallel()
	if !*accuracy {
		t.Skip("a report over 98 pictures, minutes of CPU: run make accuracy")
	}
	var tables, receipts []accuracytest.Truth
	for _, one := range accuracytest.Load(t, samples) {
		switch {
		case strings.HasPrefix(one.File, "tables/"):
			tables = append(tables, one)
		case strings.HasPrefix(one.File, "receipts/"):
			receipts = append(receipts, one)
		}
	}
	p := run(t)
	bySource := map[string]*accuracytest.Tally{}
	tally := func(one accuracytest.Truth) *accuracytest.Tally {
		if bySource[one.Source()] == nil {
			bySource[one.Source()] = &accuracytest.Tally{}
		}
		return bySource[one.Source()]
	}

	book, results := p.readAll(t, "any", tables)
	for i, one := range tables {
		tally(one).Table(one, text(results[i]), imageSheet(t, book, i))
	}
	_, results = p.readAll(t, "receipt", receipts)
	for i, one := range receipts {
		fields := map[string]string{}
		for _, row := range results[i]["table_data"].([]any) {
			for column, value := range row.(map[string]any) {
				fields[strings.ToLower(column)], _ = value.(string)
			}
		}
		tally(one).Receipt(one, text(results[i]), fields)
	}
	for source, sum := range bySource {
		t.Logf("%-10s %s", source, sum)
	}
	reach(t, "icdar13 cells", bySource["icdar13"].Cells, 90)
	reach(t, "receipt words", bySource["sroie"].Words, 80)
	for field, percent := range map[string]float64{"total": 50, "date": 80, "company": 80} {
		reach(t, "receipt "+field, *bySource["sroie"].Fields[field], percent)
	}
}

func reach(t *testing.T, what string, got accuracytest.Share, percent float64) {
	t.Helper()
	if got.Percent() < percent {
		t.Errorf("%s: %s, want %.0f %%", what, got, percent)
	}
}

func text(result map[string]any) string {
	s, _ := result["extracted_text"].(string)
	return s
}

// readAll reads pictures in one batch and returns its workbook and results.
func (p *process) readAll(t *testing.T, columns string, truth []accuracytest.Truth) (*excelize.File, []map[string]any) {
	t.Helper()
	var files []file
	for _, one := range truth {
		data, err := os.ReadFile(filepath.Join(samples, one.File))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{filepath.Base(one.File), data})
	}
	code, started := p.post(t, "?engine=tesseract&columns="+columns, files)
	if code != 200 || started["total_images"] != float64(len(files)) {
		t.Fatalf("%d: %v", code, started)
	}
	id := started["job_id"].(string)
	p.ended(t, id, 20*time.Minute)
	_, answer := p.get(t, "/batch-results/"+id)
	var results []map[string]any
	for _, r := range answer["results"].([]any) {
		results = append(results, r.(map[string]any))
	}
	return p.workbook(t, id), results
}

// imageSheet is the sheet of image i in the workbook, header first: behind All rows, Summary and Problems.
func imageSheet(t *testing.T, book *excelize.File, i int) [][]string {
	t.Helper()
	rows, err := book.GetRows(book.GetSheetName(3+i), excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/engine/tesseract/accuracytest"
)

var accuracy = flag.Bool("accuracy", false, "read the sample data offline and report how much is right")

const samples = "../../../shared/data"

// TestAccuracy reads all tables, phone photos of tables and receipts of the sample data offline, with each of the two readers, up to
// the workbooks. It reports the accuracy of words, cells, rows and fields, and how reliable the engine's doubts are. The bounds
// are those that the offline engine promises.
func TestAccuracy(t *testing.T) {
	t.Parallel()
	if !*accuracy {
		t.Skip("a report over 106 pictures, minutes of CPU: run make accuracy")
	}
	t.Run("tesseract", func(t *testing.T) { accuracyOf(t, 99, "SHEETLIFT_READER=off") })
	t.Run("neural", func(t *testing.T) { accuracyOf(t, 96, withReader(t)) })
}

// accuracyOf measures the reader that environ chooses. Of the cells that are read, told percent must not be wrong without a doubt.
func accuracyOf(t *testing.T, told float64, environ string) {
	t.Helper()
	var tables, receipts []accuracytest.Truth
	for _, one := range accuracytest.Load(t, samples) {
		switch {
		case one.Kind == "table", one.Kind == "table-photo":
			tables = append(tables, one)
		case strings.HasPrefix(one.File, "receipts/"):
			receipts = append(receipts, one)
		}
	}
	p := run(t, environ)
	bySource := map[string]*accuracytest.Tally{}
	tally := func(one accuracytest.Truth) *accuracytest.Tally {
		if bySource[one.Source()] == nil {
			bySource[one.Source()] = &accuracytest.Tally{}
		}
		return bySource[one.Source()]
	}

	id, results := p.readAll(t, "any", tables)
	book := p.workbook(t, id)
	for i, one := range tables {
		got := asRead(imageSheet(t, book, i))
		tally(one).Table(one, text(results[i]), got)
		trust, _ := accuracytest.Trusted(one.Rows, got, p.doubts(t, id, i, imageSheet(t, book, i)[0]))
		tally(one).Trust.Add(trust)
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
	reach(t, "icdar13 cells", bySource["icdar13"].Cells, 94)
	reach(t, "photo cells", bySource["photosim"].Cells, 91)
	for _, source := range []string{"icdar13", "photosim"} {
		trust := bySource[source].Trust
		reach(t, source+" wrong without a doubt, all others", trust.Told(), told)
		reach(t, source+" right with a doubt, all others", trust.Calm(), 90)
	}
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

// readAll reads pictures in one batch and returns its name and results.
func (p *process) readAll(t *testing.T, columns string, truth []accuracytest.Truth) (id string, results []map[string]any) {
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
	id = started["job_id"].(string)
	p.ended(t, id, 40*time.Minute)
	_, answer := p.get(t, "/batch-results/"+id)
	for _, r := range answer["results"].([]any) {
		results = append(results, r.(map[string]any))
	}
	return id, results
}

// ownName matches the text that makes a heading unique where the sheet has no heading, or the same one twice.
var ownName = regexp.MustCompile(`^Column \d+$| \(\d+\)$`)

// asRead is a sheet of the workbook with its headings as they were read.
func asRead(rows [][]string) [][]string {
	rows = slices.Clone(rows)
	rows[0] = slices.Clone(rows[0])
	for i, name := range rows[0] {
		rows[0][i] = ownName.ReplaceAllString(name, "")
	}
	return rows
}

// doubts returns a function that reports whether a cell of image i carries a doubt, by row and column of its sheet with this
// header. Doubts about the cell and about its whole row count; doubts about the whole image do not.
func (p *process) doubts(t *testing.T, id string, i int, header []string) func(row, column int) bool {
	t.Helper()
	_, whole := p.get(t, fmt.Sprintf("/api/v1/batches/%s/images/%d", id, i+1))
	issues, ok := whole["issues"].([]any)
	if !ok {
		t.Fatalf("image %d has no list of doubts: %v", i+1, whole)
	}
	cells, rows := map[[2]int]bool{}, map[int]bool{}
	for _, one := range issues {
		issue := one.(map[string]any)
		row, column := int(issue["row"].(float64)), issue["column"].(string)
		if at := slices.Index(header, column); at >= 0 {
			cells[[2]int{row, at}] = true
		} else if row > 0 {
			rows[row] = true
		}
	}
	return func(row, column int) bool { return rows[row] || cells[[2]int{row, column}] }
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

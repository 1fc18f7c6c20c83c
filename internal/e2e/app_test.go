package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/engine/gemini/simulator"
)

// wantRows are the rows of sheets 1 to n as "All rows" must show them, in the order of upload.
func wantRows(n int) [][]string {
	var rows [][]string
	for i := range n {
		for _, r := range simulator.Rows(i + 1) {
			rows = append(rows, append([]string{fmt.Sprintf("sheet-%03d", i+1)}, r...))
		}
	}
	return rows
}

// workbook downloads and opens the workbook of a batch.
func (p *process) workbook(t testing.TB, id string) *excelize.File {
	t.Helper()
	status, data, header := p.fetch(t, "/batches/"+id+"/workbook.xlsx")
	if status != 200 || !strings.Contains(header.Get("Content-Disposition"), ".xlsx") {
		t.Fatalf("the workbook: %d, %v", status, header)
	}
	grepWorkbook(t, data)
	book, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	return book
}

// checkRows compares the sheet "All rows" with the rows that were drawn on the pictures.
func checkRows(t testing.TB, book *excelize.File, want [][]string) {
	t.Helper()
	got, err := book.GetRows("All rows", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	header := []string{"Image", "Item_Description", "Quantity", "Serial_Number", "Tag_Number", "Status"}
	if len(got) == 0 || !slices.Equal(got[0], header) {
		t.Fatalf("the header is %q", got[:min(len(got), 1)])
	}
	got = got[1:]
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if g, w := trim(got[i]), trim(want[i]); !slices.Equal(g, w) {
			t.Fatalf("row %d is %q, want %q", i+1, g, w)
		}
	}
}

// trim drops blank cells at the end, which a reader of a workbook does not get.
func trim(row []string) []string {
	for len(row) > 0 && row[len(row)-1] == "" {
		row = row[:len(row)-1]
	}
	return row
}

func TestFiftyPicturesBecomeARightWorkbook(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 3, 20*time.Millisecond)
	p := run(t, environ...)
	files := append(sheets(50), file{"notes.txt", []byte("no picture at all")})
	code, started := p.post(t, "?max_concurrent=8", files)
	if code != 200 || started["success"] != true || started["status"] != "processing_started" || started["total_images"] != 50.0 {
		t.Fatalf("%d: %v", code, started)
	}
	if refused := fmt.Sprint(started["rejected"]); !strings.Contains(refused, "notes.txt") {
		t.Errorf("refused: %v", refused)
	}
	id := started["job_id"].(string)
	status := p.ended(t, id, time.Minute)
	if status["status"] != "completed" || status["completed_images"] != 50.0 || status["progress_percentage"] != 100.0 {
		t.Errorf("ended with %v", status)
	}
	book := p.workbook(t, id)
	checkRows(t, book, wantRows(50))
	if sheets := book.GetSheetList(); len(sheets) != 53 || !slices.Equal(sheets[:4], []string{"All rows", "Summary", "Problems", "sheet-001"}) {
		t.Errorf("sheets: %q", sheets)
	}
	if calls := len(gemini.Calls()); calls != 50 {
		t.Errorf("%d calls for 50 pictures", calls)
	}
	_, results := p.get(t, "/batch-results/"+id)
	first := results["results"].([]any)[0].(map[string]any)
	if !strings.HasPrefix(fmt.Sprint(first["api_key_used"]), "key ") || first["filename"] != "sheet-001.jpg" || first["status"] != "completed" {
		t.Errorf("the first result: %v", first)
	}
}

func TestKeysThatFailAreReplacedByOthersAndNoImageFails(t *testing.T) {
	t.Parallel()
	expectWarnings(t, keyRefused, outage)
	gemini, environ := fake(t, 4, 20*time.Millisecond)
	dead, leaked, busy := simulator.PayloadAnswer("400-api-key-invalid"), simulator.PayloadAnswer("403-leaked"), simulator.PayloadAnswer("503-overloaded")
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Always: &dead})
	gemini.SetKey(simulator.Key{Value: canary + "-2", Label: "key 2", Always: &leaked})
	gemini.SetKey(simulator.Key{Value: canary + "-3", Label: "key 3", Failing: 0.3, Failure: &busy})
	p := run(t, environ...)
	_, started := p.post(t, "", sheets(30))
	id := started["job_id"].(string)
	status := p.ended(t, id, time.Minute)
	if status["completed_images"] != 30.0 {
		t.Errorf("ended with %v", status)
	}
	checkRows(t, p.workbook(t, id), wantRows(30))
	for _, key := range []string{"key 1", "key 2"} {
		if calls := gemini.Stats()[key].Calls; calls > 5 {
			t.Errorf("%s is dead and was called %d times", key, calls)
		}
	}
}

func TestABatchThatIsStoppedGoesOnInTheNextProcess(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	_, environ := fake(t, 2, 50*time.Millisecond)
	environ = append(environ, "SHEETLIFT_DATA="+data, "SHEETLIFT_GRACE=0s")
	first := run(t, environ...)
	_, started := first.post(t, "?max_concurrent=2", sheets(20))
	first.stop()
	if info, err := os.Stat(data); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder: %v, %v", info, err)
	}
	second := run(t, environ...)
	id := started["job_id"].(string)
	status := second.ended(t, id, time.Minute)
	if status["completed_images"] != 20.0 {
		t.Errorf("ended with %v", status)
	}
	checkRows(t, second.workbook(t, id), wantRows(20))
	second.stop()
	grepCanary(t, data)
}

func TestWithoutKeysTheSameProgramReadsOffline(t *testing.T) {
	t.Parallel()
	p := run(t)
	_, started := p.post(t, "?columns=inventory", sheets(2))
	status := p.ended(t, started["job_id"].(string), 2*time.Minute)
	if status["completed_images"] != 2.0 {
		t.Fatalf("ended with %v", status)
	}
	_, results := p.get(t, "/batch-results/"+started["job_id"].(string))
	first := results["results"].([]any)[0].(map[string]any)
	if first["api_key_used"] != nil && first["api_key_used"] != "" {
		t.Errorf("a key was used: %v", first["api_key_used"])
	}
	if rows := len(first["table_data"].([]any)); rows != len(simulator.Rows(1)) {
		t.Errorf("%d rows were read, want %d: %v", rows, len(simulator.Rows(1)), first["table_data"])
	}
}

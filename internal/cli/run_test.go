package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/engine/gemini/simulator"
)

// google starts a simulated Gemini with one key and returns it with the variables that point to it.
func google(t *testing.T, script ...simulator.Answer) (*simulator.Server, []string) {
	t.Helper()
	g := simulator.Start(t, simulator.Options{Keys: []simulator.Key{{Value: "secret-of-a-test", Label: "key 1", Latency: 5 * time.Millisecond, Script: script}}})
	return g, []string{"GEMINI_API_KEY_1=secret-of-a-test", "GEMINI_BASE_URL=" + g.URL, "SHEETLIFT_DATA=/dev/null/nowhere", "PATH=" + os.Getenv("PATH")}
}

// shellCall runs the program with these variables and this standard input.
func shellCall(environ []string, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, log bytes.Buffer
	code = Main(args, environ, strings.NewReader(stdin), &out, &log)
	return code, out.String(), log.String()
}

// pictures draws n sheets into a folder, the last one in a folder below.
func pictures(t *testing.T, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "november")
	if err := os.MkdirAll(filepath.Join(dir, "late"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("sheet-%d.jpg", i)
		if i == n {
			name = filepath.Join("late", name)
		}
		write(t, filepath.Join(dir, name), simulator.Draw(i).JPEG)
	}
	return dir
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rowsIn returns how many rows the first sheet of a workbook has below its heading.
func rowsIn(t *testing.T, file string) int {
	t.Helper()
	book, err := excelize.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows(book.GetSheetList()[0])
	if err != nil {
		t.Fatal(err)
	}
	return len(rows) - 1
}

// drawnRows returns how many rows the sheets 1 to n have.
func drawnRows(n int) int {
	all := 0
	for i := 1; i <= n; i++ {
		all += len(simulator.Rows(i))
	}
	return all
}

func missingFile(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("%s is there: %v", name, err)
	}
}

func TestRunReadsAFolderIntoAWorkbookAndLeavesNothingElse(t *testing.T) {
	t.Parallel()
	g, environ := google(t)
	dir := pictures(t, 4)
	write(t, filepath.Join(dir, "notes.txt"), []byte("no picture"))
	out := filepath.Join(t.TempDir(), "out.xlsx")
	code, said, log := shellCall(environ, "", "run", dir, "-o", out, "--json")
	if code != ok {
		t.Fatalf("exit code %d: %s%s", code, said, log)
	}
	var o outcome
	if err := json.Unmarshal([]byte(said), &o); err != nil || o.Read != 4 || o.Images != 4 || o.Rows != drawnRows(4) || o.Output != out || len(o.Missing) != 0 {
		t.Errorf("the outcome is %s (%v)", said, err)
	}
	for _, line := range []string{"1 file in the folders left out", "4/4 ", "sheet-1.jpg: "} {
		if !strings.Contains(log, line) {
			t.Errorf("%q is not told: %s", line, log)
		}
	}
	if n := rowsIn(t, out); n != drawnRows(4) {
		t.Errorf("the workbook has %d rows", n)
	}
	if got := len(g.Calls()); got != 4 {
		t.Errorf("the service was called %d times", got)
	}
	missingFile(t, out+workSuffix)
	if code, _, log := shellCall(environ, "", "run", dir, "-o", out); code != failed || !strings.Contains(log, "there already") {
		t.Errorf("a second run: %d %s", code, log)
	}
	if code, _, log := shellCall(environ, "", "run", "-q", dir, "--overwrite", "-o", out); code != ok || log != "" {
		t.Errorf("a quiet run over it: %d %s", code, log)
	}
	missingFile(t, out+workSuffix)
}

func TestRunTellsWhatCouldNotBeReadAndReadsItTheSecondTime(t *testing.T) {
	t.Parallel()
	g, environ := google(t, simulator.PayloadAnswer("400-unable-to-process-image"))
	dir := pictures(t, 3)
	write(t, filepath.Join(dir, "broken.jpg"), []byte("no picture"))
	out := filepath.Join(t.TempDir(), "out.xlsx")
	args := []string{"run", dir, "-o", out, "--retries", "0", "--at-once", "1", "--json"}
	code, said, log := shellCall(environ, "", args...)
	var o outcome
	if err := json.Unmarshal([]byte(said), &o); code != partly || err != nil || o.Read != 2 || len(o.Missing) != 2 {
		t.Fatalf("exit code %d: %s%s", code, said, log)
	}
	if !strings.Contains(log, "broken.jpg: ") || rowsIn(t, out) == 0 {
		t.Errorf("the refused file is not named: %s", log)
	}
	code, said, log = shellCall(environ, "", args...)
	if err := json.Unmarshal([]byte(said), &o); code != partly || err != nil || o.Read != 3 || len(o.Missing) != 1 {
		t.Fatalf("the second time, exit code %d: %s%s", code, said, log)
	}
	if got := len(g.Calls()); got != 4 {
		t.Errorf("the service was called %d times", got)
	}
	if err := os.Remove(filepath.Join(dir, "broken.jpg")); err != nil {
		t.Fatal(err)
	}
	if code, said, log = shellCall(environ, "", args...); code != ok {
		t.Fatalf("without the broken file, exit code %d: %s%s", code, said, log)
	}
	if got := len(g.Calls()); got != 4 {
		t.Errorf("what was read was read again: %d calls", got)
	}
	missingFile(t, out+workSuffix)
}

func TestRunWritesToStandardOutputAndReadsFromStandardInput(t *testing.T) {
	t.Parallel()
	_, environ := google(t)
	code, said, log := shellCall(environ, string(simulator.Draw(1).JPEG), "run", "-", "-o", "-", "--format", "csv", "-q")
	if code != ok || log != "" || strings.Count(said, "\n") != len(simulator.Rows(1))+1 {
		t.Errorf("exit code %d: %s%s", code, said, log)
	}
	for form, begins := range map[string]string{"json": "{", "ndjson": "{", "md": "#", "xlsx": "PK"} {
		code, said, log := shellCall(environ, string(simulator.Draw(1).JPEG), "run", "-", "-o", "-", "--format", form, "-q")
		if code != ok || log != "" || !strings.HasPrefix(said, begins) {
			t.Errorf("%s: exit code %d: %.100s%s", form, code, said, log)
		}
	}
	if code, _, log := shellCall(environ, "no picture", "run", "-", "-o", "-", "--format", "csv"); code != failed || !strings.Contains(log, "standard-input") {
		t.Errorf("something else than a picture: %d %s", code, log)
	}
}

func TestRunTakesColumnsFromAFile(t *testing.T) {
	t.Parallel()
	_, environ := google(t)
	dir, out := pictures(t, 1), filepath.Join(t.TempDir(), "rows.json")
	columns := filepath.Join(t.TempDir(), "columns.json")
	for i, text := range []string{
		`[{"name": "Item_Description"}, {"name": "Quantity", "type": "number"}]`,
		`{"kind": "sheetlift columns", "version": 1, "name": "two", "table": {"columns": [{"name": "Item_Description", "type": "text"}, {"name": "Quantity", "type": "number"}]}}`,
	} {
		write(t, columns, []byte(text))
		code, _, log := shellCall(environ, "", "run", dir, "-o", out, "-c", columns, "-q", "--overwrite")
		data, _ := os.ReadFile(out)
		var rows struct {
			Columns []json.RawMessage `json:"columns"`
			Rows    []json.RawMessage `json:"rows"`
		}
		if err := json.Unmarshal(data, &rows); code != ok || err != nil || len(rows.Columns) != 2 || len(rows.Rows) != len(simulator.Rows(1)) {
			t.Errorf("file %d: exit code %d %s %s", i, code, log, data)
		}
	}
	write(t, columns, []byte(`{"columns": []}`))
	for _, name := range []string{columns, "no-such-preset"} {
		if code, _, log := shellCall(environ, "", "run", dir, "-o", out, "-c", name, "--overwrite"); code != failed || !strings.Contains(log, name) {
			t.Errorf("%s: %d %s", name, code, log)
		}
	}
}

func TestAnInterruptedRunGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	g, environ := google(t)
	g.SetKey(simulator.Key{Value: "secret-of-a-test", Label: "key 1", Latency: 300 * time.Millisecond})
	dir, out := pictures(t, 8), filepath.Join(t.TempDir(), "out.xlsx")
	args := []string{"run", dir, "-o", out, "--at-once", "1"}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(slices.Clone(environ), asProgram+"=1")
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said := awaitLine(t, stderr, "2/8 ")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	said += drain(stderr)
	_ = cmd.Wait() // its exit code follows
	if code := cmd.ProcessState.ExitCode(); code != interrupted || !strings.Contains(said, "the same command goes on from there") {
		t.Fatalf("exit code %d: %s", code, said)
	}
	before := len(g.Calls())
	missingFile(t, out)
	if before >= 8 {
		t.Fatalf("it was not interrupted in the middle: %d calls", before)
	}
	g.SetKey(simulator.Key{Value: "secret-of-a-test", Label: "key 1", Latency: 5 * time.Millisecond})
	code, _, log := shellCall(environ, "", args...)
	if code != ok || rowsIn(t, out) != drawnRows(8) {
		t.Fatalf("the second time: exit code %d: %s", code, log)
	}
	if all := len(g.Calls()); all > 9 { // one call may have been cut off
		t.Errorf("%d calls before the interruption, %d in all", before, all)
	}
	missingFile(t, out+workSuffix)
}

func TestRunReadsOfflineWithoutAKey(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("tesseract"); err != nil {
		t.Skip("tesseract is not installed here")
	}
	dir, out := pictures(t, 1), filepath.Join(t.TempDir(), "out.csv")
	code, _, log := shellCall([]string{"PATH=" + os.Getenv("PATH")}, "", "run", dir, "-o", out, "-engine", "tesseract")
	data, _ := os.ReadFile(out)
	if code != ok || strings.Count(string(data), "\n") < 3 {
		t.Errorf("exit code %d: %s%s", code, log, data)
	}
}

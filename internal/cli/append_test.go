package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// october is a workbook with these headings and one row under them.
func october(t *testing.T, headings ...string) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, text := range headings {
		for r, v := range []any{text, i + 1} {
			name, _ := excelize.CoordinatesToCellName(i+1, r+1)
			if err := f.SetCellValue("Sheet1", name, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	name := filepath.Join(t.TempDir(), "october.xlsx")
	if err := f.SaveAs(name); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestRunWritesItsRowsUnderThoseOfAWorkbook(t *testing.T) {
	t.Parallel()
	g, environ := google(t)
	dir, out := pictures(t, 2), filepath.Join(t.TempDir(), "november.xlsx")
	old := october(t, "Tag Number", "Status", "Mine", "Item_Description", "Quantity", "Serial_Number", "Image")
	before, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	code, _, log := shellCall(environ, "", "run", dir, "--append", old, "-o", out)
	if code != ok || rowsIn(t, out) != drawnRows(2)+1 {
		t.Fatalf("exit code %d: %s", code, log)
	}
	for _, line := range []string{`under row 2 of the sheet "Sheet1": Tag Number, Status, Item_Description`, "Columns of the sheet that get nothing: Mine."} {
		if !strings.Contains(log, line) {
			t.Errorf("%q is not told: %s", line, log)
		}
	}
	if told, read := strings.Index(log, "under row 2"), strings.Index(log, "1/2 "); told < 0 || told > read {
		t.Errorf("it is told after the first picture was read: %s", log)
	}
	if after, err := os.ReadFile(old); err != nil || string(after) != string(before) {
		t.Errorf("the old file changed: %v", err)
	}
	if got := len(g.Calls()); got != 2 {
		t.Errorf("the service was called %d times", got)
	}
	missingFile(t, out+workSuffix)
}

func TestNothingIsReadForAWorkbookThatDoesNotFit(t *testing.T) {
	t.Parallel()
	g, environ := google(t)
	dir, folder := pictures(t, 1), t.TempDir()
	out, text := filepath.Join(folder, "out.xlsx"), filepath.Join(folder, "text.xlsx")
	write(t, text, []byte("no workbook"))
	some := october(t, "Item Description", "Quantity")
	for _, c := range []struct {
		want int
		says string
		args []string
	}{
		{failed, "no Excel workbook", []string{"--append", text, "-o", out}},
		{failed, "has the headings of the batch", []string{"--append", october(t, "a", "b"), "-o", out}},
		{failed, "has no column for Serial_Number, Tag_Number, Status", []string{"--append", some, "-o", out}},
		{failed, "no sheet named “Other”", []string{"--append", some, "--sheet", "Other", "-o", out}},
		{failed, "cannot be read", []string{"--append", filepath.Join(folder, "none.xlsx"), "-o", out}},
		{usage, "names the workbook of --append", []string{"--append", some, "-o", some, "--overwrite"}},
		{usage, "a workbook is written", []string{"--append", some, "-o", filepath.Join(folder, "out.csv")}},
		{usage, "belong to --append", []string{"--leave-out", "-o", out}},
	} {
		code, _, log := shellCall(environ, "", append([]string{"run", dir}, c.args...)...)
		if code != c.want || !strings.Contains(log, c.says) {
			t.Errorf("%q: exit code %d: %s", c.args, code, log)
		}
		missingFile(t, out)
		missingFile(t, out+workSuffix)
	}
	if got := len(g.Calls()); got != 0 {
		t.Errorf("the service was called %d times", got)
	}
	code, _, log := shellCall(environ, "", "run", dir, "--append", some, "--leave-out", "-o", out)
	if code != ok || rowsIn(t, out) != drawnRows(1)+1 || !strings.Contains(log, "Left out, because the sheet has no such column: Serial_Number") {
		t.Errorf("with the columns left out: exit code %d: %s", code, log)
	}
}

package export_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/export"
	"sheetlift/internal/table"
)

func TestWhatASheetCannotShowIsReplacedVisiblyAndCounted(t *testing.T) {
	t.Parallel()
	bad := "a\x00b\x1bc\xffd\uFFFEe\u202Ef\x7f"
	m := image(1, "one\x01\u202E", []string{bad})
	f := open(t, write(t, texts("name\x02", []table.Column{{Name: "Text", Type: table.Text}}), m))
	if got := rows(t, f, "All rows"); got[1][1] != "a�b�c�d�e�f�" || got[1][0] != "one��" {
		t.Errorf("got %q", got)
	}
	if got := rows(t, f, "Problems"); !contains(got, "Characters replaced", "6 characters") {
		t.Errorf("not counted: %q", got)
	}
}

func TestTooLongATextIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	fits, over := strings.Repeat("x", 32_767), strings.Repeat("😀", 20_000)
	f := open(t, write(t, texts("b", []table.Column{{Name: "Text", Type: table.Text}}), image(1, "one", []string{fits}, []string{over})))
	got := rows(t, f, "All rows")
	if got[1][1] != fits {
		t.Errorf("a text that fits was changed: %d", len(got[1][1]))
	}
	cut := got[2][1]
	if n := len(utf16.Encode([]rune(cut))); n > 32_767 || n < 32_700 || !strings.HasSuffix(cut, "holds]") || !strings.HasPrefix(cut, "😀") {
		t.Errorf("cut to %d units, ending in %q", n, cut[len(cut)-50:])
	}
	if problems := rows(t, f, "Problems"); !contains(problems, "Cell cut off", "20000") || len(problems) != 2 {
		t.Errorf("Problems: %q", problems)
	}
}

func TestMoreRowsThanASheetHoldsGoOn(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "Text", Type: table.Text}})
	var images []*batch.Image
	for n := range 5 {
		m := image(n+1, fmt.Sprint("image ", n+1))
		for r := range 3 {
			m.Rows = append(m.Rows, image(0, "", []string{fmt.Sprint(n, ".", r)}).Rows...)
		}
		images = append(images, m)
	}
	var out bytes.Buffer
	if err := export.WorkbookWithin(t.Context(), &out, b, all(images), export.Options{TmpDir: t.TempDir(), Now: noon}, 7, 3); err != nil {
		t.Fatal(err)
	}
	f := open(t, out.Bytes())
	if got, want := f.GetSheetList(), []string{"All rows", "All rows 2", "All rows 3", "Summary", "Problems"}; !slices.Equal(got, want) {
		t.Fatalf("sheets %q", got)
	}
	var texts []string
	for _, sheet := range []string{"All rows", "All rows 2", "All rows 3"} {
		got := rows(t, f, sheet)
		if !slices.Equal(got[0], []string{"Image", "Text"}) {
			t.Errorf("header of %s: %q", sheet, got[0])
		}
		for _, row := range got[1:] {
			texts = append(texts, row[1])
		}
	}
	want := []string{"0.0", "0.1", "0.2", "1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "3.0", "3.1", "3.2", "4.0", "4.1", "4.2"}
	if !slices.Equal(texts, want) {
		t.Errorf("rows %q", texts)
	}
	if got := rows(t, f, "Summary"); !contains(got, "Note", "no sheet for each") {
		t.Errorf("Summary does not say why there are no sheets of images: %q", got)
	}
}

func TestMoreColumnsThanExcelHasRoomForAreNamed(t *testing.T) {
	t.Parallel()
	b := &batch.Batch{Name: "b", Status: batch.Completed, Table: table.Table{Open: true}, Created: noon}
	var images []*batch.Image
	for n := range 83 {
		m := image(n+1, fmt.Sprint("image ", n+1), slices.Repeat([]string{"x"}, 200))
		for c := range 200 {
			m.Columns = append(m.Columns, fmt.Sprintf("c%d.%d", n, c))
		}
		images = append(images, m)
	}
	f := open(t, write(t, b, images...))
	if got := rows(t, f, "Problems"); !contains(got, "217 columns more") {
		t.Errorf("Problems: %q", got)
	}
	if got := rows(t, f, "image 83"); len(got[1]) != 200 {
		t.Errorf("the sheet of the last image has %d columns", len(got[1]))
	}
}

func TestErrorsLeaveTheWriterUntouched(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken store")
	calls := 0
	images := func(yield func(*batch.Image, error) bool) {
		if calls++; yield(image(1, "one"), nil) && calls > 1 {
			yield(nil, broken)
		}
	}
	var out bytes.Buffer
	err := export.Workbook(t.Context(), &out, inventory(t), images, export.Options{TmpDir: t.TempDir()})
	if !errors.Is(err, broken) || out.Len() > 0 {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
}

func TestBatchThatChangesMeanwhileIsAConflict(t *testing.T) {
	t.Parallel()
	calls := 0
	images := func(yield func(*batch.Image, error) bool) {
		calls++
		m := image(1, "one", []string{"Lamp"})
		m.Rev = uint64(calls)
		yield(m, nil)
	}
	err := export.Workbook(t.Context(), io.Discard, inventory(t), images, export.Options{TmpDir: t.TempDir()})
	if !errs.Is(err, errs.Conflict) {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsLeftInTheTemporaryFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	during := 0
	images := func(yield func(*batch.Image, error) bool) {
		entries, _ := os.ReadDir(dir)
		during += len(entries)
		yield(image(1, "one", []string{"Lamp"}), nil)
	}
	if err := export.Workbook(t.Context(), io.Discard, inventory(t), images, export.Options{TmpDir: dir, Now: noon}); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries)+during > 0 {
		t.Errorf("files with rows lie about: %v, %d while writing", entries, during)
	}
	if err := export.Workbook(t.Context(), io.Discard, inventory(t), images, export.Options{TmpDir: dir + "/none"}); errs.Message(err) == "" || err == nil {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestSheetNamesAreUniqueAndAllowed(t *testing.T) {
	t.Parallel()
	some := []string{"", " ", "All rows", "ALL ROWS", "summary", "Problems", "History", "history", "HISTORY", "a", "A", "a (2)", "K", "K", "ſ", "S", "'x'",
		strings.Repeat("x", 40), strings.Repeat("X", 31), strings.Repeat("😀", 20), "a/b", "a\\b", "[x]", "x:y*?", "\x00", "line\nbreak", "\u202Ex", "é", "É"}
	names := export.SheetNames(slices.Repeat(some, 20))
	checkNames(t.Fatalf, names)
	if names[2] != "All rows (2)" || names[6] != "History (2)" || names[0] != "Image 1" {
		t.Errorf("names %q", names[:9])
	}
	many := export.SheetNames(slices.Repeat([]string{"scan"}, 5000))
	checkNames(t.Fatalf, many)
	if many[4999] != "scan (5000)" {
		t.Errorf("the last is %q", many[4999])
	}
}

func TestAnySheetNamesAreUniqueAndAllowed(t *testing.T) {
	t.Parallel()
	pool := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("aAbB'[]:\\/?*\t\n\x00 _K\u212AſsSßİıiI😀\uFFFE\u202E")), 0, 40, -1), 100, 100)
	rapid.Check(t, func(t *rapid.T) {
		for range 10 { // 100 checks of 1,000 names
			checkNames(t.Fatalf, export.SheetNames(pool.Draw(t, "names")))
		}
	})
}

func checkNames(fail func(string, ...any), names []string) {
	for i, name := range names {
		n := len(utf16.Encode([]rune(name)))
		if n == 0 || n > 31 || strings.ContainsAny(name, "[]:\\/?*'\x00\n\t") || strings.TrimSpace(name) != name || strings.EqualFold(name, "history") {
			fail("%q is no name for a sheet", name)
		}
		if i > 200 {
			continue // the pairs of the first names are enough; the map checks the rest
		}
		for j := range i {
			if strings.EqualFold(name, names[j]) {
				fail("%q and %q are the same for Excel", name, names[j])
			}
		}
	}
	seen := map[string]bool{"all rows": true, "summary": true, "problems": true}
	for _, name := range names {
		key := strings.ToLower(name)
		if seen[key] {
			fail("%q is there twice", name)
		}
		seen[key] = true
	}
}

func TestAnyTextComesBack(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("_x0041DF8 \t\n\r&<>\"'=+-@;,.é😀�")), 0, 60, -1),
		rapid.String(),
	)
	b := texts("b", []table.Column{{Name: "Text", Type: table.Text}})
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(text, 1, 20).Draw(t, "texts")
		m := image(1, "one")
		for _, s := range want {
			m.Rows = append(m.Rows, image(0, "", []string{s}).Rows...)
		}
		var out bytes.Buffer
		if err := export.Workbook(t.Context(), &out, b, all([]*batch.Image{m}), export.Options{Now: noon}); err != nil {
			t.Fatal(err)
		}
		f, err := excelize.OpenReader(&out)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for i, s := range want {
			got, err := f.GetCellValue("one", fmt.Sprint("A", i+2))
			if err != nil || got != visible(s) {
				t.Fatalf("%q came back as %q, want %q; %v", s, got, visible(s), err)
			}
		}
	})
}

// visible returns a text as it must be read back: without characters that no sheet can show.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return r
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xFFFE || r == 0xFFFF || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069:
			return '�'
		}
		return r
	}, s)
}

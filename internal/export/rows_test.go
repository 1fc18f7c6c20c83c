package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/export"
	"sheetlift/internal/table"
)

func written(t testing.TB, b *batch.Batch, opt export.RowOptions, images ...*batch.Image) string {
	t.Helper()
	var out bytes.Buffer
	if err := export.Rows(t.Context(), &out, b, all(images), opt); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// fields reads CSV as RFC 4180 describes it, without the changes to line ends that encoding/csv makes.
func fields(t testing.TB, text string, separator byte) [][]string {
	t.Helper()
	var lines [][]string
	var line []string
	for i := 0; i < len(text); {
		var field strings.Builder
		if text[i] == '"' {
			for i++; ; i++ {
				if i >= len(text) {
					t.Fatalf("a field is not closed in %q", text)
				}
				if text[i] == '"' {
					if i+1 < len(text) && text[i+1] == '"' {
						i++
					} else {
						break
					}
				}
				field.WriteByte(text[i])
			}
			i++
		} else {
			for i < len(text) && text[i] != separator && text[i] != '\r' {
				field.WriteByte(text[i])
				i++
			}
		}
		line = append(line, field.String())
		switch {
		case i < len(text) && text[i] == separator:
			if i++; i == len(text) {
				t.Fatalf("%q ends in a separator", text)
			}
			if text[i] == '\r' { // the last field is blank
				line = append(line, "")
				lines, line, i = append(lines, line), nil, i+2
			}
		case strings.HasPrefix(text[i:], "\r\n"):
			lines, line, i = append(lines, line), nil, i+2
		default:
			t.Fatalf("something stands behind a field at %d of %q", i, text)
		}
	}
	return lines
}

// asRead takes the apostrophe off a field that a spreadsheet would compute without it.
func asRead(field string) string {
	if strings.HasPrefix(field, "'") && export.Computes(field) {
		return field[1:]
	}
	return field
}

// nasty returns a text of characters that mean something to a format.
func nasty(r *rand.Rand) string {
	marks := []rune("=+-@'\"\\,;|\t\r\n \u00a0<>&*_`[]#!~019.%aé😀＝\u0085\u2028")
	var s []rune
	for range r.IntN(8) {
		s = append(s, marks[r.IntN(len(marks))])
	}
	return string(s)
}

// nastyImages are images whose cells hold such texts, in columns of such names, and those texts by row.
func nastyImages(seed uint64) (*batch.Batch, []*batch.Image, [][]string) {
	r := rand.New(rand.NewPCG(seed, 1))
	columns := []table.Column{{Name: "A", Type: table.Text}, {Name: "=B|\"", Type: table.Text}, {Name: "C", Type: table.Number}}
	var images []*batch.Image
	var want [][]string
	for n := range 5 {
		var lines [][]string
		for range 20 {
			line := []string{nasty(r), nasty(r), nasty(r)}
			lines, want = append(lines, line), append(want, line)
		}
		images = append(images, image(n+1, fmt.Sprint("sheet ", n+1), lines...))
	}
	return texts("Bad | <b>", columns), images, want
}

// shownAs is a text with its invisible characters replaced.
func shownAs(s string) string { return strings.ReplaceAll(s, "\u0085", "\ufffd") }

func TestCSVGivesEveryTextBackAndNothingThatComputes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		b, images, want := nastyImages(seed)
		for _, separator := range []byte{',', ';', '\t'} {
			text := written(t, b, export.RowOptions{Format: export.CSV, Separator: separator}, images...)
			text, marked := strings.CutPrefix(text, "\ufeff")
			if !marked || !utf8.ValidString(text) {
				t.Fatal("there is no byte order mark, or no UTF-8 behind it")
			}
			lines := fields(t, text, separator)
			if len(lines) != len(want)+1 || !slices.Equal(lines[0], []string{"Image", "Row", "A", "'=B|\"", "C", "Doubts"}) {
				t.Fatalf("%d lines, the first %q", len(lines), lines[0])
			}
			for i, line := range lines[1:] {
				if line[0] != fmt.Sprint("sheet ", i/20+1) || line[1] != fmt.Sprint(i%20+1) || len(line) != 6 {
					t.Fatalf("line %d is %q", i, line)
				}
				for c, field := range line[2:5] {
					if asRead(field) != shownAs(want[i][c]) {
						t.Errorf("%q became %q", want[i][c], field)
					}
					if export.Computes(field) && field[0] != '\'' {
						t.Errorf("%q may be computed", field)
					}
				}
			}
			r := csv.NewReader(strings.NewReader(text)) // a common reader finds the same structure
			r.Comma = rune(separator)
			if got, err := r.ReadAll(); err != nil || len(got) != len(lines) {
				t.Errorf("encoding/csv reads %d lines of %d, %v", len(got), len(lines), err)
			}
		}
	}
}

func TestNoTextOfAFormulaComesBareIntoCSV(t *testing.T) {
	t.Parallel()
	m := image(1, "=1+1")
	payloads := formulas()
	for _, p := range payloads {
		m.Rows = append(m.Rows, image(0, "", []string{p}).Rows...)
	}
	text := written(t, texts("b", []table.Column{{Name: "A", Type: table.Text}}), export.RowOptions{Format: export.CSV}, m)
	for i, line := range fields(t, strings.TrimPrefix(text, "\ufeff"), ',')[1:] {
		for _, field := range line {
			if regexp.MustCompile(`^[=+\-@\t\r\n＝＋－＠]`).MatchString(field) {
				t.Errorf("%q comes as %q", payloads[i], field)
			}
		}
	}
	for _, number := range []string{"-5", "+1", "-1,250.00", "-12 %", "+84 123 456"} {
		if export.Computes(number) {
			t.Errorf("%q counts as a formula", number)
		}
	}
}

// jsonFile is the JSON of a batch's rows.
type jsonFile struct {
	Batch struct {
		ID, Name, Status string
		Complete         bool
		Images           int
		Read             int `json:"images_read"`
	}
	Columns []string
	Rows    []jsonRow
}

type jsonRow struct {
	Image   int
	Name    string
	Row     int
	Checked bool
	Cells   map[string]string
	Values  map[string]string
	Doubts  []struct{ Column, Kind, Message string }
}

func TestJSONAndNDJSONGiveEveryTextBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		b, images, want := nastyImages(seed)
		var file jsonFile
		if err := json.Unmarshal([]byte(written(t, b, export.RowOptions{Format: export.JSON}, images...)), &file); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(file.Columns, []string{"A", "=B|\"", "C"}) || !file.Batch.Complete || file.Batch.Images != 5 || file.Batch.Read != 5 {
			t.Fatalf("the head is %+v, %q", file.Batch, file.Columns)
		}
		var lines []jsonRow
		text := written(t, b, export.RowOptions{Format: export.NDJSON}, images...)
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			var one jsonRow
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			lines = append(lines, one)
		}
		if len(lines) != len(want) || len(file.Rows) != len(want) {
			t.Fatalf("%d and %d rows, want %d", len(file.Rows), len(lines), len(want))
		}
		for i, one := range lines {
			for c, name := range file.Columns {
				if one.Cells[name] != want[i][c] || file.Rows[i].Cells[name] != want[i][c] {
					t.Errorf("row %d has %q and %q, want %q", i, one.Cells[name], file.Rows[i].Cells[name], want[i][c])
				}
			}
			if one.Image != i/20+1 || one.Row != i%20+1 {
				t.Errorf("row %d is row %d of image %d", i, one.Row, one.Image)
			}
		}
	}
}

func TestMarkdownKeepsEveryRowOnOneLineAndEveryTextVisible(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		b, images, want := nastyImages(seed)
		lines := strings.Split(strings.TrimSuffix(written(t, b, export.RowOptions{Format: export.Markdown}, images...), "\n"), "\n")
		if len(lines) != len(want)+4 || lines[0] != `# Bad \| \<b\>` {
			t.Fatalf("%d lines, want %d: %q", len(lines), len(want)+4, lines[0])
		}
		for i, line := range lines[4:] {
			var cells []string
			for cell := range strings.SplitSeq(strings.ReplaceAll(line, `\\`, "\x00"), "|") { // a bar with a backslash before it is text
				if n := len(cells); n > 0 && strings.HasSuffix(cells[n-1], `\`) {
					cells[n-1] += "|" + cell
				} else {
					cells = append(cells, cell)
				}
			}
			if len(cells) != 8 {
				t.Fatalf("%q has %d cells", line, len(cells))
			}
			for c, want := range want[i] {
				text := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(cells[c+3], " "), " "), "<br>", "\n")
				text = strings.ReplaceAll(regexp.MustCompile(`\\(.)`).ReplaceAllString(text, "$1"), "\x00", `\`)
				if want = regexp.MustCompile("\r\n|\r").ReplaceAllString(shownAs(want), "\n"); text != want {
					t.Errorf("%q became %q", want, text)
				}
			}
		}
	}
}

func TestRowsOfARunningBatchSayHowFarItIs(t *testing.T) {
	t.Parallel()
	b := texts("November", []table.Column{{Name: "A", Type: table.Text}})
	b.Status, b.Order = batch.Processing, []int{1, 2}
	waits := image(2, "two", []string{"not yet"})
	waits.Status = batch.Pending
	images := []*batch.Image{image(1, "one", []string{"x"}), waits}
	var file jsonFile
	if err := json.Unmarshal([]byte(written(t, b, export.RowOptions{Format: export.JSON}, images...)), &file); err != nil {
		t.Fatal(err)
	}
	if file.Batch.Complete || file.Batch.Status != "processing" || file.Batch.Images != 2 || file.Batch.Read != 1 || len(file.Rows) != 1 {
		t.Errorf("the file is %+v", file)
	}
	if text := written(t, b, export.RowOptions{Format: export.Markdown}, images...); !strings.Contains(text, "1 of 2 images were read so far") || strings.Contains(text, "not yet") {
		t.Errorf("the Markdown is %s", text)
	}
}

func TestRowsOfOneImageOrOfCheckedOnesOnly(t *testing.T) {
	t.Parallel()
	b := texts("b", nil)
	b.Table.Open = true
	first, second := image(1, "same", []string{"a"}), image(2, "same", []string{"b", "c"})
	first.Columns, second.Columns = []string{"Item"}, []string{"Item", "Price"}
	first.Issues = []table.Issue{{Row: 0, Column: 0, Kind: table.KindGuessed, Message: "Guessed."}}
	second.Checked = &batch.Check{By: "Eve", At: noon}
	for _, c := range []struct {
		opt  export.RowOptions
		want [][]string
	}{
		{export.RowOptions{}, [][]string{{"Image", "Row", "Item", "Price", "Doubts"}, {"same", "1", "a", "", "Item: Guessed."}, {"same (2)", "1", "b", "c", ""}}},
		{export.RowOptions{Image: 1}, [][]string{{"Image", "Row", "Item", "Doubts"}, {"same", "1", "a", "Item: Guessed."}}},
		{export.RowOptions{Checked: true}, [][]string{{"Image", "Row", "Item", "Price", "Doubts"}, {"same (2)", "1", "b", "c", ""}}},
		{export.RowOptions{Checked: true, Image: 1}, [][]string{{"Image", "Row", "Doubts"}}},
	} {
		c.opt.Format = export.CSV
		if got := fields(t, strings.TrimPrefix(written(t, b, c.opt, first, second), "\ufeff"), ','); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%+v gives %q, want %q", c.opt, got, c.want)
		}
	}
	var file jsonFile
	if err := json.Unmarshal([]byte(written(t, b, export.RowOptions{Format: export.JSON}, first, second)), &file); err != nil {
		t.Fatal(err)
	}
	if _, there := file.Rows[0].Cells["Price"]; there || !file.Rows[1].Checked || len(file.Rows[0].Doubts) != 1 || file.Rows[0].Doubts[0].Kind != table.KindGuessed {
		t.Errorf("the rows are %+v", file.Rows)
	}
}

func TestNumbersAndDatesHaveTheirValuesInJSON(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "Price", Type: table.Number}, {Name: "Day", Type: table.Date}})
	text := written(t, b, export.RowOptions{Format: export.NDJSON}, image(1, "one", []string{"1,250.50", "31 December 2026"}, []string{"cheap", ""}))
	first, second, _ := strings.Cut(text, "\n")
	if !strings.Contains(first, `"cells":{"Price":"1,250.50","Day":"31 December 2026"},"values":{"Price":"1250.50","Day":"2026-12-31"}`) || !strings.Contains(second, `"values":{}`) {
		t.Errorf("the rows are\n%s", text)
	}
}

func TestRowsThatChangeWhileTheyAreWrittenAreAnError(t *testing.T) {
	t.Parallel()
	m := image(1, "one", []string{"x"})
	first := true
	changing := func(yield func(*batch.Image, error) bool) {
		now := *m
		if !first {
			now.Rev++
		}
		first = false
		yield(&now, nil)
	}
	b := texts("b", []table.Column{{Name: "A", Type: table.Text}})
	if err := export.Rows(t.Context(), io.Discard, b, changing, export.RowOptions{Format: export.CSV}); !errs.Is(err, errs.Conflict) {
		t.Errorf("got %v", err)
	}
	full := errors.New("no room")
	if err := export.Rows(t.Context(), failing{full}, b, all([]*batch.Image{m}), export.RowOptions{Format: export.JSON}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func BenchmarkRows(b *testing.B) {
	columns := make([]table.Column, 20)
	for i := range columns {
		columns[i] = table.Column{Name: fmt.Sprint("Column ", i+1), Type: table.Text}
	}
	line := make([]string, len(columns))
	for i := range line {
		line[i] = fmt.Sprint("value ", i)
	}
	var images []*batch.Image
	for n := range 500 {
		images = append(images, image(n+1, fmt.Sprint("Sheet ", n+1), slices.Repeat([][]string{line}, 50)...))
	}
	for _, format := range export.Formats() {
		b.Run(string(format), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := export.Rows(b.Context(), io.Discard, texts("b", columns), all(images), export.RowOptions{Format: format}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

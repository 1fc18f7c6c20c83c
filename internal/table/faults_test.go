package table_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sheetlift/internal/table"
)

// lamps is the table that the recorded answers were asked for.
func lamps() table.Table {
	return table.Table{Columns: []table.Column{{Name: "Item", Type: table.Text}, {Name: "Qty", Type: table.Text}, {Name: "Serial", Type: table.Text, Unique: true}}}
}

// TestRecordedAnswersLoseNothing holds each recorded answer to the rows it has, with an issue where it is not plainly one table.
func TestRecordedAnswersLoseNothing(t *testing.T) {
	t.Parallel()
	const lamp, desk = "Lamp|1|S1", "Desk|2|S2"
	for name, want := range map[string]string{
		"01-two-blocks":                   lamp + " / " + desk + " rows(-1,-1) rows(-1,-1) repaired",
		"03-two-arrays":                   lamp + " / " + desk + " rows(-1,-1) repaired",
		"04-draft-then-final":             lamp + " / " + desk + " rows(-1,-1) rows(-1,-1) repaired",
		"06-empty-rows-beside-full-table": lamp + " / " + desk + " rows(-1,-1)",
		"07-rows-null-error":              "refused",
		"08-header-in-the-middle":         lamp + " / " + desk + " rows(-1,-1)",
		"09-table-given-twice":            lamp + " / " + desk + " / " + lamp + " / " + desk + " rows(2,-1)",
		"10-lost-character":               "\uFFFD Lamp|1|S1 guessed(0,0) repaired",
		"11-invisible-in-serial":          lamp + " / Lamp|1|S1 guessed(1,2)",
		"12-doubly-escaped":               "Café \n table|AT&T|S1 guessed(0,0) guessed(0,1)",
		"13-nan":                          "Lamp|-|S1 / " + desk + " guessed(0,1) repaired",
		"14-same-document-twice":          lamp + " repaired",
		"15-missing-comma":                lamp + " / " + desk + " rows(1,-1) repaired",
		"16-tables-list":                  lamp + " / " + desk + " rows(-1,-1)",
		"18-count-3.0":                    lamp + " / " + desk + " rows(-1,-1)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("testdata", "answers", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			a, err := lamps().Parse(text)
			got := "refused"
			if err == nil {
				got = brief(a)
			}
			if got != want {
				t.Errorf("got  %s\nwant %s\n%+v %v", got, want, a.Issues, err)
			}
		})
	}
}

// TestOneHeadingInTwoFormsIsOneColumn is about the two forms in which Unicode writes an accented letter.
func TestOneHeadingInTwoFormsIsOneColumn(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "answers", "27-open-headings-nfc-nfd.txt"))
	if err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(string(text), "=== second picture ===")
	open := table.Table{Open: true}
	var headings []string
	for _, answer := range []string{first, second} {
		a, err := open.Parse([]byte(answer))
		if err != nil || len(a.Issues) > 0 {
			t.Fatalf("%+v %v", a, err)
		}
		headings = append(headings, a.Columns...)
	}
	if len(headings) != 2 || headings[0] != headings[1] {
		t.Errorf("headings %q", headings)
	}
}

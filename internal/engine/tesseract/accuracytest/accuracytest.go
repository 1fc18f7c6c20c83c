// Package accuracytest compares readings with the texts that people wrote down for the sample pictures.
package accuracytest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Truth is one sample picture and its correct content.
type Truth struct {
	File   string            `json:"file"`
	Kind   string            `json:"kind"`   // "receipt", "table", "table-photo", …
	Expect string            `json:"expect"` // "accept", "reject", "accept-if-…", or another value of the sample data
	Rows   [][]string        `json:"rows"`
	Fields map[string]string `json:"fields"`
	Text   string            `json:"text"`
}

// Source is the collection that a picture comes from: "icdar13", "pubtabnet", "photosim", "sroie".
func (t Truth) Source() string {
	name, _, _ := strings.Cut(filepath.Base(t.File), "_")
	return name
}

// Load reads the truth of the sample data in folder dir, and skips the test where the folder is missing.
func Load(t testing.TB, dir string) []Truth {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "truth.jsonl"))
	if os.IsNotExist(err) {
		t.Skip("the sample data folder beside the checkout is missing")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []Truth
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var one Truth
		if json.Unmarshal(lines.Bytes(), &one) == nil && one.File != "" {
			all = append(all, one)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Share is how many of how many were right.
type Share struct{ Right, All int }

// Add counts another share in.
func (s *Share) Add(o Share) { s.Right += o.Right; s.All += o.All }

// Percent is the share of the right ones, 0 when there was nothing to find.
func (s Share) Percent() float64 {
	if s.All == 0 {
		return 0
	}
	return 100 * float64(s.Right) / float64(s.All)
}

func (s Share) String() string {
	return fmt.Sprintf("%5.1f %% (%d of %d)", s.Percent(), s.Right, s.All)
}

// Fold makes two ways of writing the same text equal: lower case, white space folded.
func Fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// Words are the runs of letters and digits of a text, in lower case.
func Words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// Found counts how many of want are in got, each of got used once.
func Found(want, got []string) Share {
	left := map[string]int{}
	for _, g := range got {
		left[g]++
	}
	s := Share{All: len(want)}
	for _, w := range want {
		if left[w] > 0 {
			left[w]--
			s.Right++
		}
	}
	return s
}

// Cells are the folded cells that hold something.
func Cells(rows [][]string) []string {
	var all []string
	for _, row := range rows {
		for _, c := range row {
			if c = Fold(c); c != "" {
				all = append(all, c)
			}
		}
	}
	return all
}

// RowsRight counts the rows whose cells are all right, in any order of columns. Blank rows do not count.
func RowsRight(want, got [][]string) Share {
	return Found(rowKeys(want), rowKeys(got))
}

func rowKeys(rows [][]string) []string {
	var keys []string
	for _, row := range rows {
		cells := Cells([][]string{row})
		if len(cells) == 0 {
			continue
		}
		slices.Sort(cells)
		keys = append(keys, strings.Join(cells, "\x00"))
	}
	return keys
}

// FieldRight reports whether a receipt's field was found: the same amount for a total, the same digits for a date,
// three quarters of the words for a company or an address.
func FieldRight(field, want, got string) bool {
	switch field {
	case "total":
		a, b := amount(want), amount(got)
		return a != nil && b != nil && a.Cmp(b) == 0
	case "date":
		return digits(want) != "" && digits(want) == digits(got)
	default:
		s := Found(Words(want), Words(got))
		return s.All > 0 && 4*s.Right >= 3*s.All
	}
}

var number = regexp.MustCompile(`\d[\d,]*(\.\d+)?`)

func amount(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(strings.ReplaceAll(number.FindString(s), ",", ""))
	if !ok {
		return nil
	}
	return r
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// Tally is a running report on one kind of picture.
type Tally struct {
	Pictures           int
	Words, Cells, Rows Share
	Extra              Share // of the cells read, how many are in the truth
	PlainCells         Share // as Cells and Rows, with texts that Plain makes equal
	PlainRows          Share
	Trust              Trust
	Fields             map[string]*Share
}

// Table counts one table in. got has the header first.
func (t *Tally) Table(want Truth, text string, got [][]string) {
	t.Pictures++
	cells := Cells(want.Rows)
	t.Words.Add(Found(Words(strings.Join(cells, " ")), Words(text)))
	t.Cells.Add(Found(cells, Cells(got)))
	t.Extra.Add(Found(Cells(got), cells))
	t.Rows.Add(RowsRight(want.Rows, got))
	wantPlain, gotPlain := plainRows(want.Rows), plainRows(got)
	t.PlainCells.Add(Found(Cells(wantPlain), Cells(gotPlain)))
	t.PlainRows.Add(RowsRight(wantPlain, gotPlain))
}

// Receipt counts one receipt in.
func (t *Tally) Receipt(want Truth, text string, got map[string]string) {
	t.Pictures++
	t.Words.Add(Found(Words(want.Text), Words(text)))
	if t.Fields == nil {
		t.Fields = map[string]*Share{}
	}
	for name, value := range want.Fields {
		if t.Fields[name] == nil {
			t.Fields[name] = &Share{}
		}
		s := Share{All: 1}
		if FieldRight(name, value, got[name]) {
			s.Right = 1
		}
		t.Fields[name].Add(s)
	}
}

// String is the report, one line.
func (t *Tally) String() string {
	if t.Fields == nil {
		return fmt.Sprintf("%3d pictures  words %v  cells %v  rows %v  of the cells read %v  alike: cells %v  rows %v  %v",
			t.Pictures, t.Words, t.Cells, t.Rows, t.Extra, t.PlainCells, t.PlainRows, t.Trust)
	}
	s := fmt.Sprintf("%3d pictures  words %v", t.Pictures, t.Words)
	for _, name := range []string{"total", "date", "company", "address"} {
		if f := t.Fields[name]; f != nil {
			s += fmt.Sprintf("  %s %v", name, *f)
		}
	}
	return s
}

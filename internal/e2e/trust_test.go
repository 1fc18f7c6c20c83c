package e2e_test

import (
	"cmp"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/tesseract"
	"sheetlift/internal/engine/tesseract/accuracytest"
	"sheetlift/internal/imaging"
	"sheetlift/internal/table"
	"sheetlift/internal/witness"
)

var trust = flag.Bool("trust", false, "compare the sample tables, with errors put in, with their offline reading")

// errors that a reader makes: the share of filled cells that are wrong, and of rows that are left out.
const (
	cellsWrong = 0.02
	rowsLost   = 0.01
	trustSeeds = 20
)

// trustTally counts the verdicts of the comparison.
type trustTally struct{ wrong, caught, right, alarms, lost, told, phantoms, sheets int }

// TestTheWitnessFindsErrors takes the true rows of every sample table for those of a service, with 2 % of the cells and 1 % of
// the rows wrong, and reports how many of the errors become doubts and how many right cells do.
func TestTheWitnessFindsErrors(t *testing.T) {
	t.Parallel()
	if !*trust {
		t.Skip("a report over 42 pictures, minutes of CPU: run make bench-trust")
	}
	e, err := tesseract.New(tesseract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := imaging.New(imaging.Limits{TmpDir: t.TempDir()})
	sums := map[string]*trustTally{}
	for _, one := range accuracytest.Load(t, samples) {
		if one.Kind != "table" && one.Kind != "table-photo" {
			continue
		}
		lines := offlineLines(t, p, e, one.File)
		if sums[one.Source()] == nil {
			sums[one.Source()] = &trustTally{}
		}
		for seed := range uint64(trustSeeds) {
			sums[one.Source()].add(one.Rows[1:], lines, rand.New(rand.NewPCG(seed, 7)))
		}
	}
	for source, s := range sums {
		t.Logf("%-10s wrong cells in doubt %s, right cells in doubt %s, lost rows told %s, told without a loss %d on %d sheets", source,
			accuracytest.Share{Right: s.caught, All: s.wrong}, accuracytest.Share{Right: s.alarms, All: s.right}, accuracytest.Share{Right: s.told, All: s.lost}, s.phantoms, s.sheets)
	}
	for source, most := range map[string]float64{"icdar13": 8, "photosim": 10} {
		s := sums[source]
		reach(t, source+" wrong cells in doubt", accuracytest.Share{Right: s.caught, All: s.wrong}, 75)
		reach(t, source+" right cells without a doubt", accuracytest.Share{Right: s.right - s.alarms, All: s.right}, 100-most)
	}
}

// offlineLines reads a sample picture offline.
func offlineLines(t *testing.T, p *imaging.Preparer, e engine.Engine, name string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join(samples, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for part, err := range p.Parts(t.Context(), filepath.Base(name), f, func(int) bool { return false }) {
		if err = cmp.Or(err, part.Refused); err != nil {
			t.Fatal(err)
		}
		m := part.Picture
		r, err := e.Read(t.Context(), engine.Request{Picture: m.Data, MIME: m.MIME, Width: m.Width, Height: m.Height, Table: table.Table{Open: true}})
		if err != nil {
			t.Fatal(err)
		}
		lines := [][]string{r.Columns}
		for _, row := range r.Rows {
			texts := make([]string, len(row.Cells))
			for i, c := range row.Cells {
				texts[i] = c.Text
			}
			lines = append(lines, texts)
		}
		return lines
	}
	t.Fatalf("%s has no picture", name)
	return nil
}

// add puts errors into true rows, compares them with lines, and counts.
func (s *trustTally) add(truth, lines [][]string, r *rand.Rand) {
	var rows []table.Row
	wrong := map[[2]int]bool{}
	gone := map[int]int{} // rows left out after a row
	for _, texts := range truth {
		if r.Float64() < rowsLost {
			s.lost++
			gone[len(rows)-1]++
			continue
		}
		var row table.Row
		for j, text := range texts {
			if text != "" && r.Float64() < cellsWrong {
				other := damaged(text, r)
				wrong[[2]int{len(rows), j}] = other != text
				text = other
			}
			row.Cells = append(row.Cells, table.Cell{Text: text, State: table.Read})
		}
		rows = append(rows, row)
	}
	found := witness.Compare(rows, lines)
	for i, row := range rows {
		for j, cell := range row.Cells {
			disputed := found.Cells[i][j] == witness.Disputed
			switch {
			case cell.Text == "":
			case wrong[[2]int{i, j}]:
				s.wrong++
				if disputed {
					s.caught++
				}
			default:
				s.right++
				if disputed {
					s.alarms++
				}
			}
		}
	}
	for _, l := range found.Lost {
		if gone[l.After] > 0 {
			gone[l.After]--
			s.told++
		} else {
			s.phantoms++
		}
	}
	s.sheets++
}

// damaged changes one digit of a text or, if it has none, removes, changes or doubles one letter.
func damaged(text string, r *rand.Rand) string {
	letters := []rune(text)
	var digits []int
	for i, c := range letters {
		if c >= '0' && c <= '9' {
			digits = append(digits, i)
		}
	}
	if len(digits) > 0 {
		i := digits[r.IntN(len(digits))]
		letters[i] = '0' + (letters[i]-'0'+1+rune(r.IntN(9)))%10
		return string(letters)
	}
	i := r.IntN(len(letters))
	switch r.IntN(3) {
	case 0:
		return string(letters[:i]) + string(letters[i+1:])
	case 1:
		letters[i] = 'a' + rune(r.IntN(26))
		return string(letters)
	}
	return string(letters[:i+1]) + string(letters[i:])
}

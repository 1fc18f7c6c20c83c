package accuracytest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Trust counts how far a person can rely on the doubts of a reading, header included. All is the filled cells of the
// truth, and the base of both shares.
//
// Rows and columns of reading and truth are paired in order, so that a value in a wrong row or column is wrong. A doubt
// is one on the cell itself, on its whole row, or on its heading where it is one; a doubt about the image is none. Cells
// are the same when Plain makes them so. The truth has the text of a cell that spans others in the first of them: in
// the header it is right in any of them.
//
// Silent are the cells that differ and carry no doubt: another text, a value where the sheet shows none, and a value
// that is missing, also with its whole row or column. A missing value counts as told only if it stands in a cell beside
// its place that carries a doubt: a merged row whose merged cell is in doubt.
type Trust struct {
	All    int // filled cells of the truth
	Right  int // read as they are
	Silent int // wrong, without a doubt
	False  int // right, with a doubt
}

// Add counts another picture in.
func (t *Trust) Add(o Trust) {
	t.All += o.All
	t.Right += o.Right
	t.Silent += o.Silent
	t.False += o.False
}

// Told is the share of cells that are not wrong without a doubt.
func (t Trust) Told() Share { return Share{t.All - t.Silent, t.All} }

// Calm is the share of cells that are not in doubt although they are right.
func (t Trust) Calm() Share { return Share{t.All - t.False, t.All} }

// String is both shares.
func (t Trust) String() string {
	return fmt.Sprintf("wrong without a doubt %v  right with a doubt %v", Share{t.Silent, t.All}, Share{t.False, t.All})
}

// Verdict is one cell of a comparison.
type Verdict struct {
	Want, Got   string
	Row, Column int  // in the reading, header first; -1 where it is missing there
	Right       bool // the reading has it as the truth does
	Doubted     bool // the reading says that it may not
}

// dots are a leader from a label to its value, which is no data.
var dots = regexp.MustCompile(`\.{4,}`)

// Plain makes texts equal that differ only in spaces, in kinds of dashes and quotes, in case (which the truth of some
// tables has wrong), and in the dots that lead from a label to its value.
func Plain(s string) string {
	s = strings.ToLower(s)
	return dots.ReplaceAllString(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case strings.ContainsRune("‐‑‒–—―−﹣－", r):
			return '-'
		case strings.ContainsRune("‘’‚‛′`´", r):
			return '\''
		case strings.ContainsRune("“”„‟″", r):
			return '"'
		}
		return r
	}, s), "")
}

func plainRows(rows [][]string) [][]string {
	plain := make([][]string, len(rows))
	for i, row := range rows {
		for _, c := range row {
			plain[i] = append(plain[i], Plain(c))
		}
	}
	return plain
}

// Trusted compares a reading with the truth, header first in both. doubt says whether a cell of the reading carries a
// doubt, by its row and column there.
func Trusted(want, got [][]string, doubt func(row, column int) bool) (Trust, []Verdict) {
	a, b := newSide(want), newSide(got)
	rows := pair(len(a.cells), len(b.cells), func(i, j int) float64 { return anyOrder(a.cells[i], b.cells[j]) })
	columns := pair(a.width, b.width, func(x, y int) float64 {
		sum := 0.0
		for i, j := range rows {
			if j >= 0 {
				sum += alike(a.cells[i][x], b.cells[j][y])
			}
		}
		return sum
	})
	rows = pair(len(a.cells), len(b.cells), func(i, j int) float64 {
		sum := 0.1 * anyOrder(a.cells[i], b.cells[j])
		for x, y := range columns {
			if y >= 0 {
				sum += alike(a.cells[i][x], b.cells[j][y])
			}
		}
		return sum
	})
	c := comparison{a, b, rows, columns, doubt}
	return c.judge()
}

// side is a table without its blank rows, every row as wide as the widest. from is the place of each row in the original.
type side struct {
	cells [][]string
	from  []int
	width int
}

func newSide(rows [][]string) side {
	var s side
	for _, row := range rows {
		s.width = max(s.width, len(row))
	}
	for i, row := range rows {
		plain := make([]string, s.width)
		for j, c := range row {
			plain[j] = Plain(c)
		}
		if strings.Join(plain, "") != "" {
			s.cells, s.from = append(s.cells, plain), append(s.from, i)
		}
	}
	return s
}

// pair finds the pairs, in order on both sides, whose scores sum up to the most: for each of n its partner of m, or -1.
func pair(n, m int, score func(i, j int) float64) []int {
	best := make([][]float64, n+1)
	scores := make([][]float64, n)
	for i := range best {
		best[i] = make([]float64, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		scores[i] = make([]float64, m)
		for j := m - 1; j >= 0; j-- {
			scores[i][j] = score(i, j)
			best[i][j] = max(best[i+1][j], best[i][j+1], best[i+1][j+1]+scores[i][j])
		}
	}
	partner := slices.Repeat([]int{-1}, n)
	for i, j := 0, 0; i < n && j < m; {
		switch {
		case scores[i][j] > 0 && best[i][j] == best[i+1][j+1]+scores[i][j]:
			partner[i] = j
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			i++
		default:
			j++
		}
	}
	return partner
}

// anyOrder says how much two rows have in common, wherever it stands.
func anyOrder(a, b []string) float64 {
	left := map[string]int{}
	for _, c := range b {
		left[c]++
	}
	sum := 0.5 * alike(strings.Join(a, " "), strings.Join(b, " "))
	for _, c := range a {
		if c != "" && left[c] > 0 {
			left[c]--
			sum++
		}
	}
	return sum
}

// alike is 1 for two equal texts that hold something, otherwise up to a half by the pairs of letters they share.
func alike(a, b string) float64 {
	if a == "" || b == "" {
		return 0
	}
	if a == b {
		return 1
	}
	left := map[string]int{}
	for i := range len(b) - 1 {
		left[b[i:i+2]]++
	}
	same := 0
	for i := range len(a) - 1 {
		if left[a[i:i+2]] > 0 {
			left[a[i:i+2]]--
			same++
		}
	}
	return float64(same) / float64(max(len(a)+len(b)-2, 1))
}

type comparison struct {
	want, got     side
	rows, columns []int
	doubt         func(row, column int) bool
}

func (c comparison) judge() (Trust, []Verdict) {
	var all []Verdict
	used := make(map[[2]int]bool) // cells of the reading that have been judged
	spread := c.spread(used)
	for i, j := range c.rows {
		for x, y := range c.columns {
			v := Verdict{Want: c.want.cells[i][x], Row: -1, Column: -1}
			if at, ok := spread[[2]int{i, x}]; ok {
				all = append(all, c.verdict(v.Want, at[0], at[1]))
				continue
			}
			if j >= 0 && y >= 0 && !used[[2]int{j, y}] {
				v = c.verdict(v.Want, j, y)
				used[[2]int{j, y}] = true
			}
			if v.Want == "" && v.Got == "" {
				continue
			}
			if v.Want != "" && v.Got == "" {
				v.Doubted = v.Doubted || c.toldBeside(i, x, v.Want)
			}
			all = append(all, v)
		}
	}
	for j, row := range c.got.cells {
		for y, text := range row {
			if text != "" && !used[[2]int{j, y}] {
				all = append(all, c.verdict("", j, y))
			}
		}
	}
	return sum(all), all
}

func (c comparison) verdict(want string, j, y int) Verdict {
	got, row := c.got.cells[j][y], c.got.from[j]
	return Verdict{Want: want, Got: got, Row: row, Column: y, Right: want == got, Doubted: c.doubt(row, y)}
}

func sum(all []Verdict) Trust {
	var t Trust
	for _, v := range all {
		if v.Want != "" {
			t.All++
		}
		switch {
		case v.Right && v.Doubted:
			t.Right++
			t.False++
		case v.Right:
			t.Right++
		case !v.Doubted:
			t.Silent++
		}
	}
	return t
}

// spread finds the headings that the reading has in another of the cells that they span, and notes those as used.
func (c comparison) spread(used map[[2]int]bool) map[[2]int][2]int {
	found := make(map[[2]int][2]int)
	head := c.want.head()
	try := func(i, x, i2, x2 int) bool {
		j, y := c.rows[i2], c.columns[x2]
		if j < 0 || y < 0 || used[[2]int{j, y}] || c.got.cells[j][y] != c.want.cells[i][x] {
			return false
		}
		found[[2]int{i, x}] = [2]int{j, y}
		used[[2]int{j, y}] = true
		return true
	}
	for i := range head {
		for x, text := range c.want.cells[i] {
			if text == "" || try(i, x, i, x) {
				continue
			}
			done := false
			for x2 := x + 1; !done && x2 < c.want.width && c.want.cells[i][x2] == ""; x2++ {
				done = try(i, x, i, x2)
			}
			for i2 := i + 1; !done && i2 < head && c.want.cells[i2][x] == ""; i2++ {
				done = try(i, x, i2, x)
			}
		}
	}
	return found
}

// year is a heading rather than a value.
var year = regexp.MustCompile(`^(19|20)\d\d\**$`)

// head is how many rows stand above the first with values: the first of which half the cells behind the label begin
// with a digit and are no years.
func (s side) head() int {
	for i, row := range s.cells {
		filled, digits := 0, 0
		for _, c := range row[1:] {
			if c != "" {
				filled++
				if strings.ContainsAny(c[:1], "0123456789") && !year.MatchString(c) {
					digits++
				}
			}
		}
		if digits > 0 && 2*digits >= filled {
			return i
		}
	}
	return min(1, len(s.cells))
}

// toldBeside reports whether a missing value stands in a cell beside its place that carries a doubt.
func (c comparison) toldBeside(i, x int, text string) bool {
	j, y := near(c.rows, i), near(c.columns, x)
	for a := max(j-1, 0); a <= j+1 && a < len(c.got.cells); a++ {
		for b := max(y-1, 0); b <= y+1 && b < c.got.width; b++ {
			if strings.Contains(c.got.cells[a][b], text) && c.doubt(c.got.from[a], b) {
				return true
			}
		}
	}
	return false
}

// near is the partner of i, or that of the next before it that has one.
func near(partners []int, i int) int {
	for ; i >= 0; i-- {
		if partners[i] >= 0 {
			return partners[i]
		}
	}
	return 0
}

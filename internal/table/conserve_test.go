package table_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/table"
)

var conserve = flag.Duration("conserve", 0, "how long TestConservation tries answers; 0 is 10,000 of them")

// node is a JSON value in the hands of the generator: an object (names and kids), a list (kids), or a token as it is written.
type node struct {
	kind  byte // '{' '[' or 0
	token string
	names []string
	kids  []*node
}

func str(s string) *node {
	b, _ := json.Marshal(s)
	return &node{token: string(b)}
}

func list(kids ...*node) *node { return &node{kind: '[', kids: kids} }

func object(pairs ...any) *node {
	n := &node{kind: '{'}
	for i := 0; i < len(pairs); i += 2 {
		n.names, n.kids = append(n.names, pairs[i].(string)), append(n.kids, pairs[i+1].(*node))
	}
	return n
}

func (n *node) String() string {
	var parts []string
	for i, kid := range n.kids {
		if n.kind == '{' {
			parts = append(parts, strconv.Quote(n.names[i])+": "+kid.String())
		} else {
			parts = append(parts, kid.String())
		}
	}
	switch n.kind {
	case '{':
		return "{" + strings.Join(parts, ", ") + "}"
	case '[':
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return n.token
}

// asked is a table with the rows that a sheet truly has, and an answer that says them in some way.
type asked struct {
	*rand.Rand
	table   table.Table
	open    bool // the table takes its columns from the sheet
	columns []table.Column
	truth   [][]string
	docs    []*node
	text    string
	steps   []string
	harm    bool // the answer is no longer plainly these rows: an issue or a refusal is right
	lossy   bool // the answer itself no longer has all values
	hidden  bool
}

// alphabet makes values unlike headings, some of them with signs that JSON and people use.
var alphabet = []string{"Lamp", "Desk 24\"", "Café", "a, b", "{x}", "[1]", "C:\\new", "it's", "12/03", "0012", "-5", "ปู", "50 %", "x: y", "// z", "null", "# 4", "ダイヤ", "line\nbreak", "Größe"}

func ask(seed uint64) *asked {
	a := &asked{Rand: rand.New(rand.NewPCG(seed, 7))}
	for i := range 2 + a.IntN(3) {
		a.table.Columns = append(a.table.Columns, table.Column{Name: []string{"Item", "Quantity", "Serial_No", "Place"}[i], Type: table.Text})
	}
	for range 1 + a.IntN(5) {
		row := make([]string, len(a.table.Columns))
		for c := range row {
			switch a.IntN(8) {
			case 0:
			case 1:
				row[c] = strconv.Itoa(a.IntN(30))
			default:
				row[c] = alphabet[a.IntN(len(alphabet))]
			}
		}
		row[0] = strings.TrimSpace(row[0] + " " + string(rune('A'+len(a.truth))) + strconv.Itoa(a.IntN(90)))
		if a.IntN(12) == 0 && len(a.truth) > 0 {
			row = slices.Clone(a.truth[a.IntN(len(a.truth))]) // rows may look alike
		}
		a.truth = append(a.truth, row)
	}
	a.columns = a.table.Columns
	if a.open = a.IntN(5) == 0; a.open {
		a.table = table.Table{Open: true}
	}
	a.docs = []*node{a.document(a.truth, len(a.truth))}
	return a
}

func (a *asked) document(rows [][]string, count int) *node {
	if a.open {
		columns := list()
		for _, c := range a.columns {
			columns.kids = append(columns.kids, str(c.Name))
		}
		return object("columns", columns, "rows_on_sheet", &node{token: strconv.Itoa(count)}, "rows", a.rows(rows))
	}
	return object("rows_on_sheet", &node{token: strconv.Itoa(count)}, "rows", a.rows(rows))
}

func (a *asked) rows(rows [][]string) *node {
	all := list()
	for i, cells := range rows {
		row := object("row", str(strconv.Itoa(i+1)))
		if a.open {
			row.names, row.kids = append(row.names, "cells"), append(row.kids, cellsOf(cells))
			all.kids = append(all.kids, row)
			continue
		}
		for c, text := range cells {
			row.names, row.kids = append(row.names, a.columns[c].Name), append(row.kids, str(text))
		}
		all.kids = append(all.kids, row)
	}
	return all
}

// inner is the list of rows of the first document that has one; nil if a step before has taken it apart.
func (a *asked) inner() *node {
	for _, doc := range a.docs {
		if i := slices.Index(doc.names, "rows"); i >= 0 && doc.kids[i].kind == '[' && len(doc.kids[i].kids) > 0 && doc.kids[i].kids[0].kind == '{' {
			return doc.kids[i]
		}
	}
	return nil
}

func cellsOf(texts []string) *node {
	all := list()
	for _, text := range texts {
		all.kids = append(all.kids, str(text))
	}
	return all
}

func (a *asked) oneRow() *node {
	rows := a.inner()
	if rows == nil {
		return nil
	}
	row := rows.kids[a.IntN(len(rows.kids))]
	if row.kind != '{' || len(row.kids) < 2 || a.open {
		return nil
	}
	return row
}

// oneRowsCells returns the values of a row: those of its members, or of its list of cells in an open table.
func (a *asked) oneRowsCells() []*node {
	if row := a.oneRow(); row != nil {
		return row.kids
	}
	rows := a.inner()
	if rows == nil || !a.open {
		return nil
	}
	row := rows.kids[a.IntN(len(rows.kids))]
	for _, kid := range row.kids {
		if kid.kind == '[' && len(kid.kids) > 0 {
			return kid.kids
		}
	}
	return nil
}

// set gives the value of a member another token.
func (n *node) set(name, token string) {
	for i := range n.names {
		if strings.EqualFold(n.names[i], name) {
			n.kids[i] = &node{token: token}
		}
	}
}

// outside changes the text outside of strings.
func (a *asked) outside(change func(string) string) string {
	var b strings.Builder
	inside, from := false, 0
	for i := 0; i < len(a.text); i++ {
		switch {
		case inside && a.text[i] == '\\':
			i++
		case a.text[i] == '"':
			if part := a.text[from:i]; inside {
				b.WriteString(part)
			} else {
				b.WriteString(change(part))
			}
			inside, from = !inside, i
		}
	}
	b.WriteString(change(a.text[from:]))
	return b.String()
}

// The ends that an answer can have.
const (
	plain = iota
	doubted
	refused
)

// fault returns the end of an answer, and a sentence about its fault; "" if there is none.
func (a *asked) fault() (end int, wrong string) {
	got, err := a.table.Parse([]byte(a.text))
	if err != nil {
		if _, ok := errors.AsType[*table.ShapeError](err); !ok {
			return refused, err.Error()
		}
		if !a.harm {
			return refused, "refused: " + err.Error()
		}
		return refused, ""
	}
	var rows, words []string
	for _, r := range got.Rows {
		var cells []string
		for _, c := range r.Cells {
			cells = append(cells, c.Text)
		}
		rows, words = append(rows, strings.Join(cells, "|")), append(words, cells...)
	}
	var truth []string
	for _, row := range a.truth {
		truth = append(truth, strings.Join(row, "|"))
	}
	if len(got.Issues) == 0 {
		if !slices.Equal(rows, truth) || a.open && !slices.EqualFunc(got.Columns, a.columns, func(name string, c table.Column) bool { return name == c.Name }) {
			return plain, "other rows without a word: " + strings.Join(rows, " / ")
		}
		return plain, ""
	}
	left := false
	for _, i := range got.Issues {
		words = append(words, i.Message)
		left = left || strings.Contains(i.Message, "was not asked for") || strings.Contains(i.Message, "; + ")
	}
	all := strings.Join(words, "\x00")
	for _, row := range a.truth {
		for _, cell := range row {
			if !a.lossy && !left && !strings.Contains(all, cell) && !strings.Contains(all, strings.Join(strings.Fields(cell), " ")) &&
				!strings.Contains(all, strconv.Quote(cell)) {
				return doubted, fmt.Sprintf("%q is neither in a row nor in an issue: %+v", cell, got.Issues)
			}
		}
	}
	if !a.harm && !alike(truth) {
		return doubted, fmt.Sprintf("doubts about plain rows: %+v", got.Issues)
	}
	return doubted, ""
}

func alike(rows []string) bool {
	sorted := slices.Sorted(slices.Values(rows))
	return len(slices.Compact(sorted)) < len(rows)
}

// names lists the names of steps in a fixed order, so that a seed means the same answer in every run.
func namesOf(m map[string]func(*asked) bool) []string {
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// answer makes the answer of a seed: up to three steps on its documents and up to two on its text.
func answer(seed uint64, stepNames, wayNames []string) *asked {
	a := ask(seed)
	for range a.IntN(4) {
		name := stepNames[a.IntN(len(stepNames))]
		if steps[name](a) {
			a.steps = append(a.steps, name)
		}
	}
	var texts []string
	for _, doc := range a.docs {
		texts = append(texts, doc.String())
	}
	a.text = strings.Join(texts, []string{"\n", "", "\nCorrected:\n"}[a.IntN(3)])
	for range a.IntN(3) {
		name := wayNames[a.IntN(len(wayNames))]
		if ways[name](a) {
			a.steps = append(a.steps, name)
		}
	}
	return a
}

// TestConservation holds Parse to the invariant of the package: however an answer is damaged on its way, it ends as the
// rows that the sheet has, with an issue, or refused.
func TestConservation(t *testing.T) {
	t.Parallel()
	stepNames, wayNames := namesOf(steps), namesOf(ways)
	began, first := time.Now(), uint64(1)
	if *conserve > 0 {
		first = uint64(began.UnixNano())
	}
	n, faults := uint64(0), 0
	var ends [3]int
	for ; (*conserve == 0 && n < 10_000 || *conserve > 0 && time.Since(began) < *conserve) && faults < 5; n++ {
		a := answer(first+n, stepNames, wayNames)
		end, wrong := a.fault()
		ends[end]++
		if wrong != "" {
			faults++
			t.Errorf("seed %d, %s: %s\ntruth  %q\nanswer %s", first+n, strings.Join(a.steps, ", "), wrong, a.truth, a.text)
		}
	}
	t.Logf("%d answers: %d as they are on the sheet, %d with an issue, %d refused", n, ends[plain], ends[doubted], ends[refused])
	if *conserve == 0 && (ends[plain] < 2000 || ends[doubted] < 1000 || ends[refused] < 500) {
		t.Errorf("the answers are too much alike to show anything: %v", ends)
	}
}

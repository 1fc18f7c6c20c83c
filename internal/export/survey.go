package export

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// plan is what must be known of all images before the first row can be written.
type plan struct {
	batch    *batch.Batch
	now      time.Time
	version  string
	say      func(english string) string
	max      limits
	header   []string       // of "All rows", without the image's name
	types    []table.Type   // of the same columns; all text for an open table
	place    map[string]int // folded heading → column in header
	images   []picture
	counts   batch.Counts
	widths   widths // of "All rows", the image's name first
	problems []problem
	more     int // problems beyond maxProblems
	lost     int // columns beyond Excel's limit
	sheets   []sheet
}

// picture is what the plan keeps of an image.
type picture struct {
	n      int // of the store; people count the pictures as they stand
	rev    uint64
	name   string
	file   string
	status batch.Status
	rows   int
	issues int
	tries  int
	spent  time.Duration
	usd    float64
	widths widths
	check  string // who found it right, and when; "" nobody
	edits  int    // changes by people that are in its rows
	source string // which other reading its rows come from, "" none
	sheet  string // name of its sheet, "" if it has none
}

// problem is a line of "Problems".
type problem struct {
	image   int // index into plan.images
	row     int // from 1; 0: about the image
	column  string
	what    string
	message string
}

// survey looks at all images once.
func survey(ctx context.Context, b *batch.Batch, images iter.Seq2[*batch.Image, error], say func(string) string, max limits) (*plan, error) {
	if say == nil {
		say = func(english string) string { return english }
	}
	p := &plan{batch: b, say: say, max: max, place: map[string]int{}}
	if !b.Table.Open {
		for _, c := range b.Table.Columns {
			p.column(c.Name, c.Type)
		}
	}
	err := each(ctx, images, func(i int, m *batch.Image) error {
		figures := m.Figures()
		p.counts.Add(figures, 1)
		p.images = append(p.images, picture{
			n: m.N, rev: m.Rev, name: m.Name, file: m.Filename, status: m.Status, rows: len(rowsOf(m)), issues: len(m.Issues), tries: m.Tries,
			spent: m.Working(m.Ended), usd: figures.USD, check: checkedBy(m), edits: len(m.Standing()), source: p.sourceOf(m),
		})
		p.look(i, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if p.lost > 0 {
		p.problems = append(p.problems, problem{image: -1, what: "Columns", message: fmt.Sprintf(
			"The sheets have %d columns more than Excel has room for beside each other; their values are on the sheets of the images only.", p.lost)})
	}
	p.layout()
	return p, nil
}

// checkedBy says who found an image right, and when.
func checkedBy(m *batch.Image) string {
	if !m.IsChecked() {
		return ""
	}
	return m.Checked.By + ", " + m.Checked.At.UTC().Format("2006-01-02 15:04 UTC")
}

// sourceOf says which other reading the rows of an image come from.
func (p *plan) sourceOf(m *batch.Image) string {
	switch {
	case !m.Reused():
		return ""
	case m.Earlier != nil:
		return p.say("an earlier reading") + ", " + m.Earlier.Read.UTC().Format("2006-01-02 15:04 UTC")
	}
	for _, first := range p.images { // the first one stands before it
		if first.n == m.Twin {
			return p.say("the same picture") + ", " + first.name
		}
	}
	return p.say("the same picture")
}

// column finds or adds a column of "All rows"; -1 when Excel has no room for it.
func (p *plan) column(name string, kind table.Type) int {
	key := strings.ToLower(name)
	if at, known := p.place[key]; known {
		return at
	}
	if len(p.header) >= maxColumns {
		p.lost++
		p.place[key] = -1
		return -1
	}
	p.place[key] = len(p.header)
	p.header, p.types = append(p.header, name), append(p.types, kind)
	p.widths.see(len(p.header), name)
	return len(p.header) - 1
}

// rowsOf are the rows of an image that go into the workbook: those of a completed one.
func rowsOf(m *batch.Image) []table.Row {
	if m.Status != batch.Completed {
		return nil
	}
	return m.Rows
}

// columnsOf are the headings and columns over the rows of an image. Rows with more cells than headings, as an engine may
// give that could not match the columns, get headings for the rest.
func (p *plan) columnsOf(m *batch.Image) (header []string, columns []table.Column) {
	open, most := m.Columns, 0
	for _, r := range rowsOf(m) {
		most = max(most, len(r.Cells))
	}
	if p.batch.Table.Open {
		for len(open) < most {
			open = append(open[:len(open):len(open)], "")
		}
	}
	header = p.batch.Table.Header(open)
	columns = make([]table.Column, max(len(header), most))
	for i := range columns {
		columns[i].Type = table.Text
		if !p.batch.Table.Open && i < len(p.batch.Table.Columns) {
			columns[i] = p.batch.Table.Columns[i]
		}
		if i >= len(header) {
			header = append(header, p.say("Further column")+" "+strconv.Itoa(i-len(p.batch.Table.Columns)+1))
		}
	}
	return header, columns
}

// look notes the columns, widths and problems of an image.
func (p *plan) look(i int, m *batch.Image) {
	pic := &p.images[i]
	p.widths.see(0, m.Name)
	if len(rowsOf(m)) == 0 {
		what, why := unread(m)
		p.problem(problem{image: i, what: what, message: why})
	}
	header, columns := p.columnsOf(m)
	places := make([]int, len(header))
	for c, name := range header {
		pic.widths.see(c, name)
		places[c] = p.column(name, columns[c].Type)
	}
	broken := map[[2]int]bool{}
	for _, issue := range m.Issues {
		if m.Status != batch.Completed {
			break
		}
		line := problem{image: i, row: issue.Row + 1, what: kinds[issue.Kind], message: issue.Message}
		if issue.Column >= 0 && issue.Column < len(header) {
			line.column = header[issue.Column]
		}
		if issue.Kind == table.KindRule {
			broken[[2]int{issue.Row, issue.Column}] = true
		}
		p.problem(line)
	}
	for r, row := range rowsOf(m) {
		for c, cell := range row.Cells {
			if r < 200 {
				pic.widths.see(c, cell.Text)
				if places[c] >= 0 {
					p.widths.see(places[c]+1, cell.Text)
				}
			}
			where := problem{image: i, row: r + 1, column: header[c]}
			p.lookAt(where, cell.Text, p.ruleOf(c), !broken[[2]int{r, c}])
		}
	}
}

// ruleOf is the column whose rule the cells at c have to keep.
func (p *plan) ruleOf(c int) table.Column {
	if p.batch.Table.Open || c >= len(p.batch.Table.Columns) {
		return table.Column{Type: table.Text}
	}
	return p.batch.Table.Columns[c]
}

// lookAt notes what the workbook cannot show exactly as it was read.
func (p *plan) lookAt(where problem, text string, column table.Column, unnoticed bool) {
	say := func(what, message string) {
		where.what, where.message = what, message
		p.problem(where)
	}
	_, replaced, cut := clean(text)
	if replaced > 0 {
		say("Characters replaced", fmt.Sprintf("%d characters cannot be shown in a sheet and were replaced by �.", replaced))
	}
	if cut {
		say("Cell cut off", fmt.Sprintf("The text has %d characters; a cell of Excel holds %d. The rest was cut off.", utf8.RuneCountInString(text), maxCell))
	}
	if strings.TrimSpace(text) == "" || column.Type != table.Number && column.Type != table.Date {
		return
	}
	if _, kept := typed(text, column); kept != "" {
		say("Left as text", kept)
	} else if message := column.Broken(text); message != "" && unnoticed {
		say(kinds[table.KindRule], message)
	}
}

func (p *plan) problem(line problem) {
	if len(p.problems) >= maxProblems {
		p.more++
		return
	}
	p.problems = append(p.problems, line)
}

// kinds are the words of "Problems" for the kinds of doubt.
var kinds = map[string]string{
	table.KindConfidence: "Not sure", table.KindUnreadable: "Unreadable", table.KindGuessed: "Guessed", table.KindRule: "Rule broken",
	table.KindMissing: "Missing", table.KindRows: "Number of rows", table.KindOffline: "Read offline", table.KindColumns: "Columns",
	table.KindDuplicate: "Duplicate",
}

// unread says in a word and a sentence why an image has no rows.
func unread(m *batch.Image) (what, why string) {
	switch m.Status {
	case batch.Failed:
		why = m.Failure
		if why == "" {
			why = "This image could not be read. Try it again."
		}
		return "Failed", why
	case batch.Canceled:
		return "Canceled", "This image was canceled before it was read."
	case batch.Completed:
		return "No rows", "This image was read, and shows no rows."
	}
	return "Not read yet", "This image was not read yet when this workbook was made. Download it again later."
}

func (p *plan) setTime(opt Options) {
	p.now, p.version = opt.Now.UTC(), opt.Version
	for _, t := range []time.Time{p.batch.Ended, p.batch.Started, p.batch.Created} {
		if p.now.IsZero() {
			p.now = t.UTC()
		}
	}
}

// same is a Conflict when an image is not what it was at the survey.
func (p *plan) same(i int, m *batch.Image) error {
	if i >= len(p.images) || p.images[i].n != m.N || p.images[i].rev != m.Rev || p.images[i].status != m.Status || p.images[i].rows != len(rowsOf(m)) {
		return errs.New(errs.Conflict, "The batch changed while the workbook was being made. Download it again.")
	}
	return nil
}

// widths are the widths of columns in characters.
type widths []float64

// The bounds of a column's width: what shows a short number with its filter button, and what leaves room for others.
const (
	narrow = 9
	wide   = 60
)

// see widens column i for a text.
func (w *widths) see(i int, text string) {
	for len(*w) <= i {
		*w = append(*w, narrow)
	}
	line, _, _ := strings.Cut(text, "\n")
	(*w)[i] = max((*w)[i], float64(min(utf8.RuneCountInString(line)+3, wide)))
}

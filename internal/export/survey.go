package export

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// plan is the data about all images that is needed before the first row can be written.
type plan struct {
	batch    *batch.Batch
	now      time.Time
	formats  []format // number formats with a currency or unit, in the order of their styles
	version  string
	say      func(english string) string
	max      limits
	header   []string       // of "All rows", without the image's name
	types    []table.Type   // of the same columns; all text for an open table
	place    map[string]int // heading by its table.Key → column in header
	images   []picture
	counts   batch.Counts
	widths   widths // of "All rows", the image's name first
	problems []problem
	starts   []int // by image: index of its first row among all rows; see firstRow
	more     int   // problems beyond maxProblems
	lost     int   // columns beyond Excel's limit
	wide     bool  // the limit does not apply: no workbook is written
	sheets   []sheet
	served   []string // models that answered in place of the requested ones, without duplicates
}

// picture is the summary of an image in the plan.
type picture struct {
	n      int // N in the store; people see the position instead
	rev    uint64
	name   string
	file   string
	status batch.Status
	rows   int
	issues int
	tries  int
	spent  time.Duration
	usd    float64

	unpriced int // calls with an unknown price

	widths    widths
	check     string // author and time of the confirmation; "" if not confirmed
	edits     int    // edits by people that are part of the rows
	duplicate int    // n of the image of the same picture that its rows were copied from, 0 for none
	source    string // the other reading that its rows come from, "" for none
	sheet     string // name of its sheet, "" for none
}

// problem is a line of "Problems".
type problem struct {
	image   int // index into plan.images
	row     int // from 1; 0: about the image
	column  string
	at      int // index of the column on the sheet of the image; -1: about a row or the image
	what    string
	message string
}

// survey reads all images once and builds the plan.
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
		figures := m.Figures(b.Table)
		figures.Issues = m.DoubtCount() // the images are judged and their duplicates marked
		p.counts.Add(figures, 1)
		p.images = append(p.images, picture{
			n: m.N, rev: m.Rev, name: m.Name, file: m.Filename, status: m.Status, rows: len(rowsOf(m)), issues: m.DoubtCount(), tries: m.Tries,
			spent: m.Working(m.Ended), usd: figures.USD, unpriced: figures.Unpriced, duplicate: m.DuplicateOf, check: checkedBy(m), edits: len(m.Standing()), source: p.sourceOf(m),
		})
		p.answered(m)
		p.look(i, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.tellApart()
	if p.lost > 0 {
		p.problems = append(p.problems, problem{image: -1, at: -1, what: "Columns", message: fmt.Sprintf(
			"The sheets have %d columns more than Excel has room for beside each other; their values are on the sheets of the images only.", p.lost)})
	}
	p.groupProblems()
	p.layout()
	p.planNotes()
	return p, nil
}

// answered collects the models that answered in place of the requested ones.
func (p *plan) answered(m *batch.Image) {
	for _, a := range m.Attempts {
		if a.Asked == "" {
			continue
		}
		if s := p.say(fmt.Sprintf("%s, in place of %s", a.Model, a.Asked)); !slices.Contains(p.served, s) {
			p.served = append(p.served, s)
		}
	}
}

// checkedBy returns the author and time of an image's confirmation.
func checkedBy(m *batch.Image) string {
	if !m.IsChecked() {
		return ""
	}
	return m.Checked.By + ", " + m.Checked.At.UTC().Format("2006-01-02 15:04 UTC")
}

// sourceOf describes the other reading that the rows of an image come from.
func (p *plan) sourceOf(m *batch.Image) string {
	switch {
	case !m.FromCache():
		return ""
	case m.CachedFrom != nil:
		return p.say("an earlier reading") + ", " + m.CachedFrom.Read.UTC().Format("2006-01-02 15:04 UTC")
	}
	return p.say("the same picture")
}

// tellApart makes image names unique, in the same way as the pages do.
func (p *plan) tellApart() {
	names := make([]string, len(p.images))
	for i, m := range p.images {
		names[i] = m.name
	}
	called := map[int]string{}
	for i, name := range batch.Apart(names) {
		p.images[i].name, called[p.images[i].n] = name, name
		p.widths.see(0, name)
	}
	for i, m := range p.images {
		if first := called[m.duplicate]; first != "" && m.source == p.say("the same picture") {
			p.images[i].source += ", " + first
		}
	}
}

// column returns the index of a column of "All rows", which it adds if needed; -1 if Excel has no room for it.
func (p *plan) column(name string, kind table.Type) int {
	key := table.Key(name)
	if at, known := p.place[key]; known {
		return at
	}
	if len(p.header) >= maxColumns && !p.wide {
		p.lost++
		p.place[key] = -1
		return -1
	}
	p.place[key] = len(p.header)
	p.header, p.types = append(p.header, name), append(p.types, kind)
	p.widths.see(len(p.header), name)
	return len(p.header) - 1
}

// rowsOf returns the rows that an image contributes to the workbook; none unless it is completed.
func rowsOf(m *batch.Image) []table.Row {
	if m.Status != batch.Completed {
		return nil
	}
	return m.Rows
}

// columnsOf returns the headings and columns of an image's rows. Rows with more cells than headings, which an engine may return
// if it could not match the columns, get headings for the rest.
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

// look collects the columns, widths and problems of an image.
func (p *plan) look(i int, m *batch.Image) {
	pic := &p.images[i]
	if len(rowsOf(m)) == 0 {
		what, why := unread(m)
		p.problem(problem{image: i, at: -1, what: what, message: why})
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
		line := problem{image: i, row: issue.Row + 1, at: -1, what: kinds[issue.Kind], message: issue.Message}
		if issue.Column >= 0 && issue.Column < len(header) {
			line.column, line.at = header[issue.Column], issue.Column
		}
		if issue.Kind == table.KindRule || issue.Kind == table.KindMeaning {
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
			where := problem{image: i, row: r + 1, column: header[c], at: c}
			p.lookAt(where, cell, p.ruleOf(c), !broken[[2]int{r, c}])
		}
	}
}

// ruleOf returns the column whose rule applies to the cells at index c.
func (p *plan) ruleOf(c int) table.Column {
	if p.batch.Table.Open || c >= len(p.batch.Table.Columns) {
		return table.Column{Type: table.Text}
	}
	return p.batch.Table.Columns[c]
}

// lookAt records values that the workbook cannot show exactly as read.
func (p *plan) lookAt(where problem, cell table.Cell, column table.Column, unnoticed bool) {
	text := cell.Text
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
	if _, kept := p.typed(cell, column); kept != "" {
		say("Left as text", kept)
	} else if message := column.Of(cell).Broken(text); message != "" && unnoticed {
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

// kinds are the headings in "Problems" for the kinds of issues.
var kinds = map[string]string{
	table.KindConfidence: "Not sure", table.KindUnreadable: "Unreadable", table.KindGuessed: "Guessed", table.KindRule: "Rule broken",
	table.KindMissing: "Missing", table.KindRows: "Number of rows", table.KindOffline: "Read offline", table.KindColumns: "Columns",
	table.KindDuplicate: "Duplicate", table.KindMeaning: "Not clear", table.KindForm: "Unlike its column",
	table.KindWitness: "Read differently",
}

// unread returns a heading and a sentence that explain why an image has no rows.
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

// same returns a Conflict if an image changed since the survey.
func (p *plan) same(i int, m *batch.Image) error {
	if i >= len(p.images) || p.images[i].n != m.N || p.images[i].rev != m.Rev || p.images[i].status != m.Status || p.images[i].rows != len(rowsOf(m)) {
		return errs.New(errs.Conflict, "The batch changed while the workbook was being made. Download it again.")
	}
	return nil
}

// widths are the widths of columns in characters.
type widths []float64

// The bounds of a column width: room for a short number with its filter button, and a limit that leaves room for other columns.
const (
	narrow = 9
	wide   = 60
)

// see widens column i to fit a text.
func (w *widths) see(i int, text string) {
	for len(*w) <= i {
		*w = append(*w, narrow)
	}
	line, _, _ := strings.Cut(text, "\n")
	(*w)[i] = max((*w)[i], float64(min(utf8.RuneCountInString(line)+3, wide)))
}

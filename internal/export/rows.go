package export

import (
	"bufio"
	"context"
	"io"
	"iter"
	"strings"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// Format is a form of rows other than the workbook. It is also the extension of such a file.
type Format string

// The formats. Each is UTF-8.
const (
	CSV      Format = "csv"    // with a byte order mark; a text that a spreadsheet would take for a formula begins with an apostrophe
	JSON     Format = "json"   // one object with the batch, its columns and its rows
	NDJSON   Format = "ndjson" // one object a line for each row
	Markdown Format = "md"     // a heading and one table
)

// Formats returns all formats, in the order in which they are offered.
func Formats() []Format { return []Format{CSV, JSON, NDJSON, Markdown} }

// Type returns the content type of a file of format f.
func (f Format) Type() string {
	return map[Format]string{
		CSV: "text/csv; charset=utf-8", JSON: "application/json", NDJSON: "application/x-ndjson", Markdown: "text/markdown; charset=utf-8",
	}[f]
}

// RowOptions are the settings of Rows.
type RowOptions struct {
	Format    Format
	Image     int  // the N of the only image to write; 0: all
	Checked   bool // only images that a person confirmed
	Separator byte // between the fields of CSV; 0 is a comma
	// Say translates the program's own words and sentences, which are English here; nil leaves them unchanged. Field names of JSON
	// and NDJSON and the messages in them are never translated.
	Say func(english string) string
}

// row is one row with its image and its doubts.
type row struct {
	image   int // N
	name    string
	number  int // on its image, from 1
	checked bool
	cells   []cell // by column of rowsHead.columns
	doubts  []rowDoubt
}

// cell is a value of a row.
type cell struct {
	there bool   // its image has this column
	text  string // as written on the sheet
	value string // of a number or date, normalized; "" if the text is not a plain one
}

// rowDoubt is a doubt about a cell of the row, or about the row.
type rowDoubt struct{ column, kind, message string }

// rowsHead is the data that a writer has before the first row.
type rowsHead struct {
	batch   *batch.Batch
	images  int // in the batch
	read    int // of them
	columns []string
	label   string // "" if the batch has ended, otherwise a sentence about its progress
	say     func(string) string
}

// rowWriter writes rows in one format. Errors stay in the bufio.Writer beneath until its Flush.
type rowWriter interface {
	begin(h rowsHead)
	row(r row)
	end()
}

// Rows writes the rows of completed images in the given format, in the order of images, which is the order of the batch. For a
// running batch they are the rows so far; JSON and Markdown say so.
//
// images is iterated twice and must yield the same each time. Rows are written as they are yielded: after an error, w has a part
// of them.
func Rows(ctx context.Context, w io.Writer, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt RowOptions) error {
	p, err := columnsAndNames(ctx, b, images, opt)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	writer := newRowWriter(out, opt)
	head := rowsHead{batch: b, images: max(b.Total(), len(p.images)), read: p.counts.Completed, columns: p.header, say: p.say}
	if !b.Status.Final() {
		head.label = p.state()
	}
	writer.begin(head)
	err = each(ctx, images, func(i int, m *batch.Image) error {
		if err := p.same(i, m); err != nil || !opt.wants(m) {
			return err
		}
		p.eachRow(i, m, writer.row)
		return out.Flush()
	})
	if err != nil {
		return err
	}
	writer.end()
	return out.Flush()
}

func newRowWriter(out *bufio.Writer, opt RowOptions) rowWriter {
	switch opt.Format {
	case JSON:
		return &jsonRows{w: out}
	case NDJSON:
		return &ndjsonRows{jsonRows{w: out}}
	case Markdown:
		return &markdownRows{w: out}
	default:
		if opt.Separator == 0 {
			opt.Separator = ','
		}
		return &csvRows{w: out, separator: opt.Separator}
	}
}

// wants reports whether the rows of m are to be written.
func (o RowOptions) wants(m *batch.Image) bool {
	return (o.Image == 0 || m.N == o.Image) && (!o.Checked || m.IsChecked())
}

// columnsAndNames reads all images once and returns a plan with the columns of the wanted ones and the names of all.
func columnsAndNames(ctx context.Context, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt RowOptions) (*plan, error) {
	p := &plan{batch: b, say: opt.Say, place: map[string]int{}, wide: true}
	if p.say == nil {
		p.say = func(english string) string { return english }
	}
	if !b.Table.Open {
		for _, c := range b.Table.Columns {
			p.column(c.Name, c.Type)
		}
	}
	err := each(ctx, images, func(_ int, m *batch.Image) error {
		p.images = append(p.images, picture{n: m.N, rev: m.Rev, name: m.Name, status: m.Status, rows: len(rowsOf(m))})
		if m.Status == batch.Completed {
			p.counts.Completed++
		}
		if opt.wants(m) && len(rowsOf(m)) > 0 {
			header, columns := p.columnsOf(m)
			for c, name := range header {
				p.column(name, columns[c].Type)
			}
		}
		return nil
	})
	p.tellApart()
	return p, err
}

// eachRow passes on the rows of image i. The row and its cells are only valid during the call.
func (p *plan) eachRow(i int, m *batch.Image, use func(row)) {
	header, columns := p.columnsOf(m)
	places := make([]int, len(header))
	for c, name := range header {
		places[c] = p.place[table.Key(name)]
	}
	doubts := map[int][]rowDoubt{}
	for _, issue := range m.Issues {
		d := rowDoubt{kind: issue.Kind, message: issue.Message}
		if issue.Column >= 0 && issue.Column < len(header) {
			d.column = header[issue.Column]
		}
		doubts[issue.Row] = append(doubts[issue.Row], d)
	}
	cells := make([]cell, len(p.header))
	for r, read := range rowsOf(m) {
		clear(cells)
		for c, at := range places {
			cells[at].there = true
			if c < len(read.Cells) {
				cells[at].text, cells[at].value = read.Cells[c].Text, columns[c].Value(read.Cells[c])
			}
		}
		use(row{image: m.N, name: p.images[i].name, number: r + 1, checked: m.IsChecked(), cells: cells, doubts: doubts[r]})
	}
}

// told returns the doubts of a row as one text for a person.
func (r row) told(say func(string) string) string {
	var b strings.Builder
	for i, d := range r.doubts {
		if i > 0 {
			b.WriteString(" ")
		}
		if d.column != "" {
			b.WriteString(d.column + ": ")
		}
		b.WriteString(say(d.message))
	}
	return b.String()
}

package export

import (
	"archive/zip"
	"bufio"
	"context"
	"io"
	"iter"
	"strings"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

const (
	saysMissing = "The sheet “%s” has no column for: %s. Add these headings to it, or choose to leave the columns out."
	saysNoRows  = "There are no rows to append yet."
	saysNoRoom  = "The sheet “%s” has no room for %d more rows."
)

// AppendOptions are the settings of Append.
type AppendOptions struct {
	Sheet   string // the sheet to append to; "" chooses the one whose headings fit best
	Partial bool   // leave out columns of the batch that the sheet does not have
	Checked bool   // only images that a person confirmed
	// Say translates the program's own words and sentences, which are English here; nil leaves them unchanged.
	Say func(english string) string
}

// appending is a batch and the place for its rows.
type appending struct {
	*target
	p      *plan
	opt    AppendOptions
	images iter.Seq2[*batch.Image, error]
	rows   int
}

// Match says how the rows of a batch fit under those of the workbook, without writing anything. The batch may be a draft. An
// Invalid error says why nothing can be appended.
func (e *Existing) Match(ctx context.Context, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt AppendOptions) (*Match, error) {
	a, err := e.prepare(ctx, b, images, opt)
	if err != nil {
		return nil, err
	}
	return a.match(a.rows), nil
}

// Append writes the workbook with the rows of the completed images under its own, and returns how they fit. Columns are matched
// by their headings. Everything else of the workbook is copied byte by byte; a table, a filter, and rules for cells that end
// with its last row grow. Texts never become formulas.
//
// images is iterated several times and must yield the same each time. It is an Invalid error if the sheet lacks columns of the
// batch, unless opt.Partial is set. Nothing is written to w before everything is known to fit; after a later error, w has a part.
func (e *Existing) Append(ctx context.Context, w io.Writer, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt AppendOptions) (*Match, error) {
	a, err := e.prepare(ctx, b, images, opt)
	if err != nil {
		return nil, err
	}
	m := a.match(a.rows)
	switch {
	case len(m.Missing) > 0 && !opt.Partial:
		return m, errs.New(errs.Invalid, saysMissing, m.Sheet, strings.Join(m.Missing, ", "))
	case m.Rows == 0:
		return m, errs.New(errs.Conflict, saysNoRows)
	}
	return m, e.write(ctx, w, a)
}

// prepare finds the place for the rows and how each of their values is written.
func (e *Existing) prepare(ctx context.Context, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt AppendOptions) (*appending, error) {
	p, err := columnsAndNames(ctx, b, images, RowOptions{Checked: opt.Checked, Say: opt.Say})
	if err != nil {
		return nil, err
	}
	t, err := e.target(p.wants(), opt.Sheet)
	if err != nil {
		return nil, err
	}
	a := &appending{p: p, target: t, opt: opt, images: images}
	err = a.eachLine(ctx, func([]newCell) error { a.rows++; return nil })
	if err == nil && t.last+a.rows > maxRows {
		err = errs.New(errs.Invalid, saysNoRoom, t.sheet.name, a.rows)
	}
	return a, err
}

// eachLine passes on the cells of each row, one for each column of the span. They are only valid during the call.
func (a *appending) eachLine(ctx context.Context, use func([]newCell) error) error {
	clear(a.kept)
	rows := RowOptions{Checked: a.opt.Checked}
	line := make([]newCell, a.span.right-a.span.left+1)
	return each(ctx, a.images, func(i int, m *batch.Image) error {
		if err := a.p.same(i, m); err != nil || !rows.wants(m) {
			return err
		}
		at, columns := a.byColumn(m)
		read := rowsOf(m)
		var err error
		a.p.eachRow(i, m, func(r row) {
			if err == nil {
				a.line(line, r, read[r.number-1], at, columns)
				err = use(line)
			}
		})
		return err
	})
}

// byColumn returns for each column of the plan the cell of the image's rows that belongs to it, and the columns of those cells.
func (a *appending) byColumn(m *batch.Image) (at map[int]int, columns []table.Column) {
	header, columns := a.p.columnsOf(m)
	at = map[int]int{}
	for c, name := range header {
		at[a.p.place[table.Key(name)]] = c
	}
	return at, columns
}

// line fills in the cells of one row.
func (a *appending) line(line []newCell, r row, read table.Row, at map[int]int, columns []table.Column) {
	for i := range line {
		col := a.span.left + i
		want, ok := a.fill[col]
		if !ok {
			line[i] = a.emptyCell(col)
			continue
		}
		if kind := a.wanted[want].extra; kind != noExtra {
			line[i] = a.extraCell(a.p, col, kind, r)
			continue
		}
		c, there := at[want]
		if !there || c >= len(read.Cells) {
			line[i] = a.emptyCell(col)
			continue
		}
		followed := true
		if line[i], followed = a.dress(a.p, col, read.Cells[c], columns[c]); !followed {
			a.kept[col]++
		}
	}
}

// write copies the workbook with the changed parts.
func (e *Existing) write(ctx context.Context, w io.Writer, a *appending) error {
	changed, err := e.changes(ctx, a)
	if err != nil {
		return damaged(err)
	}
	out := zip.NewWriter(w)
	for _, f := range e.zip.File {
		write := changed[strings.TrimPrefix(f.Name, "/")]
		if write == nil {
			if err := out.Copy(f); err != nil {
				return err
			}
			continue
		}
		part, err := out.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: f.Modified})
		if err != nil {
			return err
		}
		b := bufio.NewWriterSize(part, 64<<10)
		if err := write(b); err != nil {
			return err
		}
		if err := b.Flush(); err != nil {
			return err
		}
	}
	return out.Close()
}

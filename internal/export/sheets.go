package export

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// allRows writes the part of all rows that s holds: the image's name, then the columns.
func (p *plan) allRows(ctx context.Context, w *sheetWriter, s sheet, images iter.Seq2[*batch.Image, error]) error {
	w.line(headings(append([]string{p.say("Image")}, p.header...)))
	at := 0 // among all rows
	line := make([]value, len(p.header)+1)
	return each(ctx, images, func(i int, m *batch.Image) error {
		if err := p.same(i, m); err != nil {
			return err
		}
		n := p.images[i].rows
		if at+n <= s.from || at >= s.from+s.lines {
			at += n
			return nil
		}
		header, columns := p.columnsOf(m)
		places := make([]int, len(header))
		for c, name := range header {
			places[c] = p.place[strings.ToLower(name)]
		}
		doubtful := doubts(m)
		name := shown(m.Name)
		for r, row := range m.Rows {
			if at >= s.from && at < s.from+s.lines {
				clear(line)
				line[0] = name
				for c, at := range places {
					if at >= 0 {
						line[at+1] = cellValue(row, c, columns[c], doubtful[[2]int{r, c}])
					}
				}
				w.line(line)
			}
			at++
		}
		return nil
	})
}

// imageRows writes the sheet of one image.
func (p *plan) imageRows(w *sheetWriter, m *batch.Image) {
	header, columns := p.columnsOf(m)
	w.line(headings(header))
	rows := rowsOf(m)
	if len(rows) == 0 {
		what, why := unread(m)
		w.line([]value{shown(p.say(what) + ": " + p.say(why))})
		return
	}
	doubtful := doubts(m)
	line := make([]value, len(header))
	for r, row := range rows {
		clear(line)
		for c := range line {
			line[c] = cellValue(row, c, columns[c], doubtful[[2]int{r, c}])
		}
		w.line(line)
	}
}

// doubts are the cells of an image, by row and column, that have a doubt.
func doubts(m *batch.Image) map[[2]int]bool {
	cells := map[[2]int]bool{}
	for _, issue := range m.Issues {
		if issue.Row >= 0 && issue.Column >= 0 {
			cells[[2]int{issue.Row, issue.Column}] = true
		}
	}
	return cells
}

// cellValue is what the workbook shows of cell c of a row; a row may be shorter than its header.
func cellValue(row table.Row, c int, column table.Column, doubtful bool) value {
	var cell table.Cell
	if c < len(row.Cells) {
		cell = row.Cells[c]
	}
	v, _ := typed(cell.Text, column)
	if v.number == "" {
		v.text, _, _ = clean(cell.Text)
	}
	if doubtful {
		v.style = v.style.doubt()
	}
	return v
}

// shown is a name or a sentence as text.
func shown(s string) value {
	s, _, _ = clean(s)
	return value{text: s, style: styleText}
}

// headings are words of the program over columns.
func (p *plan) headings(english ...string) []value {
	for i, word := range english {
		english[i] = p.say(word)
	}
	return headings(english)
}

func headings(names []string) []value {
	line := make([]value, len(names))
	for i, name := range names {
		line[i] = shown(name)
		line[i].style = styleHeader
	}
	return line
}

// summary writes what became of the batch, then a line for every image.
func (p *plan) summary(w *sheetWriter) error {
	b, c := p.batch, p.counts
	fact := func(label string, v value) { w.line([]value{{text: p.say(label), style: styleLabel}, v}) }
	fact("Batch", shown(b.Name))
	fact("State", shown(p.state()))
	fact("Read by", shown(strings.TrimSpace(b.Engine+" "+b.Model)))
	fact("Created", moment(b.Created))
	fact("Started", moment(b.Started))
	fact("Ended", moment(b.Ended))
	fact("Images", count(len(p.images)))
	fact("Read", count(c.Completed))
	fact("Taken over at no cost", count(c.Reused))
	fact("Failed", count(c.Failed))
	fact("Canceled", count(c.Canceled))
	fact("Not read yet", count(c.Pending+c.Processing+c.Retrying))
	fact("Rows", count(c.Rows))
	fact("Doubts", count(c.Issues))
	fact("Checked by a person", count(c.Checked))
	fact("Calls", count(c.Calls))
	fact("Tokens", count(c.Tokens))
	fact("Cost in US dollars", dollars(c.USD))
	fact("Workbook made", moment(p.now))
	if p.version != "" {
		fact("Made with", shown("Sheetlift "+p.version))
	}
	if len(p.images) > p.max.images {
		fact("Note", shown(p.say(fmt.Sprintf("With more than %d images there is no sheet for each; all rows are on “%s”.", p.max.images, p.say(sheetRows)))))
	}
	w.line(nil)
	w.line(p.headings("No.", "Image", "File", "State", "Rows", "Doubts", "Tries", "Seconds", "US dollars", "Sheet", "Edits", "Checked", "Taken from"))
	for i, m := range p.images {
		w.line([]value{
			count(i + 1), shown(m.name), shown(m.file), shown(p.say(string(m.status))), count(m.rows), count(m.issues), count(m.tries),
			{number: fmt.Sprintf("%.1f", m.spent.Seconds()), style: styleNumber + 1}, dollars(m.usd), shown(m.sheet), count(m.edits), shown(m.check), shown(m.source),
		})
	}
	return nil
}

// state is the status of the batch, and how far it is while it goes on.
func (p *plan) state() string {
	s := string(p.batch.Status)
	if p.batch.Status.Final() {
		return p.say(s)
	}
	return p.say(s) + ": " + p.say(fmt.Sprintf("%d of %d images were read so far.", p.counts.Completed, max(p.batch.Total(), len(p.images))))
}

func dollars(usd float64) value {
	return value{number: fmt.Sprintf("%.4f", usd), style: styleNumber + 4}
}

func moment(t time.Time) value {
	if t.IsZero() {
		return value{}
	}
	return shown(t.UTC().Format("2006-01-02 15:04:05 UTC"))
}

func (p *plan) problemLines() int {
	n := max(len(p.problems), 1)
	if p.more > 0 {
		n++
	}
	return n
}

// listProblems writes what went wrong, what is doubtful, and what the workbook shows otherwise than it was read.
func (p *plan) listProblems(w *sheetWriter) error {
	w.line(p.headings("Image", "Row", "Column", "What", "Details"))
	for _, line := range p.problems {
		var image, row value
		if line.image >= 0 {
			image = shown(p.images[line.image].name)
		}
		if line.row > 0 {
			row = count(line.row)
		}
		w.line([]value{image, row, shown(line.column), shown(p.say(line.what)), shown(p.say(line.message))})
	}
	if len(p.problems) == 0 {
		w.line([]value{{}, {}, {}, shown(p.say("None")), shown(p.say("Every image was read, and nothing is doubtful."))})
	}
	if p.more > 0 {
		w.line([]value{{}, {}, {}, shown(p.say("More")), shown(p.say(fmt.Sprintf("There are %d more problems.", p.more)))})
	}
	return nil
}

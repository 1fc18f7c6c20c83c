package export

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// allRows writes the rows of sheet s, a section of all rows: the image's name, which leads to its sheet, then the columns. On a
// sheet with more rows than Excel takes links, only the first row of an image there has one.
func (p *plan) allRows(ctx context.Context, w *sheetWriter, s sheet, images iter.Seq2[*batch.Image, error]) error {
	w.line(headings(append([]string{p.say("Image")}, p.header...)))
	at := 0 // index among all rows
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
			places[c] = p.place[table.Key(name)]
		}
		doubtful := doubts(m)
		name, sheet, told := shown(p.images[i].name), p.images[i].sheet, false
		for r, row := range m.Rows {
			if at >= s.from && at < s.from+s.lines {
				clear(line)
				line[0] = name
				if sheet != "" && (!told || s.lines <= p.max.links) && len(w.links) < p.max.links {
					w.links = append(w.links, link{from: "A" + strconv.Itoa(w.row+1), sheet: sheet, to: "A" + strconv.Itoa(r+2)})
					line[0].style, told = p.linkStyle(), true
				}
				for c, at := range places {
					if at >= 0 {
						line[at+1] = p.cellValue(row, c, columns[c], doubtful[[2]int{r, c}])
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
			line[c] = p.cellValue(row, c, columns[c], doubtful[[2]int{r, c}])
		}
		w.line(line)
	}
}

// doubts returns the cells of an image with an issue, by row and column.
func doubts(m *batch.Image) map[[2]int]bool {
	cells := map[[2]int]bool{}
	for _, issue := range m.Issues {
		if issue.Row >= 0 && issue.Column >= 0 {
			cells[[2]int{issue.Row, issue.Column}] = true
		}
	}
	return cells
}

// cellValue returns the value of cell c of a row; a row may be shorter than its header.
func (p *plan) cellValue(row table.Row, c int, column table.Column, doubtful bool) value {
	var cell table.Cell
	if c < len(row.Cells) {
		cell = row.Cells[c]
	}
	v, _ := p.typed(cell, column)
	if v.number == "" {
		v.text, _, _ = clean(cell.Text)
	}
	if doubtful {
		v.style = v.style.doubt()
	}
	return v
}

// shown returns a name or a sentence as a text value.
func shown(s string) value {
	s, _, _ = clean(s)
	return value{text: s, style: styleText}
}

// headings returns column headings of the program, translated.
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

// summary writes the facts of the batch, then a line for every image.
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
	fact("Taken over at no cost", count(c.FromCache))
	fact("Failed", count(c.Failed))
	fact("Canceled", count(c.Canceled))
	fact("Not read yet", count(c.Pending+c.Processing+c.Retrying))
	fact("Rows", count(c.Rows))
	fact("Doubts", count(c.Issues))
	if b.Options.Witness == batch.WitnessOffline && !b.Table.Single {
		fact("Compared with an offline reading", count(c.Compared))
	}
	fact("Checked by a person", count(c.Checked))
	fact("Calls", count(c.Calls))
	fact("Tokens", count(c.Tokens))
	fact("Cost in US dollars", p.cost(c.USD, c.Unpriced))
	if c.Unpriced > 0 {
		fact("Calls without a known price", count(c.Unpriced))
	}
	for _, s := range p.served {
		fact("Answered by", shown(s))
	}
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
			count(i + 1), shown(m.name), shown(m.file), shown(capital(p.say(string(m.status)))), count(m.rows), count(m.issues), count(m.tries),
			{number: fmt.Sprintf("%.1f", m.spent.Seconds()), style: styleNumber + 1}, p.cost(m.usd, m.unpriced), shown(m.sheet), count(m.edits), shown(m.check), shown(m.source),
		})
	}
	return nil
}

// state returns the status of the batch and, while it runs, its progress.
func (p *plan) state() string {
	s := string(p.batch.Status)
	if p.batch.Status.Final() {
		return capital(p.say(s))
	}
	return capital(p.say(s)) + ": " + p.say(fmt.Sprintf("%d of %d images were read so far.", p.counts.Completed, max(p.batch.Total(), len(p.images))))
}

// capital returns a word with an upper-case first letter, for use alone in a cell.
func capital(word string) string {
	first, size := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(first)) + word[size:]
}

// cost returns the cost of calls, as far as it is known.
func (p *plan) cost(usd float64, unpriced int) value {
	if usd == 0 && unpriced > 0 {
		return shown(p.say("not known"))
	}
	return dollars(usd)
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

package export

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// maxLinks is how many links Excel takes on a sheet.
const maxLinks = 65_529

// groupProblems orders the problems by their kind, then by column; those of one kind and column stay in the order of the batch.
func (p *plan) groupProblems() {
	rank := map[string]int{}
	for _, line := range p.problems {
		if _, known := rank[line.what]; !known {
			rank[line.what] = len(rank)
		}
	}
	slices.SortStableFunc(p.problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(rank[a.what], rank[b.what]), cmp.Compare(a.at, b.at), cmp.Compare(a.column, b.column))
	})
}

// address returns where in the workbook a problem is: the sheet, and the cell there. It is false for a problem of the whole workbook,
// and for a cell that has no place.
func (p *plan) address(line problem) (sheet, cell string, ok bool) {
	if line.image < 0 {
		return "", "", false
	}
	if name := p.images[line.image].sheet; name != "" {
		return name, columnName(max(line.at, 0)) + strconv.Itoa(line.row+1), true
	}
	if line.row == 0 {
		return "", "", false
	}
	column := 0 // the image's name
	if line.at >= 0 {
		if column = p.place[table.Key(line.column)] + 1; column == 0 {
			return "", "", false
		}
	}
	at := p.firstRow(line.image) + line.row - 1
	for _, s := range p.sheets {
		if s.kind == kindRows && at >= s.from && at < s.from+s.lines {
			return s.name, columnName(column) + strconv.Itoa(at-s.from+2), true
		}
	}
	return "", "", false
}

// firstRow returns the index of an image's first row among all rows.
func (p *plan) firstRow(image int) int {
	if p.starts == nil {
		at := 0
		for _, m := range p.images {
			p.starts = append(p.starts, at)
			at += m.rows
		}
	}
	return p.starts[image]
}

// link is a cell that leads to another cell of the workbook.
type link struct{ from, sheet, to string }

// writeLinks writes the links of a sheet. They have no address outside of the workbook.
func writeLinks(w *bufio.Writer, links []link) {
	if len(links) == 0 {
		return
	}
	w.WriteString("<hyperlinks>")
	for _, l := range links {
		w.WriteString(`<hyperlink ref="` + l.from + `" location="'`)
		_ = xml.EscapeText(w, []byte(l.sheet)) // errors stay in w
		w.WriteString("'!" + l.to + `"/>`)
	}
	w.WriteString("</hyperlinks>")
}

func (p *plan) problemLines() int {
	n := max(len(p.problems), 1)
	if p.more > 0 {
		n++
	}
	return n
}

// listProblems writes failures, issues, and values that the workbook shows differently from the reading.
func (p *plan) listProblems(w *sheetWriter) error {
	w.line(p.headings("Image", "Row", "Column", "Cell", "What", "Details"))
	for _, line := range p.problems {
		var image, row value
		if line.image >= 0 {
			image = shown(p.images[line.image].name)
		}
		if line.row > 0 {
			row = count(line.row)
		}
		w.line([]value{image, row, shown(line.column), p.linked(w, line), shown(p.say(line.what)), shown(p.say(line.message))})
	}
	if yet := p.uncompared(); yet > 0 {
		w.line([]value{{}, {}, {}, {}, shown(p.say("Not final")), shown(p.say(fmt.Sprintf("%d images are not compared with the offline reading yet; more doubts may come.", yet)))})
	} else if len(p.problems) == 0 {
		w.line([]value{{}, {}, {}, {}, shown(p.say("None")), shown(p.say("Every image was read, and nothing is doubtful."))})
	}
	if p.more > 0 {
		w.line([]value{{}, {}, {}, {}, shown(p.say("More")), shown(p.say(fmt.Sprintf("There are %d more problems.", p.more)))})
	}
	return nil
}

// uncompared returns the number of images whose rows are yet to be compared with a second reading.
func (p *plan) uncompared() int {
	if p.batch.Options.Witness != batch.WitnessOffline || p.batch.Table.Single {
		return 0
	}
	return p.counts.Completed - p.counts.Compared
}

// linked returns the address of a problem as a value, and adds the link to it for the fourth column of the next line.
func (p *plan) linked(w *sheetWriter, line problem) value {
	sheet, cell, ok := p.address(line)
	if !ok {
		return value{}
	}
	v := shown(cell)
	if sheet != p.images[line.image].sheet {
		v = shown(sheet + "!" + cell)
	}
	if len(w.links) < p.max.links {
		w.links = append(w.links, link{from: "D" + strconv.Itoa(w.row+1), sheet: sheet, to: cell})
		v.style = p.linkStyle()
	}
	return v
}

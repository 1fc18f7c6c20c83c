package export

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/table"
)

// The names of the fixed sheets in English. Image sheets never get these names.
const (
	sheetRows     = "All rows"
	sheetSummary  = "Summary"
	sheetProblems = "Problems"
)

// sheet is one sheet of the workbook. Sheets are kept in order.
type sheet struct {
	name   string
	kind   kind
	image  int // for kindImage: index into plan.images
	from   int // for kindRows: index of its first row among all rows
	lines  int // rows below the header
	widths widths
	types  []table.Type // for kindRows and kindImage: the types of the columns in widths
	notes  []note       // by row, then by column
}

type kind uint8

const (
	kindRows kind = iota
	kindSummary
	kindProblems
	kindImage
)

// layout chooses the sheets of the workbook.
func (p *plan) layout() {
	names := newSheetNames()
	p.widths.see(0, p.say("Image"))
	all := 0
	for _, m := range p.images {
		all += m.rows
	}
	types := append([]table.Type{table.Text}, p.types...)
	for from, n := 0, 1; n == 1 || from < all; from, n = from+p.max.rows, n+1 {
		name := p.say(sheetRows)
		if n > 1 {
			name += " " + strconv.Itoa(n)
		}
		p.sheets = append(p.sheets, sheet{
			name: names.name(name, name), kind: kindRows, from: from, lines: min(all-from, p.max.rows), widths: p.widths, types: types,
		})
	}
	p.sheets = append(p.sheets,
		sheet{name: names.name(p.say(sheetSummary), sheetSummary), kind: kindSummary, widths: widths{24, 40, 30, 14, 9, 9, 9, 11, 11, 33}},
		sheet{name: names.name(p.say(sheetProblems), sheetProblems), kind: kindProblems, lines: p.problemLines(), widths: widths{30, 8, 24, 12, 20, 90}})
	if len(p.images) > p.max.images {
		return
	}
	for i := range p.images {
		m := &p.images[i]
		m.sheet = names.name(m.name, p.say("Image")+" "+strconv.Itoa(i+1))
		kinds := make([]table.Type, len(m.widths))
		for c := range kinds {
			kinds[c] = table.Text
			if !p.batch.Table.Open && c < len(p.types) {
				kinds[c] = p.types[c]
			}
		}
		p.sheets = append(p.sheets, sheet{name: m.sheet, kind: kindImage, image: i, lines: max(m.rows, 1), widths: m.widths, types: kinds})
	}
}

var errStyles = errors.New("the formats of the workbook are out of order")

// skeleton builds the workbook without rows: sheets, formats, widths, panes, filters and properties.
func (p *plan) skeleton() ([]byte, error) {
	f := excelize.NewFile()
	defer f.Close()
	if err := p.addStyles(f); err != nil {
		return nil, err
	}
	for i, s := range p.sheets {
		if i == 0 {
			if err := f.SetSheetName("Sheet1", s.name); err != nil {
				return nil, err
			}
		} else if at, err := f.NewSheet(s.name); err != nil || at != i {
			return nil, fmt.Errorf("sheet %d %q: %w", i, s.name, errors.Join(err, errStyles))
		}
		if err := p.dress(f, s); err != nil {
			return nil, fmt.Errorf("sheet %q: %w", s.name, err)
		}
	}
	if err := p.properties(f); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err := f.Write(&out)
	return out.Bytes(), err
}

// columns returns the XML of column widths and formats; excelize takes seconds to set those of a wide sheet.
func (s sheet) columns() string {
	if len(s.widths) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("<cols>")
	for i, width := range s.widths {
		fmt.Fprintf(&b, `<col min="%d" max="%d" width="%g" customWidth="1"`, i+1, i+1, width)
		if i < len(s.types) && s.types[i] != table.Number && s.types[i] != table.Date {
			fmt.Fprintf(&b, ` style="%d"`, styleText)
		}
		b.WriteString("/>")
	}
	b.WriteString("</cols>")
	return b.String()
}

// dress sets everything of a sheet except columns and rows.
func (p *plan) dress(f *excelize.File, s sheet) error {
	if s.kind == kindSummary {
		return errors.Join(f.SetSheetDimension(s.name, ""), p.paper(f, s))
	}
	last := columnName(max(len(s.widths), 1) - 1)
	area := fmt.Sprintf("A1:%s%d", last, max(s.lines, 0)+1)
	panes := &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}
	return errors.Join(
		f.SetPanes(s.name, panes),
		f.AutoFilter(s.name, area, nil),
		f.SetSheetDimension(s.name, area),
		p.paper(f, s), // last: a filter takes the fit to the page away
	)
}

// properties sets the document properties: program and time, nothing about the machine.
func (p *plan) properties(f *excelize.File) error {
	now := p.now.Format(time.RFC3339)
	title, _, _ := clean(p.batch.Name)
	return errors.Join(
		f.SetAppProps(&excelize.AppProperties{Application: "Sheetlift"}),
		f.SetDocProps(&excelize.DocProperties{Creator: "Sheetlift", LastModifiedBy: "Sheetlift", Created: now, Modified: now, Title: title}),
	)
}

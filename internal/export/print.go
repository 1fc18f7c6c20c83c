package export

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// maxFooter is Excel's limit of a footer with its codes, in UTF-16 units.
const maxFooter = 255

// paper sets how a sheet is printed: landscape on A4, all columns on one page beside each other, the heading row on every page, and
// a footer with the name of the image, or of the batch, and the page.
func (p *plan) paper(f *excelize.File, s sheet) error {
	fit, a4, landscape, across, down := true, 9, "landscape", 1, 0 // down 0: as many pages as it takes
	name := p.batch.Name
	if s.kind == kindImage {
		name = p.images[s.image].name
	}
	return errors.Join(
		f.SetSheetProps(s.name, &excelize.SheetPropsOptions{FitToPage: &fit}),
		f.SetPageLayout(s.name, &excelize.PageLayoutOptions{Size: &a4, Orientation: &landscape, FitToWidth: &across, FitToHeight: &down}),
		f.SetHeaderFooter(s.name, &excelize.HeaderFooterOptions{OddFooter: footer(name)}),
	)
}

// repeatHeadings adds to the part with the list of sheets that the first row of each is printed on every page. Summary has no
// heading row. excelize copies all names for each one that it adds, which takes gigabytes for a thousand sheets.
func (p *plan) repeatHeadings(workbook []byte) ([]byte, error) {
	const end = "</definedNames>"
	before, after, found := bytes.Cut(workbook, []byte(end))
	if !found {
		return nil, fmt.Errorf("%w: no names of ranges", errFrame)
	}
	var names bytes.Buffer
	for i, s := range p.sheets {
		if s.kind == kindSummary {
			continue
		}
		fmt.Fprintf(&names, `<definedName name="_xlnm.Print_Titles" localSheetId="%d">'`, i)
		if err := xml.EscapeText(&names, []byte(s.name)); err != nil {
			return nil, err
		}
		names.WriteString(`'!$1:$1</definedName>`)
	}
	return slices.Concat(before, names.Bytes(), []byte(end), after), nil
}

// footer returns the code of a footer with a name on the left and the page on the right. An ampersand begins a code there.
func footer(name string) string {
	const left, right = "&L", "&R&P / &N"
	name, _, _ = clean(strings.Join(strings.Fields(name), " "))
	for {
		text := left + strings.ReplaceAll(name, "&", "&&") + right
		if units(text) <= maxFooter {
			return text
		}
		name = cutUnits(name, units(name)-1)
	}
}

package export

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sheetlift/internal/table"
)

// maxNotes is how many cells of a workbook get a note: Excel draws a shape for each, and grows slow with many. The reasons of all
// others are in Problems.
const maxNotes = 5_000

// maxNote is the limit of a note's text in UTF-16 units; Excel takes more, and nobody reads it.
const maxNote = 1_000

// note is a text at a cell of a sheet.
type note struct {
	row, column int // from 0, the heading row included
	text        string
}

// planNotes puts the reasons of doubtful cells as notes on "All rows", those of a cell together. It needs the layout.
func (p *plan) planNotes() {
	type place struct{ sheet, row, column int }
	said, order := map[place][]string{}, []place(nil)
	for _, line := range p.problems {
		if line.image < 0 || line.row < 1 || line.at < 0 {
			continue
		}
		column, known := p.place[table.Key(line.column)]
		at := p.firstRow(line.image) + line.row - 1
		i := slices.IndexFunc(p.sheets, func(s sheet) bool { return s.kind == kindRows && at >= s.from && at < s.from+s.lines })
		if !known || column < 0 || i < 0 {
			continue
		}
		cell := place{i, at - p.sheets[i].from + 1, column + 1}
		if said[cell] == nil {
			if len(order) >= p.max.notes {
				continue
			}
			order = append(order, cell)
		}
		said[cell] = append(said[cell], p.say(line.what)+": "+p.say(line.message))
	}
	slices.SortFunc(order, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.sheet, b.sheet), cmp.Compare(a.row, b.row), cmp.Compare(a.column, b.column))
	})
	for _, cell := range order {
		text, _, _ := clean(strings.Join(said[cell], "\n"))
		if units(text) > maxNote {
			text = cutUnits(text, maxNote-1) + "…"
		}
		s := &p.sheets[cell.sheet]
		s.notes = append(s.notes, note{cell.row, cell.column, text})
	}
}

// declareNotes adds the parts of the notes to the list of types.
func (p *plan) declareNotes(types []byte) ([]byte, error) {
	const end = "</Types>"
	before, _, found := bytes.Cut(types, []byte(end))
	if !found {
		return nil, fmt.Errorf("%w: no list of types", errFrame)
	}
	var b bytes.Buffer
	for i, s := range p.sheets {
		if len(s.notes) > 0 {
			fmt.Fprintf(&b, `<Override PartName="/xl/comments%d.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"/>`, i+1)
		}
	}
	if b.Len() == 0 {
		return types, nil
	}
	if !bytes.Contains(before, []byte(`Extension="vml"`)) {
		b.WriteString(`<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>`)
	}
	return slices.Concat(before, b.Bytes(), []byte(end)), nil
}

// drawsNotes leads from a sheet to the shapes of its notes.
const drawsNotes = `<legacyDrawing xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:id="rIdNotes"/>`

// shapesInBlock is how many shapes share one block of ids.
const shapesInBlock = 1_023

// writeNotes writes the parts of all notes: their texts, their shapes, and the sheet's relations to both.
func (p *plan) writeNotes(out *zip.Writer) error {
	block := 1
	for i, s := range p.sheets {
		if len(s.notes) == 0 {
			continue
		}
		blocks := (len(s.notes) + shapesInBlock - 1) / shapesInBlock
		err := errors.Join(
			writePart(out, fmt.Sprintf("xl/comments%d.xml", i+1), s.writeTexts),
			writePart(out, fmt.Sprintf("xl/drawings/vmlDrawing%d.vml", i+1), func(w *bufio.Writer) { s.writeShapes(w, block, blocks) }),
			writePart(out, fmt.Sprintf("xl/worksheets/_rels/sheet%d.xml.rels", i+1), func(w *bufio.Writer) { relateNotes(w, i+1) }),
		)
		if err != nil {
			return err
		}
		block += blocks
	}
	return nil
}

func writePart(out *zip.Writer, name string, write func(*bufio.Writer)) error {
	part, err := create(out, name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(part)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\n") // errors stay in w
	write(w)
	return w.Flush()
}

func relateNotes(w *bufio.Writer, n int) {
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	fmt.Fprintf(w, `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`+
		`<Relationship Id="rIdNotes" Type="%s/vmlDrawing" Target="../drawings/vmlDrawing%d.vml"/>`+
		`<Relationship Id="rIdTexts" Type="%s/comments" Target="../comments%d.xml"/></Relationships>`, office, n, office, n)
}

// writeTexts writes the texts of the notes.
func (s sheet) writeTexts(w *bufio.Writer) {
	w.WriteString(`<comments xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><authors><author>Sheetlift</author></authors><commentList>`)
	for _, n := range s.notes {
		w.WriteString(`<comment ref="` + columnName(n.column) + strconv.Itoa(n.row+1) + `" authorId="0"><text><t xml:space="preserve">`)
		escape(w, n.text)
		w.WriteString(`</t></text></comment>`)
	}
	w.WriteString(`</commentList></comments>`)
}

// writeShapes writes the shapes of the notes, which are hidden until a person points at the cell.
func (s sheet) writeShapes(w *bufio.Writer, block, blocks int) {
	ids := make([]string, blocks)
	for i := range ids {
		ids[i] = strconv.Itoa(block + i)
	}
	w.WriteString(`<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel">` +
		`<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="` + strings.Join(ids, ",") + `"/></o:shapelayout>` +
		`<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>`)
	for i, n := range s.notes {
		id := (block+i/shapesInBlock)*1024 + i%shapesInBlock + 1
		lines := min(2+strings.Count(n.text, "\n")+units(n.text)/35, 14)
		fmt.Fprintf(w, `<v:shape id="_x0000_s%d" type="#_x0000_t202" style="position:absolute;visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto">`+
			`<v:fill color2="#ffffe1"/><v:shadow color="black" obscured="t"/><v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"/>`+
			`<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>%d,15,%d,2,%d,15,%d,4</x:Anchor><x:AutoFill>False</x:AutoFill>`+
			`<x:Row>%d</x:Row><x:Column>%d</x:Column></x:ClientData></v:shape>`, id, n.column+1, n.row, n.column+3, n.row+lines, n.row, n.column)
	}
	w.WriteString(`</xml>`)
}

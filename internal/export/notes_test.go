package export_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/export"
	"sheetlift/internal/table"
)

func TestDoubtfulCellsHaveANoteWithTheirReasons(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "A", Type: table.Text}, {Name: "B", Type: table.Text}})
	strange := doubt(1, 0, table.KindUnreadable)
	strange.Message = "A < B & _x0041_ " + strings.Repeat("é", 2_000)
	images := []*batch.Image{
		doubted(1, "one", doubt(1, 1, table.KindGuessed), doubt(-1, -1, table.KindRows)),
		doubted(2, "two", doubt(0, 0, table.KindWitness), doubt(0, 0, table.KindGuessed), strange, doubt(1, -1, table.KindGuessed)),
	}
	f := open(t, write(t, b, images...))
	notes, err := f.GetComments("All rows")
	if err != nil || len(notes) != 3 {
		t.Fatalf("%v, %v", notes, err)
	}
	for i, want := range []string{"C3 Guessed: About 1 1.", "B4 Guessed: About 0 0.\nRead differently: About 0 0.", "B5 Unreadable: A < B & _x005F_x0041_ é"} { // Excel reads the escape as an underscore; excelize shows it
		if got := notes[i].Cell + " " + notes[i].Text; !strings.HasPrefix(got, want) {
			t.Errorf("note %d is %q, want %q", i, got, want)
		}
	}
	if n := len([]rune(notes[2].Text)); n > 1_000+len("x005F_") {
		t.Errorf("a note has %d characters", n)
	}
	for _, sheet := range []string{"Summary", "Problems", "one"} {
		if notes, err := f.GetComments(sheet); err != nil || len(notes) != 0 {
			t.Errorf("%s has notes: %v, %v", sheet, notes, err)
		}
	}
}

func TestAWorkbookHasAFewNotesOnlyAndAllReasonsAreInProblems(t *testing.T) {
	t.Parallel()
	m := image(1, "one", slices.Repeat([][]string{{"x"}}, 3_000)...)
	for r := range m.Rows {
		m.Issues = append(m.Issues, doubt(r, 0, table.KindGuessed))
	}
	var data bytes.Buffer
	b := texts("b", []table.Column{{Name: "A", Type: table.Text}})
	if err := export.WorkbookNoted(t.Context(), &data, b, all([]*batch.Image{m}), export.Options{TmpDir: t.TempDir(), Now: noon}, 2_500); err != nil {
		t.Fatal(err)
	}
	f := open(t, data.Bytes())
	notes, err := f.GetComments("All rows")
	if err != nil || len(notes) != 2_500 || len(rows(t, f, "Problems")) != 3_001 {
		t.Errorf("%d notes, %v", len(notes), err)
	}
	shapes := parts(t, data.Bytes())["xl/drawings/vmlDrawing1.vml"]
	ids := map[string]bool{}
	for _, after := range strings.Split(shapes, `<v:shape id="`)[1:] {
		id, _, _ := strings.Cut(after, `"`)
		ids[id] = true
	}
	if len(ids) != 2_500 || !strings.Contains(shapes, `data="1,2,3"`) {
		t.Errorf("%d shapes have an id of their own", len(ids))
	}
}

func TestThePartsOfNotesAreWellFormedAndDeclared(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "A", Type: table.Text}, {Name: "B", Type: table.Text}})
	var out bytes.Buffer
	images := []*batch.Image{doubted(1, "one", doubt(0, 0, table.KindGuessed)), doubted(2, "two"), doubted(3, "three", doubt(1, 1, table.KindGuessed))}
	if err := export.WorkbookWithin(t.Context(), &out, b, all(images), export.Options{TmpDir: t.TempDir(), Now: noon}, 4, 5); err != nil {
		t.Fatal(err)
	}
	all := parts(t, out.Bytes())
	for name, text := range all {
		d := xml.NewDecoder(strings.NewReader(text))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
	}
	for _, n := range []int{1, 2} { // both sections of all rows
		declared := strings.Contains(all["[Content_Types].xml"], fmt.Sprintf(`PartName="/xl/comments%d.xml"`, n))
		if !declared || !strings.Contains(all[fmt.Sprintf("xl/worksheets/sheet%d.xml", n)], "<legacyDrawing ") || all[fmt.Sprintf("xl/worksheets/_rels/sheet%d.xml.rels", n)] == "" {
			t.Errorf("the notes of section %d are not declared", n)
		}
	}
	if strings.Count(all["[Content_Types].xml"], `Extension="vml"`) != 1 {
		t.Error("the type of shapes is not declared once")
	}
}

func TestNamesInAllRowsLeadToTheSheetsOfTheirImages(t *testing.T) {
	t.Parallel()
	b := texts("b", []table.Column{{Name: "A", Type: table.Text}, {Name: "B", Type: table.Text}})
	images := []*batch.Image{doubted(1, "R&D <1>"), doubted(2, "two")}
	f := open(t, write(t, b, images...))
	for cell, want := range map[string]string{"A2": "'R&D <1>'!A2", "A3": "'R&D <1>'!A3", "A4": "'two'!A2", "A5": "'two'!A3"} {
		if linked, to, err := f.GetCellHyperLink("All rows", cell); err != nil || !linked || to != want {
			t.Errorf("%s leads to %q, %v", cell, to, err)
		}
	}
	var few bytes.Buffer
	if err := export.WorkbookLinked(t.Context(), &few, b, all(images), export.Options{TmpDir: t.TempDir(), Now: noon}, 3); err != nil {
		t.Fatal(err)
	}
	f = open(t, few.Bytes())
	for cell, want := range map[string]bool{"A2": true, "A3": false, "A4": true, "A5": false} {
		if linked, _, err := f.GetCellHyperLink("All rows", cell); err != nil || linked != want {
			t.Errorf("with more rows than links, %s is linked: %v, %v", cell, linked, err)
		}
	}
}

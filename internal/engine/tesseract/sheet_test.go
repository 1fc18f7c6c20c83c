package tesseract_test

import (
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/tesseract/accuracytest"
	"sheetlift/internal/table"
)

var inventory = [][]string{
	{"Item Description", "Qty", "Serial No.", "Asset Tag", "Condition"},
	{"Laptop computer", "4", "00123", "TAG 7001", "Good"},
	{"Office chair", "12", "88231", "TAG 7002", "Worn"},
	{"Projector", "1", "45510", "TAG 7003", "Broken"},
	{"Label printer", "2", "00417", "TAG 7004", "Good"},
}

// sheet draws rows as a table, ruled or not, with a title above it.
func sheet(t *testing.T, rows [][]string, ruled bool) *image.Gray {
	t.Helper()
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 28, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	const left, top, width, height = 60, 140, 280, 56
	m := image.NewGray(image.Rect(0, 0, 2*left+width*len(rows[0]), top+height*len(rows)+80))
	draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
	write := func(x, y int, s string) {
		d := font.Drawer{Dst: m, Src: image.Black, Face: face, Dot: fixed.P(x, y)}
		d.DrawString(s)
	}
	write(left, 70, "Room 12, first floor of the east wing")
	for i, row := range rows {
		for j, text := range row {
			write(left+j*width+14, top+i*height+38, text)
		}
	}
	for i := 0; ruled && i <= len(rows); i++ {
		draw.Draw(m, image.Rect(left, top+i*height, left+len(rows[0])*width+2, top+i*height+2), image.Black, image.Point{}, draw.Src)
	}
	for j := 0; ruled && j <= len(rows[0]); j++ {
		draw.Draw(m, image.Rect(left+j*width, top, left+j*width+2, top+len(rows)*height), image.Black, image.Point{}, draw.Src)
	}
	return m
}

func cells(rows []table.Row) [][]string {
	var all [][]string
	for _, r := range rows {
		var one []string
		for _, c := range r.Cells {
			one = append(one, c.Text)
		}
		all = append(all, one)
	}
	return all
}

func TestDrawnSheetIsReadIntoTheColumnsAskedFor(t *testing.T) {
	t.Parallel()
	e := installed(t)
	want, _ := table.Preset("inventory")
	for name, ruled := range map[string]bool{"ruled": true, "open": false} {
		r, err := e.Read(t.Context(), engine.Request{Picture: encode(t, sheet(t, inventory, ruled)), Table: want})
		if err != nil {
			t.Fatal(err)
		}
		if got := cells(r.Rows); !equal(got, inventory[1:]) {
			t.Errorf("%s: read %q", name, got)
		}
		for _, row := range r.Rows {
			for _, c := range row.Cells {
				if c.Confidence <= 0 || c.Confidence > 1 {
					t.Errorf("%s: %q has confidence %v", name, c.Text, c.Confidence)
				}
			}
		}
		if !strings.Contains(r.Text, "Room 12") {
			t.Errorf("%s: the title is missing in %q", name, r.Text)
		}
	}
}

func equal(a, b [][]string) bool {
	return slices.EqualFunc(a, b, func(x, y []string) bool { return slices.Equal(x, y) })
}

func TestColumnsInAnotherOrderFindTheirPlace(t *testing.T) {
	t.Parallel()
	e := installed(t)
	var turned [][]string
	for _, row := range inventory {
		turned = append(turned, []string{row[3], row[0], row[2], row[1]}) // without the condition
	}
	want, _ := table.Preset("inventory")
	r, err := e.Read(t.Context(), engine.Request{Picture: encode(t, sheet(t, turned, true)), Table: want})
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range cells(r.Rows) {
		if !slices.Equal(row[:4], inventory[i+1][:4]) || row[4] != "" {
			t.Errorf("row %d: %q", i, row)
		}
	}
	if !slices.ContainsFunc(r.Issues, func(i table.Issue) bool {
		return i.Kind == table.KindColumns && strings.Contains(i.Message, "Status")
	}) {
		t.Errorf("nothing is said about the column that the sheet does not have: %+v", r.Issues)
	}
}

func TestSheetWithoutHeaderIsTakenInOrderAndSaysSo(t *testing.T) {
	t.Parallel()
	e := installed(t)
	want, _ := table.Preset("inventory")
	r, err := e.Read(t.Context(), engine.Request{Picture: encode(t, sheet(t, inventory[1:], true)), Table: want})
	if err != nil {
		t.Fatal(err)
	}
	if got := cells(r.Rows); !equal(got, inventory[1:]) {
		t.Errorf("read %q", got)
	}
	if !slices.ContainsFunc(r.Issues, func(i table.Issue) bool { return i.Kind == table.KindColumns }) {
		t.Error("nothing is said about the missing header")
	}
}

func TestOpenTableHasTheSheetsOwnHeader(t *testing.T) {
	t.Parallel()
	e := installed(t)
	r, err := e.Read(t.Context(), engine.Request{Picture: encode(t, sheet(t, inventory, true)), Table: open()})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Columns, inventory[0]) || !equal(cells(r.Rows), inventory[1:]) {
		t.Errorf("read %q and %q", r.Columns, cells(r.Rows))
	}
}

// A sheet photographed at a slant: the same picture, sheared by three degrees.
func TestSlantedSheetIsStraightened(t *testing.T) {
	t.Parallel()
	e := installed(t)
	flat := sheet(t, inventory, true)
	slanted := image.NewGray(image.Rect(0, 0, flat.Rect.Dx(), flat.Rect.Dy()+100))
	for y := range slanted.Rect.Dy() {
		for x := range slanted.Rect.Dx() {
			from := image.Pt(x, y-50+(x-flat.Rect.Dx()/2)*5/100)
			c := color.Gray{255}
			if from.In(flat.Rect) {
				c = flat.GrayAt(from.X, from.Y)
			}
			slanted.SetGray(x, y, c)
		}
	}
	r, err := e.Read(t.Context(), engine.Request{Picture: encode(t, slanted), Table: open()})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Columns, inventory[0]) || !equal(cells(r.Rows), inventory[1:]) {
		t.Errorf("read %q and %q", r.Columns, cells(r.Rows))
	}
}

// Light letters on a dark header row, as many programs print them.
func TestColouredHeaderIsRead(t *testing.T) {
	t.Parallel()
	e := installed(t)
	m := sheet(t, inventory, true)
	for y := 142; y < 140+56; y++ {
		for x := 62; x < 60+280*5; x++ {
			v := m.GrayAt(x, y).Y
			m.SetGray(x, y, color.Gray{uint8(90 + (255-int(v))*165/255)})
		}
	}
	r, err := e.Read(t.Context(), engine.Request{Picture: encode(t, m), Table: open()})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Columns, inventory[0]) {
		t.Errorf("read %q", r.Columns)
	}
}

func TestPrintedTablesReachNineCellsOfTen(t *testing.T) {
	t.Parallel()
	e := installed(t)
	const samples = "../../../../shared/data"
	var tally accuracytest.Tally
	for _, one := range accuracytest.Load(t, samples) {
		if one.Source() != "icdar13" || one.Kind != "table" || tally.Pictures == 6 {
			continue
		}
		data, err := os.ReadFile(filepath.Join(samples, one.File))
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Read(t.Context(), engine.Request{Picture: data, Table: open()})
		if err != nil {
			t.Fatal(err)
		}
		tally.Table(one, r.Text, append([][]string{r.Columns}, cells(r.Rows)...))
	}
	if tally.Cells.Percent() < 90 {
		t.Errorf("%v", &tally)
	}
}

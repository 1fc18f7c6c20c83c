package tesseract

import (
	"image"
	"image/color"
	"image/draw"
	"slices"
	"strings"
	"testing"
)

// page lays text out as a typewriter would: every character 10 wide and 20 high, a line every 30 pixels.
func page(lines ...string) []word {
	var words []word
	for y, l := range lines {
		for x := 0; x < len(l); {
			if l[x] == ' ' {
				x++
				continue
			}
			end := x
			for end < len(l) && l[end] != ' ' {
				end++
			}
			words = append(words, word{box{x * 10, 100 + y*30, end*10 - 1, 120 + y*30}, l[x:end], 90})
			x = end
		}
	}
	return words
}

func show(g grid) string {
	var b strings.Builder
	for _, row := range g.rows {
		b.WriteString(strings.Join(texts(row), "|") + "\n")
	}
	return b.String()
}

func expect(t *testing.T, g grid, want ...string) {
	t.Helper()
	if got := show(g); got != strings.Join(want, "\n")+"\n" {
		t.Errorf("got\n%swant\n%s", got, strings.Join(want, "\n"))
	}
}

var paper = rules{w: 1000, h: 1000}

func TestColumnsAreFoundByTheRoomBetweenWords(t *testing.T) {
	t.Parallel()
	expect(t, gridOf(page(
		"Country           1994    1991",
		"Austria             47     0.1",
		"United Kingdom     180      60",
		"Greece                     3.5",
	), paper),
		"Country|1994|1991", "Austria|47|0.1", "United Kingdom|180|60", "Greece||3.5")
}

func TestListWithoutColumnsIsOneColumn(t *testing.T) {
	t.Parallel()
	expect(t, gridOf(page("Shelf", "Lamp", "Chair"), paper), "Shelf", "Lamp", "Chair")
	expect(t, gridOf(page("Shelf"), paper), "Shelf")
	if g := gridOf(nil, paper); len(g.rows) != 0 {
		t.Errorf("nothing became %d rows", len(g.rows))
	}
}

func TestHeaderOfSeveralLinesIsOneRow(t *testing.T) {
	t.Parallel()
	expect(t, gridOf(page(
		"            Number of     Share of",
		"Company     employees     all sales",
		"Alpha              12          3.5",
		"Beta                7         40.1",
	), paper),
		"Company|Number of employees|Share of all sales", "Alpha|12|3.5", "Beta|7|40.1")
}

func TestHeaderOverSeveralColumnsStaysARowOfItsOwn(t *testing.T) {
	t.Parallel()
	expect(t, gridOf(page(
		"Illness      Number by gender",
		"             Male      Female",
		"Asthma         12          30",
		"Diabetes        7          41",
		"Allergy         8           9",
	), paper),
		"Illness|Number by gender|", "|Male|Female", "Asthma|12|30", "Diabetes|7|41", "Allergy|8|9")
}

func TestLabelThatGoesOnIsOneCell(t *testing.T) {
	t.Parallel()
	expect(t, gridOf(page(
		"Item                  Quantity   Price",
		"Chair, black                 2   10.00",
		"Desk with drawers and",
		"a lamp                       1   99.00",
		"Shelf                        4   35.00",
	), paper),
		"Item|Quantity|Price", "Chair, black|2|10.00", "Desk with drawers and a lamp|1|99.00", "Shelf|4|35.00")
}

func TestSectionHeadingIsNotTakenForAContinuation(t *testing.T) {
	t.Parallel()
	expect(t, gridOf(page(
		"Group        1990    1991",
		"Men",
		"Old            12      13",
		"Young           7       8",
		"Women",
		"Old             5       6",
	), paper),
		"Group|1990|1991", "Men||", "Old|12|13", "Young|7|8", "Women||", "Old|5|6")
}

// lattice draws the lines of a table of cells 200 by 60, with thickness 3.
func lattice(rows, columns int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, columns*200+40, rows*60+40))
	draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
	for i := range rows + 1 {
		draw.Draw(m, image.Rect(20, 20+i*60, 23+columns*200, 23+i*60), image.Black, image.Point{}, draw.Src)
	}
	for j := range columns + 1 {
		draw.Draw(m, image.Rect(20+j*200, 20, 23+j*200, 20+rows*60), image.Black, image.Point{}, draw.Src)
	}
	return m
}

func TestRulingLinesAreFoundAndErased(t *testing.T) {
	t.Parallel()
	m := lattice(4, 3)
	letter := image.Rect(60, 40, 72, 60) // ink that must stay
	draw.Draw(m, letter, image.Black, image.Point{}, draw.Src)
	r := findRules(threshold(m, ruleDarker), 20)
	if len(r.across) != 5 || len(r.down) != 4 {
		t.Fatalf("found %d lines across and %d down", len(r.across), len(r.down))
	}
	r.erase(m)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			if in := image.Pt(x, y).In(letter); in != (m.GrayAt(x, y).Y < 128) {
				t.Fatalf("pixel %d,%d is %v", x, y, m.GrayAt(x, y))
			}
		}
	}
}

func TestLightGreyLinesCount(t *testing.T) {
	t.Parallel()
	m := lattice(3, 2)
	for i, v := range m.Pix {
		if v == 0 {
			m.Pix[i] = 215
		}
	}
	if r := findRules(threshold(m, ruleDarker), 20); len(r.across) != 4 || len(r.down) != 3 {
		t.Errorf("found %d lines across and %d down", len(r.across), len(r.down))
	}
}

func TestCellWithoutALineInsideSpansItsColumns(t *testing.T) {
	t.Parallel()
	m := lattice(3, 3)
	draw.Draw(m, image.Rect(420, 23, 424, 80), image.White, image.Point{}, draw.Src)
	r := findRules(threshold(m, ruleDarker), 20)
	at := func(row, column, line int, text string) word {
		x, y := 40+column*200, 25+row*60+line*24
		return word{box{x, y, x + 12*len(text), y + 20}, text, 90}
	}
	g := gridOf([]word{
		at(0, 0, 0, "Name"), at(0, 1, 0, "Measures"),
		at(1, 0, 0, "Long"), at(1, 0, 1, "table"), at(1, 1, 0, "12"), at(1, 2, 0, "7"),
		at(2, 0, 0, "Lamp"), at(2, 1, 0, "3"), at(2, 2, 0, "9"),
	}, r)
	expect(t, g, "Name|Measures|", "Long table|12|7", "Lamp|3|9")
}

func TestValuesBelowEachOtherAreRowsThoughNoLineParts(t *testing.T) {
	t.Parallel()
	r := rules{w: 700, h: 300}
	for _, y := range []int{20, 80, 260} {
		r.across = append(r.across, box{20, y, 623, y + 3})
	}
	for _, x := range []int{20, 220, 420, 620} {
		r.down = append(r.down, box{x, 20, x + 3, 260})
	}
	var words []word
	for i, row := range [][]string{{"Name", "Old", "New"}, {"Asia", "12", "13"}, {"Peru", "7", "8"}, {"Cuba", "1", "2"}} {
		for j, text := range row {
			words = append(words, word{box{40 + j*200, 40 + i*55, 40 + j*200 + 12*len(text), 60 + i*55}, text, 90})
		}
	}
	expect(t, gridOf(words, r), "Name|Old|New", "Asia|12|13", "Peru|7|8", "Cuba|1|2")
}

func TestSlantedLinesAreMeasured(t *testing.T) {
	t.Parallel()
	var parts []part
	for y := 100; y < 900; y += 50 {
		for x := 50; x < 1150; x += 25 {
			at := y + (x-600)*4/100
			parts = append(parts, part{box{x, at, x + 14, at + 20}, 200})
		}
	}
	n := straighten(parts, 1200, 1000)
	if n.top < 0.037 || n.top > 0.043 || n.bottom < 0.037 || n.bottom > 0.043 {
		t.Errorf("slopes %v and %v, drawn 0.04", n.top, n.bottom)
	}
	if x, y := n.source(600, 500); x < 598 || x > 602 || y < 498 || y > 502 {
		t.Errorf("the middle moved to %v, %v", x, y)
	}
}

func TestLevelPageStaysAsItIs(t *testing.T) {
	t.Parallel()
	var parts []part
	for y := 100; y < 900; y += 50 {
		for x := 50; x < 1150; x += 25 {
			parts = append(parts, part{box{x, y, x + 14, y + 20}, 200})
		}
	}
	if n := straighten(parts, 1200, 1000); !n.straight() {
		t.Errorf("a level page got slopes %+v", n)
	}
}

func TestDashesAreToldByTheirWidth(t *testing.T) {
	t.Parallel()
	digit := func(x int) part { return part{box{x, 100, x + 12, 120}, 150} }
	dash := func(x, w int) part { return part{box{x, 109, x + w, 111}, 2 * w} }
	var parts []part
	for x := 0; x < 300; x += 20 { // a line of text that tells how high a digit is
		parts = append(parts, digit(600+x))
	}
	parts = append(parts, digit(0), dash(20, 8), digit(40), digit(100), dash(120, 15), digit(140), dash(300, 28))
	words := []word{
		{box{0, 100, 52, 120}, "1-2", 90}, {box{100, 100, 152, 120}, "3-4", 90}, {box{600, 100, 900, 120}, "123456789012345", 90},
	}
	got := withDashes(words, parts, paper)
	slices.SortFunc(got, func(a, b word) int { return a.left - b.left })
	var all []string
	for _, w := range got {
		all = append(all, w.text)
	}
	if s := strings.Join(all, " "); s != "1-2 3–4 — 123456789012345" {
		t.Errorf("got %q", s)
	}
}

func TestLeadersAreFoundAndPointsAreNot(t *testing.T) {
	t.Parallel()
	dot := func(x, y int) part { return part{box{x, y, x + 3, y + 3}, 9} }
	var parts []part
	for i := range 12 {
		parts = append(parts, dot(100+i*9, 117))
	}
	parts = append(parts, dot(400, 117), dot(700, 117), dot(760, 117))
	if found := leaders(parts, 20); len(found) != 12 {
		t.Errorf("found %d dots", len(found))
	}
}

func TestLargePictureIsShrunkAndSmallPrintEnlarged(t *testing.T) {
	t.Parallel()
	big := image.NewGray(image.Rect(0, 0, 4000, 3000))
	if s := shrink(big, longSide); s.Rect.Dx() != longSide || s.Rect.Dy() != longSide*3/4 {
		t.Errorf("shrunk to %v", s.Rect)
	}
	small := []part{{box{0, 0, 6, 8}, 40}}
	if s := scaleFor(small, 500, 300, false); s < 2 || s > maxScale {
		t.Errorf("letters of 8 pixels are enlarged %v times", s)
	}
	if s := scaleFor([]part{{box{0, 0, 20, 30}, 400}}, 2000, 1500, false); s != 1 {
		t.Errorf("letters of 30 pixels are enlarged %v times", s)
	}
	if s := scaleFor(small, 2500, 2000, false); s*s*2500*2000 > maxArea*1.01 {
		t.Errorf("enlarged to %v pixels", s*s*3200*3000)
	}
}

func TestTransparentPictureLiesOnWhite(t *testing.T) {
	t.Parallel()
	m := image.NewNRGBA(image.Rect(3, 5, 7, 9))
	m.SetNRGBA(3, 5, color.NRGBA{0, 0, 0, 255})
	g := grey(m)
	if g.GrayAt(0, 0).Y != 0 || g.GrayAt(1, 0).Y != 255 || g.Rect.Min != (image.Point{}) {
		t.Errorf("got %v %v in %v", g.GrayAt(0, 0), g.GrayAt(1, 0), g.Rect)
	}
}

package layout

import (
	"image"
	"image/draw"
	"strings"
	"testing"
)

// page lays text out as a typewriter would: every character 10 wide and 20 high, a line every 30 pixels.
func page(lines ...string) []Word {
	var words []Word
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
			words = append(words, Word{Box{x * 10, 100 + y*30, end*10 - 1, 120 + y*30}, l[x:end], 90})
			x = end
		}
	}
	return words
}

func show(g Grid) string {
	var b strings.Builder
	for _, row := range g.Rows {
		var texts []string
		for _, c := range row {
			texts = append(texts, c.Text())
		}
		b.WriteString(strings.Join(texts, "|") + "\n")
	}
	return b.String()
}

func expect(t *testing.T, g Grid, want ...string) {
	t.Helper()
	if got := show(g); got != strings.Join(want, "\n")+"\n" {
		t.Errorf("got\n%swant\n%s", got, strings.Join(want, "\n"))
	}
}

var paper = Rules{W: 1000, H: 1000}

func TestColumnsAreFoundByTheRoomBetweenWords(t *testing.T) {
	t.Parallel()
	expect(t, GridOf(page(
		"Country           1994    1991",
		"Austria             47     0.1",
		"United Kingdom     180      60",
		"Greece                     3.5",
	), paper),
		"Country|1994|1991", "Austria|47|0.1", "United Kingdom|180|60", "Greece||3.5")
}

func TestListWithoutColumnsIsOneColumn(t *testing.T) {
	t.Parallel()
	expect(t, GridOf(page("Shelf", "Lamp", "Chair"), paper), "Shelf", "Lamp", "Chair")
	expect(t, GridOf(page("Shelf"), paper), "Shelf")
	if g := GridOf(nil, paper); len(g.Rows) != 0 {
		t.Errorf("nothing became %d rows", len(g.Rows))
	}
}

func TestHeaderOfSeveralLinesIsOneRow(t *testing.T) {
	t.Parallel()
	expect(t, GridOf(page(
		"            Number of     Share of",
		"Company     employees     all sales",
		"Alpha              12          3.5",
		"Beta                7         40.1",
	), paper),
		"Company|Number of employees|Share of all sales", "Alpha|12|3.5", "Beta|7|40.1")
}

func TestHeaderOverSeveralColumnsStaysARowOfItsOwn(t *testing.T) {
	t.Parallel()
	expect(t, GridOf(page(
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
	expect(t, GridOf(page(
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
	expect(t, GridOf(page(
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
	r := FindRules(Threshold(m, RuleDarker), 20)
	if len(r.across) != 5 || len(r.down) != 4 {
		t.Fatalf("found %d lines across and %d down", len(r.across), len(r.down))
	}
	r.Erase(m)
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
	if r := FindRules(Threshold(m, RuleDarker), 20); len(r.across) != 4 || len(r.down) != 3 {
		t.Errorf("found %d lines across and %d down", len(r.across), len(r.down))
	}
}

func TestCellWithoutALineInsideSpansItsColumns(t *testing.T) {
	t.Parallel()
	m := lattice(3, 3)
	draw.Draw(m, image.Rect(420, 23, 424, 80), image.White, image.Point{}, draw.Src)
	r := FindRules(Threshold(m, RuleDarker), 20)
	at := func(row, column, line int, text string) Word {
		x, y := 40+column*200, 25+row*60+line*24
		return Word{Box{x, y, x + 12*len(text), y + 20}, text, 90}
	}
	g := GridOf([]Word{
		at(0, 0, 0, "Name"), at(0, 1, 0, "Measures"),
		at(1, 0, 0, "Long"), at(1, 0, 1, "table"), at(1, 1, 0, "12"), at(1, 2, 0, "7"),
		at(2, 0, 0, "Lamp"), at(2, 1, 0, "3"), at(2, 2, 0, "9"),
	}, r)
	expect(t, g, "Name|Measures|", "Long table|12|7", "Lamp|3|9")
}

func TestValuesBelowEachOtherAreRowsThoughNoLineParts(t *testing.T) {
	t.Parallel()
	r := Rules{W: 700, H: 300}
	for _, y := range []int{20, 80, 260} {
		r.across = append(r.across, Box{20, y, 623, y + 3})
	}
	for _, x := range []int{20, 220, 420, 620} {
		r.down = append(r.down, Box{x, 20, x + 3, 260})
	}
	var words []Word
	for i, row := range [][]string{{"Name", "Old", "New"}, {"Asia", "12", "13"}, {"Peru", "7", "8"}, {"Cuba", "1", "2"}} {
		for j, text := range row {
			words = append(words, Word{Box{40 + j*200, 40 + i*55, 40 + j*200 + 12*len(text), 60 + i*55}, text, 90})
		}
	}
	expect(t, GridOf(words, r), "Name|Old|New", "Asia|12|13", "Peru|7|8", "Cuba|1|2")
}

func TestLeadersAreFoundAndPointsAreNot(t *testing.T) {
	t.Parallel()
	dot := func(x, y int) Part { return Part{Box{x, y, x + 3, y + 3}, 9} }
	var parts []Part
	for i := range 12 {
		parts = append(parts, dot(100+i*9, 117))
	}
	parts = append(parts, dot(400, 117), dot(700, 117), dot(760, 117))
	if found := Leaders(parts, 20); len(found) != 12 {
		t.Errorf("found %d dots", len(found))
	}
}

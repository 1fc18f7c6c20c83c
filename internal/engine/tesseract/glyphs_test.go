package tesseract

import (
	"image"
	"image/draw"
	"slices"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"sheetlift/internal/engine/layout"
)

// printed is a page on which texts are printed side by side, and the boxes of the texts.
func printed(t *testing.T, texts ...string) (*prepared, []layout.Box) {
	t.Helper()
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 36, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	const width = 300
	g := image.NewGray(image.Rect(0, 0, width*(len(texts)+1), 160))
	draw.Draw(g, g.Rect, image.White, image.Point{}, draw.Src)
	d := font.Drawer{Dst: g, Src: image.Black, Face: face}
	var boxes []layout.Box
	for i, text := range append(texts, "8888") { // the last only gives the page its usual height
		d.Dot = fixed.P(20+i*width, 90)
		d.DrawString(text)
		if i < len(texts) {
			boxes = append(boxes, layout.Box{Left: 20 + i*width, Top: 62, Right: d.Dot.X.Round(), Bottom: 98})
		}
	}
	p := &prepared{image: g, ink: layout.Threshold(g, layout.InkDarker), scale: 1}
	p.parts = layout.Components(p.ink)
	return p, boxes
}

// reread is how a word is after a look at its ink, when the tool took the print for read.
func reread(t *testing.T, print, read string) layout.Word {
	t.Helper()
	p, boxes := printed(t, print)
	words := []layout.Word{{Box: boxes[0], Text: read, Conf: 95}}
	return inkUnder(words, p).checked(words)[0]
}

func TestALostPointIsPutBackAndIsADoubt(t *testing.T) {
	t.Parallel()
	for print, read := range map[string]string{
		"27.8": "278", "1.1": "11", ".9%": "9%", "1,040.50": "1,04050", "(10.4-13.2)": "(104-13.2)", "1,250": "1250",
	} {
		if got := reread(t, print, read); got.Text != print || got.Conf >= 100*layout.Sure {
			t.Errorf("%q, taken for %q, became %q with confidence %v", print, read, got.Text, got.Conf)
		}
	}
}

func TestAPointThatIsNotOnThePaperIsADoubt(t *testing.T) {
	t.Parallel()
	for print, read := range map[string]string{"1250": "1.250", "75": "7.5", "12": "12."} {
		if got := reread(t, print, read); got.Conf > layout.Contradicted {
			t.Errorf("%q, taken for %q, is no doubt", print, read)
		}
	}
}

func TestNumbersThatAgreeWithTheirInkStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"27.8", "1,040.50", "12%", "(10.4-13.2)", "-5", "2010", "22", "+4"} {
		if got := reread(t, text, text); got.Text != text || got.Conf != 95 {
			t.Errorf("%q became %q with confidence %v", text, got.Text, got.Conf)
		}
	}
}

func TestOnEnlargedPrintAPointIsNotPutBack(t *testing.T) {
	t.Parallel()
	p, boxes := printed(t, "27.8")
	p.scale = 3
	words := []layout.Word{{Box: boxes[0], Text: "278", Conf: 95}}
	if got := inkUnder(words, p).checked(words)[0]; got.Text != "278" || got.Conf > layout.Contradicted {
		t.Errorf("became %+v", got)
	}
}

func TestSignsWithABarAreToldFromDigitsAndPlus(t *testing.T) {
	t.Parallel()
	for print, read := range map[string]string{"≥85": "285", "≤7": "<7", "(±)": "(+)", "•": "e"} {
		if got := reread(t, print, read); got.Text != print {
			t.Errorf("%q, taken for %q, became %q", print, read, got.Text)
		}
	}
}

func TestInkThatStandsInNoWordIsADoubtOfItsCell(t *testing.T) {
	t.Parallel()
	p, boxes := printed(t, "Item", "12", "Red", "7", "Box")
	read := []layout.Word{{Box: boxes[0], Text: "Item", Conf: 95}, {Box: boxes[1], Text: "12", Conf: 95}, {Box: boxes[4], Text: "Box", Conf: 95}}
	lost := inkUnder(read, p).lost()
	g := layout.Grid{Rows: [][]layout.Cell{{{}, {}, {}}}}
	for j, w := range read {
		g.Rows[0][j].Add(w)
	}
	for _, b := range boxes[2:4] {
		if !slices.ContainsFunc(lost, func(l layout.Box) bool { return l.OverlapX(b.Left, b.Right) > 0 }) {
			t.Errorf("the ink at %+v is not missed: %v", b, lost)
		}
	}
	g.Rows[0][1] = layout.Cell{} // as if nothing had been read there
	g.Rows = append(g.Rows, []layout.Cell{{}, {}, {}})
	g.Rows[1][1].Add(layout.Word{Box: layout.Box{Left: boxes[1].Left, Top: 300, Right: boxes[1].Right, Bottom: 330}, Text: "13", Conf: 95})
	g.MarkLost([]layout.Box{{Left: boxes[1].Left, Top: 65, Right: boxes[1].Left + 20, Bottom: 90}}, 30)
	if v := g.Rows[0][1].Value(); v.State != "unreadable" {
		t.Errorf("a blank cell with ink in it is %+v", v)
	}
}

func TestADashThatTheToolTakesForARuleIsMeasured(t *testing.T) {
	t.Parallel()
	p, boxes := printed(t, "Item", "—", "12")
	words := withDashes([]layout.Word{{Box: boxes[0], Text: "Item", Conf: 95}, {Box: boxes[1], Text: "_", Conf: 40}, {Box: boxes[2], Text: "12", Conf: 95}}, p.parts, layout.Rules{})
	if !slices.ContainsFunc(words, func(w layout.Word) bool { return w.Text == "—" && w.Conf >= 100*layout.Sure }) {
		t.Errorf("read %+v", words)
	}
}

package tesseract

import (
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/engine/layout"
)

func TestSlantedLinesAreMeasured(t *testing.T) {
	t.Parallel()
	var parts []layout.Part
	for y := 100; y < 900; y += 50 {
		for x := 50; x < 1150; x += 25 {
			at := y + (x-600)*4/100
			parts = append(parts, layout.Part{Box: layout.Box{Left: x, Top: at, Right: x + 14, Bottom: at + 20}, Pixels: 200})
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
	var parts []layout.Part
	for y := 100; y < 900; y += 50 {
		for x := 50; x < 1150; x += 25 {
			parts = append(parts, layout.Part{Box: layout.Box{Left: x, Top: y, Right: x + 14, Bottom: y + 20}, Pixels: 200})
		}
	}
	if n := straighten(parts, 1200, 1000); !n.straight() {
		t.Errorf("a level page got slopes %+v", n)
	}
}

func TestDashesAreToldByTheirWidth(t *testing.T) {
	t.Parallel()
	digit := func(x int) layout.Part {
		return layout.Part{Box: layout.Box{Left: x, Top: 100, Right: x + 12, Bottom: 120}, Pixels: 150}
	}
	dash := func(x, w int) layout.Part {
		return layout.Part{Box: layout.Box{Left: x, Top: 109, Right: x + w, Bottom: 111}, Pixels: 2 * w}
	}
	var parts []layout.Part
	for x := 0; x < 300; x += 20 { // a line of text that tells how high a digit is
		parts = append(parts, digit(600+x))
	}
	parts = append(parts, digit(0), dash(20, 8), digit(40), digit(100), dash(120, 15), digit(140), dash(300, 28))
	words := []layout.Word{
		{Box: layout.Box{Left: 0, Top: 100, Right: 52, Bottom: 120}, Text: "1-2", Conf: 90}, {Box: layout.Box{Left: 100, Top: 100, Right: 152, Bottom: 120}, Text: "3-4", Conf: 90}, {Box: layout.Box{Left: 600, Top: 100, Right: 900, Bottom: 120}, Text: "123456789012345", Conf: 90},
	}
	got := withDashes(words, parts, layout.Rules{})
	slices.SortFunc(got, func(a, b layout.Word) int { return a.Left - b.Left })
	var all []string
	for _, w := range got {
		all = append(all, w.Text)
	}
	if s := strings.Join(all, " "); s != "1-2 3–4 — 123456789012345" {
		t.Errorf("got %q", s)
	}
}

func TestLargePictureIsShrunkAndSmallPrintEnlarged(t *testing.T) {
	t.Parallel()
	big := image.NewGray(image.Rect(0, 0, 4000, 3000))
	if s := shrink(big, longSide); s.Rect.Dx() != longSide || s.Rect.Dy() != longSide*3/4 {
		t.Errorf("shrunk to %v", s.Rect)
	}
	small := []layout.Part{{Box: layout.Box{Left: 0, Top: 0, Right: 6, Bottom: 8}, Pixels: 40}}
	if s := scaleFor(small, 500, 300, false); s < 2 || s > maxScale {
		t.Errorf("letters of 8 pixels are enlarged %v times", s)
	}
	if s := scaleFor([]layout.Part{{Box: layout.Box{Left: 0, Top: 0, Right: 20, Bottom: 30}, Pixels: 400}}, 2000, 1500, false); s != 1 {
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

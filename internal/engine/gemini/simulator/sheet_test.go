package simulator_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	xdraw "golang.org/x/image/draw"

	"sheetlift/internal/engine/gemini/simulator"
)

func decode(t *testing.T, picture []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func encode(t *testing.T, img image.Image, quality int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestADrawnSheetIsRecognizedAfterWhatPreparingDoesToIt(t *testing.T) {
	t.Parallel()
	change := map[string]func(image.Image) image.Image{
		"as drawn": func(img image.Image) image.Image { return img },
		"cropped": func(img image.Image) image.Image {
			r := img.Bounds()
			dx, dy := r.Dx()*4/100, 20
			return img.(*image.Gray).SubImage(image.Rect(r.Min.X+dx, r.Min.Y+dy, r.Max.X-dx, r.Max.Y-dy))
		},
	}
	for _, width := range []int{400, 733, 1600, 2000} {
		change["resized to "+string(rune('0'+width/1000))+"k"+string(rune('0'+width/100%10))] = func(img image.Image) image.Image {
			out := image.NewRGBA(image.Rect(0, 0, width, img.Bounds().Dy()*width/img.Bounds().Dx()))
			xdraw.ApproxBiLinear.Scale(out, out.Bounds(), img, img.Bounds(), xdraw.Src, nil)
			return out
		}
	}
	for name, f := range change {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{1, 70000, simulator.MaxSheet} {
				picture := encode(t, f(decode(t, simulator.Draw(n).JPEG)), 70)
				if got, err := simulator.Recognize(picture); err != nil || got != n {
					t.Errorf("sheet %d was recognized as %d, %v", n, got, err)
				}
			}
		})
	}
}

func TestManySheetsAreRecognized(t *testing.T) {
	t.Parallel()
	for n := range 20 {
		s := simulator.Draw(n * 838_607)
		if got, err := simulator.Recognize(s.JPEG); err != nil || got != s.N {
			t.Fatalf("sheet %d was recognized as %d, %v", s.N, got, err)
		}
	}
}

func TestADamagedStripNamesNoSheet(t *testing.T) {
	t.Parallel()
	img := decode(t, simulator.Draw(123456).JPEG).(*image.Gray)
	r := img.Bounds()
	for x := 300; x < 360; x++ { // a blot over a few modules
		for y := r.Max.Y - 80; y < r.Max.Y; y++ {
			img.Pix[img.PixOffset(x, y)] = 255
		}
	}
	if n, err := simulator.Recognize(encode(t, img, 85)); err == nil {
		t.Fatalf("a damaged strip was read as %d", n)
	}
	if _, err := simulator.Recognize([]byte("no picture")); err == nil {
		t.Fatal("no picture was recognized as a sheet")
	}
}

func TestRowsDependOnTheNumberOnly(t *testing.T) {
	t.Parallel()
	tags := map[string]bool{}
	for n := range 200 {
		a, b := simulator.Rows(n), simulator.Rows(n)
		if len(a) < 3 || len(a) > 12 || len(a) != len(b) {
			t.Fatalf("sheet %d has %d and %d rows", n, len(a), len(b))
		}
		for i := range a {
			for c := range a[i] {
				if a[i][c] != b[i][c] {
					t.Fatalf("sheet %d changed between two calls", n)
				}
			}
			if tags[a[i][3]] {
				t.Fatalf("tag %s is on two sheets", a[i][3])
			}
			tags[a[i][3]] = true
		}
	}
}

func TestARowIsSaidToStandWhereItIsDrawn(t *testing.T) {
	t.Parallel()
	integers := map[string]any{"type": "array", "items": map[string]any{"type": "integer"}}
	schema := map[string]any{"type": "array", "items": map[string]any{"type": "object", "properties": map[string]any{"box": integers}}}
	for n := range 20 {
		sheet := simulator.Draw(n)
		img := decode(t, sheet.JPEG)
		ruled := func(y int) bool { // a line from one side of the table to the other
			for x := 60; x < 940; x += 20 {
				if v, _, _, _ := img.At(x, y).RGBA(); v > 0x8000 {
					return false
				}
			}
			return true
		}
		for i, row := range simulator.Shape(schema, sheet.Header, sheet.Rows).([]any) {
			box := row.(map[string]any)["box"].([]any)
			top, bottom := box[0].(int)*sheet.Height/1000, box[2].(int)*sheet.Height/1000
			lines := 0
			for y := top - 2; y <= bottom+2; y++ {
				if ruled(y) && !ruled(y-1) {
					lines++
				}
			}
			if inside := ruled((top + bottom) / 2); lines != 2 || inside {
				t.Errorf("sheet %d, row %d is said to stand from %d to %d, where %d lines are ruled", n, i+1, top, bottom, lines)
			}
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	for n := 0; b.Loop(); n++ {
		simulator.Draw(n)
	}
}

func BenchmarkRecognize(b *testing.B) {
	picture := simulator.Draw(4711).JPEG
	for b.Loop() {
		if _, err := simulator.Recognize(picture); err != nil {
			b.Fatal(err)
		}
	}
}

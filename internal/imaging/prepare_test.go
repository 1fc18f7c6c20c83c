package imaging_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
)

func prepare(t testing.TB, limits imaging.Limits, name string, data []byte) *imaging.Prepared {
	t.Helper()
	got, err := imaging.New(limits).Prepare(t.Context(), name, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func opened(t testing.TB, data []byte) image.Image {
	t.Helper()
	m, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// red reports whether the middle of the corner at (right, below) of a page is the red that marks its upper left
// corner.
func red(m image.Image, right, below int) bool {
	b := m.Bounds()
	r, g, bl := rgb(m, (1+6*right)*b.Dx()/8, (1+6*below)*b.Dy()/8)
	return r > 150 && g < 80 && bl < 80
}

func rgb(m image.Image, x, y int) (r, g, b int) {
	c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
	return int(c.R), int(c.G), int(c.B)
}

func TestPicturesAreTurnedUpright(t *testing.T) {
	t.Parallel()
	plain := page(320, 200)
	plainJPEG, plainPNG := asJPEG(t, plain, 90), asPNG(t, plain)
	// The expected position of the stored upper left corner, for each orientation: to the right, below.
	corners := [9][2]int{{0, 0}, {0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}, {1, 0}, {1, 1}, {0, 1}}
	for o := range uint16(12) {
		seen := [2]int{0, 0}
		if o <= 8 {
			seen = corners[o]
		}
		files := map[string][]byte{
			"a.jpg":  jpegWithEXIF(plainJPEG, o),
			"a.png":  pngWith(plainPNG, "eXIf", string(exif(binary.LittleEndian, o))),
			"a.tiff": rawTIFF(plain, o, 1),
		}
		for name, data := range files {
			t.Run(fmt.Sprintf("%s/%d", name, o), func(t *testing.T) {
				t.Parallel()
				got := prepare(t, imaging.Limits{}, name, data)
				w, h := 320, 200
				if o >= 5 && o <= 8 {
					w, h = h, w
				}
				if got.Width != w || got.Height != h {
					t.Errorf("size %dx%d, want %dx%d", got.Width, got.Height, w, h)
				}
				for _, kept := range [][]byte{got.Data, got.Thumb} {
					m := opened(t, kept)
					for corner := range 4 {
						at := [2]int{corner & 1, corner >> 1}
						if is := red(m, at[0], at[1]); is != (at == seen) {
							t.Errorf("corner %v is red: %t; it should be in %v", at, is, seen)
						}
					}
					mustBeClean(t, kept)
				}
			})
		}
	}
}

// It checks a second corner, which a rotation alone would put elsewhere.
func TestMirroredPicturesAreNotMerelyTurned(t *testing.T) {
	t.Parallel()
	stored := page(320, 200)
	for y := range 50 {
		for x := 240; x < 320; x++ {
			stored.Set(x, y, color.RGBA{20, 200, 20, 255}) // the stored upper right corner is green
		}
	}
	file := asJPEG(t, stored, 90)
	where := [9][2]int{{}, {1, 0}, {0, 0}, {0, 1}, {1, 1}, {0, 1}, {1, 1}, {1, 0}, {0, 0}}
	for o := 1; o <= 8; o++ {
		m := opened(t, prepare(t, imaging.Limits{}, "a.jpg", jpegWithEXIF(file, uint16(o))).Data)
		b := m.Bounds()
		_, g, _ := rgb(m, (1+6*where[o][0])*b.Dx()/8, (1+6*where[o][1])*b.Dy()/8)
		r, _, _ := rgb(m, (1+6*where[o][0])*b.Dx()/8, (1+6*where[o][1])*b.Dy()/8)
		if g < 150 || r > 80 {
			t.Errorf("orientation %d: no green in corner %v", o, where[o])
		}
	}
}

// rawTIFF writes an uncompressed TIFF of equal pages.
func rawTIFF(m *image.RGBA, orientation uint16, pages int) []byte {
	le := binary.LittleEndian
	w, h := m.Rect.Dx(), m.Rect.Dy()
	pixels := make([]byte, 0, 3*w*h)
	for i := 0; i < len(m.Pix); i += 4 {
		pixels = append(pixels, m.Pix[i:i+3]...)
	}
	tags := [][3]uint32{
		{256, 4, uint32(w)}, {257, 4, uint32(h)}, {258, 3, 8}, {259, 3, 1}, {262, 3, 2}, {273, 4, 0}, {274, 3, uint32(orientation)},
		{277, 3, 3}, {278, 4, uint32(h)}, {279, 4, uint32(len(pixels))},
	}
	directory := uint32(2 + 12*len(tags) + 4 + 6)
	first := uint32(8)
	data := first + uint32(pages)*directory
	b := le.AppendUint32([]byte("II*\x00"), first)
	for page := range uint32(pages) {
		b = le.AppendUint16(b, uint16(len(tags)))
		bits := first + (page+1)*directory - 6
		for _, tag := range tags {
			b = le.AppendUint16(le.AppendUint16(b, uint16(tag[0])), uint16(tag[1]))
			switch tag[0] {
			case 258:
				b = le.AppendUint32(le.AppendUint32(b, 3), bits)
			case 273:
				b = le.AppendUint32(le.AppendUint32(b, 1), data)
			default:
				b = le.AppendUint32(le.AppendUint32(b, 1), tag[2])
			}
		}
		next := uint32(0)
		if int(page)+1 < pages {
			next = first + (page+1)*directory
		}
		b = le.AppendUint32(b, next)
		b = append(b, 8, 0, 8, 0, 8, 0)
	}
	return append(append(b, pixels...), secret...)
}

func TestEveryFormReadsAsTheSamePage(t *testing.T) {
	t.Parallel()
	m := page(320, 240)
	grey, deep, palette := image.NewGray(m.Rect), image.NewRGBA64(m.Rect), image.NewPaletted(m.Rect, color.Palette{color.RGBA{250, 248, 240, 255}, color.Black, color.RGBA{200, 20, 20, 255}})
	deepGrey := image.NewGray16(m.Rect)
	for y := range 240 {
		for x := range 320 {
			grey.Set(x, y, m.At(x, y))
			deep.Set(x, y, m.At(x, y))
			deepGrey.Set(x, y, m.At(x, y))
			palette.Set(x, y, m.At(x, y))
		}
	}
	encode := func(f func(*bytes.Buffer) error) []byte {
		var b bytes.Buffer
		if err := f(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	files := map[string][]byte{
		"rgb.jpg": asJPEG(t, m, 90), "rgb.png": asPNG(t, m), "16 bits.png": asPNG(t, deep), "palette.png": asPNG(t, palette),
		"grey.png": asPNG(t, grey), "grey.jpg": asJPEG(t, grey, 90), "grey 16 bits.png": asPNG(t, deepGrey),
		"rgb.bmp":     encode(func(b *bytes.Buffer) error { return bmp.Encode(b, m) }),
		"palette.gif": encode(func(b *bytes.Buffer) error { return gif.Encode(b, palette, nil) }),
		"deflate.tiff": encode(func(b *bytes.Buffer) error {
			return tiff.Encode(b, m, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
		}),
		"16 bits.tiff": encode(func(b *bytes.Buffer) error { return tiff.Encode(b, deep, nil) }),
	}
	for _, name := range []string{"lossy.webp", "lossless.webp", "progressive.jpg", "cmyk.jpg", "interlaced.png", "g4.tiff", "lzw.tiff"} {
		files[name] = drawn(t, name)
	}
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := prepare(t, imaging.Limits{KeepBytes: 1}, name, data)
			back := opened(t, got.Data)
			if got.Width != 320 || got.Height != 240 || got.MIME != "image/jpeg" {
				t.Fatalf("%s %dx%d", got.MIME, got.Width, got.Height)
			}
			sameColours(t, m, back, name)
			mustBeClean(t, got.Data)
		})
	}
}

// sameColours compares a patch of paper and the red corner; grey forms keep the brightness only.
func sameColours(t *testing.T, want, got image.Image, name string) {
	t.Helper()
	for _, at := range []image.Point{{40, 30}, {10, 55}, {319, 239}} {
		r0, g0, b0 := rgb(want, at.X, at.Y)
		r, g, b := rgb(got, at.X, at.Y)
		grey := r == g && g == b && max(r0, g0, b0)-min(r0, g0, b0) > 60
		if grey {
			luma, _, _ := color.RGBToYCbCr(uint8(r0), uint8(g0), uint8(b0))
			r0, g0, b0 = int(luma), int(luma), int(luma)
		}
		limit := 12
		switch name {
		case "cmyk.jpg":
			limit = 70 // through the printer's colours and back without a profile
		case "g4.tiff":
			limit = 80 // black or white
		}
		if d := max(abs(r-r0), abs(g-g0), abs(b-b0)); d > limit {
			t.Errorf("at %v: %d %d %d, want %d %d %d", at, r, g, b, r0, g0, b0)
		}
	}
}

func abs(n int) int { return max(n, -n) }

// drawn reads one of the files that were made from page(320, 240), or, where noted, from page(160, 120).
func drawn(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWhatCanBeSeenThroughStandsOnWhite(t *testing.T) {
	t.Parallel()
	clear := image.NewNRGBA(image.Rect(0, 0, 160, 120)) // black where it is transparent
	for y := range 60 {
		for x := range 80 {
			clear.Set(x, y, color.NRGBA{200, 20, 20, 255})
		}
	}
	files := map[string][]byte{
		"a.png": asPNG(t, clear), "alpha.webp": drawn(t, "alpha.webp"), "alpha-lossless.webp": drawn(t, "alpha-lossless.webp"),
		"animated.webp": drawn(t, "animated.webp"), "two-pages.tiff": drawn(t, "two-pages.tiff"),
	}
	for name, data := range files {
		got := prepare(t, imaging.Limits{}, name, data)
		if got.MIME != "image/jpeg" || got.Width != 160 || got.Height != 120 {
			t.Errorf("%s: %s %dx%d", name, got.MIME, got.Width, got.Height)
		}
		for _, kept := range [][]byte{got.Data, got.Thumb} {
			if r, g, b := rgb(opened(t, kept), 130, 100); min(r, g, b) < 250 {
				t.Errorf("%s: behind the picture is %d %d %d, not white", name, r, g, b)
			}
			if !red(opened(t, kept), 0, 0) {
				t.Errorf("%s: the red corner is gone", name)
			}
		}
	}
}

func TestLargePicturesAreShrunkAndSmallOnesNeverEnlarged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{4032, 3024, 2000, 1500},   // a phone's photo
		{3024, 4032, 1500, 2000},   // upright
		{4128, 2322, 2048, 1152},   // a wider one keeps its short side
		{1200, 4800, 768, 3072},    // a long receipt
		{2400, 2400, 2000, 2000},   // square
		{2000, 1000, 2000, 1000},   // at the limit
		{600, 2900, 600, 2900},     // a slim receipt stays
		{300, 200, 300, 200},       // small
		{16, 640, 16, 640},         // the slimmest that is taken
		{1000, 30000, 667, 20000},  // the longest
		{2001, 2001, 2000, 2000},   // by a hair
		{1153, 3073, 1152, 3070},   // the short side is at its limit
		{20000, 1000, 20000, 1000}, // wide
		{5000, 130, 5000, 130},     // a strip of 38 to 1
		{1999, 1999, 1999, 1999},   // odd and untouched
		{2500, 1801, 2000, 1441},   // odd
		{6000, 4000, 2000, 1333},   // a camera's
		{9000, 6600, 2000, 1467},   // close to the most
		{1152, 3072, 1152, 3072},   // exactly
		{4000, 1152, 3072, 885},    // short side cannot be kept
		{3072, 1200, 2949, 1152},   // short side is kept
		{16000, 3000, 6144, 1152},  // a panorama
		{30000, 2000, 17280, 1152}, // a long one
		{2000, 1999, 2000, 1999},   // nothing to do
		{10000, 5000, 2304, 1152},  // two to one
	} {
		w, h := imaging.New(imaging.Limits{}).Target(c.w, c.h)
		if w != c.wantW || h != c.wantH {
			t.Errorf("%dx%d becomes %dx%d, want %dx%d", c.w, c.h, w, h, c.wantW, c.wantH)
		}
	}
	// The same with a tenth of every limit, which is quicker to draw.
	tenth := imaging.Limits{LongSide: 200, ShortSide: 115, Longest: 307, ThumbSide: 26}
	for _, c := range [][4]int{{403, 302, 200, 150}, {302, 403, 150, 200}, {120, 480, 77, 307}, {30, 20, 30, 20}, {1000, 50, 1000, 50}, {17, 640, 17, 640}} {
		flat := image.NewGray(image.Rect(0, 0, c[0], c[1]))
		for name, data := range map[string][]byte{"a.jpg": asJPEG(t, flat, 50), "a.png": asPNG(t, flat)} {
			got := prepare(t, tenth, name, data)
			b := opened(t, got.Data).Bounds()
			if got.Width != b.Dx() || got.Height != b.Dy() || abs(got.Width-c[2]) > 1 || abs(got.Height-c[3]) > 1 {
				t.Errorf("%s %dx%d becomes %dx%d, said %dx%d", name, c[0], c[1], b.Dx(), b.Dy(), got.Width, got.Height)
			}
			thumb := opened(t, got.Thumb).Bounds()
			if long := max(thumb.Dx(), thumb.Dy()); long != min(26, max(c[2], c[3])) {
				t.Errorf("%s %dx%d: thumbnail %v", name, c[0], c[1], thumb)
			}
		}
	}
}

func TestShrinkingAveragesWhatItCovers(t *testing.T) {
	t.Parallel()
	// A fine chequerboard has the grey of its mean whichever way it is shrunk; taking single pixels would show bands.
	for _, size := range []image.Point{{403, 302}, {301, 299}, {240, 600}} {
		m := image.NewNRGBA(image.Rectangle{Max: size})
		for y := range size.Y {
			for x := range size.X {
				v := uint8(255 * ((x + y) & 1))
				m.SetNRGBA(x, y, color.NRGBA{v, v, v, 255})
			}
		}
		for name, data := range map[string][]byte{"a.jpg": asJPEG(t, m, 100), "a.png": asPNG(t, m)} {
			back := opened(t, prepare(t, imaging.Limits{LongSide: 60, ShortSide: 40, Longest: 80}, name, data).Data)
			for y := back.Bounds().Min.Y; y < back.Bounds().Max.Y; y++ {
				for x := back.Bounds().Min.X; x < back.Bounds().Max.X; x++ {
					if r, _, _ := rgb(back, x, y); abs(r-127) > 26 {
						t.Fatalf("%s %v: %d at %d,%d", name, size, r, x, y)
					}
				}
			}
		}
	}
}

func TestFramesBeyondTheFirstAreTold(t *testing.T) {
	t.Parallel()
	frame := image.NewPaletted(image.Rect(0, 0, 64, 64), color.Palette{color.White, color.Black})
	var moving bytes.Buffer
	if err := gif.EncodeAll(&moving, &gif.GIF{Image: []*image.Paletted{frame, frame, frame}, Delay: []int{1, 1, 1}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		more bool
	}{
		"three.tiff": {rawTIFF(page(320, 200), 1, 3), false},
		"moving.gif": {moving.Bytes(), true}, "animated.webp": {drawn(t, "animated.webp"), true}, "lossy.webp": {drawn(t, "lossy.webp"), false},
	} {
		if got := hasNote(prepare(t, imaging.Limits{}, name, c.data), imaging.NotePages); got != c.more {
			t.Errorf("%s: told of more pages: %t, want %t", name, got, c.more)
		}
	}
}

func TestPoorPicturesAreTold(t *testing.T) {
	t.Parallel()
	good := page(800, 600)
	dark, blank, blurred := image.NewGray(good.Rect), image.NewGray(good.Rect), image.NewGray(good.Rect)
	for y := range 600 {
		for x := range 800 {
			g := color.GrayModel.Convert(good.At(x, y)).(color.Gray).Y
			dark.SetGray(x, y, color.Gray{g / 8})
			blank.SetGray(x, y, color.Gray{240 + uint8((x+y)%3)})
			blurred.SetGray(x, y, color.Gray{uint8(40 + 4*min(x%100, 100-x%100))})
		}
	}
	for want, m := range map[string]image.Image{
		"": good, imaging.NoteDark: dark, imaging.NoteBlank: blank, imaging.NoteBlurred: blurred, imaging.NoteSmall: page(400, 300),
	} {
		got := prepare(t, imaging.Limits{}, "a.jpg", asJPEG(t, m, 90))
		if want == "" && len(got.Notes) > 0 || want != "" && !hasNote(got, want) {
			t.Errorf("want note %q, got %+v", want, got.Notes)
		}
	}
}

func TestUnusualFormsAreRefusedByName(t *testing.T) {
	t.Parallel()
	_, err := imaging.New(imaging.Limits{}).Prepare(t.Context(), "fax.tiff", bytes.NewReader(drawn(t, "jpeg.tiff")))
	mustRefuse(t, "fax.tiff", err)
	if m := errs.Message(err); !bytes.Contains([]byte(m), []byte("a TIFF with a JPEG inside")) {
		t.Error(m)
	}
}

package imaging_test

import (
	"bytes"
	"image"
	"image/color"
	"testing"

	"sheetlift/internal/imaging"
)

const (
	zipTail  = "PK\x03\x04 evil.html PK\x05\x06"
	htmlTail = "<html><script>alert(1)</script></html>"
)

// laden returns JPEG and PNG files with all kinds of metadata that a picture can carry.
func laden(t testing.TB, m image.Image) map[string][]byte {
	jpg, png := asJPEG(t, m, 90), asPNG(t, m)
	return map[string][]byte{
		"exif.jpg":    jpegWithEXIF(jpg, 1),
		"xmp.jpg":     segment(jpg, 0xe1, "http://ns.adobe.com/xap/1.0/\x00"+secret),
		"icc.jpg":     segment(jpg, 0xe2, "ICC_PROFILE\x00\x01\x01"+secret),
		"iptc.jpg":    segment(jpg, 0xed, "Photoshop 3.0\x00"+secret),
		"comment.jpg": segment(jpg, 0xfe, secret),
		"jfif.jpg":    segment(jpg, 0xe0, "JFXX\x00\x10"+secret),
		"zip.jpg":     append(bytes.Clone(jpg), zipTail+secret...),
		"html.jpg":    append(bytes.Clone(jpg), htmlTail+secret...),
		"twice.jpg":   append(bytes.Clone(jpg), jpegWithEXIF(jpg, 6)...),
		"exif.png":    pngWith(png, "eXIf", "II*\x00\x08\x00\x00\x00\x00\x00"+secret),
		"text.png":    pngWith(png, "tEXt", "Comment\x00"+secret),
		"profile.png": pngWith(png, "iCCP", secret),
		"private.png": pngWith(png, "prVt", secret),
		"zip.png":     append(bytes.Clone(png), zipTail+secret...),
		"html.png":    append(bytes.Clone(png), htmlTail+secret...),
		"idat.png":    bytes.Replace(png, chunk("IEND", ""), append(chunk("IDAT", htmlTail+secret), chunk("IEND", "")...), 1),
		"behind.png":  bytes.Replace(png, chunk("IEND", ""), append(chunk("zTXt", secret), chunk("IEND", "")...), 1),
	}
}

func TestNothingButPixelsIsKept(t *testing.T) {
	t.Parallel()
	for size, limits := range map[string]imaging.Limits{"kept": {}, "shrunk": {LongSide: 100, ShortSide: 80, Longest: 120}} {
		for name, data := range laden(t, page(320, 240)) {
			t.Run(size+"/"+name, func(t *testing.T) {
				t.Parallel()
				got := prepare(t, limits, name, data)
				for _, kept := range [][]byte{got.Data, got.Thumb} {
					for _, word := range []string{secret, "GPSLatitude", "0815", "<script>", "evil.html", "PK\x03\x04"} {
						if bytes.Contains(kept, []byte(word)) {
							t.Errorf("%q is kept", word)
						}
					}
					mustBeClean(t, kept)
				}
			})
		}
	}
}

func TestSmallUprightPicturesKeepTheirOwnCompression(t *testing.T) {
	t.Parallel()
	m := page(320, 240)
	for name, data := range laden(t, m) {
		got := prepare(t, imaging.Limits{}, name, data)
		want := "image/png"
		if name[len(name)-3:] == "jpg" {
			want = "image/jpeg"
		}
		if got.MIME != want {
			t.Errorf("%s became %s", name, got.MIME)
		}
		if !samePixels(opened(t, data), opened(t, got.Data)) {
			t.Errorf("%s: pixels differ", name)
		}
	}
	progressive := drawn(t, "progressive.jpg")
	if got := prepare(t, imaging.Limits{}, "progressive.jpg", progressive); !samePixels(opened(t, progressive), opened(t, got.Data)) {
		t.Error("progressive: pixels differ")
	}
}

func samePixels(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			if color.RGBA64Model.Convert(a.At(x, y)) != color.RGBA64Model.Convert(b.At(x, y)) {
				return false
			}
		}
	}
	return true
}

func TestOnlyWhatEveryEngineReadsIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	deep := image.NewRGBA64(image.Rect(0, 0, 64, 64))
	for i := range deep.Pix {
		deep.Pix[i] = 0xff
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	for name, c := range map[string]struct {
		data   []byte
		limits imaging.Limits
	}{
		"16 bits.png":  {data: asPNG(t, deep)},
		"clear.png":    {data: asPNG(t, clear)},
		"cmyk.jpg":     {data: drawn(t, "cmyk.jpg")},
		"lossy.webp":   {data: drawn(t, "lossy.webp")},
		"large.png":    {data: asPNG(t, page(320, 240)), limits: imaging.Limits{KeepBytes: 1000}},
		"turned.jpg":   {data: jpegWithEXIF(asJPEG(t, page(320, 240), 95), 6)},
		"adobergb.jpg": {data: segment(rgbJPEG(t), 0xee, "Adobe\x00\x64\x00\x00\x00\x00\x00")},
	} {
		got := prepare(t, c.limits, name, c.data)
		if got.MIME != "image/jpeg" || bytes.Contains(c.data, got.Data[200:]) {
			t.Errorf("%s was kept as it is (%s)", name, got.MIME)
		}
	}
}

// rgbJPEG is a JPEG without the mark that its colours are luma and chroma.
func rgbJPEG(t testing.TB) []byte { return asJPEG(t, page(64, 64), 90) }

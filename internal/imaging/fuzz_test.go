package imaging_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
)

// seeds adds a small file of every kind, good and bad.
func seeds(f *testing.F) {
	m := page(64, 48)
	jpg, png := asJPEG(f, m, 80), asPNG(f, m)
	for _, data := range [][]byte{
		jpg, png, jpegWithEXIF(jpg, 6), pngWith(png, "eXIf", string(exif(binary.LittleEndian, 8))), rawTIFF(page(20, 20), 3, 2),
		append(bytes.Clone(jpg), zipTail...), heif("heic", 4032, 3024), heif("avif", 1<<31, 1<<31), nil, {0xff, 0xd8, 0xff}, []byte("GIF89a"), []byte("%PDF-1.4"), []byte("<svg/>"),
	} {
		f.Add(data)
	}
	for _, data := range bombs(f) {
		f.Add(data)
	}
	drawn, err := filepath.Glob("testdata/*.*")
	if err != nil || len(drawn) == 0 {
		f.Fatal("no drawn files", err)
	}
	for _, name := range drawn {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func FuzzSniff(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		kind := imaging.Sniff(data)
		if kind == "" {
			t.Fatal("no word for it")
		}
		if kind.Accepted() && len(data) < 3 {
			t.Errorf("%q is taken for a %s picture", data, kind)
		}
		if kind == imaging.PNG && !strings.HasPrefix(string(data), "\x89PNG") || kind == imaging.JPEG && data[0] != 0xff {
			t.Errorf("%q is taken for a %s picture", data[:4], kind)
		}
	})
}

func FuzzEXIF(f *testing.F) {
	f.Add(exif(binary.LittleEndian, 6))
	f.Add(exif(binary.BigEndian, 99))
	f.Add([]byte("II*\x00\xff\xff\xff\xff"))
	f.Add([]byte("MM\x00*\x00\x00\x00\x08\xff\xff"))
	f.Fuzz(func(t *testing.T, block []byte) {
		if o := imaging.EXIFOrientation(block); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}

func FuzzHeader(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		switch kind := imaging.Sniff(data); {
		case kind == imaging.ZIP || !kind.Accepted() && kind != imaging.HEIC && kind != imaging.AVIF:
			return
		}
		w, h, orientation, pages, err := imaging.Header(data)
		if err == nil && (w < 0 || h < 0 || orientation < 1 || orientation > 8 || pages < 1 || pages > 1000) {
			t.Errorf("%dx%d, orientation %d, %d pages", w, h, orientation, pages)
		}
	})
}

// FuzzStrip checks that a stripped file decodes to the same picture as the original.
func FuzzStrip(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		kept := imaging.Kept(data)
		if kept == nil || len(data) > 1<<20 {
			return
		}
		if again := imaging.Kept(kept); !bytes.Equal(again, kept) {
			t.Error("what was kept is not stable")
		}
		decode := jpeg.Decode
		if imaging.Sniff(data) == imaging.PNG {
			decode = png.Decode
		}
		if w, h, _, _, _ := imaging.Header(data); w*h > 1<<20 {
			return
		}
		before, err := decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		after, err := decode(bytes.NewReader(kept))
		if err != nil || after.Bounds() != before.Bounds() {
			t.Errorf("the file opens, what was kept of it does not: %v", err)
		}
	})
}

func FuzzPrepare(f *testing.F) {
	seeds(f)
	p := imaging.New(imaging.Limits{MaxPixels: 1 << 20, Memory: 64 << 20, LongSide: 200, ShortSide: 100, Longest: 300})
	f.Fuzz(func(t *testing.T, data []byte) {
		switch imaging.Sniff(data) {
		case imaging.HEIC, imaging.AVIF, imaging.PDF:
			return // these are decoded in a child process, which is too slow for fuzzing
		}
		got, err := p.Prepare(t.Context(), "a.jpg", bytes.NewReader(data))
		if err != nil {
			if !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.TooLarge) {
				t.Fatal(err)
			}
			return
		}
		for _, kept := range [][]byte{got.Data, got.Thumb} {
			c, _, err := image.DecodeConfig(bytes.NewReader(kept))
			if err != nil || max(c.Width, c.Height) > 300 {
				t.Errorf("%v, %dx%d", err, c.Width, c.Height)
			}
		}
	})
}

// heif builds the boxes of a HEIC that claims a size, without a picture.
func heif(brand string, w, h uint32) []byte {
	box := func(kind string, body ...[]byte) []byte {
		all := bytes.Join(body, nil)
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(all)+8)), kind...), all...)
	}
	ispe := box("ispe", binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(make([]byte, 4), w), h))
	return append(box("ftyp", []byte(brand), make([]byte, 4), []byte("mif1"+brand)),
		box("meta", make([]byte, 4), box("iprp", box("ipco", ispe)))...)
}

func FuzzArchive(f *testing.F) {
	jpg, tif := asJPEG(f, page(32, 24), 80), rawTIFF(page(20, 20), 3, 2)
	f.Add(zipped(f, packedFile{"a.jpg", jpg}, packedFile{"b/2.tiff", tif}, packedFile{"../c.txt", []byte("text")}))
	f.Add(zipped(f, packedFile{"bomb.jpg", append(bytes.Clone(jpg), make([]byte, 2<<20)...)}))
	f.Add(zipped(f, packedFile{"in.zip", zipped(f, packedFile{"a.jpg", jpg})}))
	f.Add(zipped(f))
	p := imaging.New(imaging.Limits{MaxBytes: 4 << 20, MaxPacked: 1 << 20, MaxParts: 8, MaxPixels: 1 << 20, Memory: 64 << 20, LongSide: 200})
	f.Fuzz(func(t *testing.T, data []byte) {
		switch imaging.Sniff(data) {
		case imaging.HEIC, imaging.AVIF, imaging.PDF:
			return
		}
		last := 0
		for part, err := range p.Parts(t.Context(), "a.zip", bytes.NewReader(data), func(int) bool { return false }) {
			if err = cmp.Or(err, part.Refused); err != nil && !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.TooLarge) {
				t.Fatal(err)
			}
			if part.N != 0 && part.N != last+1 || part.N > 8 || strings.ContainsAny(part.Filename, `/\`) && part.Filename != "/" {
				t.Fatalf("part %d after %d, %q", part.N, last, part.Filename)
			}
			last = part.N
		}
	})
}

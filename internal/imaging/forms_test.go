package imaging_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"strings"
	"testing"

	"golang.org/x/image/tiff"

	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
)

// tagged writes a TIFF with directories of 32-bit tags; a tag with a negative value points to the directory of that
// number.
func tagged(directories ...map[uint16]int32) []byte {
	le := binary.LittleEndian
	at := make([]uint32, len(directories)+1)
	at[0] = 8
	for i, d := range directories {
		at[i+1] = at[i] + uint32(2+12*len(d)+4)
	}
	b := le.AppendUint32([]byte("II*\x00"), at[0])
	for _, d := range directories {
		b = le.AppendUint16(b, uint16(len(d)))
		for tag := range 65535 {
			value, has := d[uint16(tag)]
			if !has {
				continue
			}
			if value < 0 {
				value = int32(at[-value])
			}
			b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, uint16(tag)), 4), 1), uint32(value))
		}
		b = le.AppendUint32(b, 0)
	}
	return b
}

func TestRawPhotosAreRefusedByName(t *testing.T) {
	t.Parallel()
	preview := map[uint16]int32{256: 160, 257: 120, 259: 1, 262: 2, 254: 1}
	with := func(tag uint16, value int32) map[uint16]int32 {
		d := map[uint16]int32{tag: value}
		for k, v := range preview {
			d[k] = v
		}
		return d
	}
	for name, data := range map[string][]byte{
		"phone.dng":  tagged(with(330, -1), map[uint16]int32{256: 4000, 257: 3000, 262: 32803}),
		"linear.dng": tagged(with(50706, 1)),
		"a.nef":      tagged(with(330, -1), map[uint16]int32{256: 4000, 257: 3000, 259: 34713}),
		"a.arw":      tagged(with(330, -1), map[uint16]int32{256: 4000, 257: 3000, 259: 32767}),
		"a.cr2":      []byte("II*\x00\x10\x00\x00\x00CR\x02\x00"),
		"a.cr3":      []byte("\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom"),
		"a.orf":      []byte("IIRO\x08\x00\x00\x00"),
		"a.rw2":      []byte("IIU\x00\x18\x00\x00\x00"),
		"a.raf":      []byte("FUJIFILMCCD-RAW 0201"),
	} {
		_, err := imaging.New(imaging.Limits{}).Prepare(t.Context(), name, bytes.NewReader(data))
		mustRefuse(t, name, err)
		if m := errs.Message(err); !strings.Contains(m, "raw photo") || !strings.Contains(m, "JPEG") {
			t.Errorf("%s: %s", name, m)
		}
	}
	prepare(t, imaging.Limits{}, "plain.tiff", rawTIFF(page(160, 120), 1, 1))
}

func TestATIFFInLayersIsRefusedByName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tags map[uint16]int32
		word string
	}{
		"planar.tiff": {map[uint16]int32{256: 160, 257: 120, 259: 1, 262: 2, 277: 3, 284: 2}, "a TIFF in separate planes"},
		"layers.tiff": {map[uint16]int32{256: 160, 257: 120, 259: 1, 262: 1, 277: 2}, "a grey TIFF with a second layer"},
	} {
		_, err := imaging.New(imaging.Limits{}).Prepare(t.Context(), name, bytes.NewReader(tagged(c.tags)))
		mustRefuse(t, name, err)
		if m := errs.Message(err); !strings.Contains(m, c.word) {
			t.Errorf("%s: %s", name, m)
		}
	}
}

func TestEveryFormThatCanBeSeenThroughStandsOnWhite(t *testing.T) {
	t.Parallel()
	clear := image.NewNRGBA(image.Rect(0, 0, 160, 120))
	deep := image.NewNRGBA64(clear.Rect)
	index := image.NewPaletted(clear.Rect, color.Palette{color.NRGBA{}, color.NRGBA{200, 20, 20, 255}})
	for y := range 60 {
		for x := range 80 {
			clear.Set(x, y, color.NRGBA{200, 20, 20, 255})
			deep.Set(x, y, color.NRGBA{200, 20, 20, 255})
			index.SetColorIndex(x, y, 1)
		}
	}
	var moving, rgba, rgba64 bytes.Buffer
	for _, err := range []error{gif.Encode(&moving, index, nil), tiff.Encode(&rgba, clear, nil), tiff.Encode(&rgba64, deep, nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	files := map[string][]byte{
		"a.png": asPNG(t, clear), "16 bits.png": asPNG(t, deep), "palette.png": asPNG(t, index), "a.gif": moving.Bytes(),
		"a.tiff": rgba.Bytes(), "16 bits.tiff": rgba64.Bytes(), "a.webp": drawn(t, "alpha.webp"),
		"a.heic": drawn(t, "alpha.heic"),
	}
	for name, data := range files {
		p := imaging.New(imaging.Limits{TmpDir: t.TempDir(), Self: self(t)})
		got, err := p.Prepare(t.Context(), name, bytes.NewReader(data))
		if name == "a.heic" && err != nil && strings.Contains(err.Error(), "a HEIC picture with transparency") {
			continue // this machine has our own decoder only
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r, g, b := rgb(opened(t, got.Data), 130, 100); min(r, g, b) < 245 {
			t.Errorf("%s: behind the picture is %d %d %d, not white", name, r, g, b)
		}
		if !red(opened(t, got.Data), 0, 0) {
			t.Errorf("%s: the ink is gone", name)
		}
	}
}

func TestAnAVIFThatCanBeSeenThroughIsBlackOnWhite(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{TmpDir: t.TempDir()})
	if !p.Opens(imaging.AVIF) {
		t.Skip("this machine opens no AVIF")
	}
	got, err := p.Prepare(t.Context(), "a.avif", bytes.NewReader(drawn(t, "alpha.avif")))
	if err != nil {
		t.Fatal(err)
	}
	m := opened(t, got.Data)
	dark, light := 0, 0
	for y := range got.Height {
		for x := range got.Width {
			if r, _, _ := rgb(m, x, y); r < 64 {
				dark++
			} else if r > 240 {
				light++
			}
		}
	}
	if light < 2*dark || dark == 0 {
		t.Errorf("%d dark and %d light pixels: not writing on white", dark, light)
	}
}

func TestTheMainPictureOfSeveralInAHEICIsTakenAndToldOf(t *testing.T) {
	t.Parallel()
	for main := range 3 {
		mustTakeTheMainOne(t, main)
	}
	p := imaging.New(imaging.Limits{TmpDir: t.TempDir(), Self: self(t)})
	got, err := p.Prepare(t.Context(), "one.heic", bytes.NewReader(drawn(t, "alpha.heic")))
	if err == nil && hasNote(got, imaging.NotePages) {
		t.Error("a transparency map counts as a picture")
	}
}

// mustTakeTheMainOne opens a HEIC of three pictures of which the given one is the main one.
func mustTakeTheMainOne(t *testing.T, main int) {
	t.Helper()
	p := imaging.New(imaging.Limits{TmpDir: t.TempDir(), Self: self(t)})
	file := drawn(t, "three.heic") // numbered 2 to 4
	binary.BigEndian.PutUint16(file[bytes.Index(file, []byte("pitm"))+8:], uint16(2+main))
	got, err := p.Prepare(t.Context(), "three.heic", bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if height := []int{40, 80, 120}[main]; got.Width != 160 || got.Height != height {
		t.Errorf("the main one is %d pixels high, taken was one of %d × %d", height, got.Width, got.Height)
	}
	if !hasNote(got, imaging.NotePages) || !strings.Contains(fmt.Sprint(got.Notes), "3 pictures") {
		t.Errorf("not told: %+v", got.Notes)
	}
}

func TestAnArchiveOfFalsePicturesIsGivenUp(t *testing.T) {
	t.Parallel()
	good := asJPEG(t, page(64, 64), 90)
	var files []packedFile
	for i := range 60 {
		files = append(files, packedFile{fmt.Sprintf("%02d.jpg", i), append(bytes.Clone(good[:300]), byte(i))})
	}
	files[10].data = good
	lines, err := walked(t, imaging.New(imaging.Limits{}), "false.zip", zipped(t, files...))
	if len(lines) != 31 || !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "20 files one after the other") {
		t.Errorf("%d parts, then %v", len(lines), err)
	}
}

func TestFilesThatOverlapInAnArchiveAreRefused(t *testing.T) {
	t.Parallel()
	good := asJPEG(t, page(64, 64), 90)
	file := zipped(t, packedFile{"a.jpg", good}, packedFile{"b.jpg", good})
	second := bytes.LastIndex(file, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(file[second+42:], 0) // the same bytes as the first
	lines, err := walked(t, imaging.New(imaging.Limits{}), "twice.zip", file)
	if len(lines) > 0 || !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("%q, %v", lines, err)
	}
}

func TestAnArchiveThatIsPackedTooTightlyAsAWholeIsRefused(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	block := make([]byte, 900<<10) // below the size from which the ratio of a single file is checked
	for i := range 80 {
		w, err := z.Create(fmt.Sprintf("%d.bmp", i))
		if err == nil {
			_, err = w.Write(block)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	lines, err := walked(t, imaging.New(imaging.Limits{}), "tight.zip", b.Bytes())
	if len(lines) > 0 || !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "packed far too tightly") {
		t.Errorf("%q, %v", lines, err)
	}
}

func TestThePixelsOfAWholeArchiveAreBounded(t *testing.T) {
	t.Parallel()
	cut := claiming(t, asJPEG(t, page(64, 64), 90), 7000, 7000, 0) // 49 million pixels, truncated
	var files []packedFile
	for i := range 20 {
		files = append(files, packedFile{fmt.Sprintf("%02d.jpg", i), cut})
	}
	files[10].data = asPNG(t, page(64, 64))
	lines, err := walked(t, imaging.New(imaging.Limits{}), "wide.zip", zipped(t, files...))
	if len(lines) != 14 || !errs.Is(err, errs.TooLarge) || !strings.Contains(err.Error(), "600 million pixels") {
		t.Errorf("%d parts, then %v", len(lines), err)
	}
}

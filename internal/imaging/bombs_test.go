package imaging_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"runtime"
	"strings"
	"testing"

	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
)

// pngHeader is a PNG that claims a size and has hardly any data.
func pngHeader(w, h uint32, depth, colours, interlace byte) []byte {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	b = append(b, depth, colours, 0, 0, interlace)
	return bytes.Join([][]byte{[]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", string(b)), chunk("IDAT", "x\x9c\x63\x60"), chunk("IEND", "")}, nil)
}

// claiming changes the size in a JPEG's frame header, and its marker unless 0.
func claiming(t testing.TB, file []byte, w, h uint16, marker byte) []byte {
	b := bytes.Clone(file)
	at := bytes.Index(b, []byte{0xff, 0xc0, 0, 17})
	if at < 0 {
		t.Fatal("no frame header")
	}
	binary.BigEndian.PutUint16(b[at+5:], h)
	binary.BigEndian.PutUint16(b[at+7:], w)
	if marker != 0 {
		b[at+1] = marker
	}
	return b
}

func bmpHeader(w, h int32) []byte {
	b := append([]byte("BM"), make([]byte, 52)...)
	binary.LittleEndian.PutUint32(b[10:], 54)
	binary.LittleEndian.PutUint32(b[14:], 40)
	binary.LittleEndian.PutUint32(b[18:], uint32(w))
	binary.LittleEndian.PutUint32(b[22:], uint32(h))
	binary.LittleEndian.PutUint16(b[26:], 1)
	binary.LittleEndian.PutUint16(b[28:], 24)
	return b
}

// riff packs chunks into a WebP.
func riff(chunks ...string) []byte {
	body := "WEBP"
	for _, c := range chunks {
		body += c
		if len(c)%2 == 1 {
			body += "\x00"
		}
	}
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func riffChunk(id string, data []byte) string {
	return string(append(binary.LittleEndian.AppendUint32([]byte(id), uint32(len(data))), data...))
}

func canvas(flags byte, w, h uint32) string {
	w, h = w-1, h-1
	return riffChunk("VP8X", []byte{flags, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)})
}

func lossless(w, h uint32) string {
	return riffChunk("VP8L", append(binary.LittleEndian.AppendUint32([]byte{0x2f}, w-1|(h-1)<<14), make([]byte, 32)...))
}

func lossy(w, h uint16) string {
	b := []byte{0x50, 0x02, 0, 0x9d, 0x01, 0x2a}
	b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, w), h)
	return riffChunk("VP8 ", append(b, make([]byte, 32)...))
}

// patched changes the first value of a tag in a little-endian TIFF.
func patched(file []byte, tag uint16, value uint32) []byte {
	b := bytes.Clone(file)
	n := int(binary.LittleEndian.Uint16(b[8:]))
	for i := range n {
		if e := b[10+12*i:]; binary.LittleEndian.Uint16(e) == tag {
			binary.LittleEndian.PutUint32(e[8:], value)
		}
	}
	return b
}

// bombs are small files that claim to be huge, or expensive to decode.
func bombs(t testing.TB) map[string][]byte {
	jpg, tif := asJPEG(t, page(64, 64), 90), rawTIFF(page(64, 64), 1, 1)
	gif := func(w, h uint16) []byte {
		b := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16([]byte("GIF89a"), w), h)
		b = append(b, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2c, 0, 0, 0, 0)
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, w), h)
		return append(b, 0, 2, 2, 0x4c, 1, 0, 0x3b)
	}
	return map[string][]byte{
		"16 bits.png":     pngHeader(50000, 50000, 16, 6, 0),
		"1 bit.png":       pngHeader(20000, 20000, 1, 0, 0),
		"2^31.png":        pngHeader(1<<31-1, 1<<31-1, 8, 2, 0),
		"liar 2^32.png":   pngHeader(1<<32-1, 1<<32-1, 8, 2, 0),
		"interlaced.png":  pngHeader(7000, 8000, 16, 6, 1),
		"costly.png":      pngHeader(7500, 7900, 16, 6, 0),
		"tall.png":        pngHeader(40, 31000, 8, 2, 0),
		"wide.jpg":        claiming(t, jpg, 65535, 65535, 0),
		"progressive.jpg": claiming(t, jpg, 65535, 65535, 0xc2),
		"costly.jpg":      claiming(t, jpg, 10000, 6000, 0xc2),
		"canvas.gif":      gif(65535, 65535),
		"strip.gif":       gif(65535, 900),
		"canvas.webp":     riff(canvas(0, 16383, 16383), lossy(16383, 16383)),
		"lossy.webp":      riff(lossy(16383, 16383)),
		"lossless.webp":   riff(lossless(16384, 16384)),
		"liar.webp":       riff(canvas(0, 64, 64), lossless(16384, 16384)),
		"animated.webp":   riff(canvas(2, 16384, 16384), riffChunk("ANMF", append(make([]byte, 16), lossy(16383, 16383)...))),
		"rows.bmp":        bmpHeader(60000, 60000),
		"large.heic":      heif("heic", 16384, 12288),
		"2^32.heic":       heif("heic", 1<<32-1, 1<<32-1),
		"2^31.bmp":        bmpHeader(1<<31-1, -1<<31),
		"strips.tiff":     patched(patched(tif, 256, 60000), 257, 60000),
		"2^32.tiff":       patched(patched(tif, 256, 1<<32-1), 257, 1<<32-1),
	}
}

// It is not parallel: it counts the allocations of the whole process.
func TestBombsAreRefusedByTheirHeaders(t *testing.T) {
	p := imaging.New(imaging.Limits{Self: self(t)})
	for name, data := range bombs(t) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := p.Prepare(t.Context(), name, bytes.NewReader(data))
		runtime.ReadMemStats(&after)
		mustRefuse(t, name, err)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("%s: refusing it took %d KB", name, took>>10)
		}
		m := errs.Message(err)
		if !strings.Contains(m, "too large") && !strings.Contains(m, "memory") && !strings.Contains(m, "strip") && !strings.HasPrefix(name, "liar") {
			t.Errorf("%s: %s", name, m)
		}
	}
}

// The frames lie inside a small canvas.
func TestFramesLargerThanTheyClaimAreRefused(t *testing.T) {
	p := imaging.New(imaging.Limits{})
	for name, data := range map[string][]byte{
		"still.webp":  riff(canvas(0, 64, 64), lossy(16383, 16383)),
		"moving.webp": riff(canvas(2, 64, 64), riffChunk("ANMF", append(make([]byte, 16), lossless(16384, 16384)...))),
		"nested.webp": riff(canvas(2, 64, 64), riffChunk("ANMF", append(make([]byte, 16), canvas(2, 16384, 16384)...))),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := p.Prepare(t.Context(), name, bytes.NewReader(data))
		runtime.ReadMemStats(&after)
		mustRefuse(t, name, err)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("%s: refusing it took %d KB", name, took>>10)
		}
	}
}

func TestOneScanTooManyIsRefused(t *testing.T) {
	t.Parallel()
	file := drawn(t, "progressive.jpg")
	at := bytes.LastIndex(file, []byte{0xff, 0xda})
	scan := file[at : len(file)-2]
	many := append(append(bytes.Clone(file[:at]), bytes.Repeat(scan, 120)...), 0xff, 0xd9)
	_, err := imaging.New(imaging.Limits{}).Prepare(t.Context(), "layers.jpg", bytes.NewReader(many))
	mustRefuse(t, "layers.jpg", err)
	if !strings.Contains(err.Error(), "100 layers") {
		t.Error(err)
	}
	film := append(asJPEG(t, page(320, 240), 90), bytes.Repeat(scan, 120)...)
	prepare(t, imaging.Limits{}, "moving photo.jpg", film)
}

func TestTruncationIsRefusedOrShownNeverStuck(t *testing.T) {
	t.Parallel()
	m := page(320, 240)
	files := map[string][]byte{
		"a.jpg": asJPEG(t, m, 90), "a.png": asPNG(t, m), "a.tiff": rawTIFF(m, 1, 2), "large.jpg": asJPEG(t, page(2100, 1000), 90),
	}
	for _, name := range []string{"lossy.webp", "lossless.webp", "alpha.webp", "alpha-lossless.webp", "animated.webp", "progressive.jpg", "cmyk.jpg", "interlaced.png", "g4.tiff", "lzw.tiff", "two-pages.tiff"} {
		files[name] = drawn(t, name)
	}
	p := imaging.New(imaging.Limits{})
	for name, data := range files {
		for part := range 16 {
			t.Run(fmt.Sprintf("%s/%d", name, part), func(t *testing.T) {
				t.Parallel()
				got, err := p.Prepare(t.Context(), name, bytes.NewReader(data[:len(data)*part/16]))
				if err != nil {
					mustRefuse(t, name, err)
					return
				}
				if _, _, err := image.Decode(bytes.NewReader(got.Data)); err != nil {
					t.Errorf("accepted, and what was kept does not open: %v", err)
				}
			})
		}
	}
}

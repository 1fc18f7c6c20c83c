package imaging_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"
)

// page draws a sheet of paper: ruled lines, dark marks in rows like writing, some of them coloured, and a red
// square in the upper left corner that shows the orientation.
func page(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(color.RGBA{250, 248, 240, 255}), image.Point{}, draw.Src)
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	line := max(4, h/60)
	for y := line; y+line < h; y += 2 * line {
		for x := line; x+line < w; x += line/2 + 1 {
			ink := color.RGBA{uint8(r.IntN(80)), uint8(r.IntN(80)), uint8(r.IntN(160)), 255}
			if r.IntN(5) > 0 {
				draw.Draw(m, image.Rect(x, y, x+max(1, line/3), y+r.IntN(line)+1), image.NewUniform(ink), image.Point{}, draw.Src)
			}
		}
	}
	draw.Draw(m, image.Rect(0, 0, w/4, h/4), image.NewUniform(color.RGBA{200, 20, 20, 255}), image.Point{}, draw.Src)
	return m
}

// photo draws a phone's photo of a sheet: the page in 4:2:0 with the noise of a sensor.
func photo(w, h int) *image.YCbCr {
	src := page(w, h)
	m := image.NewYCbCr(src.Rect, image.YCbCrSubsampleRatio420)
	r := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			p := src.Pix[y*src.Stride+4*x:]
			luma, cb, cr := color.RGBToYCbCr(p[0], p[1], p[2])
			noise := int(r.Uint32()&15) + int(r.Uint32()&15) - 15
			m.Y[m.YOffset(x, y)] = uint8(min(max(int(luma)*9/10+noise, 0), 255))
			m.Cb[m.COffset(x, y)], m.Cr[m.COffset(x, y)] = cb, cr
		}
	}
	return m
}

func asJPEG(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exif returns an EXIF block with an orientation, followed by words that must never be kept.
func exif(order binary.AppendByteOrder, orientation uint16) []byte {
	start := "II*\x00"
	if order.String() == "BigEndian" {
		start = "MM\x00*"
	}
	b := order.AppendUint32([]byte(start), 8)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 274)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, orientation)
	b = append(b, 0, 0, 0, 0, 0, 0)
	return append(b, secret...)
}

// secret stands for private metadata in files.
const secret = "GPSLatitude 52.5200 serial 0815"

// segment inserts a segment after the start of a JPEG.
func segment(file []byte, mark byte, data string) []byte {
	out := append([]byte{0xff, 0xd8, 0xff, mark}, byte((len(data)+2)>>8), byte(len(data)+2))
	return append(append(out, data...), file[2:]...)
}

func jpegWithEXIF(file []byte, orientation uint16) []byte {
	return segment(file, 0xe1, "Exif\x00\x00"+string(exif(binary.BigEndian, orientation)))
}

// chunk makes a chunk of a PNG.
func chunk(kind, data string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// pngWith inserts a chunk after the header of a PNG.
func pngWith(file []byte, kind, data string) []byte {
	return bytes.Join([][]byte{file[:33], chunk(kind, data), file[33:]}, nil)
}

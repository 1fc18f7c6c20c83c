package imaging

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"sheetlift/internal/danger"
)

// decode decodes a picture whose header was checked, in a dangerous section.
func decode(ctx context.Context, h header, up *upload) (img image.Image, err error) {
	err = danger.Do(ctx, func() error {
		img, err = decodeHere(ctx, h, up)
		return err
	})
	return img, err
}

// decodeHere decodes. A panic of a decoder becomes errDamaged.
func decodeHere(ctx context.Context, h header, up *upload) (img image.Image, err error) {
	defer func() {
		if r := recover(); r != nil {
			img, err = nil, fmt.Errorf("%w: decoder panic: %v", errDamaged, r)
		}
	}()
	src := &ctxReaderAt{ctx: ctx, SectionReader: io.NewSectionReader(up, 0, up.size)}
	var in io.Reader = src
	if h.kind != TIFF {
		in = bufio.NewReaderSize(src, 32<<10)
	}
	switch h.kind {
	case JPEG:
		img, err = jpeg.Decode(in)
	case PNG:
		img, err = png.Decode(in)
	case GIF:
		img, err = gif.Decode(in)
	case BMP:
		img, err = bmp.Decode(in)
	case TIFF:
		img, err = tiff.Decode(in)
	case WebP:
		img, err = decodeWebP(h, src, in)
	default:
		err = fmt.Errorf("no decoder for %s", h.kind)
	}
	if err != nil {
		return nil, translate(h.kind, err)
	}
	if b := img.Bounds(); b.Dx() < 1 || b.Dy() < 1 {
		return nil, errors.New("no pixels")
	}
	if m, ok := img.(*image.Gray); ok && h.inverted {
		for i, v := range m.Pix {
			m.Pix[i] = ^v
		}
	}
	return img, nil
}

// decodeWebP decodes a still picture, or the first frame of an animation, which is wrapped in a container of its
// own.
func decodeWebP(h header, src *ctxReaderAt, in io.Reader) (image.Image, error) {
	if h.first.size > 0 {
		frame := make([]byte, min(h.first.size, src.Size()))
		if _, err := src.ReadAt(frame, h.first.at); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		still, err := stillWebP(frame)
		if err != nil {
			return nil, err
		}
		p := &parser{r: still, size: still.size}
		one := header{kind: WebP, orientation: 1}
		if err := one.readWebP(p); err != nil {
			return nil, err
		}
		if one.first.size > 0 || one.width > h.width || one.height > h.height {
			return nil, errDamaged
		}
		in = io.NewSectionReader(still, 0, still.size)
	}
	img, err := webp.Decode(in)
	if err != nil {
		return nil, err
	}
	switch m := img.(type) {
	case *image.YCbCr:
		fullRange(m)
	case *image.NYCbCrA:
		fullRange(&m.YCbCr)
	}
	return img, nil
}

// stillWebP wraps the chunks of one frame in a file.
func stillWebP(frame []byte) (*upload, error) {
	body := []byte("WEBP")
	if len(frame) < 8 {
		return nil, io.ErrUnexpectedEOF
	}
	if string(frame[:4]) == "ALPH" {
		n := uint64(binary.LittleEndian.Uint32(frame[4:]))
		rest := 8 + n + n&1
		if rest+18 > uint64(len(frame)) {
			return nil, io.ErrUnexpectedEOF
		}
		// The picture's own chunk holds the size of the frame; the decoder needs it in front.
		b := frame[rest+8:]
		w, ht := uint32(binary.LittleEndian.Uint16(b[6:])&0x3fff)-1, uint32(binary.LittleEndian.Uint16(b[8:])&0x3fff)-1
		body = append(body, "VP8X\x0a\x00\x00\x00\x10\x00\x00\x00"...)
		body = append(body, byte(w), byte(w>>8), byte(w>>16), byte(ht), byte(ht>>8), byte(ht>>16))
	}
	body = append(body, frame...)
	out := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body)))
	return newMemory(append(out, body...)), nil
}

// fullRange expands the colours of a lossy WebP, which run from 16 to 235 and 240 as in television, to the full
// range of JPEG.
func fullRange(m *image.YCbCr) {
	var luma, chroma [256]byte
	for i := range 256 {
		luma[i] = clamp((i-16)*255*2/219, 2)
		chroma[i] = clamp(((i-128)*255*2/224)+256, 2)
	}
	for i, v := range m.Y {
		m.Y[i] = luma[v]
	}
	for i, v := range m.Cb {
		m.Cb[i] = chroma[v]
	}
	for i, v := range m.Cr {
		m.Cr[i] = chroma[v]
	}
}

func clamp(v, unit int) byte { return byte(min(max((v+unit/2)/unit, 0), 255)) }

// ctxReaderAt fails once its context has ended.
type ctxReaderAt struct {
	ctx context.Context
	*io.SectionReader
}

func (g *ctxReaderAt) Read(b []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	return g.SectionReader.Read(b)
}

func (g *ctxReaderAt) ReadAt(b []byte, off int64) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	return g.SectionReader.ReadAt(b, off)
}

// opaque reports whether every pixel is opaque.
func opaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

package imaging

import (
	"image"
	"image/color"
)

// shrinkLines shrinks a picture of any form by converting line after line to luma and chroma. Transparent pixels
// are composed on white, as on paper.
func shrinkLines(img image.Image, w, h int) picture {
	b := img.Bounds()
	sw, sh := b.Dx(), b.Dy()
	stepX, stepY := ratio(sw, w), ratio(sh, h)
	read, grey := lineReader(img)
	luma := newScaler(sw, sh, w, h, stepX, stepY)
	line := make([]byte, 3*sw)
	y := line[:sw]
	if grey {
		for r := range sh {
			read(r, line)
			luma.feed(r, y)
		}
		return picture{w: w, h: h, y: luma.dst}
	}
	blue := newScaler(sw, sh, (w+1)/2, (h+1)/2, 2*stepX, 2*stepY)
	red := newScaler(sw, sh, (w+1)/2, (h+1)/2, 2*stepX, 2*stepY)
	cb, cr := make([]byte, sw), make([]byte, sw)
	luminance := make([]byte, sw)
	for r := range sh {
		read(r, line)
		for x := range sw {
			luminance[x], cb[x], cr[x] = color.RGBToYCbCr(line[3*x], line[3*x+1], line[3*x+2])
		}
		luma.feed(r, luminance)
		blue.feed(r, cb)
		red.feed(r, cr)
	}
	return picture{w: w, h: h, y: luma.dst, cb: blue.dst, cr: red.dst}
}

// lineReader returns a function that reads line r of img: one byte per pixel if grey, otherwise RGB over white.
func lineReader(img image.Image) (read func(r int, line []byte), grey bool) {
	b := img.Bounds()
	switch m := img.(type) {
	case *image.Gray16:
		return func(r int, line []byte) {
			row := m.Pix[r*m.Stride:]
			for x := range b.Dx() {
				line[x] = row[2*x]
			}
		}, true
	case *image.Paletted:
		return paletteReader(m)
	case *image.RGBA:
		return func(r int, line []byte) { overWhite(line, m.Pix[r*m.Stride:], b.Dx(), false) }, false
	case *image.NRGBA:
		return func(r int, line []byte) { overWhite(line, m.Pix[r*m.Stride:], b.Dx(), true) }, false
	case *image.CMYK:
		return func(r int, line []byte) {
			row := m.Pix[r*m.Stride:]
			for x := range b.Dx() {
				line[3*x], line[3*x+1], line[3*x+2] = color.CMYKToRGB(row[4*x], row[4*x+1], row[4*x+2], row[4*x+3])
			}
		}, false
	case *image.RGBA64:
		return func(r int, line []byte) { overWhite16(line, m.Pix[r*m.Stride:], b.Dx(), false) }, false
	case *image.NRGBA64:
		return func(r int, line []byte) { overWhite16(line, m.Pix[r*m.Stride:], b.Dx(), true) }, false
	}
	return func(r int, line []byte) {
		for x := range b.Dx() {
			line[3*x], line[3*x+1], line[3*x+2] = onWhite(img.At(b.Min.X+x, b.Min.Y+r))
		}
	}, false
}

// paletteReader looks up every colour in a precomputed table. An index without a colour is black.
func paletteReader(m *image.Paletted) (read func(r int, line []byte), grey bool) {
	var table [256][3]byte
	grey = true
	for i, c := range m.Palette[:min(len(m.Palette), 256)] {
		r, g, b := onWhite(c)
		table[i] = [3]byte{r, g, b}
		grey = grey && r == g && g == b
	}
	w := m.Rect.Dx()
	if grey {
		return func(r int, line []byte) {
			for x, i := range m.Pix[r*m.Stride : r*m.Stride+w] {
				line[x] = table[i][0]
			}
		}, true
	}
	return func(r int, line []byte) {
		for x, i := range m.Pix[r*m.Stride : r*m.Stride+w] {
			copy(line[3*x:], table[i][:])
		}
	}, false
}

// onWhite returns the colour of c on white paper.
func onWhite(c color.Color) (r, g, b byte) {
	r16, g16, b16, a := c.RGBA()
	rest := 0xffff - a
	return byte(min(r16+rest, 0xffff) >> 8), byte(min(g16+rest, 0xffff) >> 8), byte(min(b16+rest, 0xffff) >> 8)
}

// overWhite converts w pixels of RGBA. The colours are premultiplied unless straight.
func overWhite(line, row []byte, w int, straight bool) {
	for x := range w {
		p, out := row[4*x:4*x+4:4*x+4], line[3*x:3*x+3:3*x+3]
		a := uint32(p[3])
		switch {
		case a == 255:
			out[0], out[1], out[2] = p[0], p[1], p[2]
		case straight:
			rest := (255 - a) * 255
			out[0] = byte((uint32(p[0])*a + rest + 127) / 255)
			out[1] = byte((uint32(p[1])*a + rest + 127) / 255)
			out[2] = byte((uint32(p[2])*a + rest + 127) / 255)
		default:
			rest := 255 - a
			out[0], out[1], out[2] = byte(min(uint32(p[0])+rest, 255)), byte(min(uint32(p[1])+rest, 255)), byte(min(uint32(p[2])+rest, 255))
		}
	}
}

// overWhite16 is overWhite for 16 bits per colour, of which the upper eight are kept.
func overWhite16(line, row []byte, w int, straight bool) {
	for x := range w {
		p, out := row[8*x:8*x+8:8*x+8], line[3*x:3*x+3:3*x+3]
		a := uint32(p[6])<<8 | uint32(p[7])
		for i := range out {
			v := uint32(p[2*i])<<8 | uint32(p[2*i+1])
			if straight {
				v = uint32(uint64(v) * uint64(a) / 0xffff)
			}
			out[i] = byte(min(v+0xffff-a, 0xffff) >> 8)
		}
	}
}

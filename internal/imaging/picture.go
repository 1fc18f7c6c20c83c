package imaging

import (
	"bytes"
	"image"
	"image/jpeg"
)

// plane is one channel of a picture: h rows of w bytes, stride bytes apart.
type plane struct {
	pix          []byte
	stride, w, h int
}

func newPlane(w, h int) plane { return plane{make([]byte, w*h), w, w, h} }

func (p plane) row(y int) []byte { return p.pix[y*p.stride : y*p.stride+p.w] }

// picture is the working form of every picture: grey, or coloured with one chroma sample per 2 by 2 pixels, as in a
// JPEG.
type picture struct {
	w, h   int
	y      plane
	cb, cr plane // without pixels: grey
}

func (p picture) grey() bool { return p.cb.pix == nil }

// jpeg encodes the picture; the file holds pixels only.
func (p picture) jpeg(quality int) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(p.w*p.h/6 + 2048)
	rect := image.Rect(0, 0, p.w, p.h)
	var img image.Image = &image.Gray{Pix: p.y.pix, Stride: p.y.stride, Rect: rect}
	if !p.grey() {
		img = &image.YCbCr{
			Y: p.y.pix, Cb: p.cb.pix, Cr: p.cr.pix, YStride: p.y.stride, CStride: p.cb.stride,
			SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: rect,
		}
	}
	err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality})
	return bytes.Clone(b.Bytes()), err
}

// upright rotates and mirrors the picture by EXIF's orientation, 1 to 8.
func (p picture) upright(orientation int) picture {
	if orientation < 2 || orientation > 8 {
		return p
	}
	if orientation >= 5 {
		p.w, p.h = p.h, p.w
	}
	p.y = p.y.turned(orientation)
	if !p.grey() {
		p.cb, p.cr = p.cb.turned(orientation), p.cr.turned(orientation)
	}
	return p
}

// turned returns the plane with the pixel (x, y) taken from start + x*right + y*down.
func (p plane) turned(orientation int) plane {
	w, h := p.w, p.h
	if orientation >= 5 {
		w, h = h, w
	}
	lastX, lastY := p.w-1, (p.h-1)*p.stride
	start, right, down := 0, 1, p.stride
	switch orientation {
	case 2:
		start, right = lastX, -1
	case 3:
		start, right, down = lastX+lastY, -1, -p.stride
	case 4:
		start, down = lastY, -p.stride
	case 5:
		right, down = p.stride, 1
	case 6:
		start, right, down = lastY, -p.stride, 1
	case 7:
		start, right, down = lastX+lastY, -p.stride, -1
	case 8:
		start, right, down = lastX, p.stride, -1
	}
	out := newPlane(w, h)
	const tile = 32 // in tiles, so that a column's neighbours stay in the cache
	for y0 := 0; y0 < h; y0 += tile {
		for x0 := 0; x0 < w; x0 += tile {
			for y := y0; y < min(y0+tile, h); y++ {
				from := start + x0*right + y*down
				row := out.row(y)[x0:min(x0+tile, w)]
				for x := range row {
					row[x] = p.pix[from]
					from += right
				}
			}
		}
	}
	return out
}

// shrunk returns the picture at the given size, which must not be larger.
func (p picture) shrunk(w, h int) picture {
	if w == p.w && h == p.h {
		return p
	}
	out := picture{w: w, h: h, y: p.y.scaled(w, h, ratio(p.w, w), ratio(p.h, h))}
	if !p.grey() {
		// Both have one chroma sample for two pixels, so the step is the same.
		out.cb = p.cb.scaled((w+1)/2, (h+1)/2, ratio(p.w, w), ratio(p.h, h))
		out.cr = p.cr.scaled((w+1)/2, (h+1)/2, ratio(p.w, w), ratio(p.h, h))
	}
	return out
}

func ratio(from, to int) float64 { return float64(from) / float64(to) }

// shrink converts a decoder's output to a picture of the given size, not larger than img. The planes of a JPEG are
// averaged directly; any other form is converted line by line, so that no full copy is made.
func shrink(img image.Image, w, h int) picture {
	b := img.Bounds()
	switch m := img.(type) {
	case *image.Gray:
		return picture{w: w, h: h, y: plane{m.Pix, m.Stride, b.Dx(), b.Dy()}.scaled(w, h, ratio(b.Dx(), w), ratio(b.Dy(), h))}
	case *image.YCbCr:
		return shrinkYCbCr(m, w, h)
	}
	return shrinkLines(img, w, h)
}

func shrinkYCbCr(m *image.YCbCr, w, h int) picture {
	b := m.Bounds()
	subX, subY := subsampling(m.SubsampleRatio)
	cw, ch := (b.Dx()+subX-1)/subX, (b.Dy()+subY-1)/subY
	stepX, stepY := ratio(b.Dx(), w), ratio(b.Dy(), h)
	luma := plane{m.Y, m.YStride, b.Dx(), b.Dy()}
	half := func(pix []byte) plane {
		c := plane{pix, m.CStride, cw, ch}
		return c.scaled((w+1)/2, (h+1)/2, stepX*2/float64(subX), stepY*2/float64(subY))
	}
	return picture{w: w, h: h, y: luma.scaled(w, h, stepX, stepY), cb: half(m.Cb), cr: half(m.Cr)}
}

// subsampling returns the number of pixels that share a chroma sample, across and down.
func subsampling(r image.YCbCrSubsampleRatio) (x, y int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

package tesseract

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // the formats of prepared pictures
	_ "image/png"
	"math"

	"sheetlift/internal/engine/layout"
)

const (
	maxPixels  = 60_000_000 // of a picture that is decoded at all
	longSide   = 3200       // pixels; larger pictures are shrunk first, as the tool's time grows with the area
	maxArea    = 9_000_000  // pixels given to the tool
	wantHeight = 22         // pixels of a small letter or a digit below which the tool misreads
	maxScale   = 4.0        // beyond that only blur is added
)

// prepared is a picture as the tool gets it.
type prepared struct {
	image *image.Gray
	rules layout.Rules  // ruling lines, taken away from image
	ink   *layout.Mask  // the ink that is left; nil for a single document, as parts are
	parts []layout.Part // the pieces of ink
	net   net           // how the page was straightened
	scale float64       // and enlarged
}

// prepare decodes a picture, makes it grey, straight and large enough, and takes the ruling lines away.
func prepare(data []byte, single bool) (*prepared, error) {
	g, err := decode(data)
	if err != nil {
		return nil, badPicture(err)
	}
	g = shrink(g, longSide)
	if darkGround(g) {
		invert(g)
	}
	turnFilled(g)
	ink := layout.Threshold(g, layout.InkDarker)
	all := layout.Components(ink)
	parts := layout.Letters(all)
	letter := layout.LetterHeight(parts)
	for _, dot := range layout.Leaders(all, letter) {
		layout.Paint(g, layout.Box{Left: dot.Left - 1, Top: dot.Top - 1, Right: dot.Right + 1, Bottom: dot.Bottom + 1})
	}
	slopes := straighten(parts, g.Rect.Dx(), g.Rect.Dy())
	scale := scaleFor(parts, g.Rect.Dx(), g.Rect.Dy(), single)
	if scale == 1 && slopes.straight() {
		slopes = net{w: slopes.w, h: slopes.h} // left as it is
	} else {
		g = slopes.resample(g, scale)
		letter = int(float64(letter) * scale)
	}
	found := layout.FindRules(layout.Threshold(g, layout.RuleDarker), letter)
	found.Erase(g)
	p := &prepared{image: g, rules: found, net: slopes, scale: scale}
	if !single {
		p.ink = layout.Threshold(g, layout.InkDarker)
		p.parts = layout.Components(p.ink)
	}
	return p, nil
}

func decode(data []byte) (*image.Gray, error) {
	head, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if head.Width <= 0 || head.Height <= 0 || head.Width > maxPixels/head.Height {
		return nil, fmt.Errorf("%d x %d pixels", head.Width, head.Height)
	}
	m, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return grey(m), nil
}

// grey returns m in shades of grey at the origin, on white where it is transparent. Its Stride is its width.
func grey(m image.Image) *image.Gray {
	b := m.Bounds()
	g := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		row := g.Pix[y*g.Stride : (y+1)*g.Stride]
		switch m := m.(type) {
		case *image.YCbCr:
			at := m.YOffset(b.Min.X, b.Min.Y+y)
			copy(row, m.Y[at:at+b.Dx()])
		case *image.Gray:
			at := m.PixOffset(b.Min.X, b.Min.Y+y)
			copy(row, m.Pix[at:at+b.Dx()])
		default:
			for x := range row {
				row[x] = onWhite(m.At(b.Min.X+x, b.Min.Y+y))
			}
		}
	}
	return g
}

func onWhite(c color.Color) uint8 {
	r, g, b, a := c.RGBA()
	return uint8(((19595*r + 38470*g + 7471*b + 1<<15) >> 24) + (0xffff-a)>>8)
}

// shrink makes the longer side at most side pixels, each new pixel the mean of those it covers.
func shrink(g *image.Gray, side int) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if max(w, h) <= side {
		return g
	}
	nw, nh := max(w*side/max(w, h), 1), max(h*side/max(w, h), 1)
	out := image.NewGray(image.Rect(0, 0, nw, nh))
	for y := range nh {
		y0, y1 := y*h/nh, max((y+1)*h/nh, y*h/nh+1)
		for x := range nw {
			x0, x1 := x*w/nw, max((x+1)*w/nw, x*w/nw+1)
			sum := 0
			for yy := y0; yy < y1; yy++ {
				for _, v := range g.Pix[yy*g.Stride+x0 : yy*g.Stride+x1] {
					sum += int(v)
				}
			}
			out.Pix[y*out.Stride+x] = uint8(sum / ((y1 - y0) * (x1 - x0)))
		}
	}
	return out
}

// darkGround reports whether most of the picture is dark: a screenshot in night colours.
func darkGround(g *image.Gray) bool {
	var counts [256]int
	for _, v := range g.Pix {
		counts[v]++
	}
	below := 0
	for v, n := range counts {
		if below += n; below > len(g.Pix)/2 {
			return v < 70
		}
	}
	return false
}

func invert(g *image.Gray) {
	for i, v := range g.Pix {
		g.Pix[i] = 255 - v
	}
}

// scaleFor returns how much larger the picture must be for its letters to be read well.
func scaleFor(parts []layout.Part, w, h int, single bool) float64 {
	scale := 1.0
	if lh := layout.LetterHeight(parts); lh > 0 {
		scale = min(max(wantHeight/float64(lh), 1), maxScale)
	}
	if single && w < 1000 {
		// Receipts are narrow and their print is broken; they gain from size before their letters are small.
		scale = max(scale, min(1200/float64(w), 2))
	}
	if scale < 1.15 {
		return 1
	}
	return max(min(scale, math.Sqrt(maxArea/float64(w*h))), 1)
}

// soften returns g with its finest detail taken out, which joins broken print and drowns the noise of cheap cameras.
func soften(g *image.Gray) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	across := make([]uint16, w*h)
	for y := range h {
		row, out := g.Pix[y*g.Stride:y*g.Stride+w], across[y*w:(y+1)*w]
		for x := range w {
			out[x] = uint16(row[max(x-1, 0)]) + 2*uint16(row[x]) + uint16(row[min(x+1, w-1)])
		}
	}
	soft := image.NewGray(g.Rect)
	for y := range h {
		above, here, below := across[max(y-1, 0)*w:], across[y*w:], across[min(y+1, h-1)*w:]
		for x := range w {
			soft.Pix[y*soft.Stride+x] = uint8((above[x] + 2*here[x] + below[x] + 8) / 16)
		}
	}
	return soft
}

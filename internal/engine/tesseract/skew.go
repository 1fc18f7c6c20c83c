package tesseract

import (
	"image"
	"math"

	"sheetlift/internal/engine/layout"
)

// net is the slope of the text lines and of the columns over the page. A photograph taken at an angle has lines that
// run together towards one side; two slopes for each direction describe that. Slopes are pixels per pixel.
type net struct {
	w, h        float64
	top, bottom float64 // of the text lines, at the page's top and bottom edge
	left, right float64 // of the columns (sideways per pixel down), at its left and right edge
}

const (
	maxSlope  = 0.14 // about 8 degrees
	leastGain = 1.03 // sharpness must improve by that much, otherwise the page counts as straight
)

// straight reports whether nothing on the page moves by more than a pixel or so.
func (n net) straight() bool {
	move := max(math.Abs(n.top), math.Abs(n.bottom))*n.w + max(math.Abs(n.left), math.Abs(n.right))*n.h
	return move < 3
}

// straighten finds the net on which the letters stand in the sharpest lines, and then in the sharpest columns.
func straighten(parts []layout.Part, w, h int) net {
	n := net{w: float64(w), h: float64(h)}
	if len(parts) < 20 {
		return n
	}
	feet := make([]point, len(parts))
	for i, p := range parts {
		feet[i] = point{float64(p.MidX()), float64(p.Bottom)}
	}
	bin := max(float64(layout.LetterHeight(parts))/5, 1)
	n.top, n.bottom = sharpest(feet, n.w, n.h, bin)
	sides := make([]point, 0, 2*len(parts))
	for _, s := range stretches(parts, n) {
		sides = append(sides, point{s.y, s.from}, point{s.y, s.to})
	}
	// Ragged text has no columns to go by: on a page whose lines are level the columns count as upright.
	if len(sides) >= 60 && !n.straight() {
		n.left, n.right = sharpest(sides, n.h, n.w, bin*2)
	}
	return n
}

// point is a place as seen along a direction: along it, and across it.
type point struct{ along, across float64 }

// sharpest returns the slopes at both edges under which the points fall onto the fewest lines.
func sharpest(points []point, length, depth, bin float64) (near, far float64) {
	counts := make([]float64, int(depth*(1+2*maxSlope)/bin)+8)
	score := func(a, b float64) float64 {
		clear(counts)
		for _, p := range points {
			at := (across(p, a, b, length, depth) + maxSlope*depth) / bin
			if i := int(at); i >= 0 && i+1 < len(counts) {
				part := at - float64(i)
				counts[i] += 1 - part
				counts[i+1] += part
			}
		}
		sum := 0.0
		for _, c := range counts {
			sum += c * c
		}
		return sum
	}
	level := score(0, 0)
	best := level
	for step := 0.01; step > 0.0004; step /= 2 {
		reach := 2 * step
		if step == 0.01 {
			reach = maxSlope
		}
		a0, b0 := near, far
		for a := a0 - reach; a <= a0+reach; a += step {
			for b := b0 - reach; b <= b0+reach; b += step {
				if math.Abs(a-b) > 0.12 || max(math.Abs(a), math.Abs(b)) > maxSlope {
					continue
				}
				if s := score(a, b); s > best {
					best, near, far = s, a, b
				}
			}
		}
	}
	if best < level*leastGain {
		return 0, 0
	}
	return near, far
}

// across returns where the line through p, in a pencil of lines with slope a at depth 0 and b at the far edge, crosses
// the middle of the page.
func across(p point, a, b, length, depth float64) float64 {
	d := p.along - length/2
	return (p.across - a*d) / (1 + (b-a)*d/depth)
}

type stretch struct{ y, from, to float64 }

// stretches joins letters of a line to words, so that the edges of columns show.
func stretches(parts []layout.Part, n net) []stretch {
	h := float64(layout.LetterHeight(parts))
	lines := map[int][]layout.Part{}
	for _, p := range parts {
		v := across(point{float64(p.MidX()), float64(p.Bottom)}, n.top, n.bottom, n.w, n.h)
		lines[int(v/(h*0.8))] = append(lines[int(v/(h*0.8))], p)
	}
	var all []stretch
	for _, line := range lines {
		layout.SortByLeft(line)
		var s stretch
		for i, p := range line {
			if i > 0 && float64(p.Left)-s.to < h {
				s.to = max(s.to, float64(p.Right))
				continue
			}
			if i > 0 {
				all = append(all, s)
			}
			s = stretch{float64(p.MidY()), float64(p.Left), float64(p.Right)}
		}
		all = append(all, s)
	}
	return all
}

// source returns where the pixel (u, v) of the straightened page lies on the page as it is.
func (n net) source(u, v float64) (x, y float64) {
	s := n.top + (n.bottom-n.top)*v/n.h
	t := n.left + (n.right-n.left)*u/n.w
	x = (u + t*(v-s*n.w/2-n.h/2)) / (1 - s*t)
	return x, v + s*(x-n.w/2)
}

// resample returns the straightened page, scale times as large, with cubic interpolation.
func (n net) resample(g *image.Gray, scale float64) *image.Gray {
	w, h := int(n.w*scale), int(n.h*scale)
	out := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		row := out.Pix[y*out.Stride : y*out.Stride+w]
		for x := range row {
			sx, sy := n.source((float64(x)+0.5)/scale, (float64(y)+0.5)/scale)
			row[x] = sample(g, sx-0.5, sy-0.5)
		}
	}
	return out
}

// sample returns the value between pixels by Catmull and Rom's spline, edges repeated.
func sample(g *image.Gray, x, y float64) uint8 {
	x0, y0 := math.Floor(x), math.Floor(y)
	wx, wy := spline(x-x0), spline(y-y0)
	ix, iy := int(x0)-1, int(y0)-1
	sum := 0.0
	for j := range 4 {
		row := g.Pix[min(max(iy+j, 0), g.Rect.Dy()-1)*g.Stride:]
		line := 0.0
		if ix >= 0 && ix+4 <= g.Rect.Dx() {
			p := row[ix : ix+4 : ix+4]
			line = wx[0]*float64(p[0]) + wx[1]*float64(p[1]) + wx[2]*float64(p[2]) + wx[3]*float64(p[3])
		} else {
			for i := range 4 {
				line += wx[i] * float64(row[min(max(ix+i, 0), g.Rect.Dx()-1)])
			}
		}
		sum += wy[j] * line
	}
	return uint8(min(max(sum+0.5, 0), 255))
}

func spline(t float64) [4]float64 {
	t2, t3 := t*t, t*t*t
	return [4]float64{-t3/2 + t2 - t/2, 1.5*t3 - 2.5*t2 + 1, -1.5*t3 + 2*t2 + t/2, t3/2 - t2/2}
}

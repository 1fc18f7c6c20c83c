package neural

import (
	"cmp"
	"image"
	"math"
	"slices"

	"sheetlift/internal/engine/layout"
)

type point struct{ x, y float64 }

// quad is a rectangle around a line of text, which may lean: its middle, its extents along and across the line, and the
// direction of the line.
type quad struct {
	x, y          float64
	width, height float64
	cos, sin      float64
}

// steepest is the slope of a line, as sine, beyond which its rectangle is taken as it stands, upright: pages are straight when
// they come here.
const steepest = 0.5

// leastRectangle returns the rectangle with the least area around points; false for fewer than three points or no area.
func leastRectangle(points []point) (quad, bool) {
	hull := hullOf(points)
	if len(hull) < 3 {
		return quad{}, false
	}
	best, least := quad{}, math.Inf(1)
	for i, p := range hull {
		n := hull[(i+1)%len(hull)]
		length := math.Hypot(n.x-p.x, n.y-p.y)
		if length == 0 {
			continue
		}
		q := around(hull, (n.x-p.x)/length, (n.y-p.y)/length)
		if area := q.width * q.height; area < least {
			best, least = q, area
		}
	}
	if !(least > 0) || math.IsInf(least, 0) {
		return quad{}, false
	}
	// The line runs from left to right.
	if math.Abs(best.sin) > math.Abs(best.cos) {
		best = quad{best.x, best.y, best.height, best.width, -best.sin, best.cos}
	}
	if best.cos < 0 {
		best.cos, best.sin = -best.cos, -best.sin
	}
	if math.Abs(best.sin) > steepest || 3*best.height > 2*best.width {
		best = around(hull, 1, 0) // a single letter has no direction
	}
	return best, true
}

// around returns the rectangle around points whose line has the direction cos, sin.
func around(points []point, cos, sin float64) quad {
	left, right, top, bottom := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, p := range points {
		along, across := p.x*cos+p.y*sin, -p.x*sin+p.y*cos
		left, right = min(left, along), max(right, along)
		top, bottom = min(top, across), max(bottom, across)
	}
	u, v := (left+right)/2, (top+bottom)/2
	return quad{u*cos - v*sin, u*sin + v*cos, right - left, bottom - top, cos, sin}
}

// hullOf returns the convex hull of points, in one turn.
func hullOf(points []point) []point {
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b point) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y)) })
	sorted = slices.Compact(sorted)
	if len(sorted) < 3 {
		return nil
	}
	half := func(points []point) []point {
		var chain []point
		for _, p := range points {
			for n := len(chain); n >= 2; n-- {
				a, b := chain[n-2], chain[n-1]
				if (b.x-a.x)*(p.y-a.y)-(b.y-a.y)*(p.x-a.x) > 0 {
					break
				}
				chain = chain[:n-1]
			}
			chain = append(chain, p)
		}
		return chain[:len(chain)-1]
	}
	lower := half(sorted)
	slices.Reverse(sorted)
	return append(lower, half(sorted)...)
}

// scaled returns q on a picture that is larger by sx and sy, which are about the same.
func (q quad) scaled(sx, sy float64) quad {
	cos, sin := q.cos*sx, q.sin*sy
	length := math.Hypot(cos, sin)
	across := math.Hypot(q.sin*sx, q.cos*sy)
	return quad{q.x * sx, q.y * sy, q.width * length, q.height * across, cos / length, sin / length}
}

// at returns the place on the picture of a place in the rectangle, measured from its top left corner.
func (q quad) at(along, across float64) (x, y float64) {
	u, v := along-q.width/2, across-q.height/2
	return q.x + u*q.cos - v*q.sin, q.y + u*q.sin + v*q.cos
}

// box returns the upright box around a part of the rectangle, in pixels of the picture.
func (q quad) box(left, top, right, bottom float64) layout.Box {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	// The middles of the sides: a long part that leans must not grow high.
	for _, p := range [][2]float64{{left, (top + bottom) / 2}, {right, (top + bottom) / 2}} {
		x, _ := q.at(p[0], p[1])
		x0, x1 = min(x0, x), max(x1, x)
	}
	for _, p := range [][2]float64{{(left + right) / 2, top}, {(left + right) / 2, bottom}} {
		_, y := q.at(p[0], p[1])
		y0, y1 = min(y0, y), max(y1, y)
	}
	return layout.Box{Left: int(math.Floor(x0)), Top: int(math.Floor(y0)), Right: int(math.Ceil(x1)), Bottom: int(math.Ceil(y1))}
}

// cut returns the rectangle as a picture of its own at the size that it has. The edges of g are repeated beyond it.
func (q quad) cut(g *image.Gray) *image.Gray {
	w, h := max(int(math.Round(q.width)), 1), max(int(math.Round(q.height)), 1)
	out := image.NewGray(image.Rect(0, 0, w, h))
	for v := range h {
		row := out.Pix[v*out.Stride : v*out.Stride+w]
		for u := range row {
			x, y := q.at((float64(u)+0.5)*q.width/float64(w), (float64(v)+0.5)*q.height/float64(h))
			row[u] = between(g, x-0.5, y-0.5)
		}
	}
	return out
}

// between returns the value between four pixels.
func between(g *image.Gray, x, y float64) uint8 {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	x, y = min(max(x, 0), float64(w-1)), min(max(y, 0), float64(h-1))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, w-1), min(y0+1, h-1)
	fx, fy := x-float64(x0), y-float64(y0)
	a, b := g.Pix[y0*g.Stride:], g.Pix[y1*g.Stride:]
	top := float64(a[x0])*(1-fx) + float64(a[x1])*fx
	bottom := float64(b[x0])*(1-fx) + float64(b[x1])*fx
	return uint8(top*(1-fy) + bottom*fy + 0.5)
}

package neural

import (
	"image"
	"math"

	"sheetlift/internal/engine/layout"
	"sheetlift/internal/engine/onnx"
)

// The limits of the detector's post-processing.
const (
	detectSide   = 1280 // pixels of the longer side of the picture that it gets
	textFrom     = 0.3  // probability from which a pixel is text
	boxFrom      = 0.5  // mean probability of a box below which it is none
	unclip       = 1.6  // the network marks the core of a line: its box grows by area / length × this
	leastBox     = 3    // pixels of the shorter side of a core
	maxBoxes     = 3000
	detectStride = 32 // the network halves its input five times
)

// The mean and the deviation of the pictures that the detector learned from, by colour.
var (
	detectMean = [3]float32{0.485, 0.456, 0.406}
	detectDev  = [3]float32{0.229, 0.224, 0.225}
)

// detectorInput is the picture as the detector gets it, its sides multiples of the stride, and its scale in x and y.
func detectorInput(g *image.Gray) (in onnx.Tensor, sx, sy float64) {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	scale := min(detectSide/float64(max(w, h)), 1)
	nw, nh := strided(float64(w)*scale), strided(float64(h)*scale)
	small := resize(g, nw, nh)
	in = onnx.Tensor{Shape: []int64{1, 3, int64(nh), int64(nw)}, Data: make([]float32, 3*nw*nh)}
	for c := range 3 {
		plane := in.Data[c*nw*nh : (c+1)*nw*nh]
		for i, v := range small.Pix {
			plane[i] = (float32(v)/255 - detectMean[c]) / detectDev[c]
		}
	}
	return in, float64(nw) / float64(w), float64(nh) / float64(h)
}

func strided(v float64) int {
	return max(int(math.Round(v/detectStride)), 1) * detectStride
}

// resize returns g with w columns and h rows, each pixel the mean of those it covers, or between its neighbours where it grows.
func resize(g *image.Gray, w, h int) *image.Gray {
	across := weights(g.Rect.Dx(), w)
	down := weights(g.Rect.Dy(), h)
	rows := make([]float32, w*g.Rect.Dy())
	for y := range g.Rect.Dy() {
		from, to := g.Pix[y*g.Stride:y*g.Stride+g.Rect.Dx()], rows[y*w:(y+1)*w]
		for x, k := range across {
			sum := float32(0)
			for i, part := range k.parts {
				sum += part * float32(from[k.from+i])
			}
			to[x] = sum
		}
	}
	out := image.NewGray(image.Rect(0, 0, w, h))
	line := make([]float32, w)
	for y, k := range down {
		clear(line)
		for i, part := range k.parts {
			for x, v := range rows[(k.from+i)*w : (k.from+i+1)*w] {
				line[x] += part * v
			}
		}
		for x, v := range line {
			out.Pix[y*out.Stride+x] = uint8(min(max(v+0.5, 0), 255))
		}
	}
	return out
}

// kernel says of which pixels, from the first on, a new pixel is made.
type kernel struct {
	from  int
	parts []float32
}

func weights(from, to int) []kernel {
	step := float64(from) / float64(to)
	reach := max(step, 1)
	all := make([]kernel, to)
	for i := range all {
		middle := (float64(i)+0.5)*step - 0.5
		first := max(int(math.Ceil(middle-reach)), 0)
		last := min(int(math.Floor(middle+reach)), from-1)
		k := kernel{from: first}
		sum := float32(0)
		for at := first; at <= last; at++ {
			part := float32(max(1-math.Abs(float64(at)-middle)/reach, 0))
			k.parts = append(k.parts, part)
			sum += part
		}
		if sum == 0 {
			k = kernel{from: min(max(int(math.Round(middle)), 0), from-1), parts: []float32{1}}
			sum = 1
		}
		for j := range k.parts {
			k.parts[j] /= sum
		}
		all[i] = k
	}
	return all
}

// blob is a connected stretch of text in the detector's answer: its border, and the sum of its probabilities.
type blob struct {
	border []point
	pixels int
	sum    float64
}

// boxes returns the lines of text in the detector's answer, a map of w columns of probabilities, as boxes on the picture. sx
// and sy are the scale of the map. Any numbers are taken; of too many boxes the first count.
func boxes(probability []float32, w int, sx, sy float64) []quad {
	if w <= 0 || len(probability)%w != 0 || !(sx > 0) || !(sy > 0) {
		return nil
	}
	m := &layout.Mask{W: w, H: len(probability) / w, On: make([]bool, len(probability))}
	for i, p := range probability {
		m.On[i] = p > textFrom
	}
	var found []quad
	for _, b := range blobs(m, probability) {
		if len(found) == maxBoxes {
			break
		}
		q, ok := leastRectangle(b.border)
		if !ok || min(q.width, q.height) < leastBox || b.sum < boxFrom*float64(b.pixels) {
			continue
		}
		grow := q.width * q.height * unclip / (2 * (q.width + q.height))
		q.width, q.height = q.width+2*grow, q.height+2*grow
		found = append(found, q.scaled(1/sx, 1/sy))
	}
	return found
}

// blobs returns the connected stretches of m.
func blobs(m *layout.Mask, probability []float32) []blob {
	var all []blob
	seen := make([]bool, len(m.On))
	var stack []int
	for start, on := range m.On {
		if !on || seen[start] {
			continue
		}
		rows := map[int][2]int{} // the outermost pixels of each row
		b := blob{}
		stack = append(stack[:0], start)
		seen[start] = true
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := i%m.W, i/m.W
			b.pixels++
			b.sum += min(max(float64(probability[i]), 0), 1)
			if r, ok := rows[y]; ok {
				rows[y] = [2]int{min(r[0], x), max(r[1], x)}
			} else {
				rows[y] = [2]int{x, x}
			}
			for yy := max(y-1, 0); yy <= min(y+1, m.H-1); yy++ {
				for xx := max(x-1, 0); xx <= min(x+1, m.W-1); xx++ {
					if k := yy*m.W + xx; m.On[k] && !seen[k] {
						seen[k] = true
						stack = append(stack, k)
					}
				}
			}
		}
		for y, r := range rows {
			// The corners of the pixels, so that a single row has a height.
			b.border = append(b.border, point{float64(r[0]), float64(y)}, point{float64(r[0]), float64(y + 1)},
				point{float64(r[1] + 1), float64(y)}, point{float64(r[1] + 1), float64(y + 1)})
		}
		all = append(all, b)
	}
	return all
}

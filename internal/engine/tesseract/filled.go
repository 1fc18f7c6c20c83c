package tesseract

import (
	"image"

	"sheetlift/internal/engine/layout"
)

// turnFilled makes light text in filled areas dark on white, in place: coloured header rows are common, and the tool
// reads little on them.
func turnFilled(g *image.Gray) {
	paper := paperOf(g)
	dark := &layout.Mask{W: g.Rect.Dx(), H: g.Rect.Dy(), On: make([]bool, len(g.Pix))}
	for i, v := range g.Pix {
		dark.On[i] = int(v)*100 < paper*72
	}
	for _, p := range layout.Components(solid(dark)) {
		w, h := p.Width(), p.Height()
		if h < 14 || w < 14 || w*h < 600 || 2*w*h > dark.W*dark.H || 10*p.Pixels < 6*w*h {
			continue
		}
		if lightInside(g, p.Box, paper) {
			turn(g, p.Box)
		}
	}
}

// solid keeps areas that are at least ten pixels thick both ways, so that ruling lines do not connect filled areas.
func solid(m *layout.Mask) *layout.Mask {
	across, down := thick(m, 10), layout.Transpose(thick(layout.Transpose(m), 10))
	for i := range across.On {
		across.On[i] = across.On[i] && down.On[i]
	}
	return across
}

// thick keeps the runs of at least least pixels.
func thick(m *layout.Mask, least int) *layout.Mask {
	kept := &layout.Mask{W: m.W, H: m.H, On: make([]bool, len(m.On))}
	for y := range m.H {
		out := kept.Row(y)
		for from, to := range layout.Runs(m.Row(y)) {
			for x := from; x < to && to-from >= least; x++ {
				out[x] = true
			}
		}
	}
	return kept
}

// paperOf is the brightness of the paper: that of the brightest quarter.
func paperOf(g *image.Gray) int {
	var counts [256]int
	for _, v := range g.Pix {
		counts[v]++
	}
	sum := 0
	for v := 255; v >= 0; v-- {
		if sum += counts[v]; 4*sum >= len(g.Pix) {
			return v
		}
	}
	return 255
}

// lightInside reports whether a filled area holds light text: some of it is as bright as paper, but not much.
func lightInside(g *image.Gray, b layout.Box, paper int) bool {
	light := 0
	for y := b.Top; y < b.Bottom; y++ {
		for _, v := range g.Pix[y*g.Stride+b.Left : y*g.Stride+b.Right] {
			if int(v)*100 > paper*85 {
				light++
			}
		}
	}
	share := float64(light) / float64(b.Width()*b.Height())
	return share > 0.01 && share < 0.4
}

func turn(g *image.Gray, b layout.Box) {
	ground := groundOf(g, b)
	for y := b.Top; y < b.Bottom; y++ {
		row := g.Pix[y*g.Stride+b.Left : y*g.Stride+b.Right]
		for x, v := range row {
			switch {
			case int(v)*10 < ground*7: // a line drawn in the area stays one
				row[x] = 0
			case int(v) <= ground+4:
				row[x] = 255
			default:
				row[x] = uint8(255 - 255*(int(v)-ground)/max(255-ground, 1))
			}
		}
	}
}

// groundOf is the most frequent brightness in an area, in steps of four.
func groundOf(g *image.Gray, b layout.Box) int {
	var counts [64]int
	for y := b.Top; y < b.Bottom; y++ {
		for _, v := range g.Pix[y*g.Stride+b.Left : y*g.Stride+b.Right] {
			counts[v/4]++
		}
	}
	best := 0
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	return best*4 + 2
}

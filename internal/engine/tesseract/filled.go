package tesseract

import "image"

// turnFilled makes light text in filled areas dark on white, in place: coloured header rows are common, and the tool
// reads little on them.
func turnFilled(g *image.Gray) {
	paper := paperOf(g)
	dark := &mask{g.Rect.Dx(), g.Rect.Dy(), make([]bool, len(g.Pix))}
	for i, v := range g.Pix {
		dark.on[i] = int(v)*100 < paper*72
	}
	for _, p := range components(solid(dark)) {
		w, h := p.width(), p.height()
		if h < 14 || w < 14 || w*h < 600 || 2*w*h > dark.w*dark.h || 10*p.pixels < 6*w*h {
			continue
		}
		if lightInside(g, p.box, paper) {
			turn(g, p.box)
		}
	}
}

// solid keeps what is at least ten pixels thick both ways, so that ruling lines do not tie filled areas together.
func solid(m *mask) *mask {
	across, down := thick(m, 10), transpose(thick(transpose(m), 10))
	for i := range across.on {
		across.on[i] = across.on[i] && down.on[i]
	}
	return across
}

// thick keeps the runs of at least least pixels.
func thick(m *mask, least int) *mask {
	kept := &mask{m.w, m.h, make([]bool, len(m.on))}
	for y := range m.h {
		out := kept.row(y)
		for from, to := range runs(m.row(y)) {
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
func lightInside(g *image.Gray, b box, paper int) bool {
	light := 0
	for y := b.top; y < b.bottom; y++ {
		for _, v := range g.Pix[y*g.Stride+b.left : y*g.Stride+b.right] {
			if int(v)*100 > paper*85 {
				light++
			}
		}
	}
	share := float64(light) / float64(b.width()*b.height())
	return share > 0.01 && share < 0.4
}

func turn(g *image.Gray, b box) {
	ground := groundOf(g, b)
	for y := b.top; y < b.bottom; y++ {
		row := g.Pix[y*g.Stride+b.left : y*g.Stride+b.right]
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
func groundOf(g *image.Gray, b box) int {
	var counts [64]int
	for y := b.top; y < b.bottom; y++ {
		for _, v := range g.Pix[y*g.Stride+b.left : y*g.Stride+b.right] {
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

package tesseract

import (
	"image"
	"slices"

	"sheetlift/internal/engine/layout"
)

// inked is the ink of a picture under the words that were read from it.
type inked struct {
	gray   *image.Gray
	mask   *layout.Mask
	coarse bool                  // the picture was enlarged so much that its smallest marks are blots
	own    [][]layout.Part       // the pieces under each word
	free   []layout.Part         // the pieces under none
	dots   map[int][]layout.Part // those of them that are no larger than points, by the band of the page they stand in
	usual  int                   // height of a letter
}

const (
	coarse = 2  // the enlargement from which on points are not put back
	stripe = 64 // pixels of a band of the page
)

// inkUnder finds the word that each piece of ink belongs to.
func inkUnder(words []layout.Word, p *prepared) inked {
	in := inked{p.image, p.ink, p.scale > coarse, make([][]layout.Part, len(words)), nil, map[int][]layout.Part{}, layout.LetterHeight(layout.Letters(p.parts))}
	near := map[int][]int{} // the words of each band
	for k, w := range words {
		for band := (w.Top - w.Height()/4) / stripe; band <= (w.Bottom+w.Height()/4)/stripe; band++ {
			near[band] = append(near[band], k)
		}
	}
	for _, p := range p.parts {
		if p.Pixels < 3 || p.Height() > 2*in.usual {
			continue
		}
		owner := -1
		for _, k := range near[p.MidY()/stripe] {
			w := words[k]
			if p.MidX() < w.Left-1 || p.MidX() > w.Right+1 || p.MidY() < w.Top-w.Height()/4 || p.MidY() > w.Bottom+w.Height()/4 {
				continue
			}
			if owner < 0 || abs(p.MidY()-w.MidY()) < abs(p.MidY()-words[owner].MidY()) {
				owner = k
			}
		}
		if owner >= 0 {
			in.own[owner] = append(in.own[owner], p)
			continue
		}
		in.free = append(in.free, p)
		if 5*max(p.Width(), p.Height()) <= 2*in.usual {
			in.dots[p.MidY()/stripe] = append(in.dots[p.MidY()/stripe], p)
		}
	}
	return in
}

// glyph is one character of a word as ink: one piece, or several above each other.
type glyph struct {
	layout.Box
	parts []layout.Part
}

// glyphs returns the glyphs of w, the word at k, from left to right, the height of its digits and its baseline. Dots that
// stand in no word close beside it count as its own.
func (in inked) glyphs(w layout.Word, k int) (glyphs []glyph, h, base int) {
	own := slices.Clone(in.own[k])
	for band := w.MidY() / stripe; band <= (w.Bottom+in.usual/4)/stripe; band++ {
		for _, p := range in.dots[band] {
			if p.Right > w.Left-in.usual/2 && p.Left < w.Right+in.usual/2 && p.MidY() > w.MidY() && p.MidY() < w.Bottom+in.usual/4 {
				own = append(own, p)
			}
		}
	}
	var heights, feet []int
	for _, p := range own {
		if 3*p.Height() > 2*in.usual && 3*p.Height() < 4*in.usual && 6*p.Width() > p.Height() {
			heights, feet = append(heights, p.Height()), append(feet, p.Bottom)
		}
	}
	if len(heights) == 0 {
		heights, feet = []int{in.usual}, []int{w.Bottom}
	}
	h, base = layout.Median(heights), layout.Median(feet)
	own = slices.DeleteFunc(own, func(p layout.Part) bool { return 10*max(p.Width(), p.Height()) < h }) // specks
	layout.SortByLeft(own)
	for _, p := range own {
		n := len(glyphs)
		if n > 0 && 2*p.OverlapX(glyphs[n-1].Left, glyphs[n-1].Right) >= min(p.Width(), glyphs[n-1].Width()) {
			glyphs[n-1].Box = glyphs[n-1].Union(p.Box)
			glyphs[n-1].parts = append(glyphs[n-1].parts, p)
			continue
		}
		glyphs = append(glyphs, glyph{p.Box, []layout.Part{p}})
	}
	return glyphs, h, base
}

func abs(n int) int { return max(n, -n) }

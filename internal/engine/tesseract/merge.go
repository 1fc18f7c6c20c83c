package tesseract

import (
	"slices"

	"sheetlift/internal/engine/layout"
)

// A word of another reading is added where none stands when the tool is at least this sure of it, 0 to 100.
const addFrom = 50

// merge returns, word by word, the one of two readings of the same picture that has the higher confidence. Where one
// reading has several words for one of the other, the words of a stay.
func merge(a, b []layout.Word) []layout.Word {
	out := slices.Clone(a)
	var added []layout.Word
	for _, w := range b {
		var over []int
		for i := range out {
			if overlap(out[i].Box, w.Box) {
				over = append(over, i)
			}
		}
		switch {
		case len(over) == 0:
			if w.Conf >= addFrom {
				added = append(added, w)
			}
		case len(over) == 1:
			if o := out[over[0]]; similar(o.Box, w.Box) && w.Conf > o.Conf {
				out[over[0]] = w
			}
		}
	}
	return append(out, added...)
}

// overlap reports whether two words take a good part of the same place.
func overlap(a, b layout.Box) bool {
	w, h := min(a.Right, b.Right)-max(a.Left, b.Left), min(a.Bottom, b.Bottom)-max(a.Top, b.Top)
	if w <= 0 || h <= 0 {
		return false
	}
	return 4*w*h > min(a.Width()*a.Height(), b.Width()*b.Height())
}

// similar reports whether two boxes are about the same, so that they hold the same word.
func similar(a, b layout.Box) bool {
	w, h := min(a.Right, b.Right)-max(a.Left, b.Left), min(a.Bottom, b.Bottom)-max(a.Top, b.Top)
	return w > 0 && h > 0 && 10*w*h > 5*max(a.Width()*a.Height(), b.Width()*b.Height())
}

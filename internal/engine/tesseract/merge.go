package tesseract

import "slices"

// A word of another reading is added where none stands when the tool is at least this sure of it, 0 to 100.
const addFrom = 50

// merge takes from two readings of the same picture, word by word, what the tool was surer of. Where one reading has
// several words for one of the other, the group stays together.
func merge(a, b []word) []word {
	out := slices.Clone(a)
	var added []word
	for _, w := range b {
		var over []int
		for i := range out {
			if overlap(out[i].box, w.box) {
				over = append(over, i)
			}
		}
		switch {
		case len(over) == 0:
			if w.conf >= addFrom {
				added = append(added, w)
			}
		case len(over) == 1:
			if o := out[over[0]]; similar(o.box, w.box) && w.conf > o.conf {
				out[over[0]] = w
			}
		}
	}
	return append(out, added...)
}

// overlap reports whether two words take a good part of the same place.
func overlap(a, b box) bool {
	w, h := min(a.right, b.right)-max(a.left, b.left), min(a.bottom, b.bottom)-max(a.top, b.top)
	if w <= 0 || h <= 0 {
		return false
	}
	return 4*w*h > min(a.width()*a.height(), b.width()*b.height())
}

// similar reports whether two boxes are about the same, so that they hold the same word.
func similar(a, b box) bool {
	w, h := min(a.right, b.right)-max(a.left, b.left), min(a.bottom, b.bottom)-max(a.top, b.top)
	return w > 0 && h > 0 && 10*w*h > 5*max(a.width()*a.height(), b.width()*b.height())
}

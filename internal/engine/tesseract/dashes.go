package tesseract

import (
	"cmp"
	"slices"
	"strings"
)

// The widths that tell a hyphen from a dash, and a short dash from a long one, in heights of a digit. Hyphens are 0.35
// to 0.45 wide, dashes 0.7 to 0.8 and 1.4 in the usual print faces.
const (
	hyphenEnds = 0.57
	dashEnds   = 1.05
)

func dashFor(width, digit int) string {
	switch r := float64(width) / float64(max(digit, 1)); {
	case r < hyphenEnds:
		return "-"
	case r < dashEnds:
		return "–"
	default:
		return "—"
	}
}

// dashes keeps the pieces of ink that are as flat as dashes, from left to right.
func dashes(parts []part, letter int) []part {
	flat := slices.DeleteFunc(slices.Clone(parts), func(p part) bool {
		w, h := p.width(), p.height()
		return 4*h > letter+2 || w < 2*h || 10*w < 3*letter || 5*w > 12*letter || 10*p.pixels < 6*w*h
	})
	slices.SortFunc(flat, func(a, b part) int { return cmp.Compare(a.left, b.left) })
	return flat
}

// withDashes measures the dashes that the tool has read in numbers as whatever it pleased, and adds those that stand
// alone in a cell, which it often does not see at all.
func withDashes(words []word, parts []part, r rules) []word {
	letter := letterHeight(letters(parts))
	if letter == 0 {
		return words
	}
	flat := dashes(parts, letter)
	used := make([]bool, len(flat))
	out := slices.Clone(words)
	for i, w := range out {
		var in []int
		for k, d := range flat {
			if d.left >= w.left-1 && d.right <= w.right+1 && d.midY() >= w.top && d.midY() <= w.bottom {
				in = append(in, k)
				used[k] = true
			}
		}
		out[i] = remeasured(w, flat, in, digitHeight(parts, w, letter))
	}
	for k, d := range flat {
		if !used[k] && 2*d.width() >= letter && !r.near(d.box) && alone(d, words, letter) {
			b := box{d.left, d.midY() - letter/2, d.right, d.midY() + letter/2}
			out = append(out, word{b, dashFor(d.width(), letter), 80})
		}
	}
	return out
}

// remeasured sets the dashes of a number, or of a word that is nothing else, by their width on paper.
func remeasured(w word, flat []part, in []int, digit int) word {
	isDash := func(r rune) bool { return strings.ContainsRune("-–—~", r) }
	n := 0
	for _, r := range w.text {
		if isDash(r) {
			n++
		}
	}
	bare := strings.TrimFunc(w.text, isDash) == ""
	if bare && len(in) == 1 {
		w.text, w.conf = dashFor(flat[in[0]].width(), digit), max(w.conf, 80)
		return w
	}
	if n != len(in) || n == 0 || !isValue(w.text) {
		return w
	}
	var b strings.Builder
	k := 0
	for _, r := range w.text {
		if isDash(r) {
			b.WriteString(dashFor(flat[in[k]].width(), digit))
			k++
			continue
		}
		b.WriteRune(r)
	}
	w.text = b.String()
	return w
}

// digitHeight is the height of the digits in a word: brackets are taller and thinner, dots and commas low.
func digitHeight(parts []part, w word, usual int) int {
	var heights []int
	for _, p := range parts {
		if p.left >= w.left-1 && p.right <= w.right+1 && p.top >= w.top-1 && p.bottom <= w.bottom+1 &&
			2*p.height() > usual && 3*p.width() > p.height() {
			heights = append(heights, p.height())
		}
	}
	if len(heights) == 0 {
		return usual
	}
	return median(heights)
}

// alone reports whether d stands on a line of text with room on both sides, at half the height of its words.
func alone(d part, words []word, letter int) bool {
	onLine := false
	for _, w := range words {
		if d.midY() < w.top || d.midY() > w.bottom {
			continue
		}
		if w.left < d.right+letter/3 && w.right > d.left-letter/3 {
			return false
		}
		at := float64(d.midY()-w.top) / float64(w.height())
		onLine = onLine || at > 0.3 && at < 0.8 && alnum(w.text) > 0
	}
	return onLine
}

package tesseract

import (
	"cmp"
	"slices"
	"strings"

	"sheetlift/internal/engine/layout"
)

// The widths that tell a hyphen from a dash, and a short dash from a long one, in heights of a digit. Hyphens are 0.35
// to 0.45 wide, dashes 0.7 to 0.8 and 1.4 in the usual print faces.
const (
	hyphenEnds = 0.57
	dashEnds   = 1.05
)

// measured is the confidence, 0 to 100, in a dash that stands alone and was measured.
const measured = 90

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
func dashes(parts []layout.Part, letter int) []layout.Part {
	flat := slices.DeleteFunc(slices.Clone(parts), func(p layout.Part) bool {
		w, h := p.Width(), p.Height()
		return 4*h > letter+2 || w < 2*h || 10*w < 3*letter || 5*w > 12*letter || 10*p.Pixels < 6*w*h
	})
	slices.SortFunc(flat, func(a, b layout.Part) int { return cmp.Compare(a.Left, b.Left) })
	return flat
}

// withDashes measures the dashes in numbers, because the tool reads dashes of any length as any other. It also adds dashes
// that stand alone in a cell, which the tool often does not see at all.
func withDashes(words []layout.Word, parts []layout.Part, r layout.Rules) []layout.Word {
	letter := layout.LetterHeight(layout.Letters(parts))
	if letter == 0 {
		return words
	}
	words = slices.DeleteFunc(slices.Clone(words), underscore)
	flat := dashes(parts, letter)
	used := make([]bool, len(flat))
	out := slices.Clone(words)
	for i, w := range out {
		var in []int
		for k, d := range flat {
			if d.Left >= w.Left-1 && d.Right <= w.Right+1 && d.MidY() >= w.Top && d.MidY() <= w.Bottom {
				in = append(in, k)
				used[k] = true
			}
		}
		out[i] = remeasured(w, flat, in, digitHeight(parts, w, letter))
	}
	sheet := certain(words)
	for k, d := range flat {
		if sheet.OverlapX(d.Left, d.Right) <= 0 {
			continue // beside the sheet
		}
		if !used[k] && 2*d.Width() >= letter && !r.Near(d.Box) && alone(d, words, letter) {
			b := layout.Box{Left: d.Left, Top: d.MidY() - letter/2, Right: d.Right, Bottom: d.MidY() + letter/2}
			out = append(out, layout.Word{Box: b, Text: dashFor(d.Width(), letter), Conf: measured})
		}
	}
	return out
}

// underscore reports whether the tool made a word of underscores out of a dash or a ruling line. The ink shows which of the
// two it is.
func underscore(w layout.Word) bool {
	return strings.Trim(w.Text, "_=-–—~") == "" && strings.ContainsAny(w.Text, "_=")
}

// remeasured sets the dashes of a number, or of a word that consists of dashes only, by their width on paper.
func remeasured(w layout.Word, flat []layout.Part, in []int, digit int) layout.Word {
	isDash := func(r rune) bool { return strings.ContainsRune("-–—~", r) }
	n := 0
	for _, r := range w.Text {
		if isDash(r) {
			n++
		}
	}
	bare := strings.TrimFunc(w.Text, isDash) == ""
	if bare && len(in) == 1 {
		w.Text, w.Conf = dashFor(flat[in[0]].Width(), digit), max(w.Conf, measured)
		return w
	}
	if n != len(in) || n == 0 || !layout.IsValue(w.Text) {
		return w
	}
	var b strings.Builder
	k := 0
	for _, r := range w.Text {
		if isDash(r) {
			b.WriteString(dashFor(flat[in[k]].Width(), digit))
			k++
			continue
		}
		b.WriteRune(r)
	}
	w.Text = b.String()
	return w
}

// digitHeight is the height of the digits in a word: brackets are taller and thinner, dots and commas low.
func digitHeight(parts []layout.Part, w layout.Word, usual int) int {
	var heights []int
	for _, p := range parts {
		if p.Left >= w.Left-1 && p.Right <= w.Right+1 && p.Top >= w.Top-1 && p.Bottom <= w.Bottom+1 &&
			2*p.Height() > usual && 3*p.Width() > p.Height() {
			heights = append(heights, p.Height())
		}
	}
	if len(heights) == 0 {
		return usual
	}
	return layout.Median(heights)
}

// alone reports whether d stands on a line of text with room on both sides, at half the height of its words.
func alone(d layout.Part, words []layout.Word, letter int) bool {
	onLine := false
	for _, w := range words {
		if d.MidY() < w.Top || d.MidY() > w.Bottom {
			continue
		}
		if w.Left < d.Right+letter/3 && w.Right > d.Left-letter/3 {
			return false
		}
		at := float64(d.MidY()-w.Top) / float64(w.Height())
		onLine = onLine || at > 0.3 && at < 0.8 && layout.Alnum(w.Text) > 0 && w.Conf >= 50 && 2*w.Height() < 5*letter
	}
	return onLine
}

package tesseract

import (
	"regexp"
	"strings"

	"sheetlift/internal/engine/layout"
)

// withoutRules removes the rest of a ruling line from the ends of a word, where the tool reads it as a letter.
func withoutRules(w layout.Word, glyphs []glyph, h int) (layout.Word, []glyph) {
	rest := func(g glyph) bool {
		return 5*g.Width() < h && (10*g.Height() > 12*h || 100*g.Height() < 85*h)
	}
	const marks = "|\\[]{}"
	if n := len(glyphs); n > 1 && strings.ContainsAny(w.Text[:1], marks) && rest(glyphs[0]) {
		w.Text, w.Left, glyphs = w.Text[1:], glyphs[1].Left, glyphs[1:]
	}
	if n := len(glyphs); n > 1 && len(w.Text) > 1 && strings.ContainsAny(w.Text[len(w.Text)-1:], marks) && rest(glyphs[n-1]) {
		w.Text, w.Right, glyphs = w.Text[:len(w.Text)-1], glyphs[n-2].Right, glyphs[:n-1]
	}
	return w, glyphs
}

// barred are the signs with a bar below, by the characters that the tool reads them as.
var barred = map[rune]rune{'2': '≥', '>': '≥', '<': '≤', '+': '±'}

// readSigns corrects the signs that the tool reads as others: those with a bar below, and the dots of lists.
func readSigns(m *layout.Mask, text string, glyphs []glyph, h int) string {
	all := []rune(text)
	if len(all) != len(glyphs) {
		return text
	}
	for i, r := range all {
		if sign, ok := barred[r]; ok && hasBar(m, glyphs[i].Box, r == '2') {
			all[i] = sign
		}
	}
	if g := glyphs[0]; len(all) == 1 && strings.ContainsRune("eo*«©@°¢", all[0]) && len(g.parts) == 1 && g.solid() && 10*g.Height() < 7*h {
		all[0] = '•'
	}
	return string(all)
}

// hasBar reports whether the foot of a glyph is a bar as wide as itself. A 2 has one too, but its head is not at its left.
func hasBar(m *layout.Mask, b layout.Box, two bool) bool {
	foot := 0
	for y := b.Bottom - max(b.Height()/7, 1); y < b.Bottom; y++ {
		for from, to := range layout.Runs(m.Row(y)[b.Left:b.Right]) {
			foot = max(foot, to-from)
		}
	}
	if 10*foot < 8*b.Width() {
		return false
	}
	if !two {
		return true
	}
	from, to := b.Width(), 0
	for y := b.Top; y < b.Top+max(b.Height()/10, 1); y++ {
		for a, z := range layout.Runs(m.Row(y)[b.Left:b.Right]) {
			from, to = min(from, a), max(to, z)
		}
	}
	return 10*from <= b.Width() && 100*to < 45*b.Width()
}

// solid reports whether the glyph is a filled disc.
func (g glyph) solid() bool {
	w, h := g.Width(), g.Height()
	return 4*w > 3*h && 4*h > 3*w && 100*g.parts[0].Pixels > 70*w*h
}

// interval is the usual share that a confidence interval is given for.
var interval = regexp.MustCompile(`^\W*9[059](\.\d)?\s?%$`)

// known corrects a word that has only one possible meaning after the word before it: CI, which the tool reads as Cl.
func known(before, w layout.Word) layout.Word {
	if interval.MatchString(before.Text) && strings.HasPrefix(w.Text, "Cl") && layout.Alnum(w.Text) == 2 {
		w.Text = "CI" + w.Text[2:]
	}
	return w
}

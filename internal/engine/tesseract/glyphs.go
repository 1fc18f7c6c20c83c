package tesseract

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sheetlift/internal/engine/layout"
)

// The kinds of glyphs that can be told apart by size and place.
const (
	tall  = 'd' // a digit, a letter, a bracket
	dot   = '.'
	comma = ','
	flat  = '-'
	other = '?'
)

// checked compares words with the ink they were read from. A point that was lost in a number is put back where the rest
// of the number agrees with its ink, and is a doubt all the same; so is a number whose points are not those of its ink.
func (in inked) checked(words []layout.Word) []layout.Word {
	out := slices.Clone(words)
	for k := range out {
		glyphs, h, base := in.glyphs(out[k], k)
		if len(glyphs) == 0 {
			out[k].Conf = min(out[k].Conf, layout.Contradicted)
			continue
		}
		out[k] = in.word(out[k], glyphs, h, base)
		out[k].Text = in.quotes(out[k].Text, in.own[k], h, base)
		if k > 0 {
			out[k] = known(out[k-1], out[k])
		}
	}
	return out
}

func (g glyph) kind(h, base int) rune {
	switch {
	case 10*g.Height() >= 6*h:
		return tall
	case 10*g.Width() <= 4*h && 10*g.Height() <= 6*h && g.MidY() > base-h/3 && g.Top > base-h/2:
		if 10*(g.Bottom-base) > h || 2*g.Height() > 3*g.Width() {
			return comma
		}
		return dot
	case g.Width() >= 2*g.Height() && g.MidY() < base-h/5 && g.MidY() > base-h*4/5:
		return flat
	}
	return other
}

// kindOf is the kind of glyph that a character is printed as.
func kindOf(r rune) rune {
	switch {
	case r == '.' || r == ',':
		return dot
	case strings.ContainsRune("-–—~", r):
		return flat
	case unicode.IsDigit(r) || unicode.IsUpper(r) || strings.ContainsRune("()[]/$€£<>", r):
		return tall
	}
	return other
}

// word compares one word with its glyphs, whose digits are h high and stand on base.
func (in inked) word(w layout.Word, glyphs []glyph, h, base int) layout.Word {
	w, glyphs = withoutRules(w, glyphs, h)
	if rest := strings.TrimLeft(w.Text, ":;,"); layout.Alnum(rest) > 2 && rest != w.Text && !numeric(rest) {
		w.Text = rest // no word begins so
	}
	w.Text = readSigns(in.mask, w.Text, glyphs, h)
	if !numeric(w.Text) {
		return w
	}
	text := []rune(w.Text)
	kinds := make([]rune, len(glyphs))
	for i, g := range glyphs {
		kinds[i] = g.kind(h, base)
	}
	end := len(text)
	for end > 0 && strings.ContainsRune("%*", text[end-1]) {
		end--
	}
	mended, ok := matched(text[:end], kinds, end < len(text))
	if !ok || in.coarse && mended != string(text[:end]) {
		if points(kinds) != points(kindsOf(text[:end])) {
			w.Conf = min(w.Conf, layout.Contradicted)
		}
		return w
	}
	if mended += string(text[end:]); mended != w.Text {
		w.Text, w.Conf = mended, min(w.Conf, 100*layout.Sure-1)
	}
	return w
}

func kindsOf(text []rune) []rune {
	kinds := make([]rune, len(text))
	for i, r := range text {
		kinds[i] = kindOf(r)
	}
	return kinds
}

// points counts the points and commas.
func points(kinds []rune) int {
	n := 0
	for _, k := range kinds {
		if k == dot || k == comma {
			n++
		}
	}
	return n
}

// matched walks text and kinds of glyphs together. It returns the text with the points that the ink has beyond it.
func matched(text, kinds []rune, open bool) (string, bool) {
	var b strings.Builder
	k := 0
	for _, r := range text {
		want := kindOf(r)
		for k < len(kinds) && (kinds[k] == dot || kinds[k] == comma) && want != dot {
			b.WriteRune(kinds[k])
			k++
		}
		if k == len(kinds) {
			return "", false
		}
		got := kinds[k]
		if got == comma {
			got = dot
		}
		if want != other && got != other && want != got {
			return "", false
		}
		b.WriteRune(r)
		k++
	}
	return b.String(), open || k == len(kinds)
}

// numeric reports whether s is written with digits and the marks of numbers alone.
func numeric(s string) bool {
	digits := 0
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			digits++
		case !strings.ContainsRune(".,%$€£()+-–—±<>≤≥*/:[]~", r):
			return false
		}
	}
	return digits > 0 && 2*digits >= utf8.RuneCountInString(s)-2
}

package tesseract

import (
	"slices"
	"unicode/utf8"

	"sheetlift/internal/engine/layout"
)

// withoutDirt drops the words of a table that are no words by their shape: remains of ruling lines, and of text cut through
// by the edge of the picture. If such a word was text after all, missed reports it.
func withoutDirt(words []layout.Word) []layout.Word {
	h := layout.TextHeight(words)
	sheet := certain(words)
	faint := faintColumns(words, sheet, h)
	return slices.DeleteFunc(slices.Clone(words), func(w layout.Word) bool {
		n := utf8.RuneCountInString(w.Text)
		narrow := n > 1 && 5*w.Width() < h*n
		low := 4*w.Height() < h && layout.Alnum(w.Text) > 0
		high := w.Height() > 2*h && w.Conf < 80
		stray := w.Conf < 45 && !sheet.Empty() &&
			(w.Right < sheet.Left || w.Left > sheet.Right || w.Bottom < sheet.Top || w.Top > sheet.Bottom) &&
			!slices.Contains(faint, w)
		return narrow || low || high || stray
	})
}

// leastFaint is the number of words below each other that make a column although none of them was read for certain.
const leastFaint = 4

// faintColumns are the words as high as others that stand left or right of the sheet and below each other. Dirt stands alone.
func faintColumns(words []layout.Word, sheet layout.Box, h int) []layout.Word {
	beside := slices.DeleteFunc(slices.Clone(words), func(w layout.Word) bool {
		return w.Right >= sheet.Left && w.Left <= sheet.Right || w.MidY() < sheet.Top || w.MidY() > sheet.Bottom ||
			layout.Alnum(w.Text) == 0 || 10*w.Height() < 7*h || 2*w.Height() > 3*h
	})
	return slices.DeleteFunc(slices.Clone(beside), func(w layout.Word) bool {
		n := 0
		for _, o := range beside {
			if 2*w.OverlapX(o.Left, o.Right) > min(w.Width(), o.Width()) {
				n++
			}
		}
		return n < leastFaint
	})
}

// certain returns the part of the page that is covered by words read for certain.
func certain(words []layout.Word) layout.Box {
	var sheet layout.Box
	for _, w := range words {
		if w.Conf >= 80 && layout.Alnum(w.Text) > 1 {
			sheet = sheet.Union(w.Box)
		}
	}
	return sheet
}

// fitted sets the words that the tool has boxed too high to the height of their letters.
func fitted(words []layout.Word, p *prepared) []layout.Word {
	h, usual := layout.TextHeight(words), layout.LetterHeight(layout.Letters(p.parts))
	out := slices.Clone(words)
	for i, w := range out {
		if 2*w.Height() < 3*h || layout.Alnum(w.Text) == 0 {
			continue
		}
		var ink layout.Box
		n := 0
		for _, q := range p.parts {
			if q.Left >= w.Left-1 && q.Right <= w.Right+1 && q.Top >= w.Top-1 && q.Bottom <= w.Bottom+1 && 2*q.Height() > usual && 10*q.Height() < 16*usual {
				ink = ink.Union(q.Box)
				n++
			}
		}
		if 2*n >= layout.Alnum(w.Text) && ink.Height() < 2*usual {
			out[i].Top, out[i].Bottom = ink.Top, ink.Bottom
		}
	}
	return out
}

// missed returns the boxes of words of letters or digits that were dropped although they are as high as letters.
func missed(words, kept []layout.Word) []layout.Box {
	h := layout.TextHeight(kept)
	var found []layout.Box
	for _, w := range words {
		if layout.Alnum(w.Text) > 1 && 2*w.Height() > h && w.Height() < 3*h && 3*w.Width() > w.Height() && !slices.Contains(kept, w) {
			found = append(found, w.Box)
		}
	}
	return found
}

// lost returns the pieces of ink as large as letters that belong to no word: something that the tool did not read.
func (in inked) lost() []layout.Box {
	var found []layout.Box
	for _, p := range in.free {
		w, h := p.Width(), p.Height()
		if 20*h > 11*in.usual && 10*h < 16*in.usual && 4*w > h && w < 3*h && 4*p.Pixels > w*h {
			found = append(found, p.Box)
		}
	}
	return found
}

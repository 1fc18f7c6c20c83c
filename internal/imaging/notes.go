package imaging

import "fmt"

// The kinds of notes.
const (
	NotePages   = "pages"   // there are more pages or frames than the one that was taken
	NoteSmall   = "small"   // too few pixels for small writing
	NoteDark    = "dark"    // too dark to read well
	NoteBlank   = "blank"   // nothing seems to be on it
	NoteBlurred = "blurred" // no sharp edges in it
)

// smallSide is the long side below which a page's writing can hardly be read: tables of 500 pixels gave half their words.
const smallSide = 600

// notes says what may be wrong with a picture. They are hints, so each is given only where it is plain.
func notes(h header, pic, thumb picture) []Note {
	var all []Note
	add := func(kind, format string, args ...any) {
		all = append(all, Note{Kind: kind, Message: fmt.Sprintf(format, args...)})
	}
	if h.pages > 1 {
		if h.kind == TIFF {
			add(NotePages, "Only the first of %d pages was taken. Save the others as files of their own and add them.", h.pages)
		} else {
			add(NotePages, "This is a moving picture; only its first frame was taken.")
		}
	}
	if max(h.width, h.height) < smallSide {
		add(NoteSmall, "Only %d × %d pixels: small writing may be lost. Photograph it from closer, or scan it finer.",
			pic.w, pic.h)
	}
	low, middle, high := spread(thumb.y)
	switch {
	case high-low < 12:
		add(NoteBlank, "Nothing seems to be on this picture.")
	case middle < 48 && high < 112:
		add(NoteDark, "Very dark: photograph it again with more light.")
	}
	return all
}

// spread returns the luma below which 1, 50 and 99 of 100 pixels lie.
func spread(p plane) (low, middle, high int) {
	var count [256]int
	for y := range p.h {
		for _, v := range p.row(y) {
			count[v]++
		}
	}
	total := p.w * p.h
	at := func(share int) int {
		seen := 0
		for v, n := range count {
			if seen += n; seen*100 > total*share {
				return v
			}
		}
		return 255
	}
	return at(1), at(50), at(99)
}

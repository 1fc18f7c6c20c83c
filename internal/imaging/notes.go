package imaging

import "fmt"

// The kinds of notes.
const (
	NotePages   = "pages"   // there are more frames than the one that was taken
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
		add(NotePages, "This is a moving picture; only its first frame was taken.")
	}
	if max(h.width, h.height) < smallSide {
		add(NoteSmall, "Only %d × %d pixels: small writing may be lost. Photograph it from closer, or scan it finer.",
			pic.w, pic.h)
	}
	near, far, most := slopes(pic.y)
	middle, high := spread(thumb.y)
	switch {
	case most < blankSlope:
		add(NoteBlank, "Nothing seems to be on this picture.")
	case middle < 48 && high < 112:
		add(NoteDark, "Very dark: photograph it again with more light.")
	case max(pic.w, pic.h) >= smallSide && near*100 < far*blurredShare:
		add(NoteBlurred, "Looks blurred: photograph it again with a steady hand, or clean the lens.")
	}
	return all
}

const (
	// blankSlope is the difference of luma that even a blank page's noise reaches, and the palest writing passes.
	blankSlope = 12
	// blurredShare is how many per cent of a difference between pixels 12 apart must fall between pixels 2 apart. Of
	// 100 receipts, tables and photographs of tables that people could read all have 40 or more, and softened by 4
	// pixels, when small writing is lost, 28 or less.
	blurredShare = 30
)

// slopes returns how much luma changes over 2 and over 12 pixels, each but for the steepest 1 of 200 places, and the
// most that it changes over 12, but for 1 of 2,000.
func slopes(p plane) (near, far, most int) {
	var nearCount, farCount [256]int
	total := 0
	for y := 0; y < p.h; y += 3 {
		row := p.row(y)
		for x := 6; x+6 < len(row); x++ {
			a, b := int(row[x+1])-int(row[x-1]), int(row[x+6])-int(row[x-6])
			nearCount[max(a, -a)]++
			farCount[max(b, -b)]++
			total++
		}
	}
	return level(&nearCount, total*199/200), level(&farCount, total*199/200), level(&farCount, total*1999/2000)
}

// spread returns the luma below which 50 and 99 of 100 pixels lie.
func spread(p plane) (middle, high int) {
	var count [256]int
	for y := range p.h {
		for _, v := range p.row(y) {
			count[v]++
		}
	}
	return level(&count, p.w*p.h/2), level(&count, p.w*p.h*99/100)
}

// level is the value that n of the counted lie below.
func level(count *[256]int, n int) int {
	for v, c := range count {
		if n -= c; n < 0 {
			return v
		}
	}
	return 255
}

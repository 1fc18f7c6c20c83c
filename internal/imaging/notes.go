package imaging

import "fmt"

// The kinds of notes.
const (
	NoteLong    = "long"    // it is read in pieces, or so wide that its writing may be lost
	NotePages   = "pages"   // it has further frames that were ignored
	NoteSmall   = "small"   // too few pixels for small writing
	NoteDark    = "dark"    // too dark to read well
	NoteBlank   = "blank"   // nothing seems to be on it
	NoteBlurred = "blurred" // no sharp edges in it
)

// smallSide is the long side below which a page's writing is hardly readable: tables of 500 pixels gave half their
// words.
const smallSide = 600

// notes warns of likely faults of a picture. They are hints, so each is given only in clear cases.
func notes(h header, pic, thumb picture) []Note {
	var all []Note
	add := func(kind, format string, args ...any) {
		all = append(all, Note{Kind: kind, Message: fmt.Sprintf(format, args...)})
	}
	switch {
	case h.pages > 1 && (h.kind == HEIC || h.kind == AVIF):
		add(NotePages, "There are %d pictures in this file; only the main one was taken.", h.pages)
	case h.pages > 1:
		add(NotePages, "This is a moving picture; only its first frame was taken.")
	}
	if max(h.width, h.height) < smallSide {
		add(NoteSmall, "Only %d × %d pixels: small writing may be lost. Photograph it from closer, or scan it finer.",
			pic.w, pic.h)
	}
	switch {
	case InPieces(pic.w, pic.h):
		add(NoteLong, "A long picture: it is read in overlapping pieces, and its rows are put together.")
	case InPieces(pic.h, pic.w):
		add(NoteLong, "A very wide picture: small writing may be lost. If it stands on its side, turn it; otherwise cut it into parts.")
	}
	near, far, most := slopes(pic.y)
	middle, high := lumaPercentiles(thumb.y)
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
	// blankSlope is the difference of luma that the noise of a blank page reaches at most, and the palest writing
	// exceeds.
	blankSlope = 12
	// blurredShare is the minimum share, in per cent, of a difference between pixels 12 apart that falls between
	// pixels 2 apart. Of 100 receipts, tables and photographs of tables that people could read, all have 40 or
	// more; softened by 4 pixels, when small writing is lost, 28 or less.
	blurredShare = 30
)

// slopes returns how much luma changes over 2 and over 12 pixels at the steepest places, and the most that it changes over
// 12, but for 1 of 2,000 places of a stretch as high as the picture is wide. The steepest places are 1 of 200, or on a
// sheet with little on it 1 of 20 of those where there is something: blank paper says nothing about sharpness.
func slopes(p plane) (near, far, most int) {
	var nearCount, farCount, stretch [256]int
	total, places := 0, 0
	for y := 0; y < p.h; y += 3 {
		row := p.row(y)
		for x := 6; x+6 < len(row); x++ {
			a, b := int(row[x+1])-int(row[x-1]), int(row[x+6])-int(row[x-6])
			nearCount[max(a, -a)]++
			stretch[max(b, -b)]++
			places++
		}
		if y+3 < p.h && places < p.w*p.w/3 {
			continue
		}
		most = max(most, percentile(&stretch, places*1999/2000))
		for v, n := range stretch {
			farCount[v] += n
		}
		total, places, stretch = total+places, 0, [256]int{}
	}
	steep := total / 200
	written := 0
	for _, n := range farCount[blankSlope:] {
		written += n
	}
	steep = min(steep, written/20)
	return percentile(&nearCount, total-steep), percentile(&farCount, total-steep), most
}

// lumaPercentiles returns the luma below which 50 and 99 of 100 pixels lie.
func lumaPercentiles(p plane) (middle, high int) {
	var count [256]int
	for y := range p.h {
		for _, v := range p.row(y) {
			count[v]++
		}
	}
	return percentile(&count, p.w*p.h/2), percentile(&count, p.w*p.h*99/100)
}

// percentile returns the value that n of the counted values lie below.
func percentile(count *[256]int, n int) int {
	for v, c := range count {
		if n -= c; n < 0 {
			return v
		}
	}
	return 255
}

package imaging

import (
	"sheetlift/internal/errs"
)

// A long picture is a screenshot of a whole page or a receipt of metres. Shrunk like any other, its writing would
// be too small to read, so it keeps its short side, and engines read it in pieces (see Cut).
const (
	longAspect   = 4      // minimum ratio of the long side to the short one
	longest      = 20_000 // maximum pixels of a long picture's long side
	readableSide = 640    // minimum pixels of the short side to which a long picture may be shrunk
)

// isLong reports whether a picture of this size is read in pieces, in this orientation or rotated upright.
func (p *Preparer) isLong(w, h int) bool {
	long, short := max(w, h), min(w, h)
	return long > p.limits.Longest && long > longAspect*short
}

// longTarget returns the size of a prepared long picture: its short side at most ShortSide, its long side at most
// longest.
func (p *Preparer) longTarget(w, h int) (int, int) {
	long, short := float64(max(w, h)), float64(min(w, h))
	scale := min(1, float64(p.limits.ShortSide)/short, longest/long)
	return max(1, int(float64(w)*scale+0.5)), max(1, int(float64(h)*scale+0.5))
}

// checkLong refuses a picture too long to be readable even in pieces.
func (p *Preparer) checkLong(name string, w, h int) error {
	if !p.isLong(w, h) {
		return nil
	}
	tw, th := p.longTarget(w, h)
	if short := min(w, h); min(tw, th) < min(short, readableSide) {
		return errs.New(errs.Invalid, "%s is too long to be read in one go: %s × %s pixels. Cut it into parts and send those.",
			name, grouped(int64(w)), grouped(int64(h)))
	}
	return nil
}

// head returns the upper part of a long picture for its thumbnail: the whole would be a thin line.
func (p picture) head() picture {
	const shape = 2 // its height divided by its width
	if p.h <= longAspect*p.w {
		return p
	}
	return p.rows(0, shape*p.w)
}

// rows returns the part of a picture between two rows; from must be even, as two rows share their chroma.
func (p picture) rows(from, to int) picture {
	part := func(c plane, from, to int) plane {
		return plane{pix: c.pix[from*c.stride:], stride: c.stride, w: c.w, h: min(to, c.h) - from}
	}
	out := picture{w: p.w, h: to - from, y: part(p.y, from, to)}
	if !p.grey() {
		out.cb, out.cr = part(p.cb, from/2, (to+1)/2), part(p.cr, from/2, (to+1)/2)
	}
	return out
}

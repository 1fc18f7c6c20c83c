package imaging

import (
	"archive/zip"
	"cmp"
	"slices"

	"sheetlift/internal/errs"
)

const (
	maxWholeRatio         = 100      // average expansion of an archive; pictures hardly compress
	smallUnpacked         = 64 << 20 // size of all files together below which the ratio is ignored
	maxConsecutiveRefused = 20       // consecutive refused files after which the rest is skipped
	pixelsPerByte         = 1000     // maximum pixels per byte of an archive; a page of a fax has 300
	smallPixels           = 600e6    // pixels of all pictures together below which pixelsPerByte is ignored
)

// check refuses an archive whose list of files shows a bomb: files that share bytes, or an expansion that is far
// too high in total.
func (w *walk) check(name string, z *zip.Reader, size int64) error {
	var total uint64
	stretches := make([]span, 0, len(z.File))
	for _, f := range z.File {
		total += min(f.UncompressedSize64, 1<<40)
		at, err := f.DataOffset()
		if err != nil || f.CompressedSize64 == 0 {
			continue // the error names it when the file is extracted
		}
		stretches = append(stretches, span{at, int64(min(f.CompressedSize64, 1<<50))})
	}
	if total > smallUnpacked && total/maxWholeRatio > uint64(size) {
		return errs.New(errs.Invalid, "%s is packed far too tightly for an archive of pictures. Send the pictures in it.", name)
	}
	slices.SortFunc(stretches, func(a, b span) int { return cmp.Compare(a.at, b.at) })
	for i := 1; i < len(stretches); i++ {
		if before := stretches[i-1]; before.at+before.size > stretches[i].at {
			return errs.New(errs.Invalid, "%s is damaged: files in it overlap. Pack it again, or send the pictures in it.", name)
		}
	}
	return nil
}

// overBudget returns the error that ends the walk through an archive that has cost too much, otherwise nil.
func (w *walk) overBudget() error {
	name, size := w.archived, w.size
	switch {
	case name == "":
		return nil
	case w.refusedInRow >= maxConsecutiveRefused:
		return errs.New(errs.Invalid, "In %s, %d files one after the other cannot be used; the rest was left out. "+
			"Send the pictures in it.", name, maxConsecutiveRefused)
	case w.pixels > smallPixels && w.pixels/pixelsPerByte > size:
		return errs.New(errs.TooLarge, "%s holds pictures of more than %s million pixels together; the rest was left out. "+
			"Send it in parts.", name, grouped(max(smallPixels, size*pixelsPerByte)/1e6))
	}
	return nil
}

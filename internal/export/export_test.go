package export

import (
	"context"
	"io"
	"iter"

	"sheetlift/internal/batch"
)

// WorkbookWithin is Workbook with other limits: rows a sheet, and images with a sheet each.
func WorkbookWithin(ctx context.Context, w io.Writer, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt Options, rows, sheets int) error {
	return workbook(ctx, w, b, images, opt, limits{rows: rows, images: sheets})
}

// SheetNames returns the names that images of these names get.
func SheetNames(wishes []string) []string {
	names := newSheetNames()
	for _, fixed := range []string{sheetRows, sheetSummary, sheetProblems} {
		names.name(fixed, "")
	}
	var all []string
	for _, wish := range wishes {
		all = append(all, names.name(wish, "Image 1"))
	}
	return all
}

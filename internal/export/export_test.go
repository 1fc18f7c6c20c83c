package export

import (
	"context"
	"io"
	"iter"

	"sheetlift/internal/batch"
)

// WorkbookWithin is Workbook with other limits: rows per sheet, and images with a sheet each.
func WorkbookWithin(ctx context.Context, w io.Writer, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt Options, rows, sheets int) error {
	return workbook(ctx, w, b, images, opt, limits{rows: rows, images: sheets, links: maxLinks, notes: maxNotes})
}

// MaxLinks is how many links a sheet of Workbook has at most.
const MaxLinks = maxLinks

// WorkbookLinked is Workbook with another number of links per sheet.
func WorkbookLinked(ctx context.Context, w io.Writer, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt Options, links int) error {
	return workbook(ctx, w, b, images, opt, limits{rows: 1_048_575, images: MaxImageSheets, links: links, notes: maxNotes})
}

// SheetNames returns the sheet names for images with these names.
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

// Computes reports whether a spreadsheet might take a field of CSV for a formula.
func Computes(s string) bool { return computes(s) }

// WorkbookNoted is Workbook with another number of notes.
func WorkbookNoted(ctx context.Context, w io.Writer, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt Options, notes int) error {
	return workbook(ctx, w, b, images, opt, limits{rows: 1_048_575, images: MaxImageSheets, links: maxLinks, notes: notes})
}

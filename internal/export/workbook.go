// Package export writes the workbook of a batch: one right Excel file with every row that was read, what became of each
// image, what is doubtful, and a sheet for each image.
package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// Options steer a workbook.
type Options struct {
	TmpDir  string    // for the file while it grows; "" is the system's own. Nothing is left in it, even after a kill
	Now     time.Time // shown as the time of the workbook and stored as its date; zero: the batch's own last time
	Version string    // of the program, shown in Summary; may be ""
	// Say says the program's own words and sentences, which are English here, in the reader's language; nil: as they are.
	Say func(english string) string
}

// The limits of a workbook.
const (
	// MaxImageSheets is up to how many images each gets a sheet of its own. Excel opens more, but nobody finds anything
	// in them; then Summary says that all rows are on the first sheet.
	MaxImageSheets = 1000
	// maxColumns is Excel's limit less the column with the image's name.
	maxColumns = 16_384 - 1
	// maxProblems is how many lines Problems lists; one more says how many there are beyond.
	maxProblems = 100_000
)

// limits are Excel's, smaller in tests.
type limits struct {
	rows   int // of one sheet, without its header
	images int // with a sheet each
}

// Workbook writes the batch as an Excel workbook: "All rows", "Summary", "Problems", then a sheet for each image, all in
// the order in which images yields, which is that of upload. A batch that still runs is written as far as it is, and
// says so.
//
// images is ranged over several times and must yield the same each time: it is a snapshot, or the error is a Conflict.
// Text is text: nothing becomes a formula, and a number or a date only becomes one in a column of that type and when
// nothing of it is lost. The same batch and Options give the same bytes. Nothing is written to w before the whole
// workbook is made, so an error before that leaves w untouched.
func Workbook(ctx context.Context, w io.Writer, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt Options) error {
	return workbook(ctx, w, b, images, opt, limits{rows: 1_048_575, images: MaxImageSheets})
}

func workbook(ctx context.Context, w io.Writer, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt Options, max limits) error {
	p, err := survey(ctx, b, images, opt.Say, max)
	if err != nil {
		return err
	}
	p.setTime(opt)
	skeleton, err := p.skeleton()
	if err != nil {
		return fmt.Errorf("the frame of the workbook: %w", err)
	}
	tmp, err := temporary(opt.TmpDir)
	if err != nil {
		return errs.Wrap(err, errs.Full, "The workbook cannot be made: the folder for temporary files cannot be written to.")
	}
	defer tmp.Close()
	if err := p.splice(ctx, tmp, skeleton, images); err != nil {
		return err
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(w, tmp)
	return err
}

// temporary opens a file without a name, so that nothing of a batch stays behind whatever happens.
func temporary(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "workbook-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// each ranges over images until one is an error, or the context ends.
func each(ctx context.Context, images iter.Seq2[*batch.Image, error], f func(i int, m *batch.Image) error) error {
	i := 0
	for m, err := range images {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = f(i, m)
		}
		if err != nil {
			return err
		}
		i++
	}
	return ctx.Err()
}

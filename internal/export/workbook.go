// Package export writes the workbook of a batch: one Excel file with all rows read, a summary, a list of problems, and a sheet
// for each image.
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

// Options are the settings of a workbook.
type Options struct {
	TmpDir  string    // folder for the temporary file; "" is the default of the system. Nothing is left in it, even after a kill
	Now     time.Time // shown as the time of the workbook and stored as its date; zero: the batch's own last time
	Version string    // of the program, shown in Summary; may be ""
	// Say translates the program's own words and sentences, which are English here; nil leaves them unchanged.
	Say func(english string) string
}

// The limits of a workbook.
const (
	// MaxImageSheets is the largest number of images that get a sheet each. Excel opens more, but they are of no use to a
	// reader; above it, Summary refers to the first sheet for all rows.
	MaxImageSheets = 1000
	// maxColumns is Excel's limit minus the column with the image's name.
	maxColumns = 16_384 - 1
	// maxProblems is how many lines Problems lists; one more states the number of the others.
	maxProblems = 100_000
)

// limits are the limits of Excel; tests use smaller ones.
type limits struct {
	rows   int // per sheet, without its header
	images int // images that get a sheet each
	links  int // per sheet
	notes  int // per workbook
}

// Workbook writes the batch as an Excel workbook: "All rows", "Summary", "Problems", then a sheet for each image, all in the
// order of images, which is the order of the batch. In "All rows" an image's name leads to its sheet, and doubtful cells have a
// note with the reason. For a running batch it contains the rows so far and says so.
//
// images is iterated several times and must yield the same each time: it is a snapshot, otherwise the error is a Conflict. Text
// stays text: nothing becomes a formula, and a number or date only becomes one in a column of that type and without any loss.
// The same batch and Options give the same bytes. Nothing is written to w before the workbook is complete, so that after an
// earlier error w is untouched.
func Workbook(ctx context.Context, w io.Writer, b *batch.Batch, images iter.Seq2[*batch.Image, error], opt Options) error {
	return workbook(ctx, w, b, images, opt, limits{rows: 1_048_575, images: MaxImageSheets, links: maxLinks, notes: maxNotes})
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

// temporary opens an unnamed file, so that no data of a batch is left behind in any case.
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

// each iterates over images until one is an error or the context ends.
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

package imaging

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"sheetlift/internal/errs"
)

// pdf yields each page, rendered at the size of a prepared picture.
func (w *walk) pdf(filename string, up *upload) error {
	dir, err := w.writeTemp(up, "in.pdf")
	if err != nil {
		return fmt.Errorf("keep upload while it is read: %w", err)
	}
	defer os.RemoveAll(dir)
	in := filepath.Join(dir, "in.pdf")
	pages, err := pdfPages(w.ctx, in)
	if err != nil {
		return w.part(Part{Filename: filename}, func(name string) (*Prepared, error) { return nil, pdfRefusal(w.ctx, name, err) })
	}
	for i, size := range pages {
		err := w.part(Part{Page: i + 1, Filename: filename}, func(name string) (*Prepared, error) {
			return w.pdfPage(name, in, i+1, size, digestOf(up.digest, i+1))
		})
		if err != nil || w.stopped {
			return err
		}
	}
	return nil
}

// points is the size of a page, in 1/72 inch.
type points struct{ w, h float64 }

var pageSize = regexp.MustCompile(`(?m)^Page +\d+ size: +([0-9.e+]+) x ([0-9.e+]+) pts`)

var errLocked = errors.New("locked with a password")

// pdfPages returns the size of every page.
func pdfPages(ctx context.Context, in string) ([]points, error) {
	said, err := run(ctx, filepath.Dir(in), pdfInfo, "-f", "1", "-l", strconv.Itoa(maxPages), in)
	if err != nil {
		if strings.Contains(err.Error(), "Incorrect password") {
			return nil, errLocked
		}
		return nil, err
	}
	var pages []points
	for _, found := range pageSize.FindAllSubmatch(said, -1) {
		w, _ := strconv.ParseFloat(string(found[1]), 64)
		h, _ := strconv.ParseFloat(string(found[2]), 64)
		pages = append(pages, points{w, h})
	}
	if pages == nil {
		return nil, errDamaged
	}
	return pages, nil
}

func pdfRefusal(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errLocked) {
		return errs.Wrap(err, errs.Invalid, "%s is locked with a password. Open it, print it into a new PDF without one, or "+
			"save its pages as JPEG, and send that.", name)
	}
	if _, theirs := errors.AsType[*childError](err); !theirs && !errors.Is(err, errDamaged) {
		return fmt.Errorf("open PDF: %w", err)
	}
	return errs.Wrap(err, errs.Invalid, "%s is damaged or cut off: it starts like a PDF and cannot be opened. Copy it again "+
		"from where it came from, or save its pages as JPEG.", name)
}

// pdfPage renders one page and prepares it.
func (w *walk) pdfPage(name, in string, page int, size points, digest string) (*Prepared, error) {
	long, short := max(size.w, size.h), min(size.w, size.h)
	if short < 1 || long > short*float64(w.limits.MaxAspect) {
		return nil, errs.New(errs.Invalid, "%s is a mere strip, %.0f × %.0f points. Save it as JPEG, in parts, and send those.",
			name, size.w, size.h)
	}
	// A page has no fixed number of pixels; target gives the size to render.
	const fine = 1e4
	width, height := w.target(int(fine*size.w/long), int(fine*size.h/long))
	h := header{kind: PDF, width: width, height: height, orientation: 1, pages: 1, costly: true}
	h.need = saturate(8, int64(width), int64(height))
	need := max(w.minMemory, h.memory())
	if err := w.memory.Acquire(w.ctx, need); err != nil {
		return nil, err
	}
	defer w.release(need)
	n := strconv.Itoa(page)
	drawn, err := run(w.ctx, filepath.Dir(in), pdfToPPM, "-q", "-f", n, "-l", n, "-singlefile", "-scale-to", strconv.Itoa(max(width, height)), in)
	if err != nil {
		return nil, pdfRefusal(w.ctx, name, err)
	}
	img, err := decodePPM(drawn)
	if err != nil {
		return nil, pdfRefusal(w.ctx, name, err)
	}
	b := img.Bounds()
	return w.finish(&Prepared{Source: digest}, h, shrink(img, b.Dx(), b.Dy()))
}

// decodePPM decodes the output of pdftoppm: a header line with the size, then three bytes per pixel.
func decodePPM(data []byte) (image.Image, error) {
	in := bufio.NewReader(bytes.NewReader(data))
	var w, h, most int
	if n, err := fmt.Fscanf(in, "P6\n%d %d\n%d\n", &w, &h, &most); err != nil || n != 3 || most != 255 {
		return nil, errDamaged
	}
	if w < 1 || h < 1 || w > 1<<14 || h > 1<<14 {
		return nil, errDamaged
	}
	img, line := image.NewRGBA(image.Rect(0, 0, w, h)), make([]byte, 3*w)
	for y := range h {
		if _, err := io.ReadFull(in, line); err != nil {
			return nil, errDamaged
		}
		row := img.Pix[y*img.Stride:]
		for x := range w {
			copy(row[4*x:], line[3*x:3*x+3])
			row[4*x+3] = 255
		}
	}
	return img, nil
}

package imaging

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"strconv"

	"sheetlift/internal/errs"
)

// Part is one picture of a file.
type Part struct {
	N        int       // index in the file, from 1; the same each time the file is read
	Single   bool      // the file holds only this picture
	Page     int       // in the document Filename, from 1; 0 for a picture
	Filename string    // of the file as given, or in its archive; never use it as a path
	Picture  *Prepared // nil if it is refused
	Refused  error     // errs.Invalid or errs.TooLarge, like the errors of Parts
}

// Parts reads one file from r and yields its pictures in order, each when it is prepared: the one of a photo, the
// pages of a TIFF or PDF, the pictures in a ZIP. Parts for which have returns true are skipped. The filename is
// used in messages only. An unusable part does not stop the others.
//
// An error ends the sequence. It is errs.Invalid or errs.TooLarge, with a message that names the file, the reason
// and the remedy, if the file is unusable or becomes so. An error of r with a kind of errs is yielded unchanged,
// and ctx's error once ctx has ended.
func (p *Preparer) Parts(ctx context.Context, filename string, r io.Reader, have func(part int) bool) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		up, err := p.receive(ctx, displayName(filename), r)
		if err != nil {
			yield(Part{}, err)
			return
		}
		defer up.close()
		w := &walk{Preparer: p, ctx: ctx, have: have, yield: yield}
		if up.kind == ZIP {
			err = w.archive(filename, up)
		} else {
			err = w.file(filename, up, true)
		}
		if err != nil && !w.stopped {
			yield(Part{}, err)
		}
	}
}

// walk iterates over the parts of one upload.
type walk struct {
	*Preparer
	ctx     context.Context
	have    func(part int) bool
	yield   func(Part, error) bool
	n       int  // the current part
	stopped bool // the caller stopped

	archived     string // the archive's name, fit for a sentence; "" outside one
	size         int64  // the archive's size in bytes
	refusedInRow int    // consecutive refused parts, up to the current one
	pixels       int64  // of all pictures opened
}

// prepareOne prepares a picture as Preparer.prepareOne does, and counts its pixels.
func (w *walk) prepareOne(name string, up *upload) (*Prepared, error) {
	return w.Preparer.prepareOne(w.ctx, name, up, &w.pixels)
}

// file yields the parts of a file that is not an archive. An error ends the walk.
func (w *walk) file(filename string, up *upload, alone bool) error {
	switch up.kind {
	case TIFF:
		return w.tiff(filename, up, alone)
	case PDF:
		return w.pdf(filename, up)
	}
	return w.part(Part{Single: alone, Filename: filename}, func(name string) (*Prepared, error) { return w.prepareOne(name, up) })
}

// part yields one part, made by prepare unless the caller has it. An error ends the walk.
func (w *walk) part(part Part, prepare func(name string) (*Prepared, error)) error {
	if err := w.overBudget(); err != nil {
		return err
	}
	w.n++
	part.N = w.n
	switch {
	case w.stopped:
		return nil
	case w.n > w.limits.MaxParts:
		w.stopped = true
		w.yield(Part{}, errs.New(errs.Invalid, "%s holds more than %s pictures; the others were left out. Send it in parts.",
			displayName(part.Filename), grouped(int64(w.limits.MaxParts))))
		return nil
	case !part.Single && w.have(part.N):
		return nil
	}
	name := displayName(part.Filename)
	if part.Page > 0 {
		name += fmt.Sprintf(" page %d", part.Page)
	}
	var err error
	if part.Picture, err = prepare(name); err != nil {
		if !isRefusal(err) {
			return err
		}
		part.Picture, part.Refused = nil, err
		w.refusedInRow++
	} else {
		w.refusedInRow = 0
	}
	w.stopped = !w.yield(part, nil)
	return nil
}

func isRefusal(err error) bool { return errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge) }

// tiff yields each page. A file of one page is a picture like any other.
func (w *walk) tiff(filename string, up *upload, alone bool) error {
	start, pages, err := tiffPages(up, up.size)
	if err == nil && isRaw(&parser{r: up, size: up.size}, start) {
		err = errRaw
	}
	if err != nil || len(pages) == 1 {
		return w.part(Part{Single: alone, Filename: filename}, func(name string) (*Prepared, error) {
			if err != nil {
				return nil, refusal(name, TIFF, err)
			}
			return w.prepareOne(name, pageOf(up, start, pages[0], 0))
		})
	}
	for i, at := range pages {
		err := w.part(Part{Page: i + 1, Filename: filename}, func(name string) (*Prepared, error) {
			return w.prepareOne(name, pageOf(up, start, at, i+1))
		})
		if err != nil || w.stopped {
			return err
		}
	}
	return nil
}

// pageOf returns the file with the page at the given offset as its first: the decoder opens no other. A page number
// of 0 stands for the only page.
func pageOf(up *upload, start []byte, at uint32, page int) *upload {
	b := append([]byte{}, start...)
	order := binary.ByteOrder(binary.LittleEndian)
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	order.PutUint32(b[4:], at)
	return &upload{ReaderAt: &patched{up.ReaderAt, b}, size: up.size, kind: TIFF, digest: digestOf(up.digest, page)}
}

// digestOf returns the digest of a page; like the file's digest it identifies duplicates.
func digestOf(file string, page int) string {
	if page == 0 {
		return file
	}
	sum, _ := hex.DecodeString(file)
	return sha256Hex(append(sum, " page "+strconv.Itoa(page)...))
}

// patched is a file with a replaced start.
type patched struct {
	io.ReaderAt
	start []byte
}

func (p *patched) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.ReaderAt.ReadAt(b, off)
	if off < int64(len(p.start)) {
		copy(b[:n], p.start[off:])
	}
	return n, err
}

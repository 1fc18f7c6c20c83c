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

// Part is one picture out of a file.
type Part struct {
	N        int       // which of the file, from 1; the same each time the file is read
	Alone    bool      // the file is just this picture
	Page     int       // of the document Filename, from 1; 0 for a picture
	Filename string    // of the file as given, or in its archive; never to be used as a path
	Picture  *Prepared // nil when it is refused
	Refused  error     // errs.Invalid or errs.TooLarge, like the errors of Parts
}

// Parts reads one file from r and yields its pictures in their order, each when it is prepared: the one of a photo, the
// pages of a TIFF or PDF, the pictures in a ZIP. Parts of which the caller says that it has them are passed over. The
// filename serves for messages only. A part that cannot be used does not hold up the others.
//
// The error ends it. It is errs.Invalid or errs.TooLarge, with a message that names the file, the reason and the remedy,
// when the file cannot be used, or no further. An error of errs' own kinds from r is yielded as it is, and ctx's error
// once ctx has ended.
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
		if err != nil && !w.over {
			yield(Part{}, err)
		}
	}
}

// walk goes through the parts of one upload.
type walk struct {
	*Preparer
	ctx   context.Context
	have  func(part int) bool
	yield func(Part, error) bool
	n     int  // the part at hand
	over  bool // the caller wants no more
}

// file yields the parts of a file that is not an archive. The error is one that ends the walk.
func (w *walk) file(filename string, up *upload, alone bool) error {
	switch up.kind {
	case TIFF:
		return w.tiff(filename, up, alone)
	case PDF:
		return w.pdf(filename, up)
	}
	return w.part(Part{Alone: alone, Filename: filename}, func(name string) (*Prepared, error) { return w.one(w.ctx, name, up) })
}

// part yields one part, prepared by make unless the caller has it. The error is one that ends the walk.
func (w *walk) part(part Part, prepare func(name string) (*Prepared, error)) error {
	w.n++
	part.N = w.n
	switch {
	case w.over:
		return nil
	case w.n > w.limits.MaxParts:
		w.over = true
		w.yield(Part{}, errs.New(errs.Invalid, "%s holds more than %s pictures; the others were left out. Send it in parts.",
			displayName(part.Filename), grouped(int64(w.limits.MaxParts))))
		return nil
	case !part.Alone && w.have(part.N):
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
	}
	w.over = !w.yield(part, nil)
	return nil
}

func isRefusal(err error) bool { return errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge) }

// tiff yields each page. A file of one page is a picture like any other.
func (w *walk) tiff(filename string, up *upload, alone bool) error {
	start, pages, err := tiffPages(up, up.size)
	if err != nil || len(pages) == 1 {
		return w.part(Part{Alone: alone, Filename: filename}, func(name string) (*Prepared, error) {
			if err != nil {
				return nil, refusal(name, TIFF, err)
			}
			return w.one(w.ctx, name, pageOf(up, start, pages[0], 0))
		})
	}
	for i, at := range pages {
		err := w.part(Part{Page: i + 1, Filename: filename}, func(name string) (*Prepared, error) {
			return w.one(w.ctx, name, pageOf(up, start, at, i+1))
		})
		if err != nil || w.over {
			return err
		}
	}
	return nil
}

// pageOf is the file as it would be if the page at the given place were its first: the decoder opens no other. A page
// number of 0 stands for the only page.
func pageOf(up *upload, start []byte, at uint32, page int) *upload {
	b := append([]byte{}, start...)
	order := binary.ByteOrder(binary.LittleEndian)
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	order.PutUint32(b[4:], at)
	return &upload{ReaderAt: &patched{up.ReaderAt, b}, size: up.size, kind: TIFF, digest: digestOf(up.digest, page)}
}

// digestOf is the digest of a page: as good as the file's for telling that it came twice.
func digestOf(file string, page int) string {
	if page == 0 {
		return file
	}
	sum, _ := hex.DecodeString(file)
	return sha256Hex(append(sum, " page "+strconv.Itoa(page)...))
}

// patched is a file with another start.
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

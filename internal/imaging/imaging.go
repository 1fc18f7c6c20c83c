// Package imaging turns any file that a clerk may send into one bounded, upright picture without metadata, and a
// thumbnail of it, or says in one sentence why that cannot be done and what to do instead.
//
// A file is judged by its content, never by its name. What it claims about itself is read from its header and checked
// before a byte is decoded; decoding takes its memory from a common budget; and what is kept is written anew, so that
// nothing which rode along in the file (position, serial numbers, another file behind the picture) is kept.
package imaging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"runtime"
	"runtime/debug"

	"golang.org/x/sync/semaphore"

	"sheetlift/internal/errs"
)

// Limits bound what is taken in and what comes out. A zero field means the default named beside it.
type Limits struct {
	MaxBytes  int64  // of one picture as sent: 25 MiB
	MaxPacked int64  // of a file as sent that holds many, a PDF or a ZIP: 512 MiB
	MaxParts  int    // pictures that are taken out of one file: 1,000
	MaxPixels int64  // width times height, from the header: 60 million
	MaxSide   int    // pixels: 30,000
	MinSide   int    // pixels: 16
	MaxAspect int    // the long side by the short one: 40
	Memory    int64  // bytes that all decoding at one time may take, by what the headers say: 384 MiB
	LongSide  int    // a picture is shrunk to this: 2,000 pixels
	ShortSide int    // but no further than to this, which is all that a vision model sees: 1,152 pixels
	Longest   int    // and in any case to this: 3,072 pixels
	KeepBytes int64  // a small upright JPEG or PNG up to this size keeps its own compression: 1 MiB
	Quality   int    // of the JPEG written: 85
	ThumbSide int    // of the thumbnail: 256 pixels
	Self      string // this program's own file, which opens HEIC in a child process (see DecodeHEIC); "" for none
	TmpDir    string // where a large file waits for its turn; "" is the system's
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.MaxBytes, 25<<20)
	setDefault(&l.MaxPacked, 512<<20)
	setDefault(&l.MaxParts, 1000)
	setDefault(&l.MaxPixels, 60e6)
	setDefault(&l.MaxSide, 30_000)
	setDefault(&l.MinSide, 16)
	setDefault(&l.MaxAspect, 40)
	setDefault(&l.Memory, 384<<20)
	setDefault(&l.LongSide, 2000)
	setDefault(&l.ShortSide, 1152)
	setDefault(&l.Longest, 3072)
	setDefault(&l.KeepBytes, 1<<20)
	setDefault(&l.Quality, 85)
	setDefault(&l.ThumbSide, 256)
	return l
}

func setDefault[T int | int64](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Prepared is a picture ready for an engine, with its thumbnail.
type Prepared struct {
	Data   []byte // JPEG or PNG: upright, bounded, free of metadata
	MIME   string // "image/jpeg" or "image/png"
	Width  int    // pixels of Data
	Height int
	Thumb  []byte // JPEG, at most Limits.ThumbSide a side, never larger than the picture
	Source string // SHA-256 of the file as sent, hex
	Look   string // a hash that resembling pictures nearly share, hex
	Notes  []Note // what a person should know before money is spent on it
}

// Note is one such remark. Kind is a stable word: NotePages, NoteSmall, NoteDark, NoteBlank or NoteBlurred.
type Note struct {
	Kind    string
	Message string
}

// Preparer prepares pictures. It may be used by any number of goroutines; they share its budget of memory.
type Preparer struct {
	limits Limits
	memory *semaphore.Weighted // bytes
	least  int64               // bytes that any decode takes of it, so that no more run than there are processors
}

// New returns a Preparer with the given limits.
func New(limits Limits) *Preparer {
	l := limits.withDefaults()
	return &Preparer{
		limits: l,
		memory: semaphore.NewWeighted(l.Memory),
		least:  max(1, l.Memory/int64(runtime.GOMAXPROCS(0))),
	}
}

// one prepares the picture of a file, or of a page, that has arrived; name is fit for a sentence.
func (p *Preparer) one(ctx context.Context, name string, up *upload) (*Prepared, error) {
	head, err := readHeader(up.kind, up, up.size)
	if err != nil {
		return nil, refusal(name, up.kind, err)
	}
	if err := p.check(name, head); err != nil {
		return nil, err
	}
	need := max(p.least, head.memory())
	if err := p.memory.Acquire(ctx, need); err != nil {
		return nil, err
	}
	defer p.release(need)
	return p.prepare(ctx, name, up, head)
}

// release gives memory back to the budget. The garbage of a large picture goes first: it would otherwise stay beside
// the next one until the collector's pace, which follows the heap that was, comes round to it.
func (p *Preparer) release(need int64) {
	if need > p.least {
		debug.FreeOSMemory()
	}
	p.memory.Release(need)
}

// check refuses what its header shows to be too much, or too little.
func (p *Preparer) check(name string, h header) error {
	l, w, ht := p.limits, int64(h.width), int64(h.height)
	long, short := max(w, ht), min(w, ht)
	switch {
	case short < 1:
		return errs.New(errs.Invalid, "%s has no pixels: the file is damaged. Save the picture again, as JPEG.", name)
	case long > int64(l.MaxSide) || saturate(w, ht) > l.MaxPixels:
		return errs.New(errs.Invalid, "%s is too large: %s × %s pixels. The limit is %s million pixels, and %s a "+
			"side. Save it smaller, or send it in parts.", name, grouped(w), grouped(ht), grouped(l.MaxPixels/1e6), grouped(int64(l.MaxSide)))
	case short < int64(l.MinSide):
		return errs.New(errs.Invalid, "%s is too small to read: %d × %d pixels. Photograph or scan the page again, from "+
			"close enough to read it.", name, w, ht)
	case long > short*int64(l.MaxAspect):
		return errs.New(errs.Invalid, "%s is a mere strip: %s × %s pixels. Cut it into parts and send those.", name,
			grouped(w), grouped(ht))
	case h.memory() > l.Memory:
		return errs.New(errs.Invalid, "%s takes too much memory to open: %s × %s pixels in a costly form of %s. "+
			"Save it as an ordinary JPEG, or smaller.", name, grouped(w), grouped(ht), h.kind)
	}
	return nil
}

// prepare decodes once and makes everything out of that one decode.
func (p *Preparer) prepare(ctx context.Context, name string, up *upload, h header) (*Prepared, error) {
	out := &Prepared{Source: up.digest}
	kept, err := p.keep(up, h)
	if err != nil {
		return nil, err
	}
	pic, plain, err := p.open(ctx, up, h, kept)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, refusal(name, up.kind, err)
	}
	if plain {
		out.Data, out.MIME = kept, up.kind.mime()
	} else {
		pic = pic.upright(h.orientation)
	}
	return p.finish(out, h, pic)
}

// finish writes a picture unless it was kept as it is, and says what there is to say about it.
func (p *Preparer) finish(out *Prepared, h header, pic picture) (*Prepared, error) {
	var err error
	if out.Data == nil {
		out.MIME = JPEG.mime()
		if out.Data, err = pic.jpeg(p.limits.Quality); err != nil {
			return nil, fmt.Errorf("write prepared picture: %w", err)
		}
	}
	thumb, err := p.show(out, pic)
	if err != nil {
		return nil, err
	}
	out.Notes = notes(h, pic, thumb)
	return out, nil
}

// show fills in what can be seen of a picture: size, thumbnail and look.
func (p *Preparer) show(out *Prepared, pic picture) (thumb picture, err error) {
	out.Width, out.Height = pic.w, pic.h
	thumb = pic.shrunk(fit(pic.w, pic.h, p.limits.ThumbSide))
	if out.Thumb, err = thumb.jpeg(p.limits.Quality); err != nil {
		return thumb, fmt.Errorf("write thumbnail: %w", err)
	}
	out.Look = look(thumb)
	return thumb, nil
}

// keep returns the file rewritten without its metadata when its own compression may stay, otherwise nil.
func (p *Preparer) keep(up *upload, h header) ([]byte, error) {
	w, ht := p.target(h.width, h.height)
	if up.size > p.limits.KeepBytes || h.orientation > 1 || h.costly || w != h.width || ht != h.height {
		return nil, nil
	}
	if up.kind != JPEG && up.kind != PNG {
		return nil, nil
	}
	data := make([]byte, up.size)
	if _, err := io.ReadFull(io.NewSectionReader(up, 0, up.size), data); err != nil {
		return nil, fmt.Errorf("read back upload: %w", err)
	}
	if up.kind == JPEG {
		return stripJPEG(data), nil
	}
	return stripPNG(data), nil
}

// open decodes what will be kept, and says so, or the file itself, shrunk.
func (p *Preparer) open(ctx context.Context, up *upload, h header, kept []byte) (pic picture, plain bool, err error) {
	w, ht := p.target(h.width, h.height)
	if kept != nil {
		// What is kept must itself decode: then nothing hides in it that only the original's reader would skip.
		img, err := decode(ctx, h, newMemory(kept))
		if err == nil {
			return shrink(img, w, ht), opaque(img), nil
		}
		if ctx.Err() != nil {
			return picture{}, false, err
		}
	}
	img, err := p.decode(ctx, h, up)
	if err != nil {
		return picture{}, false, err
	}
	b := img.Bounds()
	w, ht = p.target(b.Dx(), b.Dy())
	return shrink(img, w, ht), false, nil
}

// target is the size of the prepared picture: the long side at LongSide, more where the short side would fall below
// ShortSide, at most Longest, and never more than it has.
func (p *Preparer) target(w, h int) (int, int) {
	l := p.limits
	long, short := float64(max(w, h)), float64(min(w, h))
	scale := max(float64(l.LongSide)/long, min(float64(l.Longest)/long, float64(l.ShortSide)/short))
	if scale >= 1 {
		return w, h
	}
	return max(1, int(float64(w)*scale+0.5)), max(1, int(float64(h)*scale+0.5))
}

// fit is the largest size of the same shape within side, and never more than it has.
func fit(w, h, side int) (int, int) {
	long := max(w, h)
	if long <= side {
		return w, h
	}
	return max(1, (w*side+long/2)/long), max(1, (h*side+long/2)/long)
}

// refusal turns what a reader of files says into what the clerk is told.
func refusal(name string, kind Format, err error) error {
	if no, ok := errors.AsType[*unsupported](err); ok {
		return errs.Wrap(err, errs.Invalid, "%s is %s, which cannot be opened here. Save it as an ordinary JPEG or PNG and "+
			"send that.", name, no.what)
	}
	_, ours := errors.AsType[*fs.PathError](err)
	if _, missing := errors.AsType[*exec.Error](err); ours || missing {
		return fmt.Errorf("read back upload: %w", err)
	}
	return errs.Wrap(err, errs.Invalid, "%s is damaged or cut off: it starts like %s and cannot be opened to the end. "+
		"Copy it again from where it came from, or save it anew as JPEG.", name, kind.article())
}

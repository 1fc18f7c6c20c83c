// Package imaging turns an uploaded file into bounded, upright pictures without metadata and their thumbnails, or
// returns one sentence that says why that is impossible and how to fix it.
//
// A file is identified by its content, never by its name. Its header is parsed and checked against the limits
// before any pixel is decoded; decoding takes its memory from a shared budget; and the output is re-encoded or
// stripped, so that no metadata of the file (position, serial numbers, another file after the picture) survives.
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

// Limits bound input and output. A zero field means the default given in its comment.
type Limits struct {
	MaxBytes  int64  // of an uploaded picture: 25 MiB
	MaxPacked int64  // of an uploaded file with many pictures, a PDF or a ZIP: 512 MiB
	MaxParts  int    // pictures taken from one file: 1,000
	MaxPixels int64  // width times height, from the header: 60 million
	MaxSide   int    // pixels: 30,000
	MinSide   int    // pixels: 16
	MaxAspect int    // long side divided by short side: 40
	Memory    int64  // bytes for all concurrent decoding, computed from the headers: 384 MiB
	LongSide  int    // target of the long side: 2,000 pixels
	ShortSide int    // minimum of the short side, which is all that a vision model uses: 1,152 pixels
	Longest   int    // maximum of the long side in any case: 3,072 pixels
	KeepBytes int64  // an upright JPEG or PNG up to this size keeps its own compression: 1 MiB
	Quality   int    // JPEG quality of the output: 85
	ThumbSide int    // of the thumbnail: 256 pixels
	Self      string // path of this program, which decodes HEIC in a child process (see DecodeHEIC); "" for none
	TmpDir    string // folder of temporary files; "" is the system's
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
	Source string // SHA-256 of the uploaded file, hex
	PHash  string // perceptual hash: similar pictures have nearly the same, hex
	Notes  []Note // warnings to a person before money is spent on the picture
}

// Note is a warning about a picture. Kind is a stable word: NoteLong, NotePages, NoteSmall, NoteDark, NoteBlank or
// NoteBlurred.
type Note struct {
	Kind    string
	Message string
}

// Preparer prepares pictures. It is safe for concurrent use; all calls share its memory budget.
type Preparer struct {
	limits    Limits
	memory    *semaphore.Weighted // bytes
	minMemory int64               // minimum bytes taken by any decode, so that no more run than there are processors
}

// New returns a Preparer with the given limits.
func New(limits Limits) *Preparer {
	l := limits.withDefaults()
	return &Preparer{
		limits:    l,
		memory:    semaphore.NewWeighted(l.Memory),
		minMemory: max(1, l.Memory/int64(runtime.GOMAXPROCS(0))),
	}
}

// prepareOne prepares the picture of a received file or page, and adds its pixels to opened; name is fit for a
// sentence.
func (p *Preparer) prepareOne(ctx context.Context, name string, up *upload, opened *int64) (*Prepared, error) {
	head, err := readHeader(up.kind, up, up.size)
	if err != nil {
		return nil, refusal(name, up.kind, err)
	}
	if err := p.check(name, head); err != nil {
		return nil, err
	}
	*opened += saturate(int64(head.width), int64(head.height))
	need := max(p.minMemory, p.memoryFor(head))
	if err := p.memory.Acquire(ctx, need); err != nil {
		return nil, err
	}
	defer p.release(need)
	return p.prepare(ctx, name, up, head)
}

// release returns memory to the budget. It first frees the garbage of a large picture: otherwise that would stay
// beside the next one until the collector runs, whose pace follows the previous heap.
func (p *Preparer) release(need int64) {
	if need > p.minMemory {
		debug.FreeOSMemory()
	}
	p.memory.Release(need)
}

// check refuses a picture whose header exceeds the limits.
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
	case p.memoryFor(h) > l.Memory:
		return errs.New(errs.Invalid, "%s takes too much memory to open: %s × %s pixels in a costly form of %s. "+
			"Save it as an ordinary JPEG, or smaller.", name, grouped(w), grouped(ht), h.kind)
	}
	return p.checkLong(name, h.width, h.height)
}

// memoryFor returns the memory for preparing a picture.
func (p *Preparer) memoryFor(h header) int64 {
	if !p.isLong(h.width, h.height) {
		return h.memory()
	}
	w, ht := p.longTarget(h.width, h.height)
	return h.memory() + saturate(4, int64(w), int64(ht)) // twice its planes: shrunk, and rotated
}

// prepare decodes once and derives all output from that one decode.
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

// finish encodes a picture unless its file was kept, and adds the notes.
func (p *Preparer) finish(out *Prepared, h header, pic picture) (*Prepared, error) {
	var err error
	if out.Data == nil {
		out.MIME = JPEG.mime()
		if out.Data, err = pic.jpeg(p.limits.Quality); err != nil {
			return nil, fmt.Errorf("write prepared picture: %w", err)
		}
	}
	thumb, err := p.describe(out, pic)
	if err != nil {
		return nil, err
	}
	out.Notes = notes(h, pic, thumb)
	return out, nil
}

// describe sets size, thumbnail and perceptual hash.
func (p *Preparer) describe(out *Prepared, pic picture) (thumb picture, err error) {
	out.Width, out.Height = pic.w, pic.h
	thumb = pic.shrunk(fit(pic.w, pic.h, p.limits.ThumbSide))
	head := pic.head()
	if out.Thumb, err = head.shrunk(fit(head.w, head.h, p.limits.ThumbSide)).jpeg(p.limits.Quality); err != nil {
		return thumb, fmt.Errorf("write thumbnail: %w", err)
	}
	out.PHash = perceptualHash(thumb)
	return thumb, nil
}

// keep returns the stripped file if its own compression may stay, otherwise nil.
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

// open decodes the kept file, and reports that, or else the original file, shrunk.
func (p *Preparer) open(ctx context.Context, up *upload, h header, kept []byte) (pic picture, plain bool, err error) {
	w, ht := p.target(h.width, h.height)
	if kept != nil {
		// The stripped file itself must decode: then it holds no data that only the parser of the original would
		// skip.
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

// target returns the size of the prepared picture: the long side at LongSide, more if the short side would fall
// below ShortSide, at most Longest unless it is long, and never more than the original.
func (p *Preparer) target(w, h int) (int, int) {
	if p.isLong(w, h) {
		return p.longTarget(w, h)
	}
	l := p.limits
	long, short := float64(max(w, h)), float64(min(w, h))
	scale := max(float64(l.LongSide)/long, min(float64(l.Longest)/long, float64(l.ShortSide)/short))
	if scale >= 1 {
		return w, h
	}
	return max(1, int(float64(w)*scale+0.5)), max(1, int(float64(h)*scale+0.5))
}

// fit returns the largest size of the same aspect within side, never more than the original.
func fit(w, h, side int) (int, int) {
	long := max(w, h)
	if long <= side {
		return w, h
	}
	return max(1, (w*side+long/2)/long), max(1, (h*side+long/2)/long)
}

// refusal turns an error of a parser or decoder into one with a sentence for people.
func refusal(name string, kind Format, err error) error {
	if errors.Is(err, errRaw) {
		return errs.Wrap(err, errs.Invalid, refusals[Raw], name)
	}
	if no, ok := errors.AsType[*unsupported](err); ok {
		return errs.Wrap(err, errs.Invalid, "%s is %s, which cannot be opened here. Save it as an ordinary JPEG or PNG and "+
			"send that.", name, no.form)
	}
	_, ours := errors.AsType[*fs.PathError](err)
	if _, missing := errors.AsType[*exec.Error](err); ours || missing {
		return fmt.Errorf("read back upload: %w", err)
	}
	return errs.Wrap(err, errs.Invalid, "%s is damaged or cut off: it starts like %s and cannot be opened to the end. "+
		"Copy it again from where it came from, or save it anew as JPEG.", name, kind.article())
}

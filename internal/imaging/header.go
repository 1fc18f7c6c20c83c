package imaging

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// header holds the properties of a file that are known before any pixel is decoded.
type header struct {
	kind          Format
	width, height int   // as stored, before rotation
	need          int64 // bytes of memory for decoding, an upper bound derived from the file's form
	orientation   int   // 1 to 8, as in EXIF
	pages         int   // frames, counted to 2; for HEIC and AVIF all pictures
	page          int   // HEIC and AVIF: the index of the main picture, from 1
	transparent   bool  // HEIC and AVIF: it has transparency
	costly        bool  // unusual form: it is re-encoded, even if small
	inverted      bool  // a TIFF fax whose black and white the decoder swaps
	first         span  // animated WebP: the data of its first frame
}

// span is a part of a file.
type span struct{ at, size int64 }

// overhead is the memory for preparing besides the decoder: the shrunk picture, its rotated copy and the output.
const overhead = 24 << 20

func (h header) memory() int64 { return h.need + overhead }

// unsupported is a form of an accepted format that the decoders cannot read; form reads as "a progressive JPEG".
type unsupported struct{ form string }

func (u *unsupported) Error() string { return u.form }

// errDamaged marks invalid data.
var errDamaged = errors.New("damaged")

// errRaw marks a camera's raw photo in the form of a TIFF.
var errRaw = errors.New("raw photo")

// maxParts bounds the segments, chunks or directory entries that are parsed: a file of 25 MB can hold millions.
const maxParts = 1 << 16

// readHeader parses the header of a file of an accepted kind. The size is the one that the decoder of the file
// itself reads, so that no other interpretation of the header bypasses the limits.
func readHeader(kind Format, r io.ReaderAt, size int64) (header, error) {
	h := header{kind: kind, orientation: 1, pages: 1}
	p := &parser{r: r, size: size}
	var err error
	switch kind {
	case JPEG:
		err = h.readJPEG(p)
	case PNG:
		err = h.readPNG(p)
	case GIF:
		err = h.readGIF(p)
	case BMP:
		err = h.readBMP(p)
	case TIFF:
		err = h.readTIFF(p)
	case WebP:
		err = h.readWebP(p)
	case HEIC, AVIF:
		return h, h.readHEIF(p) // its decoder runs in a child process
	default:
		err = fmt.Errorf("no decoder for %s", kind)
	}
	if err != nil {
		return header{}, err
	}
	if h.first.size > 0 {
		return h, nil // the decoder's input is assembled later and has no header yet
	}
	return h, h.confirm(r, size)
}

// confirm compares the size with the one that the decoder reads from the header, and fails if they differ.
func (h *header) confirm(r io.ReaderAt, size int64) error {
	if saturate(int64(h.width), int64(h.height)) > 1<<31 {
		return nil // refused in any case, and decoders fail differently
	}
	read := map[Format]func(io.Reader) (image.Config, error){
		JPEG: jpeg.DecodeConfig, PNG: png.DecodeConfig, GIF: gif.DecodeConfig, BMP: bmp.DecodeConfig,
		TIFF: tiff.DecodeConfig, WebP: webp.DecodeConfig,
	}[h.kind]
	var in io.Reader = io.NewSectionReader(r, 0, size)
	if h.kind != TIFF {
		in = bufio.NewReaderSize(in, 4096)
	}
	c, err := read(in)
	if err != nil {
		return translate(h.kind, err)
	}
	if c.Width != h.width || c.Height != h.height {
		if h.width < 1 || h.height < 1 || c.Width < 1 || c.Height < 1 {
			return errDamaged
		}
		return fmt.Errorf("%w: size %dx%d read as %dx%d", errDamaged, h.width, h.height, c.Width, c.Height)
	}
	return nil
}

// translate distinguishes a decoder's "unsupported form" from "damaged".
func translate(kind Format, err error) error {
	_, inJPEG := errors.AsType[jpeg.UnsupportedError](err)
	_, inPNG := errors.AsType[png.UnsupportedError](err)
	_, inTIFF := errors.AsType[tiff.UnsupportedError](err)
	if inJPEG || inPNG || inTIFF || errors.Is(err, bmp.ErrUnsupported) {
		return fmt.Errorf("%w: %w", &unsupported{"an unusual or damaged form of " + string(kind)}, err)
	}
	return err
}

// parser reads parts of a file; every read is checked against the file's end.
type parser struct {
	r    io.ReaderAt
	size int64
	buf  [64]byte
}

// at returns n bytes (64 at most) from offset off, valid until the next call.
func (p *parser) at(off int64, n int) ([]byte, error) {
	if off < 0 || off+int64(n) > p.size {
		return nil, io.ErrUnexpectedEOF
	}
	b := p.buf[:n]
	if m, err := p.r.ReadAt(b, off); m < n {
		return nil, fmt.Errorf("read header: %w", err)
	}
	return b, nil
}

// block returns up to limit bytes from offset off in a new slice, truncated at the file's end.
func (p *parser) block(off, n, limit int64) []byte {
	if off < 0 || off >= p.size {
		return nil
	}
	b := make([]byte, min(n, limit, p.size-off))
	m, _ := p.r.ReadAt(b, off)
	return b[:m]
}

func (h *header) readGIF(p *parser) error {
	b, err := p.at(0, 13)
	if err != nil {
		return err
	}
	h.width, h.height = int(binary.LittleEndian.Uint16(b[6:])), int(binary.LittleEndian.Uint16(b[8:]))
	h.need = 2 * int64(h.width) * int64(h.height)
	h.pages = max(1, p.gifFrames(13+colorTable(b[10])))
	return nil
}

// colorTable returns the length of the colour table that a GIF's flags announce.
func colorTable(flags byte) int64 {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// gifFrames counts frames from offset off, up to the second: more need not be known.
func (p *parser) gifFrames(off int64) int {
	frames := 0
	for range maxParts {
		b, err := p.at(off, 1)
		if err != nil {
			return frames
		}
		switch b[0] {
		case 0x21:
			off += 2
		case 0x2c:
			if frames++; frames > 1 {
				return frames
			}
			if b, err = p.at(off, 10); err != nil {
				return frames
			}
			off += 11 + colorTable(b[9])
		default:
			return frames
		}
		if off = p.skipSubBlocks(off); off < 0 {
			return frames
		}
	}
	return frames
}

func (p *parser) skipSubBlocks(off int64) int64 {
	for range maxParts {
		b, err := p.at(off, 1)
		if err != nil {
			return -1
		}
		off += 1 + int64(b[0])
		if b[0] == 0 {
			return off
		}
	}
	return -1
}

func (h *header) readBMP(p *parser) error {
	b, err := p.at(0, 26)
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(b[14:]) < 40 {
		return &unsupported{"a very old form of BMP"}
	}
	w, ht := int64(int32(binary.LittleEndian.Uint32(b[18:]))), int64(int32(binary.LittleEndian.Uint32(b[22:])))
	ht = max(ht, -ht) // a negative height means rows from the top down
	if w <= 0 || ht <= 0 {
		return errDamaged
	}
	h.width, h.height, h.need = int(w), int(ht), 4*w*ht
	return nil
}

// readPNG parses all chunks, because EXIF may follow the picture.
func (h *header) readPNG(p *parser) error {
	b, err := p.at(8, 25)
	if err != nil {
		return err
	}
	if string(b[4:8]) != "IHDR" {
		return errDamaged
	}
	w, ht, depth, colors, interlaced := binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:]), b[16], b[17], b[20]
	if w == 0 || ht == 0 || w > 1<<31 || ht > 1<<31 {
		return errDamaged
	}
	h.width, h.height = int(w), int(ht)
	per := int64(4)
	switch {
	case depth == 16:
		per, h.costly = 8, true
	case colors == 3 || colors == 0:
		per = 1
	}
	trns, exif := p.pngExtras(33)
	if trns && colors == 0 {
		per = max(per, 4)
	}
	if interlaced != 0 {
		per *= 2
	}
	h.orientation = exifOrientation(exif)
	h.need = saturate(per, int64(w), int64(ht))
	return nil
}

// pngExtras looks for a tRNS and an eXIf chunk.
func (p *parser) pngExtras(off int64) (trns bool, exif []byte) {
	for range maxParts {
		b, err := p.at(off, 8)
		if err != nil {
			return trns, exif
		}
		n := int64(binary.BigEndian.Uint32(b))
		switch string(b[4:8]) {
		case "tRNS":
			trns = true
		case "eXIf":
			exif = p.block(off+8, n, maxEXIF)
		case "IEND":
			return trns, exif
		}
		off += 12 + n
	}
	return trns, exif
}

// saturate multiplies without overflow; a product that would overflow becomes larger than any limit.
func saturate(factors ...int64) int64 {
	product := int64(1)
	for _, f := range factors {
		if f <= 0 {
			return 0
		}
		if product > (1<<62)/f {
			return 1 << 62
		}
		product *= f
	}
	return product
}

// readWebP parses the container; all sizes in it are little-endian.
func (h *header) readWebP(p *parser) error {
	off := int64(12)
	canvas, animated := false, false
	for range maxParts {
		b, err := p.at(off, 8)
		if err != nil {
			break
		}
		id, n := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		switch id {
		case "VP8X":
			if b, err = p.at(off+8, 10); err != nil {
				return err
			}
			canvas, animated = true, b[0]&2 != 0
			h.width, h.height = 1+int(uint24(b[4:])), 1+int(uint24(b[7:]))
			h.need = saturate(7, int64(h.width), int64(h.height)) // lossy with alpha: its planes, and the alpha as RGBA
		case "VP8 ", "VP8L":
			if err := h.webpFrame(p, id, off+8, canvas); err != nil {
				return err
			}
		case "ANMF":
			if animated && h.first.size == 0 {
				h.first = span{off + 8 + 16, n - 16}
				h.pages = 1
			} else {
				h.pages = 2
			}
		case "EXIF":
			h.orientation = exifOrientation(bytes.TrimPrefix(p.block(off+8, n, maxEXIF), []byte("Exif\x00\x00")))
		}
		off += 8 + n + n&1
	}
	if h.width == 0 || h.height == 0 {
		return errDamaged
	}
	return nil
}

func (h *header) webpFrame(p *parser, id string, off int64, canvas bool) error {
	b, err := p.at(off, 10)
	if err != nil && canvas {
		return nil // the size is known; the decoder reports that the rest is missing
	}
	if err != nil {
		return err
	}
	w, ht, per := int(binary.LittleEndian.Uint16(b[6:])&0x3fff), int(binary.LittleEndian.Uint16(b[8:])&0x3fff), int64(2)
	if id == "VP8L" {
		bits := binary.LittleEndian.Uint32(b[1:])
		w, ht, per = 1+int(bits&0x3fff), 1+int(bits>>14&0x3fff), 6
	}
	if canvas && (w != h.width || ht != h.height) {
		return fmt.Errorf("%w: frame %dx%d on a canvas of %dx%d", errDamaged, w, ht, h.width, h.height)
	}
	h.width, h.height = w, ht
	h.need = max(h.need, saturate(per, int64(w), int64(ht)))
	return nil
}

func uint24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }

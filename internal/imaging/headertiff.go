package imaging

import (
	"encoding/binary"
	"io"
)

// The TIFF tags used here; EXIF has the same structure.
const (
	tagSubfile     = 254
	tagWidth       = 256
	tagHeight      = 257
	tagBits        = 258
	tagCompression = 259
	tagPhotometric = 262
	tagOrientation = 274
	tagSamples     = 277
	tagRows        = 278
	tagTileWidth   = 322
	tagTileHeight  = 323
)

// maxEXIF bounds the part of an EXIF block that is parsed: orientation is at its start.
const maxEXIF = 64 << 10

// maxTiles bounds the tiles of a TIFF; opening one costs as much as some thousand pixels.
const maxTiles = 20_000

// exifOrientation parses the orientation of an EXIF block, which starts like a TIFF file. A missing, damaged or
// invalid value counts as upright. It parses the first directory only and follows no pointer from there.
func exifOrientation(b []byte) int {
	d := directory{data: b}
	if !d.open() {
		return 1
	}
	d.walk(d.order.Uint32(b[4:]))
	return upright(d.values[tagOrientation])
}

func upright(orientation uint32) int {
	if orientation < 1 || orientation > 8 {
		return 1
	}
	return int(orientation)
}

// directory parses one list of tags: only the first value of each, and only short numbers.
type directory struct {
	data   []byte
	order  binary.ByteOrder
	values map[uint16]uint32
	next   uint32 // offset of the next directory, 0 for none
	subs   list   // the nested directories
}

func (d *directory) open() bool {
	if len(d.data) < 8 {
		return false
	}
	switch string(d.data[:4]) {
	case "II*\x00":
		d.order = binary.LittleEndian
	case "MM\x00*":
		d.order = binary.BigEndian
	default:
		return false
	}
	d.values = map[uint16]uint32{}
	return true
}

// walk parses the directory at off, up to the end of the data.
func (d *directory) walk(off uint32) bool {
	if uint64(off)+2 > uint64(len(d.data)) {
		return false
	}
	b := d.data[off:]
	n := int(d.order.Uint16(b))
	b = b[2:]
	for range n {
		if len(b) < 12 {
			return false
		}
		d.entry(b[:12])
		b = b[12:]
	}
	if len(b) >= 4 {
		d.next = d.order.Uint32(b)
	}
	return true
}

func (d *directory) entry(b []byte) {
	tag, typ, count := d.order.Uint16(b), d.order.Uint16(b[2:]), d.order.Uint32(b[4:])
	if _, seen := d.values[tag]; seen || count == 0 {
		return
	}
	switch {
	case typ == 3 && count <= 2: // 16 bits, in place
		d.values[tag] = uint32(d.order.Uint16(b[8:]))
	case typ == 4 && count == 1: // 32 bits, in place
		d.values[tag] = d.order.Uint32(b[8:])
	case typ == 1 && count <= 4: // bytes, in place
		d.values[tag] = uint32(b[8])
	}
}

// readTIFF parses the first page's directory.
func (h *header) readTIFF(p *parser) error {
	start, err := p.tiffStart()
	if err != nil {
		return err
	}
	if isRaw(p, start) {
		return errRaw
	}
	d, err := p.page(start, 0)
	if err != nil {
		return err
	}
	w, ht := int64(d.values[tagWidth]), int64(d.values[tagHeight])
	if w == 0 || ht == 0 {
		return errDamaged
	}
	h.width, h.height, h.orientation = int(w), int(ht), upright(d.values[tagOrientation])
	return h.tiffForm(d)
}

func (p *parser) tiffStart() ([]byte, error) {
	start := p.block(0, 8, 8)
	if len(start) < 8 {
		return nil, io.ErrUnexpectedEOF
	}
	if start[2] == '+' || start[3] == '+' {
		return nil, &unsupported{"a BigTIFF"}
	}
	return start, nil
}

// page parses the directory at off; 0 means the first one.
func (p *parser) page(start []byte, off uint32) (*directory, error) {
	d := &directory{data: start}
	if !d.open() {
		return nil, errDamaged
	}
	if off == 0 {
		off = d.order.Uint32(start[4:])
	}
	n, err := p.at(int64(off), 2)
	if err != nil {
		return nil, err
	}
	count := int64(d.order.Uint16(n))
	body := p.block(int64(off), 2+12*count+4, 2+12*4096+4)
	for i := 2; i+12 <= len(body) && int64(i) < 2+12*count; i += 12 {
		if d.order.Uint16(body[i:]) == tagSubIFDs {
			d.subs = listOf(d.order, body[i:i+12])
		}
		d.entry(p.inPlace(d, body[i:i+12]))
	}
	if end := 2 + 12*count; int64(len(body)) >= end+4 {
		d.next = d.order.Uint32(body[end:])
	} else if int64(len(body)) < end {
		return nil, io.ErrUnexpectedEOF
	}
	return d, nil
}

// inPlace returns a copy of an entry that holds its first value, if the values are stored elsewhere in the file.
func (p *parser) inPlace(d *directory, entry []byte) []byte {
	if typ, count := d.order.Uint16(entry[2:]), d.order.Uint32(entry[4:]); typ != 3 || count <= 2 {
		return entry
	}
	var e [12]byte
	copy(e[:], entry[:4])
	d.order.PutUint32(e[4:], 1)
	if v, err := p.at(int64(d.order.Uint32(entry[8:])), 2); err == nil {
		copy(e[8:], v)
	}
	return e[:]
}

// maxPages bounds the pages of one document.
const maxPages = 5000

// tiffPages returns the offsets of all pages' directories, without cycles, and without the thumbnails and masks
// that some scanners insert. There is at least one.
func tiffPages(r io.ReaderAt, size int64) (start []byte, pages []uint32, err error) {
	p := &parser{r: r, size: size}
	if start, err = p.tiffStart(); err != nil {
		return nil, nil, err
	}
	d := &directory{data: start}
	if !d.open() {
		return nil, nil, errDamaged
	}
	seen := map[uint32]bool{}
	first := d.order.Uint32(start[4:])
	for at := first; at != 0 && !seen[at] && len(seen) < maxPages; {
		seen[at] = true
		d, err := p.page(start, at)
		if err != nil {
			break // the parser of its header reports a damaged first page
		}
		const copyOrMask = 1 | 4
		if d.values[tagSubfile]&copyOrMask == 0 {
			pages = append(pages, at)
		}
		at = d.next
	}
	if pages == nil {
		pages = []uint32{first}
	}
	return start, pages, nil
}

// tiffForm refuses forms that the decoder cannot open, and computes the memory: the picture, and one uncompressed
// tile.
func (h *header) tiffForm(d *directory) error {
	switch d.values[tagCompression] {
	case 6, 7:
		return &unsupported{"a TIFF with a JPEG inside"}
	case 0, 1, 2, 3, 4, 5, 8, 32773, 32946:
	default:
		return &unsupported{"a TIFF with an unusual compression"}
	}
	switch d.values[tagPhotometric] {
	case 0, 1, 2, 3:
	case 5:
		return &unsupported{"a TIFF for printing (CMYK)"}
	default:
		return &unsupported{"a TIFF with unusual colours"}
	}
	switch rgb := d.values[tagPhotometric] == 2; {
	case d.values[tagPlanar] == 2 && d.values[tagSamples] > 1:
		return &unsupported{"a TIFF in separate planes"}
	case !rgb && d.values[tagSamples] > 1:
		return &unsupported{"a grey TIFF with a second layer"} // the decoder takes the layers for neighbouring pixels
	}
	// In a fax, the code defines white, unless the file says that zeros are black: the decoder ignores that.
	fax := d.values[tagCompression] == 3 || d.values[tagCompression] == 4
	h.inverted = fax && d.values[tagPhotometric] == 1
	per := int64(1)
	if d.values[tagPhotometric] == 2 {
		per = 4
	}
	if d.values[tagBits] > 8 {
		per *= 2
	}
	w, ht := int64(h.width), int64(h.height)
	pieceW, pieceH := w, ht
	if rows := int64(d.values[tagRows]); rows > 0 {
		pieceH = min(rows, ht)
	}
	if tw := int64(d.values[tagTileWidth]); tw > 0 {
		pieceW, pieceH = tw, max(1, int64(d.values[tagTileHeight]))
	}
	if across, down := (w+pieceW-1)/pieceW, (ht+pieceH-1)/pieceH; saturate(across, down) > max(maxTiles, ht) {
		return &unsupported{"a TIFF in too many pieces"}
	}
	h.need = saturate(per, w, ht) + saturate(8, pieceW, pieceH)
	return nil
}

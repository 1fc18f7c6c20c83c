package imaging

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// The JPEG markers used here.
const (
	markSOI  = 0xd8
	markEOI  = 0xd9
	markSOS  = 0xda
	markDQT  = 0xdb
	markDNL  = 0xdc
	markDRI  = 0xdd
	markDHT  = 0xc4
	markSOF0 = 0xc0
	markSOF2 = 0xc2
	markAPP0 = 0xe0
	markAPP1 = 0xe1
	markAPPE = 0xee
)

// maxScans bounds the passes over a picture. Usual progressive files have about ten; each may cost a pass over all
// pixels for a few bytes.
const maxScans = 100

// readJPEG parses up to the frame header, including the orientation, then counts the scans.
func (h *header) readJPEG(p *parser) error {
	jfif, adobe, off := false, -1, int64(2)
	for range maxParts {
		mark, at, n, err := p.segment(off)
		if err != nil {
			return err
		}
		off = at + n
		switch {
		case mark == markAPP0:
			jfif = jfif || bytes.HasPrefix(p.block(at, n, 5), []byte("JFIF\x00"))
		case mark == markAPP1:
			if b := p.block(at, n, maxEXIF); bytes.HasPrefix(b, []byte("Exif\x00\x00")) && h.orientation == 1 {
				h.orientation = exifOrientation(b[6:])
			}
		case mark == markAPPE:
			if b := p.block(at, n, 12); len(b) == 12 && bytes.HasPrefix(b, []byte("Adobe")) {
				adobe = int(b[11])
			}
		case mark >= markSOF0 && mark <= 0xcf && mark != markDHT && mark != 0xc8 && mark != 0xcc:
			if err := h.readSOF(p.block(at, n, 64), mark, jfif, adobe); err != nil {
				return err
			}
			scans, err := p.scans(off)
			if scans > maxScans {
				return &unsupported{fmt.Sprintf("a JPEG in more than %d layers", maxScans)}
			}
			return err
		case mark == markEOI || mark == markSOS:
			return errDamaged
		}
	}
	return errDamaged
}

// segment finds the next marker from off, skipping bytes allowed between segments, and the position and length of
// its data.
func (p *parser) segment(off int64) (mark byte, at, n int64, err error) {
	b, err := p.at(off, 2)
	if err != nil {
		return 0, 0, 0, err
	}
	for range maxParts {
		if b[0] == 0xff && b[1] != 0xff && b[1] != 0 {
			break
		}
		off++
		if b, err = p.at(off, 2); err != nil {
			return 0, 0, 0, err
		}
	}
	mark = b[1]
	if mark >= 0xd0 && mark <= markEOI {
		return mark, off + 2, 0, nil
	}
	if b, err = p.at(off+2, 2); err != nil {
		return 0, 0, 0, err
	}
	n = int64(binary.BigEndian.Uint16(b)) - 2
	if n < 0 {
		return 0, 0, 0, errDamaged
	}
	return mark, off + 4, n, nil
}

// readSOF parses the frame header. Its form determines the memory for decoding.
func (h *header) readSOF(b []byte, mark byte, jfif bool, adobe int) error {
	if len(b) < 6 || len(b) < 6+3*int(b[5]) {
		return io.ErrUnexpectedEOF
	}
	h.height, h.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	parts := int(b[5])
	switch {
	case mark >= 0xc9:
		return &unsupported{"a JPEG with arithmetic coding"}
	case mark > markSOF2:
		return &unsupported{"a lossless or layered JPEG"}
	case b[0] != 8:
		return &unsupported{fmt.Sprintf("a JPEG with %d bits a colour", b[0])}
	case parts != 1 && parts != 3 && parts != 4:
		return &unsupported{fmt.Sprintf("a JPEG with %d colours", parts)}
	case h.width == 0 || h.height == 0:
		return &unsupported{"a JPEG that does not say its size"}
	}
	samples, whole := 0, 0 // in sixteenths: the samples of each colour relative to full size
	for i := range parts {
		hv := b[7+3*i]
		samples += int(hv>>4) * int(hv&15)
		if i == 0 {
			whole = samples
		}
	}
	if whole == 0 {
		return errDamaged
	}
	// One byte per sample; a progressive file also keeps a coefficient of four bytes for each.
	per := 1
	if mark == markSOF2 {
		per = 5
	}
	px := saturate(int64(h.width+31), int64(h.height+31))
	h.need = saturate(px, int64(per), int64(samples)) / int64(whole)
	rgb := parts == 3 && !jfif && (adobe == 0 || b[6] == 'R' && b[9] == 'G' && b[12] == 'B')
	if rgb || parts == 4 {
		h.costly = true
		h.need = min(h.need, 1<<61) + 4*px
	}
	return nil
}

// scans counts the scans from off to the end of the picture, or until there are too many. Data after the picture,
// such as the video of a moving photo, is ignored.
func (p *parser) scans(off int64) (int, error) {
	n := 0
	for range maxParts {
		mark, at, size, err := p.segment(off)
		if err != nil || mark == markEOI {
			return n, nil // the decoder reports a premature end
		}
		off = at + size
		if mark == markSOS {
			if n++; n > maxScans {
				return n, nil
			}
			if off, err = p.scanEnd(off); err != nil {
				return n, err
			}
		}
	}
	return n, errDamaged
}

// scanEnd finds the marker that ends the compressed pixels starting at off, or the end of the file. Inside them
// each 0xff is followed by a zero or is a restart marker.
func (p *parser) scanEnd(off int64) (int64, error) {
	buf := make([]byte, 16<<10)
	for off+1 < p.size {
		m, err := p.r.ReadAt(buf[:min(int64(len(buf)), p.size-off)], off)
		if m < 2 {
			return 0, err
		}
		if i := markerIn(buf[:m]); i >= 0 {
			return off + int64(i), nil
		}
		off += int64(m - 1) // the last byte may be the first half of a marker
	}
	return p.size, nil
}

// markerIn returns the position of the next marker other than a restart in compressed pixels, or -1.
func markerIn(b []byte) int {
	for i := 0; ; i++ {
		next := bytes.IndexByte(b[i:], 0xff)
		if next < 0 || i+next+1 >= len(b) {
			return -1
		}
		i += next
		if c := b[i+1]; c != 0 && c != 0xff && (c < 0xd0 || c > 0xd7) {
			return i
		}
	}
}

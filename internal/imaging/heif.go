package imaging

import "encoding/binary"

// maxBoxes bounds the boxes of one level that are parsed.
const maxBoxes = 4096

// readHEIF takes the size from the properties of the pictures in a HEIC or AVIF: the largest of several, since a
// phone's photo is composed of tiles. Orientation is a property too, and the decoder applies it: EXIF in the file
// may repeat it and must not be applied again.
func (h *header) readHEIF(p *parser) error {
	end, okay := p.size, true
	at := int64(0)
	for _, name := range []string{"meta", "iprp", "ipco"} {
		if at, end, okay = p.box(at, end, name); !okay {
			if name == "meta" {
				return &unsupported{"a moving picture, or damaged"}
			}
			return errDamaged
		}
		if name == "meta" {
			at += 4 // version and flags
			inside := p.heifItems(at, end)
			h.pages, h.page, h.transparent = inside.pictures(), inside.place(), !inside.opaque
		}
	}
	for {
		from, to, found := p.box(at, end, "ispe")
		if !found {
			break
		}
		b, err := p.at(from, 12)
		if err != nil || to-from < 12 {
			return errDamaged
		}
		w, ht := int64(binary.BigEndian.Uint32(b[4:])), int64(binary.BigEndian.Uint32(b[8:]))
		if saturate(w, ht) > saturate(int64(h.width), int64(h.height)) {
			h.width, h.height = int(w), int(ht)
		}
		at = to
	}
	if h.width == 0 || h.height == 0 {
		return errDamaged
	}
	h.need = saturate(childBytes, int64(h.width), int64(h.height))
	return nil
}

// childBytes is the maximum memory per pixel of opening a HEIC: in the child, and for its output here.
const childBytes = 25

// box finds the next box of a kind in a range and returns the range of its content.
func (p *parser) box(at, end int64, kind string) (from, to int64, found bool) {
	for range maxBoxes {
		b, err := p.at(at, 8)
		if err != nil || at+8 > end {
			return 0, 0, false
		}
		size, head := int64(binary.BigEndian.Uint32(b)), int64(8)
		here := string(b[4:8]) == kind
		switch size {
		case 0:
			size = end - at
		case 1:
			if b, err = p.at(at+8, 8); err != nil {
				return 0, 0, false
			}
			size, head = int64(min(binary.BigEndian.Uint64(b), 1<<62)), 16
		}
		if size < head || size > end-at {
			return 0, 0, false
		}
		if here {
			return at + head, at + size, true
		}
		at += size
	}
	return 0, 0, false
}

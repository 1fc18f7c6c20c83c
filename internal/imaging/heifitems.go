package imaging

import (
	"encoding/binary"
	"slices"
	"strings"
)

// maxItem bounds the part of a box about items that is parsed: a photo of many tiles has some thousand references.
const maxItem = 64 << 10

// items lists the pictures in a HEIC or AVIF.
type items struct {
	shown  []uint32 // displayable pictures, sorted by id: no thumbnails, depth or transparency maps
	tiles  map[uint32]bool
	main   uint32
	opaque bool // no picture has a transparency map
}

// heifItems parses the lists of items in a range within the box "meta". Damage there is ignored: the decoder
// reports it.
func (p *parser) heifItems(at, end int64) items {
	s := items{tiles: map[uint32]bool{}, opaque: !p.transparent(at, end)}
	if from, to, ok := p.box(at, end, "pitm"); ok {
		b := p.block(from, to-from, maxItem)
		s.main, _ = heifNumber(b[min(4, len(b)):], len(b) > 0 && b[0] > 0)
	}
	helpers := p.references(at, end, s.tiles)
	from, to, ok := p.box(at, end, "iinf")
	if !ok {
		return s
	}
	head := p.block(from, 1, 1)
	from += 6
	if len(head) == 1 && head[0] > 0 {
		from += 2
	}
	for range maxBoxes {
		first, last, ok := p.box(from, to, "infe")
		if !ok {
			break
		}
		if id, picture := heifEntry(p.block(first, last-first, 32)); picture && !helpers[id] {
			s.shown = append(s.shown, id)
		}
		from = last
	}
	slices.Sort(s.shown)
	return s
}

// pictures returns the number of pictures in the file, at least 1.
func (s items) pictures() int {
	n := 0
	for _, id := range s.shown {
		if id == s.main || !s.tiles[id] {
			n++
		}
	}
	return max(1, n)
}

// place returns the index of the main picture in the output of a program that extracts all of them, from 1.
func (s items) place() int { return max(0, slices.Index(s.shown, s.main)) + 1 }

// heifEntry parses an entry of the list of items: its id, and whether it is a picture that is not hidden.
func heifEntry(b []byte) (id uint32, picture bool) {
	if len(b) < 4 || b[0] < 2 {
		return 0, false
	}
	id, rest := heifNumber(b[4:], b[0] > 2)
	if len(rest) < 6 || b[3]&1 != 0 {
		return id, false
	}
	switch string(rest[2:6]) {
	case "hvc1", "av01", "grid", "iden", "iovl", "vvc1":
		return id, true
	}
	return id, false
}

// heifNumber parses the id of an item, which has two or four bytes.
func heifNumber(b []byte, long bool) (id uint32, rest []byte) {
	switch {
	case long && len(b) >= 4:
		return binary.BigEndian.Uint32(b), b[4:]
	case !long && len(b) >= 2:
		return uint32(binary.BigEndian.Uint16(b)), b[2:]
	}
	return 0, nil
}

// references returns the items that only serve another one, and records those that another one is composed of.
func (p *parser) references(at, end int64, tiles map[uint32]bool) (helpers map[uint32]bool) {
	helpers = map[uint32]bool{}
	from, to, ok := p.box(at, end, "iref")
	if !ok {
		return helpers
	}
	head := p.block(from, 1, 1)
	long := len(head) == 1 && head[0] > 0
	for _, kind := range []string{"thmb", "auxl", "dimg"} {
		for next := from + 4; ; {
			first, last, ok := p.box(next, to, kind)
			if !ok {
				break
			}
			next = last
			id, rest := heifNumber(p.block(first, last-first, maxItem), long)
			if kind != "dimg" {
				helpers[id] = true
				continue
			}
			for rest = rest[min(2, len(rest)):]; len(rest) > 0; {
				id, rest = heifNumber(rest, long)
				tiles[id] = true
			}
		}
	}
	return helpers
}

// transparent reports whether one of the pictures has a transparency map.
func (p *parser) transparent(at, end int64) bool {
	for _, name := range []string{"iprp", "ipco"} {
		var ok bool
		if at, end, ok = p.box(at, end, name); !ok {
			return false
		}
	}
	for range maxBoxes {
		from, to, ok := p.box(at, end, "auxC")
		if !ok {
			return false
		}
		switch kind, _, _ := strings.Cut(string(p.block(from+4, to-from-4, 64)), "\x00"); kind {
		case "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:hevc:2015:auxid:1", "urn:mpeg:avc:2015:auxid:1":
			return true
		}
		at = to
	}
	return false
}

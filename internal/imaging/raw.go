package imaging

import "encoding/binary"

// The tags and values that identify a raw photo inside a TIFF.
const (
	tagSubIFDs    = 330
	tagPlanar     = 284
	tagDNGVersion = 50706

	mosaicColours = 32803 // one colour for each pixel, as the sensor saw it
	linearRaw     = 34892

	compressedARW = 32767
	compressedSRW = 32770
	compressedNEF = 34713
	compressedPEF = 65535
)

// maxRawDirectories bounds the directories of a TIFF that are searched for sensor data: cameras write four or five.
const maxRawDirectories = 32

// isRaw reports whether a TIFF is a camera's raw photo: it is declared as one (DNG), or one of its directories,
// including nested ones, holds sensor data. A TIFF decoder would open only the preview in it.
func isRaw(p *parser, start []byte) bool {
	first := &directory{data: start}
	if !first.open() {
		return false
	}
	queue := []uint32{first.order.Uint32(start[4:])}
	seen := map[uint32]bool{}
	for len(queue) > 0 && len(seen) < maxRawDirectories {
		at := queue[0]
		queue = queue[1:]
		if at == 0 || seen[at] {
			continue
		}
		seen[at] = true
		d, err := p.page(start, at)
		if err != nil {
			continue
		}
		if d.sensor() {
			return true
		}
		queue = append(append(queue, p.nested(d)...), d.next)
	}
	return false
}

// sensor reports whether a directory describes sensor data or declares the file a DNG.
func (d *directory) sensor() bool {
	if _, dng := d.values[tagDNGVersion]; dng {
		return true
	}
	switch d.values[tagPhotometric] {
	case mosaicColours, linearRaw:
		return true
	}
	switch d.values[tagCompression] {
	case compressedARW, compressedSRW, compressedNEF, compressedPEF:
		return true
	}
	return false
}

// nested returns the offsets of the directories below d.
func (p *parser) nested(d *directory) []uint32 {
	if d.subs.count == 1 {
		return []uint32{d.subs.at}
	}
	n := int64(min(d.subs.count, maxRawDirectories))
	b := p.block(int64(d.subs.at), 4*n, 4*maxRawDirectories)
	var all []uint32
	for ; len(b) >= 4; b = b[4:] {
		all = append(all, d.order.Uint32(b))
	}
	return all
}

// list locates the values of a tag; a single value is stored in at itself.
type list struct{ count, at uint32 }

// listOf parses the location of an entry's 32-bit values.
func listOf(order binary.ByteOrder, entry []byte) list {
	return list{order.Uint32(entry[4:]), order.Uint32(entry[8:])}
}

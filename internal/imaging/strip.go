package imaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"
)

// jfifHeader says "YCbCr, square pixels" and nothing else.
const jfifHeader = "\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"

// stripJPEG copies the parts of a JPEG that a decoder needs: tables, frame header and scans. Everything else is
// dropped: EXIF with position and thumbnail, profiles, comments, and data after the picture. Bytes within a scan
// count as pixels. It returns nil for a file that it cannot parse to the end.
func stripJPEG(data []byte) []byte {
	p := &parser{r: bytes.NewReader(data), size: int64(len(data))}
	out := make([]byte, 0, len(data)+len(jfifHeader))
	out = append(out, 0xff, markSOI)
	out = append(out, jfifHeader...)
	off := int64(2)
	for range maxParts {
		mark, at, n, err := p.segment(off)
		if err != nil || at+n > p.size {
			return nil
		}
		off = at + n
		switch mark {
		case markEOI:
			return append(out, 0xff, markEOI)
		case markDQT, markDHT, markDRI, markSOF0, markSOF0 + 1, markSOF2:
			out = append(append(out, 0xff, mark), data[at-2:off]...)
		case markSOS:
			end, err := p.scanEnd(off)
			if err != nil || end >= p.size {
				return nil
			}
			out = append(append(out, 0xff, mark), data[at-2:end]...)
			off = end
		case markDNL:
			return nil
		}
	}
	return nil
}

const pngSignature = "\x89PNG\r\n\x1a\n"

// stripPNG copies header, palette, transparency and pixels of a PNG, without the data after the pixels in their own
// chunks. It returns nil for a file that it cannot parse to the end.
func stripPNG(data []byte) []byte {
	out := make([]byte, 0, len(data))
	out = append(out, pngSignature...)
	var pixels []byte
	for b := data[min(8, len(data)):]; len(b) >= 12; {
		n, kind := uint64(binary.BigEndian.Uint32(b)), string(b[4:8])
		if n+12 > uint64(len(b)) {
			return nil
		}
		chunk := b[:n+12]
		if crc32.ChecksumIEEE(chunk[4:8+n]) != binary.BigEndian.Uint32(chunk[8+n:]) {
			return nil
		}
		switch kind {
		case "IHDR", "PLTE", "tRNS":
			if pixels != nil {
				return nil
			}
			out = append(out, chunk...)
		case "IDAT":
			pixels = append(pixels, chunk[8:8+n]...)
		case "IEND":
			if pixels = compressed(out, pixels); pixels == nil {
				return nil
			}
			return appendChunk(appendChunk(out, "IDAT", pixels), "IEND", nil)
		}
		b = b[n+12:]
	}
	return nil
}

// compressed returns the part of pixels that decompresses to the picture described by head, nil if it decompresses to
// far more or not at all.
func compressed(head, pixels []byte) []byte {
	if len(head) < 24 {
		return nil
	}
	most := saturate(16, int64(binary.BigEndian.Uint32(head[16:])), int64(binary.BigEndian.Uint32(head[20:])))
	r := bytes.NewReader(pixels) // decompression takes no byte more than it needs from it
	z, err := zlib.NewReader(r)
	if err != nil {
		return nil
	}
	n, err := io.Copy(io.Discard, io.LimitReader(z, min(most, 1<<40)+1))
	if err != nil || n > most {
		return nil
	}
	return pixels[:len(pixels)-r.Len()]
}

func appendChunk(out []byte, kind string, data []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	start := len(out)
	out = append(append(out, kind...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[start:]))
}

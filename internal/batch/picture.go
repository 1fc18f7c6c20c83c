package batch

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
)

// Picture describes the prepared picture of an image; its bytes are stored in Pictures under Key.
type Picture struct {
	Key    string `json:"key"`    // unique in the batch
	Digest string `json:"digest"` // SHA-256 of the prepared bytes, hex: checked on every load
	Source string `json:"source"` // SHA-256 of the file as sent, hex: detects the same file sent twice
	MIME   string `json:"mime"`
	Width  int    `json:"w"`
	Height int    `json:"h"`
	Bytes  int    `json:"bytes"`
	PHash  string `json:"look,omitempty"` // perceptual hash, hex, to find similar pictures; "" if not computed
	Notes  []Note `json:"notes,omitempty"`
}

// Note is a hint about a picture, shown before any money is spent on it.
type Note struct {
	Kind         string `json:"k"` // a stable identifier, such as "pages" or "small"
	Message      string `json:"m"`
	QuarterTurns int    `json:"turn,omitempty"` // NoteTurned only: quarter turns clockwise that make it upright, 1 to 3
}

// Kind is the form of a stored picture.
type Kind string

// The forms.
const (
	Full  Kind = "full"  // as sent to the engine
	Thumb Kind = "thumb" // small, for lists
)

// The kinds of notes that the domain creates or handles; all others come from Intake.
const (
	NoteSame   = "same"   // the same file, or the same page, is in the batch already
	NoteAlike  = "alike"  // it looks like another image
	NoteTurned = "turned" // it seems to lie on its side or upside down
)

// maxSimilarDistance is the largest Hamming distance between the 256-bit perceptual hashes of two similar pictures. Of 101 receipts and
// tables no two are closer than 11 (two receipts of one shop), and all but 5 of them stay within it when they are re-encoded at
// half the size. A second photograph of a sheet, taken from elsewhere, is not recognised.
const maxSimilarDistance = 10

// NoteSimilar adds to each image of a draft, in its order, a note about an earlier image that is equal or similar. It is
// computed anew each time, because images come and go; it is only a hint, since forms look alike.
func NoteSimilar(images []*Image) {
	type look struct {
		bits []byte
		at   int
	}
	sources := make(map[string]int, len(images))
	var looks []look
	for i, m := range images {
		if first, ok := sources[m.Picture.Source]; ok && m.Picture.Source != "" {
			m.note(NoteSame, "The same file as picture %d, “%s”.", first+1, images[first].Name)
			continue
		}
		sources[m.Picture.Source] = i
		mine, err := hex.DecodeString(m.Picture.PHash)
		if err != nil || len(mine) == 0 {
			continue
		}
		for _, other := range looks {
			if Similar(mine, other.bits) {
				m.note(NoteAlike, "Looks like picture %d, “%s”: perhaps the same sheet twice.", other.at+1, images[other.at].Name)
				break
			}
		}
		looks = append(looks, look{mine, i})
	}
}

func (m *Image) note(kind, format string, args ...any) {
	m.Picture.Notes = append(m.Picture.Notes, Note{Kind: kind, Message: fmt.Sprintf(format, args...)})
}

// Similar reports whether two perceptual hashes are those of pictures that look alike.
func Similar(a, b []byte) bool { return distance(a, b) <= maxSimilarDistance }

// distance returns the number of bits in which a and b differ; for different lengths, all bits of the longer one.
func distance(a, b []byte) int {
	if len(a) != len(b) {
		return 8 * max(len(a), len(b))
	}
	n := 0
	for ; len(a) >= 8; a, b = a[8:], b[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(a) ^ binary.LittleEndian.Uint64(b))
	}
	for i := range a {
		n += bits.OnesCount8(a[i] ^ b[i])
	}
	return n
}

// Describe sets the fields that describe the prepared picture.
func (pic *Picture) Describe(p *Prepared) {
	digest := sha256.Sum256(p.Data)
	pic.Digest, pic.MIME, pic.Bytes = hex.EncodeToString(digest[:]), p.MIME, len(p.Data)
	pic.Width, pic.Height, pic.PHash = p.Width, p.Height, p.PHash
}

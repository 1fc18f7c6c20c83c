package batch

import (
	"encoding/hex"
	"fmt"
	"math/bits"
)

// The kinds of notes that the domain itself gives or knows; the others are the intake's.
const (
	NoteSame   = "same"   // the very file, or the very page, is in the batch already
	NoteAlike  = "alike"  // it looks like another one
	NoteTurned = "turned" // it seems to lie on its side or stand on its head
)

// alike is by how many of the 256 bits of their looks two pictures count as alike at most. Of 101 receipts and tables no
// two come closer than 11 (two receipts of one shop), and all but 5 of them come within it when they are stored anew at
// half the size. A second photograph of a sheet from elsewhere is not recognised.
const alike = 10

// resembling adds to the images of a draft, in its order, what each has in common with an earlier one. It is worked out
// anew each time, because images come and go; it is a hint, since forms look alike.
func resembling(images []*Image) {
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
		mine, err := hex.DecodeString(m.Picture.Look)
		if err != nil || len(mine) == 0 {
			continue
		}
		for _, other := range looks {
			if distance(mine, other.bits) <= alike {
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

// distance is the number of bits in which a and b differ; those of different length differ wholly.
func distance(a, b []byte) int {
	if len(a) != len(b) {
		return 8 * max(len(a), len(b))
	}
	n := 0
	for i := range a {
		n += bits.OnesCount8(a[i] ^ b[i])
	}
	return n
}

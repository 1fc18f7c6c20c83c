package imaging

import "encoding/hex"

// hashSide is the number of differences across and down in a hash.
const hashSide = 16

// perceptualHash is a difference hash: for each of 16 by 16 patches of the picture, whether it is brighter than its
// right neighbour. Re-encoding, resizing and slight brightening hardly change it; rotation does. A blank picture
// has none.
func perceptualHash(thumb picture) string {
	if thumb.w <= hashSide || thumb.h < hashSide {
		return ""
	}
	small := thumb.y.scaled(hashSide+1, hashSide, ratio(thumb.w, hashSide+1), ratio(thumb.h, hashSide))
	var bits [hashSide * hashSide / 8]byte
	different := 0
	for y := range hashSide {
		row := small.row(y)
		for x := range hashSide {
			if row[x] > row[x+1] {
				bits[(y*hashSide+x)/8] |= 1 << (x % 8)
			}
			if d := int(row[x]) - int(row[x+1]); max(d, -d) > 2 {
				different++
			}
		}
	}
	if different < hashSide {
		return ""
	}
	return hex.EncodeToString(bits[:])
}

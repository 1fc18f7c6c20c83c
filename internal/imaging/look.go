package imaging

import "encoding/hex"

// lookSide is the number of differences across and down that a look is made of.
const lookSide = 16

// look is a difference hash: whether each of 16 by 16 patches of the picture is brighter than its right neighbour. It
// stays nearly the same when a picture is stored anew, in another size or a little brighter, but not when it is turned.
// A picture on which nothing stands has none.
func look(thumb picture) string {
	if thumb.w <= lookSide || thumb.h < lookSide {
		return ""
	}
	small := thumb.y.scaled(lookSide+1, lookSide, ratio(thumb.w, lookSide+1), ratio(thumb.h, lookSide))
	var bits [lookSide * lookSide / 8]byte
	different := 0
	for y := range lookSide {
		row := small.row(y)
		for x := range lookSide {
			if row[x] > row[x+1] {
				bits[(y*lookSide+x)/8] |= 1 << (x % 8)
			}
			if d := int(row[x]) - int(row[x+1]); max(d, -d) > 2 {
				different++
			}
		}
	}
	if different < lookSide {
		return ""
	}
	return hex.EncodeToString(bits[:])
}

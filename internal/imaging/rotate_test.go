package imaging_test

import (
	"encoding/hex"
	"image"
	"math/bits"
	"testing"

	"sheetlift/internal/imaging"
)

func TestRotatingTurnsClockwise(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{})
	for _, data := range [][]byte{asJPEG(t, page(641, 401), 90), asPNG(t, page(641, 401))} {
		before := prepare(t, imaging.Limits{}, "a", data)
		for quarters, corner := range map[int][2]int{1: {1, 0}, 2: {1, 1}, 3: {0, 1}} {
			got, err := p.Rotate(t.Context(), before.Data, quarters)
			if err != nil {
				t.Fatal(err)
			}
			m, thumb := opened(t, got.Data), opened(t, got.Thumb)
			w, h := 641, 401
			if quarters != 2 {
				w, h = h, w
			}
			if m.Bounds() != image.Rect(0, 0, w, h) || got.Width != w || got.Height != h {
				t.Errorf("%d quarters: %v, said %dx%d", quarters, m.Bounds(), got.Width, got.Height)
			}
			if !red(m, corner[0], corner[1]) || !red(thumb, corner[0], corner[1]) {
				t.Errorf("%d quarters: the red corner is not where it should be", quarters)
			}
			if got.PHash == before.PHash || got.PHash == "" {
				t.Errorf("%d quarters: looks as before", quarters)
			}
		}
	}
	for _, quarters := range []int{-1, 0, 4} {
		if _, err := p.Rotate(t.Context(), nil, quarters); err == nil {
			t.Errorf("%d quarters were made", quarters)
		}
	}
}

func TestAPictureStoredAnewLooksTheSame(t *testing.T) {
	t.Parallel()
	look := func(data []byte) []byte {
		b, err := hex.DecodeString(prepare(t, imaging.Limits{}, "a", data).PHash)
		if err != nil || len(b) != 32 {
			t.Fatalf("look of %d bytes, %v", len(b), err)
		}
		return b
	}
	differ := func(a, b []byte) (n int) {
		for i := range a {
			n += bits.OnesCount8(a[i] ^ b[i])
		}
		return n
	}
	large := prepare(t, imaging.Limits{}, "a", asJPEG(t, page(1600, 1200), 95))
	small := prepare(t, imaging.Limits{LongSide: 800, ShortSide: 600, Longest: 800}, "a", large.Data)
	if n := differ(look(large.Data), look(small.Data)); n > 10 {
		t.Errorf("at half the size it differs in %d of 256 bits", n)
	}
	if n := differ(look(large.Data), look(asJPEG(t, page(1200, 1600), 95))); n < 30 {
		t.Errorf("another page differs in %d of 256 bits only", n)
	}
	if blank := prepare(t, imaging.Limits{}, "a", asJPEG(t, image.NewGray(image.Rect(0, 0, 800, 600)), 90)); blank.PHash != "" {
		t.Errorf("a blank picture looks like %s", blank.PHash)
	}
}

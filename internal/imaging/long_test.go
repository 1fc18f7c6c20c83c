package imaging_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"strings"
	"testing"
	"testing/synctest"

	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
)

// scroll draws a long screenshot: lines of writing 20 pixels high at a distance of every pixels, and a ruling line
// down the page.
func scroll(w, h, every int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = 250
	}
	for y := range h {
		m.SetGray(w/2, y, color.Gray{60})
		if in := y % every; in < every/2 {
			for x := 10; x+10 < w; x += 3 + y%2 {
				m.SetGray(x, y, color.Gray{20})
			}
		}
	}
	return m
}

func TestALongPictureKeepsAReadableShortSide(t *testing.T) {
	t.Parallel()
	for _, c := range [][4]int{{1080, 12000, 1080, 12000}, {400, 12000, 400, 12000}, {2400, 14000, 1152, 6720}, {1000, 30000, 667, 20000}} {
		if w, h := imaging.New(imaging.Limits{}).Target(c[0], c[1]); w != c[2] || h != c[3] {
			t.Errorf("%v becomes %dx%d", c, w, h)
		}
	}
	got := prepare(t, imaging.Limits{}, "tall.png", asPNG(t, scroll(400, 6000, 40)))
	if got.Width != 400 || got.Height != 6000 || !hasNote(got, imaging.NoteLong) {
		t.Errorf("%dx%d, notes %+v", got.Width, got.Height, got.Notes)
	}
	if thumb := opened(t, got.Thumb).Bounds(); thumb.Dx() != 128 || thumb.Dy() != 256 {
		t.Errorf("the thumbnail is %v, too thin to know the picture by", thumb)
	}
	if wide := prepare(t, imaging.Limits{}, "wide.png", asPNG(t, scroll(6000, 400, 40))); wide.Width != 6000 || !hasNote(wide, imaging.NoteLong) {
		t.Errorf("wide: %dx%d, notes %+v", wide.Width, wide.Height, wide.Notes)
	}
}

func TestAPictureThatIsTooLongToBeReadIsRefusedByName(t *testing.T) {
	t.Parallel()
	_, err := imaging.New(imaging.Limits{}).Prepare(t.Context(), "roll.png", bytes.NewReader(pngHeader(700, 27_999, 1, 0, 0)))
	mustRefuse(t, "roll.png", err)
	if m := errs.Message(err); !strings.Contains(m, "too long") || !strings.Contains(m, "27,999") {
		t.Error(m)
	}
}

func TestPiecesOverlapAndAreCutBetweenLines(t *testing.T) {
	t.Parallel()
	const w, h, every = 400, 9000, 40
	m := scroll(w, h, every)
	pieces, err := imaging.New(imaging.Limits{}).Cut(t.Context(), asPNG(t, m))
	if err != nil {
		t.Fatal(err)
	}
	again, err := imaging.New(imaging.Limits{}).Cut(t.Context(), asPNG(t, m))
	if err != nil || len(again) != len(pieces) {
		t.Fatalf("cut again: %d pieces of %d, %v", len(again), len(pieces), err)
	}
	for i, p := range pieces {
		b := opened(t, p.Data).Bounds()
		if b.Dx() != w || b.Dy() != p.Height || p.Width != w || p.Height > 2000 || !bytes.Equal(p.Data, again[i].Data) {
			t.Errorf("piece %d: %v, said %dx%d", i, b, p.Width, p.Height)
		}
		end := p.Top + p.Height
		if i+1 == len(pieces) {
			if end != h {
				t.Errorf("the last piece ends at %d of %d", end, h)
			}
			break
		}
		if end%every < every/2 {
			t.Errorf("piece %d ends within a line, at %d", i, end)
		}
		if next := pieces[i+1].Top; next%every < every/2 || end-next < 150 || end-next > 500 {
			t.Errorf("piece %d begins at %d, the one before ends at %d", i+1, next, end)
		}
	}
	if pieces[0].Top != 0 || len(pieces) < 5 || len(pieces) > 7 {
		t.Errorf("%d pieces from %d", len(pieces), pieces[0].Top)
	}
}

func TestAColouredPieceHasItsOwnColours(t *testing.T) {
	t.Parallel()
	m := page(300, 4001)
	pieces, err := imaging.New(imaging.Limits{}).Cut(t.Context(), asPNG(t, m))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range pieces {
		got := opened(t, p.Data)
		for _, y := range []int{1, p.Height / 2, p.Height - 2} {
			r0, g0, b0 := rgb(m, 0, p.Top+y)
			if r, g, b := rgb(got, 0, y); max(abs(r-r0), abs(g-g0), abs(b-b0)) > 30 {
				t.Errorf("piece %d row %d: %d %d %d, want %d %d %d", i, y, r, g, b, r0, g0, b0)
			}
		}
	}
}

func TestCuttingWaitsForMemoryAndSharesThatOfAllDecoding(t *testing.T) {
	t.Parallel()
	file := asPNG(t, scroll(400, 6000, 40))
	synctest.Test(t, func(t *testing.T) {
		p := imaging.New(imaging.Limits{Memory: 64 << 20})
		release, err := p.HoldMemory(t.Context(), 60<<20)
		if err != nil {
			t.Fatal(err)
		}
		ended, end := context.WithCancel(t.Context())
		done, gone := make(chan error, 1), make(chan error, 1)
		cut := func(ctx context.Context, result chan error) {
			_, err := p.Cut(ctx, file)
			result <- err
		}
		go cut(t.Context(), done)
		go cut(ended, gone)
		synctest.Wait()
		if len(done)+len(gone) > 0 {
			t.Fatal("did not wait")
		}
		end()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("the wait ended with %v", err)
		}
		release()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if release, err = p.HoldMemory(t.Context(), 64<<20); err != nil {
			t.Fatal(err)
		}
		release()
	})
}

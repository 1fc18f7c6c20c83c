package imaging_test

import (
	"image"
	"image/color"
	"testing"

	"sheetlift/internal/imaging"
)

// strokes is a white picture with lines of upright strokes, 3 pixels wide, on its rows up to to. Soft ones fade into the
// paper over 8 pixels.
func strokes(w, h, to int, soft bool) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetGray(x, y, color.Gray{Y: 250})
			from := x%24 - 12 // from the middle of a stroke
			switch away := max(from, -from); {
			case y > to || y%40 > 14:
			case soft && away < 10:
				img.SetGray(x, y, color.Gray{Y: uint8(90 + 16*away)})
			case !soft && away < 2:
				img.SetGray(x, y, color.Gray{Y: 20})
			}
		}
	}
	return img
}

func TestSharpnessIsJudgedByWhatIsWrittenHoweverMuchPaperIsBlank(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		w, h    int
		to      int
		soft    bool
		blurred bool
	}{
		{"a full page", 700, 900, 900, false, false},
		{"a page with a few lines at its top", 700, 900, 100, false, false},
		{"a page with one line", 700, 900, 14, false, false},
		{"a long picture with a few lines", 200, 6000, 300, false, false},
		{"a long picture with one line", 200, 6000, 14, false, false},
		{"a full page, soft", 700, 900, 900, true, true},
		{"a few lines, soft", 700, 900, 100, true, true},
		{"a long picture, soft", 200, 6000, 300, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := prepare(t, imaging.Limits{}, "a.jpg", asJPEG(t, strokes(c.w, c.h, c.to, c.soft), 90))
			if hasNote(got, imaging.NoteBlurred) != c.blurred || hasNote(got, imaging.NoteBlank) {
				t.Errorf("%+v", got.Notes)
			}
		})
	}
}

func TestAPictureWithNothingOnItIsCalledBlankHoweverLong(t *testing.T) {
	t.Parallel()
	for _, h := range []int{900, 6000} {
		if got := prepare(t, imaging.Limits{}, "a.jpg", asJPEG(t, strokes(700, h, -1, false), 90)); !hasNote(got, imaging.NoteBlank) {
			t.Errorf("%d pixels high: %+v", h, got.Notes)
		}
	}
}

func TestATallScreenshotWithAFewLinesIsNotBlurred(t *testing.T) {
	t.Parallel()
	if got := prepare(t, imaging.Limits{}, "tall.png", drawn(t, "tall.png")); hasNote(got, imaging.NoteBlurred) || !hasNote(got, imaging.NoteLong) {
		t.Errorf("%+v", got.Notes)
	}
}

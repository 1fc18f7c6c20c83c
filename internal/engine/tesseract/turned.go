package tesseract

import (
	"context"
	"image"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"sheetlift/internal/danger"
	"sheetlift/internal/errs"
)

// osd is the tool's language data for the orientation of a page.
const osd = "osd"

const (
	orientationSide  = 2000 // maximum pixels of the longer side
	orientationSmall = 1000 // pixels of the longer side below which a picture is enlarged: its letters are too small for the tool
	orientationRatio = 3    // minimum ratio of legible letters after the rotation to those before
	minLegible       = 50   // minimum letters and digits legible after the rotation

	orientationTimeout = 5 * time.Minute // of one run of the tool
)

// OrientationDetector detects the orientation of pictures. It is safe for concurrent use; its work runs at the lowest
// priority of the machine.
type OrientationDetector struct{ tool tool }

// OrientationDetector returns the engine's orientation detector. The error is errs.Unavailable with the remedy if the
// tool lacks the data.
func (e *Engine) OrientationDetector() (*OrientationDetector, error) {
	if !slices.Contains(e.data, osd) {
		return nil, errs.New(errs.Unavailable, "Pictures that stand upside down or lie on their side are not noticed, because "+
			"Tesseract's data “osd” are missing. Install them, on Debian or Ubuntu with “sudo apt-get install "+
			"tesseract-ocr-osd”, and start again.")
	}
	t := e.tool
	t.background, t.timeout = true, max(t.timeout, orientationTimeout) // no caller waits for it, and readings have priority
	return &OrientationDetector{t}, nil
}

// orientationPicture decodes a picture in the form that the detector analyses.
func orientationPicture(picture []byte) (*image.Gray, error) {
	g, err := decode(picture)
	if err != nil {
		return nil, err
	}
	g = shrink(g, orientationSide)
	if w, h := g.Rect.Dx(), g.Rect.Dy(); max(w, h) < orientationSmall {
		g = net{w: float64(w), h: float64(h)}.resample(g, min(2*orientationSmall/float64(max(w, h)), maxScale))
	}
	if darkGround(g) {
		invert(g)
	}
	return g, nil
}

// Detect returns the number of clockwise quarter turns that make a picture upright: 1 to 3, or 0 if it is upright or its
// orientation is uncertain. The tool's own detection is wrong one time in ten for faint print, so a picture that it
// reports as rotated is read both as it is and rotated: only a much better reading counts as proof.
func (c *OrientationDetector) Detect(ctx context.Context, picture []byte) (quarters int, err error) {
	var g *image.Gray
	err = danger.Do(ctx, func() (err error) {
		g, err = orientationPicture(picture)
		return err
	})
	if err != nil {
		return 0, err
	}
	said, err := c.tool.orientation(ctx, g)
	if err != nil || said == 0 {
		return 0, err
	}
	now, err := c.legible(ctx, g)
	if err != nil {
		return 0, err
	}
	for _, q := range []int{said, said%3 + 1, (said+1)%3 + 1} {
		then, err := c.legible(ctx, turned(g, q))
		if err != nil {
			return 0, err
		}
		if then >= max(minLegible, orientationRatio*now) {
			return q, nil
		}
		if now >= minLegible {
			return 0, nil // it is legible without a rotation
		}
	}
	return 0, nil
}

// legible returns the number of letters and digits that are read with confidence.
func (c *OrientationDetector) legible(ctx context.Context, g *image.Gray) (int, error) {
	words, err := c.tool.words(ctx, g, uniform)
	n := 0
	for _, w := range words {
		letters := 0
		for _, r := range w.Text {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				letters++
			}
		}
		if w.Conf >= legibleFrom && letters >= legibleLetters {
			n += letters
		}
	}
	return n, err
}

const (
	legibleFrom    = 60 // confidence of a word, 0 to 100
	legibleLetters = 3  // of a word: shorter ones are found in anything
)

// orientation asks the tool how a page lies: how many quarters clockwise put it upright. A page with too few letters to
// tell is upright.
func (t tool) orientation(ctx context.Context, p *image.Gray) (quarters int, err error) {
	limited, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	out, err := t.run(limited, pgm(p), "-", "-", "-l", osd, "--psm", "0", "--dpi", "300")
	if err != nil {
		if strings.Contains(err.Error(), "Too few characters") {
			return 0, nil
		}
		return 0, err
	}
	for line := range strings.Lines(string(out)) {
		if degrees, ok := strings.CutPrefix(line, "Rotate:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(degrees), 10, 16)
			return int(n / 90 % 4), err
		}
	}
	return 0, nil
}

// turned is g turned clockwise by quarters of a circle.
func turned(g *image.Gray, quarters int) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if quarters%2 == 1 {
		w, h = h, w
	}
	out := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		row := out.Pix[y*out.Stride : y*out.Stride+w]
		for x := range row {
			switch quarters {
			case 1:
				row[x] = g.Pix[(w-1-x)*g.Stride+y]
			case 2:
				row[x] = g.Pix[(h-1-y)*g.Stride+w-1-x]
			default:
				row[x] = g.Pix[x*g.Stride+h-1-y]
			}
		}
	}
	return out
}

package tesseract

import (
	"context"
	"image"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"sheetlift/internal/errs"
)

// osd is the data by which the tool tells how a page lies.
const osd = "osd"

const (
	compassSide  = 2000 // pixels of the longer side at most
	compassSmall = 1000 // pixels of the longer side below which a picture is enlarged: its letters are too small for the tool
	compassMore  = 3    // how many times as much must be legible on a picture once it is turned
	compassLeast = 50   // letters and digits that must be legible then

	compassTime = 5 * time.Minute // for one run of the tool
)

// Compass tells which way up pictures are. It is safe for concurrent use; its work gives way to everything else on the
// machine.
type Compass struct{ tool tool }

// Compass returns the engine's compass. The error is errs.Unavailable with the remedy when the tool lacks the data.
func (e *Engine) Compass() (*Compass, error) {
	if !slices.Contains(e.data, osd) {
		return nil, errs.New(errs.Unavailable, "Pictures that stand upside down or lie on their side are not noticed, because "+
			"Tesseract's data “osd” are missing. Install them, on Debian or Ubuntu with “sudo apt-get install "+
			"tesseract-ocr-osd”, and start again.")
	}
	t := e.tool
	t.background, t.timeout = true, max(t.timeout, compassTime) // nobody waits, and others have the machine
	return &Compass{t}, nil
}

// Turn returns by how many quarters of a circle, clockwise, a picture must be turned to stand upright: 1 to 3, or 0 when
// it stands upright or that is not plain. Where the tool says that it does not stand upright, which for faint print is
// wrong one time in ten, it is read as it is and turned: only what reads much better turned is to be turned.
func (c *Compass) Turn(ctx context.Context, picture []byte) (quarters int, err error) {
	g, err := decode(picture)
	if err != nil {
		return 0, err
	}
	g = shrink(g, compassSide)
	if w, h := g.Rect.Dx(), g.Rect.Dy(); max(w, h) < compassSmall {
		g = net{w: float64(w), h: float64(h)}.resample(g, min(2*compassSmall/float64(max(w, h)), maxScale))
	}
	if darkGround(g) {
		invert(g)
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
		if then >= max(compassLeast, compassMore*now) {
			return q, nil
		}
		if now >= compassLeast {
			return 0, nil // it can be read as it is
		}
	}
	return 0, nil
}

// legible is how many letters and digits can be read well.
func (c *Compass) legible(ctx context.Context, g *image.Gray) (int, error) {
	words, err := c.tool.words(ctx, g, uniform)
	n := 0
	for _, w := range words {
		letters := 0
		for _, r := range w.text {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				letters++
			}
		}
		if w.conf >= legibleFrom && letters >= legibleLetters {
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

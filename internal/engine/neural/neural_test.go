package neural

import (
	"image"
	"image/color"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"sheetlift/internal/engine/layout"
	"sheetlift/third_party/readerfiles"
)

// real is the reader with its real networks, loaded once. A reader is for one page at a time.
var real = sync.OnceValues(func() (*Reader, error) {
	dir, err := os.MkdirTemp("", "neural-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // an opened library stays
	r, _, err := Open(dir)
	return r, err
})

var one sync.Mutex // held while real reads

func read(t *testing.T, page *image.Gray) []layout.Word {
	t.Helper()
	r, err := real()
	if err != nil {
		t.Skipf("the networks cannot run here: %v", err)
	}
	one.Lock()
	defer one.Unlock()
	words, err := r.Words(page)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

// drawn is a page with texts at their places, their baselines' left ends, in print of this size.
func drawn(t *testing.T, w, h int, size float64, texts map[image.Point]string) *image.Gray {
	t.Helper()
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	page := image.NewGray(image.Rect(0, 0, w, h))
	for i := range page.Pix {
		page.Pix[i] = 0xff
	}
	for at, text := range texts {
		pen := font.Drawer{Dst: page, Src: image.NewUniform(color.Black), Face: face, Dot: fixed.P(at.X, at.Y)}
		pen.DrawString(text)
	}
	return page
}

func TestWordsAreReadWithTheirSpacesAndPlaces(t *testing.T) {
	t.Parallel()
	texts := map[image.Point]string{
		{60, 80}:   "Invoice of the month",
		{60, 160}:  "Oak chair, brown",
		{600, 160}: "1,234.50",
		{900, 160}: "12",
		{60, 240}:  "Desk (240 x 80)",
		{600, 240}: "-17.05",
		{900, 240}: "5",
	}
	words := read(t, drawn(t, 1100, 320, 30, texts))
	lines := layout.LinesOf(words)
	want := []string{"Invoice of the month", "Oak chair, brown 1,234.50 12", "Desk (240 x 80) -17.05 5"}
	if got := strings.Split(layout.TextOf(lines), "\n"); !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
	for _, w := range words {
		if w.Text == "1,234.50" && (abs(w.Left-600) > 6 || abs(w.Bottom-165) > 8 || w.Height() > 40 || w.Conf < 80) {
			t.Errorf("%+v", w)
		}
	}
}

func abs(n int) int { return max(n, -n) }

func TestAnEmptyPageHasNoWords(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{40, 40}, {1, 1}, {3000, 20}} {
		if words := read(t, drawn(t, size.X, size.Y, 30, nil)); len(words) > 0 {
			t.Errorf("%v: %v", size, words)
		}
	}
}

func TestTheAlphabetIsLatin(t *testing.T) {
	t.Parallel()
	_, _, dictionary, err := readerfiles.Networks()
	if err != nil {
		t.Fatal(err)
	}
	a := newAlphabet(dictionary)
	if len(a.letters) != 6625 {
		t.Errorf("%d classes", len(a.letters))
	}
	var latin strings.Builder
	for _, c := range a.latin {
		latin.WriteString(a.letters[c])
	}
	for _, r := range "azAZ09.,%$()-é°±" {
		if !strings.ContainsRune(latin.String(), r) {
			t.Errorf("%q cannot be read", r)
		}
	}
	if strings.ContainsAny(latin.String(), "的一，。") {
		t.Errorf("it reads %q", latin.String())
	}
}

func TestEqualStepsAreOneLetterAndAGapParts(t *testing.T) {
	t.Parallel()
	a := alphabet{letters: []string{"", "a", "的", "b", " "}, latin: []int{1, 3, 4}}
	step := func(class int, p float32) []float32 {
		row := make([]float32, 5)
		row[class] = p
		return row
	}
	answer := slices.Concat(step(1, 0.5), step(1, 0.9), step(0, 1), step(1, 0.8), step(2, 1), step(3, 0.7))
	var text strings.Builder
	for _, l := range a.decode(answer) {
		text.WriteString(l.text)
	}
	if got := text.String(); got != "aab" {
		t.Errorf("read %q", got)
	}
	if first := a.decode(answer)[0]; first.step != 1 || math.Abs(first.sure-0.9) > 1e-6 {
		t.Errorf("%+v", first)
	}
}

func TestALeaningLineKeepsItsDirection(t *testing.T) {
	t.Parallel()
	var points []point
	for x := range 200 {
		y := float64(x) * 0.1
		points = append(points, point{float64(x), y}, point{float64(x), y + 20})
	}
	q, ok := leastRectangle(points)
	if !ok || math.Abs(q.sin-0.0995) > 0.01 || math.Abs(q.width-200) > 5 || math.Abs(q.height-20) > 2 {
		t.Errorf("%+v, %v", q, ok)
	}
	one, ok := leastRectangle([]point{{0, 0}, {8, 0}, {0, 20}, {8, 20}})
	if !ok || one.width != 8 || one.height != 20 {
		t.Errorf("a tall letter was turned: %+v, %v", one, ok)
	}
}

func FuzzBoxes(f *testing.F) {
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0, 200, 200, 200, 200}, 4, 0.5, 0.5)
	f.Add([]byte{1}, 0, 0.0, math.NaN())
	f.Fuzz(func(t *testing.T, data []byte, w int, sx, sy float64) {
		numbers := floats(data)
		for _, q := range boxes(numbers, w, sx, sy) {
			if !(q.width > 0 && q.height > 0) || math.IsNaN(q.x+q.y+q.cos+q.sin) {
				t.Errorf("%+v", q)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 255, 3, 9, 250, 1, 1, 1, 7})
	a := alphabet{letters: []string{"", "a", "的", "b", " "}, latin: []int{1, 3, 4}}
	f.Fuzz(func(t *testing.T, data []byte) {
		page := image.NewGray(image.Rect(0, 0, 200, 40))
		for i := range page.Pix {
			page.Pix[i] = 0xff
			if len(data) > 0 && data[i%len(data)] > 100 {
				page.Pix[i] = data[i%len(data)]
			}
		}
		letters := a.decode(floats(data))
		for _, l := range letters {
			if !(l.sure >= 0 && l.sure <= 1) || l.text == "的" || l.text == "" {
				t.Errorf("%+v", l)
			}
		}
		n := 0
		for _, w := range (line{quad{100, 20, 160, 30, 1, 0}, letters, 1}).words(page) {
			if n += len(w.Text); w.Text == "" || w.Empty() || !(w.Conf >= 0 && w.Conf <= 100) {
				t.Errorf("%+v", w)
			}
		}
		if n > len(letters) {
			t.Errorf("%d letters became %d", len(letters), n)
		}
	})
}

// floats makes numbers of bytes: most of them probabilities, some that are none.
func floats(data []byte) []float32 {
	numbers := make([]float32, len(data))
	for i, b := range data {
		numbers[i] = float32(b) / 255
		switch b {
		case 7:
			numbers[i] = float32(math.NaN())
		case 8:
			numbers[i] = float32(math.Inf(1))
		case 9:
			numbers[i] = -1e30
		}
	}
	return numbers
}

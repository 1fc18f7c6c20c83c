// Package reader finds the words of pages with sheetlift-reader, a program of its own that is kept running between pages: it is
// started, watched, bounded and restarted here.
//
// The two talk over pipes. A page goes there as a grey picture in the form PGM (P5, 255). The answer is the length of its text in
// decimal digits, a line feed, and as many bytes of JSON.
package reader

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"math"
	"strconv"
	"strings"

	"sheetlift/internal/engine/layout"
)

// The bounds of the data taken from the other side.
const (
	maxPixels = 40 << 20 // of a page
	maxSide   = 1 << 16
	maxAnswer = 16 << 20 // bytes; a dense page has 100 KB
	maxHead   = 64       // bytes of a line before a page or an answer
)

// Answer is the program's answer to a page. With Problem the page was not read.
type Answer struct {
	Reader  string `json:"reader,omitempty"` // the program's networks and library with their versions
	Words   []Word `json:"words,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// Word is a word on a page: its box in pixels, right and bottom exclusive, and a confidence from 0 to 100.
type Word struct {
	Left   int     `json:"l"`
	Top    int     `json:"t"`
	Right  int     `json:"r"`
	Bottom int     `json:"b"`
	Text   string  `json:"s"`
	Conf   float64 `json:"c"`
}

// WritePage writes a page whose Stride is its width.
func WritePage(w io.Writer, page *image.Gray) error {
	if _, err := fmt.Fprintf(w, "P5\n%d %d\n255\n", page.Rect.Dx(), page.Rect.Dy()); err != nil {
		return err
	}
	_, err := w.Write(page.Pix)
	return err
}

// ReadPage reads the next page. The error is io.EOF where the other side has closed the pipe between two pages.
func ReadPage(r *bufio.Reader) (*image.Gray, error) {
	kind, err := line(r)
	if err != nil {
		return nil, err
	}
	size, err := line(r)
	if err != nil {
		return nil, cutOff(err)
	}
	depth, err := line(r)
	if err != nil {
		return nil, cutOff(err)
	}
	across, down, ok := strings.Cut(size, " ")
	w, werr := strconv.Atoi(across)
	h, herr := strconv.Atoi(down)
	if kind != "P5" || depth != "255" || !ok || werr != nil || herr != nil || w <= 0 || h <= 0 || w > maxSide || h > maxPixels/w {
		return nil, fmt.Errorf("not a page: %q, %q, %q", kind, size, depth)
	}
	page := image.NewGray(image.Rect(0, 0, w, h))
	if _, err := io.ReadFull(r, page.Pix); err != nil {
		return nil, cutOff(err)
	}
	return page, nil
}

// WriteAnswer writes an answer.
func WriteAnswer(w io.Writer, a Answer) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = w.Write(append(fmt.Appendf(nil, "%d\n", len(text)), text...))
	return err
}

// ReadAnswer reads the next answer.
func ReadAnswer(r *bufio.Reader) (Answer, error) {
	head, err := line(r)
	if err != nil {
		return Answer{}, cutOff(err)
	}
	size, err := strconv.Atoi(head)
	if err != nil || size < 0 || size > maxAnswer {
		return Answer{}, fmt.Errorf("not an answer: %q", head)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return Answer{}, cutOff(err)
	}
	var a Answer
	return a, json.Unmarshal(text, &a)
}

// line reads a short line without its end.
func line(r *bufio.Reader) (string, error) {
	var b []byte
	for len(b) < maxHead {
		c, err := r.ReadByte()
		if err != nil && len(b) > 0 {
			return "", cutOff(err)
		}
		if err != nil || c == '\n' {
			return string(b), err
		}
		b = append(b, c)
	}
	return "", fmt.Errorf("a line too long: %q", b)
}

// cutOff is err, where the pipe ended too early.
func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// layoutWords returns the words of an answer that lie on a page w wide and h high.
func (a Answer) layoutWords(w, h int) []layout.Word {
	var words []layout.Word
	for _, o := range a.Words {
		b := layout.Box{Left: max(o.Left, 0), Top: max(o.Top, 0), Right: min(o.Right, w), Bottom: min(o.Bottom, h)}
		text := strings.Join(strings.Fields(o.Text), "")
		if b.Empty() || text == "" || math.IsNaN(o.Conf) {
			continue
		}
		words = append(words, layout.Word{Box: b, Text: text, Conf: min(max(o.Conf, 0), 100)})
	}
	return words
}

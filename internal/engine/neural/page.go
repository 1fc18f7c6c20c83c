// Package neural finds and reads the words of a page with two neural networks, PP-OCRv4's detector and recogniser: it makes
// their input of a picture, and words of their output.
package neural

import (
	"fmt"
	"image"

	"sheetlift/internal/engine/layout"
	"sheetlift/internal/engine/onnx"
)

// Reader holds the networks. It is not safe for concurrent use.
type Reader struct {
	detector, recogniser *onnx.Session
	alphabet             alphabet
}

// Files are the networks and the recogniser's dictionary.
type Files struct{ Detector, Recogniser, Dictionary []byte }

// New loads the networks.
func New(r *onnx.Runtime, files Files) (*Reader, error) {
	detector, err := r.Load(files.Detector)
	if err != nil {
		return nil, fmt.Errorf("the detector: %w", err)
	}
	recogniser, err := r.Load(files.Recogniser)
	if err != nil {
		return nil, fmt.Errorf("the recogniser: %w", err)
	}
	return &Reader{detector, recogniser, newAlphabet(files.Dictionary)}, nil
}

// Words reads a page, dark on light and about upright.
func (r *Reader) Words(page *image.Gray) ([]layout.Word, error) {
	if page.Rect.Empty() {
		return nil, nil
	}
	in, sx, sy := detectorInput(page)
	out, err := r.detector.Run(in)
	if err != nil {
		return nil, fmt.Errorf("the detector: %w", err)
	}
	n := len(out.Shape)
	if n == 0 {
		return nil, fmt.Errorf("the detector's answer has no extents")
	}
	var words []layout.Word
	var seen []quad
	for _, q := range boxes(out.Data, int(out.Shape[n-1]), sx, sy) {
		l, err := r.line(page, q)
		if err != nil {
			return nil, err
		}
		if len(l.letters) > 0 {
			words, seen = append(words, l.words(page)...), append(seen, q)
		}
	}
	for _, q := range missed(page, seen) {
		l, err := r.line(page, q)
		if err != nil {
			return nil, err
		}
		if l.certain() {
			words = append(words, l.words(page)...)
		}
	}
	return words, nil
}

// line is one line of text on a page with its letters.
type line struct {
	quad
	letters []letter
	pixel   float64 // pixels of the page for one of the recogniser's input
}

// line reads one line.
func (r *Reader) line(page *image.Gray, q quad) (line, error) {
	in, pixel := lineInput(q.cut(page))
	out, err := r.recogniser.Run(in)
	if err != nil {
		return line{}, fmt.Errorf("the recogniser: %w", err)
	}
	if n := len(out.Shape); n == 0 || out.Shape[n-1] != int64(len(r.alphabet.letters)) {
		return line{}, fmt.Errorf("the recogniser's answer of %v does not fit the dictionary", out.Shape)
	}
	return line{q, r.alphabet.decode(out.Data), pixel}, nil
}

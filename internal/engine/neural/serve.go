package neural

import (
	"bufio"
	"errors"
	"io"

	"sheetlift/internal/engine/reader"
)

// Serve reads pages from in and writes an answer for each to out, until in ends. name is told in each answer. After a page that
// the networks fail at, it goes on.
func (r *Reader) Serve(in io.Reader, out io.Writer, name string) error {
	pages := bufio.NewReaderSize(in, 1<<16)
	for {
		page, err := reader.ReadPage(pages)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		a := reader.Answer{Reader: name}
		words, err := r.Words(page)
		if err != nil {
			a.Problem = err.Error()
		}
		for _, w := range words {
			a.Words = append(a.Words, reader.Word{Left: w.Left, Top: w.Top, Right: w.Right, Bottom: w.Bottom, Text: w.Text, Conf: w.Conf})
		}
		if err := reader.WriteAnswer(out, a); err != nil {
			return err
		}
	}
}

package batchtest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// Intake accepts every file whose text does not begin with "bad" and uses its bytes as the picture. A file that begins with
// "pages" is a document with a page for each further line; a line that begins with "bad" is a rejected page, and one that
// begins with "broken" ends the file with an error that is not caused by it.
type Intake struct{}

// Prepare implements batch.Intake.
func (Intake) Prepare(_ context.Context, filename string, r io.Reader, have func(int) bool) iter.Seq2[batch.Part, error] {
	return func(yield func(batch.Part, error) bool) {
		data, err := io.ReadAll(r)
		if err != nil {
			yield(batch.Part{}, err)
			return
		}
		lines := bytes.Split(data, []byte("\n"))
		if string(lines[0]) != "pages" {
			yield(part(batch.Part{N: 1, Single: true, Filename: filename}, data), nil)
			return
		}
		for i, line := range lines[1:] {
			switch {
			case bytes.HasPrefix(line, []byte("broken")):
				yield(batch.Part{}, errs.New(errs.Unavailable, "The machine is out of order. Try again."))
				return
			case have(i + 1):
			case !yield(part(batch.Part{N: i + 1, Page: i + 1, Filename: filename}, line), nil):
				return
			}
		}
	}
}

func part(p batch.Part, data []byte) batch.Part {
	if bytes.HasPrefix(data, []byte("bad")) {
		p.Refused = errs.New(errs.Invalid, "“%s” is not a picture. Choose a JPEG or PNG file.", p.Filename)
		return p
	}
	p.Picture = &batch.Prepared{Data: data, MIME: "image/jpeg", Width: 100, Height: 50, Thumb: []byte("t"), Source: fmt.Sprintf("%x", data)}
	return p
}

// Rotate implements batch.Intake: it appends the number of quarter turns to the picture.
func (Intake) Rotate(_ context.Context, data []byte, quarters int) (*batch.Prepared, error) {
	data = fmt.Appendf(bytes.Clone(data), "+%d", quarters)
	return &batch.Prepared{Data: data, MIME: "image/jpeg", Width: 50, Height: 100, Thumb: []byte("t")}, nil
}

// Readers is the list of available engines, by name.
type Readers []string

// Choose implements batch.Readers.
func (r Readers) Choose(wish string) (string, string, error) {
	wish = cmp.Or(wish, "auto")
	if wish == "auto" && len(r) > 0 {
		return r[0], "model-1", nil
	}
	if slices.Contains(r, wish) {
		return wish, "model-1", nil
	}
	return "", "", errs.New(errs.Invalid, "The engine %q cannot read here. Choose another one.", wish)
}

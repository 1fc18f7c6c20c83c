// Package pieces reads a long picture as one image with any engine: it cuts the picture into overlapping pieces, reads each as
// a picture of its own, and merges their rows.
package pieces

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"sheetlift/internal/engine"
	"sheetlift/internal/imaging"
	"sheetlift/internal/table"
)

// form is the version of cutting and merging. It must change whenever the same pieces could yield different rows.
const form = "pieces 1"

// Asks returns the part of a cache question (see engine.Asker) that depends on the size of the picture: "" for a picture that
// is not cut.
func Asks(width, height int) string {
	if !imaging.InPieces(width, height) {
		return ""
	}
	return form
}

// Cutter cuts a long picture within its memory limit. *imaging.Preparer implements it.
type Cutter interface {
	Cut(ctx context.Context, data []byte) ([]imaging.Piece, error)
}

// Read makes one attempt at a picture with an engine, in pieces if the picture is long. It keeps the contract of engine.Engine:
// Begin is called once, and the first failing piece fails the attempt. The usage of all pieces read is summed up, also in a
// failure. Boxes refer to the whole picture.
func Read(ctx context.Context, cutter Cutter, eng engine.Engine, req engine.Request) (*engine.Reading, error) {
	if !imaging.InPieces(req.Width, req.Height) {
		return eng.Read(ctx, req)
	}
	cut, err := cutter.Cut(ctx, req.Picture)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &engine.Failure{
			Why: engine.BadPicture, Class: "decode", Err: err,
			Message: "This picture could not be opened: its file seems damaged. Save it again as JPEG or PNG and upload it anew.",
		}
	}
	return readAll(ctx, eng, req, cut)
}

// readAll reads the pieces from top to bottom and merges them.
func readAll(ctx context.Context, eng engine.Engine, req engine.Request, cut []imaging.Piece) (*engine.Reading, error) {
	var m *merged
	var usage engine.Usage
	begin, want := beginOnce(req.Begin), req.Table
	for i, piece := range cut {
		part := req
		part.Picture, part.MIME, part.Width, part.Height = piece.Data, piece.MIME, piece.Width, piece.Height
		part.Begin, part.Table = begin, req.Table
		if i > 0 {
			part.Table = following(want, m.Columns)
		}
		reading, err := eng.Read(ctx, part)
		if err != nil {
			return nil, withUsage(ctx, err, usage)
		}
		usage = usage.Plus(reading.Usage)
		p := placed{reading: reading, top: piece.Top, bottom: piece.Top + piece.Height, whole: req.Height}
		if m == nil {
			m = begun(p)
		} else if want.Single {
			m.addFields(p)
		} else {
			m.addRows(p)
		}
	}
	m.Usage = usage
	return &m.Reading, nil
}

// following returns the table to request for the pieces below the first: only the first piece shows the header of an open
// table, so its columns are named explicitly from then on.
func following(want table.Table, columns []string) table.Table {
	if !want.Open || len(columns) == 0 {
		return want
	}
	want.Open, want.Columns = false, make([]table.Column, len(columns))
	used := map[string]bool{}
	for i, name := range columns {
		if folded(name) == "" || used[folded(name)] {
			name = strings.TrimSpace(fmt.Sprintf("%s (%d)", name, i+1))
		}
		used[folded(name)] = true
		want.Columns[i] = table.Column{Name: name, Type: table.Text}
	}
	return want
}

// beginOnce wraps begin so that it is called only once; later calls return the same error.
func beginOnce(begin func(context.Context, string) error) func(context.Context, string) error {
	if begin == nil {
		return nil
	}
	var first sync.Once
	var err error
	return func(ctx context.Context, key string) error {
		first.Do(func() { err = begin(ctx, key) })
		return err
	}
}

// withUsage adds the cost of the earlier pieces to the error of a piece.
func withUsage(ctx context.Context, err error, before engine.Usage) error {
	if ctx.Err() != nil {
		return err
	}
	f := *engine.AsFailure(err)
	f.Usage = before.Plus(f.Usage)
	if f.Err == nil {
		f.Err = fmt.Errorf("a piece of a long picture: %w", err)
	}
	return &f
}

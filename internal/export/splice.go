package export

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"sheetlift/internal/batch"
)

// errFrame means that excelize writes its parts in an unexpected form.
var errFrame = errors.New("the frame of the workbook is not as expected")

// splice writes the workbook: the parts of the skeleton in a fixed order, with the rows inserted into each sheet.
func (p *plan) splice(ctx context.Context, w io.Writer, skeleton []byte, images iter.Seq2[*batch.Image, error]) error {
	frame, err := zip.NewReader(bytes.NewReader(skeleton), int64(len(skeleton)))
	if err != nil {
		return err
	}
	files := slices.SortedFunc(slices.Values(frame.File), func(a, b *zip.File) int { return cmp.Compare(a.Name, b.Name) })
	parts := make([]*zip.File, len(p.sheets))
	out := zip.NewWriter(w)
	for _, file := range files {
		i := 0
		if n, _ := fmt.Sscanf(file.Name, "xl/worksheets/sheet%d.xml", &i); n == 1 {
			if i < 1 || i > len(parts) {
				return fmt.Errorf("%w: %s", errFrame, file.Name)
			}
			parts[i-1] = file
			continue
		}
		content, err := contents(file)
		if err != nil {
			return err
		}
		if file.Name == "xl/workbook.xml" {
			if content, err = p.repeatHeadings(content); err != nil {
				return err
			}
		}
		if file.Name == "[Content_Types].xml" {
			if content, err = p.declareNotes(content); err != nil {
				return err
			}
		}
		part, err := create(out, file.Name)
		if err != nil {
			return err
		}
		if _, err := part.Write(content); err != nil {
			return err
		}
	}
	if slices.Contains(parts, nil) {
		return fmt.Errorf("%w: a sheet is missing", errFrame)
	}
	if err := p.writeSheets(ctx, out, parts, images); err != nil {
		return err
	}
	if err := p.writeNotes(out); err != nil {
		return err
	}
	return out.Close()
}

// writeSheets writes the fixed sheets, then the image sheets in one pass over the images.
func (p *plan) writeSheets(ctx context.Context, out *zip.Writer, parts []*zip.File, images iter.Seq2[*batch.Image, error]) error {
	first := len(p.sheets)
	for i, s := range p.sheets {
		var rows func(*sheetWriter) error
		switch s.kind {
		case kindRows:
			rows = func(w *sheetWriter) error { return p.allRows(ctx, w, s, images) }
		case kindSummary:
			rows = p.summary
		case kindProblems:
			rows = p.listProblems
		case kindImage:
			first = min(first, i)
			continue
		}
		if err := fill(out, parts[i], s, rows); err != nil {
			return err
		}
	}
	if first == len(p.sheets) {
		return nil
	}
	return each(ctx, images, func(i int, m *batch.Image) error {
		if err := p.same(i, m); err != nil {
			return err
		}
		return fill(out, parts[first+i], p.sheets[first+i], func(w *sheetWriter) error { p.imageRows(w, m); return nil })
	})
}

// fill writes one sheet with its rows.
func fill(out *zip.Writer, frame *zip.File, s sheet, rows func(*sheetWriter) error) error {
	content, err := contents(frame)
	if err != nil {
		return err
	}
	before, after, found := bytes.Cut(content, []byte("<sheetData></sheetData>"))
	if !found {
		if before, after, found = bytes.Cut(content, []byte("<sheetData/>")); !found {
			return fmt.Errorf("%w: %s", errFrame, frame.Name)
		}
	}
	part, err := create(out, frame.Name)
	if err != nil {
		return err
	}
	w := &sheetWriter{w: bufio.NewWriterSize(part, 64<<10)}
	w.w.Write(before)
	w.w.WriteString(s.columns() + "<sheetData>")
	if err := rows(w); err != nil {
		return err
	}
	w.w.WriteString("</sheetData>")
	at := bytes.Index(after, []byte("<pageMargins")) // links stand before the settings of the paper
	if at < 0 {
		at = bytes.Index(after, []byte("<pageSetup"))
	}
	if at < 0 {
		return fmt.Errorf("%w: %s has no page", errFrame, frame.Name)
	}
	w.w.Write(after[:at])
	writeLinks(w.w, w.links)
	if len(s.notes) > 0 {
		end := bytes.LastIndex(after, []byte("</worksheet>"))
		if end < at {
			return fmt.Errorf("%w: %s has no end", errFrame, frame.Name)
		}
		w.w.Write(after[at:end])
		w.w.WriteString(drawsNotes)
		at = end
	}
	w.w.Write(after[at:])
	return w.w.Flush()
}

// create begins a zip entry without a time, so that the same workbook has the same bytes.
func create(out *zip.Writer, name string) (io.Writer, error) {
	return out.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
}

func contents(file *zip.File) ([]byte, error) {
	r, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

package archive

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// Target is what a file is read into.
type Target interface {
	batch.Repository
	batch.Pictures
	// SetDocument stores what Source.Documents gave; NotFound when there is no such bucket here.
	SetDocument(ctx context.Context, bucket, key string, data []byte) error
}

// Read takes everything from a file that Verify found whole. A batch that is there already stays as it is, so a file may be
// read again, after an interruption too. Batches that were being read go on by themselves.
func Read(ctx context.Context, r io.Reader, to Target) (*Summary, error) {
	in := &reader{to: to, sum: &Summary{}, begun: map[batch.ID]bool{}}
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) || err == nil && h.Name == sumsName {
			return in.sum, in.sweep(ctx)
		}
		if err != nil {
			return nil, damaged("it cannot be read (%v)", err)
		}
		data, err := io.ReadAll(t)
		if err != nil {
			return nil, damaged("%s cannot be read (%v)", h.Name, err)
		}
		if err := in.entry(ctx, strings.Split(h.Name, "/"), data); err != nil {
			return nil, err
		}
	}
}

type reader struct {
	to    Target
	sum   *Summary
	begun map[batch.ID]bool // true: ours to store; false: was there, or is whole now
}

func (in *reader) entry(ctx context.Context, p []string, data []byte) error {
	switch {
	case len(p) == 3 && p[0] == documentsDir:
		err := in.to.SetDocument(ctx, p[1], p[2], data)
		if errs.Is(err, errs.NotFound) {
			return nil
		}
		in.sum.Documents++
		return err
	case len(p) < 3 || p[0] != batchesDir:
		return nil // the manifest
	}
	id := batch.ID(p[1])
	if ours, err := in.begin(ctx, id); err != nil || !ours {
		return err
	}
	switch {
	case len(p) == 4 && p[2] == picturesDir:
		key, kind, _ := strings.Cut(p[3], ".")
		in.sum.Pictures++
		return in.to.PutPicture(ctx, id, key, batch.Kind(kind), data)
	case len(p) == 4 && p[2] == imagesDir:
		m := &batch.Image{}
		if err := json.Unmarshal(data, m); err != nil || m.Batch != id {
			return damaged("image %s of batch %s cannot be read", p[3], id)
		}
		in.sum.Images++
		return in.to.CreateImage(ctx, m)
	case len(p) == 3 && p[2] == batchName:
		b := &batch.Batch{}
		if err := json.Unmarshal(data, b); err != nil || b.ID != id {
			return damaged("batch %s cannot be read", id)
		}
		in.begun[id] = false
		in.sum.Batches++
		return in.to.CreateBatch(ctx, b)
	}
	return nil
}

// begin reports whether the entries of a batch are to be stored. Of one that is not there it removes what an interrupted
// Read may have left.
func (in *reader) begin(ctx context.Context, id batch.ID) (bool, error) {
	if ours, seen := in.begun[id]; seen {
		return ours, nil
	}
	_, err := in.to.Batch(ctx, id)
	switch {
	case err == nil:
		in.begun[id] = false
		in.sum.Skipped++
		return false, nil
	case !errs.Is(err, errs.NotFound):
		return false, err
	}
	in.begun[id] = true
	return true, in.remove(ctx, id)
}

// sweep removes what belongs to batches whose own document is not in the file: they were deleted while it was written.
func (in *reader) sweep(ctx context.Context) error {
	for id, open := range in.begun {
		if open {
			if err := in.remove(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (in *reader) remove(ctx context.Context, id batch.ID) error {
	if err := in.to.DropPicture(ctx, id, ""); err != nil {
		return err
	}
	return in.to.RemoveBatch(ctx, id)
}

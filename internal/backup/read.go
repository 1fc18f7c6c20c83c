package backup

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

// Target receives the imported data.
type Target interface {
	batch.Repository
	batch.Pictures
	// SetDocument stores a document of Source.Documents; NotFound if this store has no such bucket.
	SetDocument(ctx context.Context, bucket, key string, data []byte) error
}

// Read imports a file that Verify accepted. A batch that exists already stays as it is, so a file may be imported
// again, after an interruption too. Unfinished batches resume by themselves.
func Read(ctx context.Context, r io.Reader, to Target) (*Summary, error) {
	in := &reader{to: to, sum: &Summary{}, importing: map[batch.ID]bool{}}
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
	to        Target
	sum       *Summary
	importing map[batch.ID]bool // true: being imported; false: existed before, or is complete
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
		in.importing[id] = false
		in.sum.Batches++
		return in.to.CreateBatch(ctx, b)
	}
	return nil
}

// begin reports whether to import the entries of a batch. For a new batch it first removes leftovers of an
// interrupted Read.
func (in *reader) begin(ctx context.Context, id batch.ID) (bool, error) {
	if ours, seen := in.importing[id]; seen {
		return ours, nil
	}
	_, err := in.to.Batch(ctx, id)
	switch {
	case err == nil:
		in.importing[id] = false
		in.sum.Skipped++
		return false, nil
	case !errs.Is(err, errs.NotFound):
		return false, err
	}
	in.importing[id] = true
	return true, in.remove(ctx, id)
}

// sweep removes entries of batches whose own document is not in the file: they were deleted during the export.
func (in *reader) sweep(ctx context.Context) error {
	for id, open := range in.importing {
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

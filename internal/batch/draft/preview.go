package draft

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// suggestFrom is how many pictures a suggestion reads: each is a paid call.
const suggestFrom = 3

// Preview reads image n of a draft with the draft's columns and engine, before the whole batch is paid for; n 0 is the first
// image. The result is used again when the batch is started with the same columns.
func (s *Service) Preview(ctx context.Context, id batch.ID, n int) (*batch.Image, *batch.Preview, error) {
	b, images, err := s.draft(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	m := images[0]
	if n > 0 {
		i := slices.IndexFunc(images, func(m *batch.Image) bool { return m.N == n })
		if i < 0 {
			return nil, nil, batch.NotFound()
		}
		m = images[i]
	}
	with, err := s.chosenReader(b)
	if err != nil {
		return nil, nil, err
	}
	preview, err := s.ports.Previewer.Preview(ctx, m, b.Table, with)
	return m, preview, err
}

// Suggest proposes columns from the first one to three pictures of a draft; the draft itself is not changed. It fails only if
// none of them could be read, or none has a column.
func (s *Service) Suggest(ctx context.Context, id batch.ID) (table.Table, error) {
	b, images, err := s.draft(ctx, id)
	if err != nil {
		return table.Table{}, err
	}
	with, err := s.chosenReader(b)
	if err != nil {
		return table.Table{}, err
	}
	open, _ := table.Preset("any")
	images = images[:min(suggestFrom, len(images))]
	seen := make([]table.Seen, len(images))
	failed := make([]error, len(images))
	var g errgroup.Group
	for i, m := range images {
		g.Go(func() error {
			preview, err := s.ports.Previewer.Preview(ctx, m, open, with)
			if failed[i] = err; err == nil {
				seen[i] = table.Seen{Columns: preview.Columns, Rows: preview.Rows}
			}
			return nil
		})
	}
	_ = g.Wait() // errors are kept per image
	t := table.Suggest(seen)
	if len(t.Columns) > 0 {
		return t, nil
	}
	for _, err := range failed {
		if err != nil {
			return t, err
		}
	}
	return t, errs.New(errs.Invalid, "No columns could be recognised on the first pictures. Name the columns yourself, or choose ready-made ones.")
}

// draft returns a draft that can be previewed, with its images.
func (s *Service) draft(ctx context.Context, id batch.ID) (*batch.Batch, []*batch.Image, error) {
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if b.Status != batch.Draft {
		return nil, nil, errs.New(errs.Conflict, "This batch was started already; there is nothing left to try out.")
	}
	if s.ports.Previewer == nil {
		return nil, nil, errs.New(errs.Unavailable, "Nothing can be tried out here.")
	}
	images, err := s.ports.Repository.Images(ctx, id)
	if err == nil && len(images) == 0 {
		err = errs.New(errs.Invalid, "This batch has no images yet. Add at least one picture first.")
	}
	return b, images, err
}

// chosenReader returns the engine and model that would read a draft if it started now.
func (s *Service) chosenReader(b *batch.Batch) (batch.ReadAs, error) {
	engine, model, err := s.ports.Readers.Choose(b.Engine)
	if err != nil || model == "" {
		return batch.ReadAs{Engine: engine}, err
	}
	return batch.ReadAs{Engine: engine, Model: cmp.Or(b.Model, model), Thinking: b.Thinking}, nil
}

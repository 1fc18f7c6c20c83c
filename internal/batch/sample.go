package batch

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// suggestFrom is how many pictures a suggestion looks at: each is a call that is paid for.
const suggestFrom = 3

// Preview reads image n of a draft with the draft's columns and engine, before the batch is paid for; n 0 is the first
// image. The sample is used again when the batch is started with the same columns.
func (s *Service) Preview(ctx context.Context, id ID, n int) (*Image, *Sample, error) {
	b, images, err := s.draft(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	m := images[0]
	if n > 0 {
		i := slices.IndexFunc(images, func(m *Image) bool { return m.N == n })
		if i < 0 {
			return nil, nil, notFound()
		}
		m = images[i]
	}
	engine, model, err := s.ports.Readers.Choose(b.Engine)
	if err != nil {
		return nil, nil, err
	}
	sample, err := s.ports.Sampler.Sample(ctx, m, b.Table, engine, model)
	return m, sample, err
}

// Suggest makes columns of what the first one to three pictures of a draft show; the draft stays as it is. It fails only
// if none of them could be read, or none shows a column.
func (s *Service) Suggest(ctx context.Context, id ID) (table.Table, error) {
	b, images, err := s.draft(ctx, id)
	if err != nil {
		return table.Table{}, err
	}
	engine, model, err := s.ports.Readers.Choose(b.Engine)
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
			sample, err := s.ports.Sampler.Sample(ctx, m, open, engine, model)
			if failed[i] = err; err == nil {
				seen[i] = table.Seen{Columns: sample.Columns, Rows: sample.Rows}
			}
			return nil
		})
	}
	_ = g.Wait() // each keeps its own error
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

// draft is a draft that can be tried out, with its images.
func (s *Service) draft(ctx context.Context, id ID) (*Batch, []*Image, error) {
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if b.Status != Draft {
		return nil, nil, errs.New(errs.Conflict, "This batch was started already; there is nothing left to try out.")
	}
	if s.ports.Sampler == nil {
		return nil, nil, errs.New(errs.Unavailable, "Nothing can be tried out here.")
	}
	images, err := s.ports.Repository.Images(ctx, id)
	if err == nil && len(images) == 0 {
		err = errs.New(errs.Invalid, "This batch has no images yet. Add at least one picture first.")
	}
	return b, images, err
}

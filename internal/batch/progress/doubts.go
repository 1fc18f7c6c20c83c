package progress

import (
	"context"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
)

// WithDoubts returns o with the exact number of doubts, as Doubts lists them. If the images cannot be loaded, o stays as it is.
func WithDoubts(ctx context.Context, s *batch.Batches, o Overview) Overview {
	if o.Counts.Exact || o.Batch == nil || o.Batch.Order == nil || o.Counts.Completed == 0 {
		return o
	}
	if images, err := s.List(ctx, o.Batch); err == nil {
		o.Counts.Issues, o.Counts.Exact = doubt.Count(o.Batch, images), true
	}
	return o
}

package run

import (
	"context"

	"sheetlift/internal/batch"
)

// If a batch contains the same picture twice, it is read once: the later images wait, without a unit of work, until the first
// is final. If it was read, its rows are copied to them; if not, they are read themselves.

// EnqueueDuplicates queues the duplicates that wait for image n, if n is final.
func (s *Service) EnqueueDuplicates(ctx context.Context, id batch.ID, n int) error {
	b, err := s.batches.Batch(ctx, id)
	if err != nil || len(b.DuplicateOf) == 0 {
		return err
	}
	m, err := s.batches.Image(ctx, id, n)
	if err != nil || !m.Status.Final() {
		return err
	}
	var units []batch.Unit
	for duplicate, first := range b.DuplicateOf {
		if first == n {
			units = append(units, batch.Unit{Batch: id, N: duplicate, Generation: 1})
		}
	}
	return s.ports.Queue.Add(ctx, units)
}

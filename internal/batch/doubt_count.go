package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"sheetlift/internal/table"
)

// The number of doubts of a batch depends on all its images: a value that comes twice is a doubt of both. An ended batch stores the
// number, which every edit counts anew and every comparison adjusts; for a batch that is still read it is counted on demand.

// CountDoubts marks the images of b with the issues that depend on each other, and returns the number of their doubts.
func CountDoubts(b *Batch, images []*Image) int {
	MarkDuplicates(Judged(b, images), images)
	n := 0
	for _, m := range images {
		n += m.DoubtCount()
	}
	return n
}

// WithDoubts returns o with the exact number of doubts, as Doubts lists them. If the images cannot be loaded, o stays as it is.
func WithDoubts(ctx context.Context, s *Service, o Overview) Overview {
	if o.Counts.Exact || o.Batch == nil || o.Batch.Order == nil || o.Counts.Completed == 0 {
		return o
	}
	if images, err := s.list(ctx, o.Batch); err == nil {
		o.Counts.Issues, o.Counts.Exact = CountDoubts(o.Batch, images), true
	}
	return o
}

// Recount stores the exact counts of a batch that has ended. It does nothing for other batches.
func (s *Service) Recount(ctx context.Context, id ID) error { return s.recount(ctx, id, nil) }

// recount is Recount with the newest states of images that were just changed, by number.
func (s *Service) recount(ctx context.Context, id ID, changed map[int]*Image) error {
	_, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Counts == nil {
			return false, nil
		}
		images, err := s.list(ctx, b)
		if err != nil {
			return false, err
		}
		for i := range images {
			if m := changed[images[i].N]; m != nil {
				own := *m
				own.Issues = slices.Clone(m.Issues)
				images[i] = &own
			}
		}
		counts := counted(b, images)
		if sameCounts(b.Counts, counts) {
			return false, nil
		}
		b.Counts = counts
		return true, nil
	})
	return err
}

// sameCounts compares counts as they are stored.
func sameCounts(a, b *Counts) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// adjustCounts changes the counts of a batch that has ended by the change of one image, at the same cost for any number of images.
// The doubts that depend on other images stay as they were counted.
func (s *Service) adjustCounts(ctx context.Context, id ID, before, after Figures) error {
	_, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Counts == nil {
			return false, nil
		}
		b.Counts.Add(before, -1)
		b.Counts.Add(after, 1)
		return true, nil
	})
	return err
}

// doubtsAlone returns the number of doubts that the rows of m have by themselves, without those that the whole column reveals.
func (m *Image) doubtsAlone(t table.Table) int {
	own := *m
	own.Issues = append(slices.DeleteFunc(slices.Clone(m.Issues), computedOnRead), m.overlooked(t)...)
	return len(own.byPlace())
}

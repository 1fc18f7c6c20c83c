package edit

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
)

// Recount stores the exact counts of a batch that has ended. It does nothing for other batches.
func (s *Service) Recount(ctx context.Context, id batch.ID) error { return s.recountAll(ctx, id, nil) }

// recount is Recount after edits, unless they changed nothing that is counted. It is carried out although the person left.
func (s *Service) recount(ctx context.Context, id batch.ID, changed group) error {
	if len(changed) == 0 {
		return nil
	}
	return s.recountAll(context.WithoutCancel(ctx), id, changed)
}

// recountAll is Recount with the newest states of images that were just changed.
func (s *Service) recountAll(ctx context.Context, id batch.ID, changed group) error {
	_, err := s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		if b.Counts == nil {
			return false, nil
		}
		images, err := s.batches.List(ctx, b)
		if err != nil {
			return false, err
		}
		for i := range images {
			if m := changed[images[i].N]; m != nil && m.Rev > images[i].Rev {
				own := *m
				own.Issues = slices.Clone(m.Issues)
				images[i] = &own
			}
		}
		counts := doubt.Counted(b, images)
		if sameCounts(b.Counts, counts) {
			return false, nil
		}
		b.Counts = counts
		if counts.Completed > 0 && !(b.Cancel && counts.Canceled > 0) {
			b.Status = batch.Completed // a person typed rows where none were read
		}
		return true, nil
	})
	return err
}

// sameCounts compares counts as they are stored.
func sameCounts(a, b *batch.Counts) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// adjustCounts changes the counts of a batch that has ended by the change of one image, at the same cost for any number of images.
// The doubts that depend on other images stay as they were counted.
func (s *Service) adjustCounts(ctx context.Context, id batch.ID, before, after batch.Figures) error {
	_, err := s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		if b.Counts == nil {
			return false, nil
		}
		b.Counts.Add(before, -1)
		b.Counts.Add(after, 1)
		return true, nil
	})
	return err
}

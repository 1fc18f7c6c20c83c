package store

import (
	"context"
	"encoding/json"
	"fmt"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// CreateBatch implements batch.Repository.
func (s *Store) CreateBatch(ctx context.Context, b *batch.Batch) error {
	if err := s.room(0); err != nil {
		return err
	}
	return s.writeBatch(ctx, b, 0)
}

// SaveBatch implements batch.Repository.
func (s *Store) SaveBatch(ctx context.Context, b *batch.Batch) error {
	if b.Rev == 0 {
		return s.fail(ctx, errUnsaved)
	}
	return s.writeBatch(ctx, b, b.Rev)
}

func (s *Store) writeBatch(ctx context.Context, b *batch.Batch, prev uint64) error {
	if err := checkID(b.ID); err != nil {
		return err
	}
	data, err := json.Marshal(b)
	if err != nil {
		return s.fail(ctx, err)
	}
	rev, err := s.batches.put(ctx, string(b.ID), data, prev)
	if err != nil {
		return s.fail(ctx, err)
	}
	b.Rev = rev
	return nil
}

// Batch implements batch.Repository.
func (s *Store) Batch(ctx context.Context, id batch.ID) (*batch.Batch, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	d, err := s.batches.get(ctx, string(id))
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	b, err := decodeBatch(d)
	return b, s.fail(ctx, err)
}

// RemoveBatch implements batch.Repository. Watchers see the removal of the batch only; its images go with it. It
// may be repeated after an interruption, and removing a batch that is gone is no error.
func (s *Store) RemoveBatch(ctx context.Context, id batch.ID) error {
	if err := checkID(id); err != nil {
		return err
	}
	// The images go first, so that a batch whose removal was interrupted is still listed and can be removed again;
	// then once more, for an image that was added meanwhile.
	if err := s.dropImages(ctx, id); err != nil {
		return s.fail(ctx, err)
	}
	for {
		d, err := s.batches.get(ctx, string(id))
		if missing(err) {
			break
		}
		if err != nil {
			return s.fail(ctx, err)
		}
		if err = s.batches.remove(ctx, string(id), d.rev); err != nil && !hasCode(err, codeWrongRevision) {
			return s.fail(ctx, err)
		}
	}
	return s.fail(ctx, s.dropImages(ctx, id))
}

func decodeBatch(d doc) (*batch.Batch, error) {
	b := new(batch.Batch)
	if err := json.Unmarshal(d.data, b); err != nil {
		return nil, fmt.Errorf("%w: batch %s: %w", errDamaged, d.key, err)
	}
	b.Rev = d.rev
	return b, nil
}

// errUnsaved is a programmer's error: a save of a document that was never created or loaded.
var errUnsaved = errs.New(errs.Conflict, "This was never stored, so it cannot be changed. Reload the page.")

// checkID keeps invalid ids out of keys and subjects, where a dot or a star would match more.
func checkID(id batch.ID) error {
	if !id.Valid() {
		return errs.New(errs.NotFound, "There is nothing here: it was deleted, or the address is wrong.")
	}
	return nil
}

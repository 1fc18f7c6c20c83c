package retention

import (
	"context"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// Delete hides a batch in any state at once and cancels the calls in flight for it; after batch.UndoFor it is erased. Its readings
// are removed from the cache for good, even if it is restored. Deleting it again is not an error.
func (s *Service) Delete(ctx context.Context, id batch.ID) error {
	_, err := s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		b.Deleted = time.Now().UTC()
		return true, nil
	})
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil || s.ports.ReadingCache == nil {
		return err
	}
	return s.ports.ReadingCache.PurgeReadings(ctx, id)
}

// Undelete restores a deleted batch in its former state; if it was being read, reading continues. NotFound once it is erased.
func (s *Service) Undelete(ctx context.Context, id batch.ID) (*batch.Batch, error) {
	return s.batches.UpdateAny(ctx, id, func(b *batch.Batch) (bool, error) {
		was := !b.Deleted.IsZero()
		b.Deleted = time.Time{}
		return was, nil
	})
}

// Erase removes a batch in any state with everything that belongs to it: work, pictures, thumbnails, images, rows. It may be
// repeated after an interruption; erasing a batch that is gone is not an error.
func (s *Service) Erase(ctx context.Context, id batch.ID) error {
	// Hide it first: every machine stops working on it, and uploads into it are refused.
	if err := s.Delete(ctx, id); err != nil {
		return err
	}
	if !id.Valid() {
		return nil
	}
	fault.At(fault.BatchHidden)
	if b, err := s.batches.BatchOrDeleted(ctx, id); err == nil {
		// Missing images mean that an earlier Erase was interrupted after this point, or that the batch is damaged; erase it
		// anyway.
		if images, err := batch.LoadImages(ctx, s.ports.Repository, b); err == nil {
			if err := s.batches.EnterLedger(ctx, b, images); err != nil {
				return err
			}
		}
	}
	if err := s.ports.Queue.Drop(ctx, id); err != nil {
		return err
	}
	if err := s.ports.Pictures.DropPicture(ctx, id, ""); err != nil {
		return err
	}
	fault.At(fault.PicturesDropped)
	return s.ports.Repository.RemoveBatch(ctx, id)
}

// Discard erases a draft; a started batch is a Conflict.
func (s *Service) Discard(ctx context.Context, id batch.ID) error {
	b, err := s.batches.Batch(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if b.Status != batch.Draft {
		return errs.New(errs.Conflict, "This batch was started already and is not discarded.")
	}
	return s.Erase(ctx, id)
}

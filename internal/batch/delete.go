package batch

import (
	"context"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// UndoFor is how long a deleted batch can be brought back.
const UndoFor = time.Minute

// Delete hides a batch in any state at once and cuts off what is read for it; after UndoFor it is erased. What was read for
// it answers no question from now on, also if it is brought back. Deleting it again is not an error.
func (s *Service) Delete(ctx context.Context, id ID) error {
	_, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		b.Deleted = time.Now().UTC()
		return true, nil
	})
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil || s.ports.Readings == nil {
		return err
	}
	return s.ports.Readings.Forget(ctx, id)
}

// Undelete brings a deleted batch back, as it was: if it was being read, that goes on. NotFound when it is erased.
func (s *Service) Undelete(ctx context.Context, id ID) (*Batch, error) {
	return s.changeHidden(ctx, id, func(b *Batch) (bool, error) {
		was := !b.Deleted.IsZero()
		b.Deleted = time.Time{}
		return was, nil
	})
}

// Erase removes a batch in any state with all that belongs to it: work, pictures, thumbnails, images, rows. It may be
// repeated after it was cut off, and erasing what is gone is not an error.
func (s *Service) Erase(ctx context.Context, id ID) error {
	// Hidden first: every machine lets go of it, and nothing is taken into it any more.
	if err := s.Delete(ctx, id); err != nil {
		return err
	}
	if !id.Valid() {
		return nil
	}
	fault.At(fault.BatchHidden)
	if b, err := s.hidden(ctx, id); err == nil {
		// When images are missing, an earlier try was cut off after this, or the batch is damaged and goes all the same.
		if images, err := inOrder(ctx, s.ports.Repository, b); err == nil {
			if err := s.enter(ctx, b, images); err != nil {
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
func (s *Service) Discard(ctx context.Context, id ID) error {
	b, err := s.Batch(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if b.Status != Draft {
		return errs.New(errs.Conflict, "This batch was started already and is not discarded.")
	}
	return s.Erase(ctx, id)
}

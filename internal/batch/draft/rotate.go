package draft

import (
	"context"
	"slices"

	"sheetlift/internal/batch"
	"sheetlift/internal/danger"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// Rotate turns an image of a draft clockwise by quarter turns; negative values turn it back. The picture is replaced as a
// whole: a concurrent reader gets either the old or the new one.
func (s *Service) Rotate(ctx context.Context, id batch.ID, n, quarters int) (*batch.Image, error) {
	quarters = (quarters%4 + 4) % 4
	key := ""
	for {
		m, err := s.draftImage(ctx, id, n)
		if err != nil || quarters == 0 {
			return m, err
		}
		old := m.Picture.Key
		data, err := s.ports.Pictures.GetPicture(ctx, id, old, batch.Full)
		if errs.Is(err, errs.NotFound) && old != key {
			key = old // rotated concurrently between the two reads; if it is missing again it is lost
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := m.Openable(); err != nil {
			return nil, err
		}
		p, err := s.ports.Intake.Rotate(s.markOpening(ctx, m), data, quarters)
		if err != nil {
			return nil, err
		}
		next := string(batch.NewID())
		if err := s.putPicture(ctx, id, next, p); err != nil {
			return nil, err
		}
		turned := false
		m, err = s.batches.UpdateImage(ctx, id, n, func(m *batch.Image) (bool, error) {
			if turned = m.Picture.Key == old || m.Picture.Key == next; m.Picture.Key != old {
				return false, nil
			}
			m.Picture.Key = next
			m.Picture.Describe(p)
			m.Picture.Notes = slices.DeleteFunc(m.Picture.Notes, func(n batch.Note) bool { return n.Kind == batch.NoteTurned })
			return true, nil
		})
		if err == nil && turned {
			return m, s.dropUnreferenced(ctx, id, old)
		}
		if err != nil && !errs.Is(err, errs.NotFound) {
			return nil, err // it may be stored nevertheless, so both pictures stay
		}
		if err := s.ports.Pictures.DropPicture(ctx, id, next); err != nil {
			return nil, err
		}
	}
}

// markOpening returns a ctx that marks the picture of m as being opened in this process.
func (s *Service) markOpening(ctx context.Context, m *batch.Image) context.Context {
	return s.ports.Danger.About(ctx, danger.Image{Batch: string(m.Batch), N: m.N}, m.Suspect != nil)
}

// dropUnreferenced removes a picture that no image refers to any more. If the batch was started meanwhile, a worker may be reading
// that picture: it is then removed with the batch.
func (s *Service) dropUnreferenced(ctx context.Context, id batch.ID, key string) error {
	b, err := s.batches.Batch(ctx, id)
	if err != nil || b.Status != batch.Draft {
		return err
	}
	return s.ports.Pictures.DropPicture(ctx, id, key)
}

func (s *Service) putPicture(ctx context.Context, id batch.ID, key string, p *batch.Prepared) error {
	for kind, data := range map[batch.Kind][]byte{batch.Full: p.Data, batch.Thumb: p.Thumb} {
		if err := s.ports.Pictures.PutPicture(ctx, id, key, kind, data); err != nil {
			return err
		}
		fault.At(fault.PictureHalf)
	}
	return nil
}

package batch

import (
	"context"
	"slices"

	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// Rotate turns an image of a draft clockwise by quarters of a circle; negative ones turn it back. The picture is replaced
// as a whole: whoever reads meanwhile gets the old one or the new one.
func (s *Service) Rotate(ctx context.Context, id ID, n, quarters int) (*Image, error) {
	quarters = (quarters%4 + 4) % 4
	key := ""
	for {
		m, err := s.draftImage(ctx, id, n)
		if err != nil || quarters == 0 {
			return m, err
		}
		old := m.Picture.Key
		data, err := s.ports.Pictures.GetPicture(ctx, id, old, Full)
		if errs.Is(err, errs.NotFound) && old != key {
			key = old // somebody turned it between the two reads; if it is missing again it is lost
			continue
		}
		if err != nil {
			return nil, err
		}
		p, err := s.ports.Intake.Rotate(ctx, data, quarters)
		if err != nil {
			return nil, err
		}
		m.Picture.Key = string(NewID())
		m.Picture.show(p)
		m.Picture.Notes = slices.DeleteFunc(m.Picture.Notes, func(n Note) bool { return n.Kind == NoteTurned })
		if err := s.putPicture(ctx, id, m.Picture.Key, p); err != nil {
			return nil, err
		}
		err = s.ports.Repository.SaveImage(ctx, m)
		if err == nil {
			return m, s.dropUnread(ctx, id, old)
		}
		if !errs.Is(err, errs.Conflict) {
			return nil, err // it may be stored all the same: both pictures stay
		}
		if err := s.ports.Pictures.DropPicture(ctx, id, m.Picture.Key); err != nil {
			return nil, err
		}
	}
}

// dropUnread drops a picture that no image has any more. If the batch was started meanwhile somebody may have it in hand:
// then it goes with the batch.
func (s *Service) dropUnread(ctx context.Context, id ID, key string) error {
	b, err := s.Batch(ctx, id)
	if err != nil || b.Status != Draft {
		return err
	}
	return s.ports.Pictures.DropPicture(ctx, id, key)
}

// draftImage is an image that may still be changed.
func (s *Service) draftImage(ctx context.Context, id ID, n int) (*Image, error) {
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	if b.Status != Draft {
		return nil, errs.New(errs.Conflict, "This batch was started already; its pictures can no longer be changed.")
	}
	return s.Image(ctx, id, n)
}

func (s *Service) putPicture(ctx context.Context, id ID, key string, p *Prepared) error {
	for kind, data := range map[Kind][]byte{Full: p.Data, Thumb: p.Thumb} {
		if err := s.ports.Pictures.PutPicture(ctx, id, key, kind, data); err != nil {
			return err
		}
		fault.At(fault.PictureHalf)
	}
	return nil
}

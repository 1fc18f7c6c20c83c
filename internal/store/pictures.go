package store

import (
	"context"
	"fmt"
	"strings"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// PutPicture implements batch.Pictures; Full when the disk is nearly full.
func (s *Store) PutPicture(ctx context.Context, id batch.ID, key string, kind batch.Kind, data []byte) error {
	subject, err := pictureSubject(id, key, kind)
	if err != nil {
		return err
	}
	if err := s.room(len(data)); err != nil {
		return err
	}
	_, err = s.putBlob(ctx, subject, data)
	return s.fail(ctx, err)
}

// GetPicture implements batch.Pictures. A picture with a missing or changed chunk is Unavailable, never partial.
func (s *Store) GetPicture(ctx context.Context, id batch.ID, key string, kind batch.Kind) ([]byte, error) {
	subject, err := pictureSubject(id, key, kind)
	if err != nil {
		return nil, err
	}
	data, err := s.getBlob(ctx, subject)
	return data, s.fail(ctx, err)
}

// DropPicture implements batch.Pictures. Dropping an unknown picture is no error.
func (s *Store) DropPicture(ctx context.Context, id batch.ID, key string) error {
	if err := checkID(id); err != nil {
		return err
	}
	filter := fmt.Sprintf("pic.%s.>", id)
	if key != "" {
		if !token(key) {
			return badKey(key)
		}
		filter = fmt.Sprintf("pic.%s.%s.>", id, key)
	}
	return s.fail(ctx, s.purgeBefore(ctx, filter, 0))
}

func pictureSubject(id batch.ID, key string, kind batch.Kind) (string, error) {
	if err := checkID(id); err != nil {
		return "", err
	}
	if !token(key) {
		return "", badKey(key)
	}
	if kind != batch.Full && kind != batch.Thumb {
		return "", errs.New(errs.NotFound, "There is no picture of the kind “%s”.", kind)
	}
	return fmt.Sprintf("pic.%s.%s.%s", id, key, kind), nil
}

// token reports whether s can be one part of a subject.
func token(s string) bool {
	return s != "" && len(s) <= 128 && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) < 0
}

func badKey(key string) error {
	return errs.New(errs.Invalid, "%q cannot name a picture: only letters, digits, hyphens and underscores can.", key)
}

package batchtest

import (
	"bytes"
	"cmp"
	"context"
	"strings"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// form is one stored form of a picture.
type form struct {
	id   batch.ID
	key  string
	kind batch.Kind
}

type picture struct {
	data []byte
	at   time.Time
}

// PutPicture implements batch.Pictures.
func (w *World) PutPicture(ctx context.Context, id batch.ID, key string, kind batch.Kind, data []byte) error {
	if err := cmp.Or(ended(ctx), checkForm(id, key, kind), w.fail("put picture")); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pics[form{id, key, kind}] = picture{bytes.Clone(data), time.Now()}
	return nil
}

// GetPicture implements batch.Pictures.
func (w *World) GetPicture(ctx context.Context, id batch.ID, key string, kind batch.Kind) ([]byte, error) {
	if err := cmp.Or(ended(ctx), checkForm(id, key, kind), w.fail("get picture")); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.pics[form{id, key, kind}]
	if !ok {
		return nil, errs.New(errs.NotFound, "There is no such picture.")
	}
	return bytes.Clone(p.data), nil
}

// DropPicture implements batch.Pictures.
func (w *World) DropPicture(ctx context.Context, id batch.ID, key string) error {
	if err := cmp.Or(ended(ctx), checkID(id)); err != nil {
		return err
	}
	if key != "" && !token(key) {
		return badName(key)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for f := range w.pics {
		if f.id == id && (key == "" || f.key == key) {
			delete(w.pics, f)
		}
	}
	return nil
}

// PictureCount returns how many pictures and thumbnails are stored.
func (w *World) PictureCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pics)
}

func checkForm(id batch.ID, key string, kind batch.Kind) error {
	switch {
	case !id.Valid() || kind != batch.Full && kind != batch.Thumb:
		return errs.New(errs.NotFound, "There is no such picture.")
	case !token(key):
		return badName(key)
	}
	return nil
}

// token reports whether s can name a picture, a question or a template.
func token(s string) bool {
	return s != "" && len(s) <= 128 && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) < 0
}

func badName(s string) error { return errs.New(errs.Invalid, "%q cannot name anything.", s) }

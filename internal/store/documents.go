package store

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// Batches returns the ids of all batches.
func (s *Store) Batches(ctx context.Context) ([]batch.ID, error) {
	docs, err := s.batches.load(ctx, "*")
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	ids := make([]batch.ID, 0, len(docs))
	for _, d := range docs {
		ids = append(ids, batch.ID(d.key))
	}
	slices.Sort(ids)
	return ids, nil
}

// Documents calls f with every document that belongs to no batch and cannot be recomputed, by bucket.
func (s *Store) Documents(ctx context.Context, f func(bucket, key string, data []byte) error) error {
	for _, b := range s.documents {
		docs, err := b.load(ctx, ">")
		if err != nil {
			return s.fail(ctx, err)
		}
		for _, d := range docs {
			if err := f(b.name, d.key, d.data); err != nil {
				return err
			}
		}
	}
	return nil
}

// SetDocument stores a document of Documents; NotFound if there is no such bucket.
func (s *Store) SetDocument(ctx context.Context, name, key string, data []byte) error {
	i := slices.IndexFunc(s.documents, func(b *bucket) bool { return b.name == name })
	if i < 0 || slices.ContainsFunc(strings.Split(key, "."), func(part string) bool { return !token(part) }) {
		return errs.New(errs.NotFound, "There is no place here for %s/%s.", name, key)
	}
	return s.fail(ctx, s.documents[i].set(ctx, key, data))
}

// Size returns the size of all stored data in bytes.
func (s *Store) Size(ctx context.Context) (int64, error) {
	var size int64
	err := s.try(ctx, func(ctx context.Context) error {
		size = 0
		streams := s.js.ListStreams(ctx)
		for info := range streams.Info() {
			size += int64(info.State.Bytes)
		}
		return streams.Err()
	})
	return size, s.fail(ctx, err)
}

// SetAside moves the server's data in a data folder to a folder beside it and returns its path, "" if there was
// none. No process may use the folder meanwhile: that is a Conflict.
func SetAside(dir string) (string, error) {
	unlock, err := lockFolder(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	from := filepath.Join(dir, serverFolder)
	if _, err := os.Stat(from); os.IsNotExist(err) {
		return "", nil
	}
	_ = os.Remove(filepath.Join(dir, checkpointName)) // it belongs to the moved data
	to := filepath.Join(dir, "replaced-"+time.Now().UTC().Format("20060102-150405"))
	if err := os.Rename(from, to); err != nil {
		return "", unusable(dir, err)
	}
	if err := os.Rename(filepath.Join(dir, formatName), filepath.Join(to, formatName)); err != nil && !os.IsNotExist(err) {
		return to, unusable(dir, err) // it belongs to the moved data
	}
	return to, nil
}

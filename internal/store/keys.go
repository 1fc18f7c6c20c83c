package store

import (
	"context"

	"sheetlift/internal/errs"
)

// Keys stores the state of the key pool over restarts and shares it between processes: one document per key, under
// an id that is a keyed hash of it. The key itself is never stored.
type Keys struct{ s *Store }

// Keys returns the key pool's memory.
func (s *Store) Keys() *Keys { return &Keys{s} }

// Load returns all documents by id.
func (k *Keys) Load(ctx context.Context) (map[string][]byte, error) {
	docs, err := k.s.keys.load(ctx, ">")
	if err != nil {
		return nil, k.s.fail(ctx, err)
	}
	byID := make(map[string][]byte, len(docs))
	for _, d := range docs {
		byID[d.key] = d.data
	}
	return byID, nil
}

// Save stores doc durably under id; the last write wins.
func (k *Keys) Save(ctx context.Context, id string, doc []byte) error {
	if !token(id) {
		return errs.New(errs.Invalid, "That cannot be the id of a key.")
	}
	return k.s.fail(ctx, k.s.keys.set(ctx, id, doc))
}

// Forget removes the document of id. Removing an unknown id is no error.
func (k *Keys) Forget(ctx context.Context, id string) error {
	if !token(id) {
		return errs.New(errs.Invalid, "That cannot be the id of a key.")
	}
	return k.s.fail(ctx, k.s.keys.purge(ctx, id))
}

// Watch calls f for each stored document and for each later save by any process, including this one, in order and
// from one goroutine, until ctx ends or the store is closed. Then it returns nil; if it cannot start, it returns an
// error at once. Saves between a Load and a Watch, or during a lost connection, are not missed.
func (k *Keys) Watch(ctx context.Context, f func(id string, doc []byte)) error {
	return k.s.follow(ctx, k.s.keys, func(d doc) {
		if !d.gone {
			f(d.key, d.data)
		}
	})
}

// follow watches a bucket from the newest revision of each key, until ctx ends or the store is closed.
func (s *Store) follow(ctx context.Context, b *bucket, f func(doc)) error {
	stop, err := b.watch(ctx, 0, f)
	if err != nil {
		return s.fail(ctx, err)
	}
	defer stop()
	select {
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	return nil
}

package store

import (
	"context"
	"sync"

	"sheetlift/internal/errs"
)

// Keys is what the key pool remembers over restarts and shares between processes: a document for each key, under an
// id that is a keyed hash of it. The key itself never comes here.
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

// Save stores doc durably under id; the last one wins.
func (k *Keys) Save(ctx context.Context, id string, doc []byte) error {
	if !token(id) {
		return errs.New(errs.Invalid, "That cannot be the id of a key.")
	}
	return k.s.fail(ctx, k.s.keys.set(ctx, id, doc))
}

// Forget removes the document of id; one that is not there is no error.
func (k *Keys) Forget(ctx context.Context, id string) error {
	if !token(id) {
		return errs.New(errs.Invalid, "That cannot be the id of a key.")
	}
	return k.s.fail(ctx, k.s.keys.purge(ctx, id))
}

// Watch calls f for each document that there is and for each that is saved from now on, by whichever process, this one
// included, in order and from one goroutine, until ctx ends or the store is closed. It returns then, with nil, or at once
// with an error. So what is saved between a Load and a Watch is not missed, nor what is while a connection is lost.
func (k *Keys) Watch(ctx context.Context, f func(id string, doc []byte)) error {
	stop, err := k.s.keys.watch(ctx, 0, func(d doc) {
		if !d.gone {
			f(d.key, d.data)
		}
	})
	if err != nil {
		return k.s.fail(ctx, err)
	}
	var once sync.Once
	defer once.Do(stop)
	select {
	case <-ctx.Done():
	case <-k.s.ctx.Done():
	}
	return nil
}

package store

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sheetlift/internal/access"
	"sheetlift/internal/errs"
)

var _ access.Memory = (*Access)(nil)

// Access stores tokens and ended sessions, for all processes. It is in no backup: a restored backup must not bring
// back a token revoked since.
type Access struct{ s *Store }

// Access returns the store of tokens and ended sessions.
func (s *Store) Access() *Access { return &Access{s} }

// Load implements access.Memory.
func (a *Access) Load(ctx context.Context) (map[string][]byte, error) {
	docs, err := a.s.access.load(ctx, ">")
	if err != nil {
		return nil, a.s.fail(ctx, err)
	}
	byID := make(map[string][]byte, len(docs))
	for _, d := range docs {
		byID[d.key] = d.data
	}
	return byID, nil
}

// Save implements access.Memory. The server itself deletes the document when its life is over.
func (a *Access) Save(ctx context.Context, id string, doc []byte, life time.Duration) error {
	if err := accessID(id); err != nil {
		return err
	}
	var opts []jetstream.PublishOpt
	if life > 0 {
		opts = append(opts, jetstream.WithMsgTTL(life.Round(time.Second)))
	}
	return a.s.fail(ctx, a.s.access.set(ctx, id, doc, opts...))
}

// Remove implements access.Memory.
func (a *Access) Remove(ctx context.Context, id string) error {
	if err := accessID(id); err != nil {
		return err
	}
	return a.s.fail(ctx, a.s.try(ctx, func(ctx context.Context) error {
		return a.s.access.kv.Purge(ctx, id, jetstream.PurgeTTL(markerTTL))
	}))
}

// Watch implements access.Memory.
func (a *Access) Watch(ctx context.Context, f func(id string, doc []byte)) error {
	return a.s.follow(ctx, a.s.access, func(d doc) {
		if d.gone {
			d.data = nil
		}
		f(d.key, d.data)
	})
}

func accessID(id string) error {
	for part := range strings.SplitSeq(id, ".") {
		if !token(part) {
			return errs.New(errs.Invalid, "That cannot be the id of a token.")
		}
	}
	return nil
}

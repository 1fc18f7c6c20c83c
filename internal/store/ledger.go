package store

import (
	"context"
	"encoding/json"

	"github.com/nats-io/nats.go/jetstream"

	"sheetlift/internal/batch"
)

var _ batch.Ledger = (*Store)(nil)

// Enter implements batch.Ledger. The server itself deletes an entry when it expires.
func (s *Store) Enter(ctx context.Context, id batch.ID, days []batch.Day) error {
	if err := checkID(id); err != nil {
		return err
	}
	data, err := json.Marshal(days)
	if err != nil {
		return s.fail(ctx, err)
	}
	return s.fail(ctx, s.ledger.set(ctx, string(id), data, jetstream.WithMsgTTL(batch.LedgerKeep)))
}

// Entered implements batch.Ledger.
func (s *Store) Entered(ctx context.Context) ([]batch.Day, error) {
	docs, err := s.ledger.load(ctx, "*")
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	var all []batch.Day
	for _, d := range docs {
		var days []batch.Day
		if err := json.Unmarshal(d.data, &days); err != nil {
			return nil, s.fail(ctx, errDamaged)
		}
		all = append(all, days...)
	}
	return all, nil
}

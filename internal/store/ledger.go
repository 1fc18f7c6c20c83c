package store

import (
	"context"
	"encoding/json"

	"github.com/nats-io/nats.go/jetstream"

	"sheetlift/internal/batch"
)

// Ledger implements batch.Ledger.
type Ledger struct{ s *Store }

// Ledger returns the figures of days.
func (s *Store) Ledger() *Ledger { return &Ledger{s} }

// Enter implements batch.Ledger. The server itself deletes an entry when it expires.
func (l *Ledger) Enter(ctx context.Context, id batch.ID, days []batch.Day) error {
	if err := checkID(id); err != nil {
		return err
	}
	data, err := json.Marshal(days)
	if err != nil {
		return l.s.fail(ctx, err)
	}
	return l.s.fail(ctx, l.s.ledger.set(ctx, string(id), data, jetstream.WithMsgTTL(batch.LedgerKeep)))
}

// Entered implements batch.Ledger.
func (l *Ledger) Entered(ctx context.Context) ([]batch.Day, error) {
	docs, err := l.s.ledger.load(ctx, "*")
	if err != nil {
		return nil, l.s.fail(ctx, err)
	}
	var all []batch.Day
	for _, d := range docs {
		var days []batch.Day
		if err := json.Unmarshal(d.data, &days); err != nil {
			return nil, l.s.fail(ctx, errDamaged)
		}
		all = append(all, days...)
	}
	return all, nil
}

package store

import (
	"context"
	"encoding/json"
	"strings"

	"sheetlift/internal/errs"
	"sheetlift/internal/webhook"
)

var _ webhook.Memory = (*Hooks)(nil)

// Hooks stores the deliveries of webhooks, for all processes. It is in no backup: a restored one must not tell of old events.
type Hooks struct{ s *Store }

// Hooks returns the memory of webhooks.
func (s *Store) Hooks() *Hooks { return &Hooks{s} }

// Deliveries implements webhook.Memory.
func (h *Hooks) Deliveries(ctx context.Context) ([]*webhook.Delivery, error) {
	docs, err := h.s.hooks.load(ctx, ">")
	if err != nil {
		return nil, h.s.fail(ctx, err)
	}
	all := make([]*webhook.Delivery, 0, len(docs))
	for _, d := range docs {
		one := &webhook.Delivery{Key: d.key, Rev: d.rev}
		if err := json.Unmarshal(d.data, one); err != nil {
			return nil, h.s.fail(ctx, errDamaged)
		}
		all = append(all, one)
	}
	return all, nil
}

// SaveDelivery implements webhook.Memory.
func (h *Hooks) SaveDelivery(ctx context.Context, d *webhook.Delivery) error {
	for part := range strings.SplitSeq(d.Key, ".") {
		if !token(part) {
			return errs.New(errs.Invalid, "That cannot be the key of a delivery.")
		}
	}
	data, err := json.Marshal(d)
	if err != nil {
		return h.s.fail(ctx, err)
	}
	rev, err := h.s.hooks.put(ctx, d.Key, data, d.Rev)
	if err == nil {
		d.Rev = rev
	}
	return h.s.fail(ctx, err)
}

// DropDelivery implements webhook.Memory.
func (h *Hooks) DropDelivery(ctx context.Context, d *webhook.Delivery) error {
	return h.s.fail(ctx, h.s.hooks.remove(ctx, d.Key, d.Rev))
}

package store_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/webhook"
)

func TestDeliveriesOutliveTheProcessAndAreClaimedByOne(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	d := &webhook.Delivery{Key: "batch.endpoint", Event: "batch", At: time.Now().UTC().Round(0), Endpoint: "https://desk.example", Body: json.RawMessage(`{"a":1}`)}
	if err := s.Hooks().SaveDelivery(t.Context(), d); err != nil || d.Rev == 0 {
		t.Fatal(err)
	}
	stale := *d
	d.Attempts = 1
	if err := s.Hooks().SaveDelivery(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if err := s.Hooks().SaveDelivery(t.Context(), &stale); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second claim: %v", err)
	}
	if err := s.Hooks().SaveDelivery(t.Context(), &webhook.Delivery{Key: "batch.endpoint"}); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second recording: %v", err)
	}
	if err := s.Hooks().SaveDelivery(t.Context(), &webhook.Delivery{Key: "batch.>"}); !errs.Is(err, errs.Invalid) {
		t.Errorf("a key that is a filter: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	all, err := s.Hooks().Deliveries(t.Context())
	if err != nil || len(all) != 1 || all[0].Attempts != 1 || all[0].Rev != d.Rev || string(all[0].Body) != `{"a":1}` || !all[0].At.Equal(d.At) {
		t.Fatalf("after a restart: %+v, %v", all, err)
	}
	if err := s.Hooks().DropDelivery(t.Context(), all[0]); err != nil {
		t.Fatal(err)
	}
	if all, err = s.Hooks().Deliveries(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("after it was dropped: %+v, %v", all, err)
	}
}

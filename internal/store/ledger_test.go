package store_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"sheetlift/internal/batch"
)

func TestAnEntryOfTheLedgerIsOneABatchAndOutlivesItAndTheProcess(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	b := newBatch(t, s)
	newImages(t, s, b.ID, 2)
	want := []batch.Day{{Day: "2026-11-25", Engine: "gemini", Read: 2, Calls: 3, Tokens: 400, USD: 0.125}}
	for _, days := range [][]batch.Day{{{Day: "2026-11-25", Engine: "gemini", Read: 1}}, want, want} {
		if err := s.Ledger().Enter(t.Context(), b.ID, days); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RemoveBatch(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if got, err := s.Ledger().Entered(t.Context()); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after a restart the ledger has %+v, %v", got, err)
	}
	kept := 0
	if err := s.Documents(t.Context(), func(bucket, key string, _ []byte) error {
		if bucket == "ledger" && key == string(b.ID) {
			kept++
		}
		return nil
	}); err != nil || kept != 1 {
		t.Errorf("%d entries go into a backup: %v", kept, err)
	}
}

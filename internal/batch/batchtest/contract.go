package batchtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// Store combines all ports of the domain that a store implements, except the queue.
type Store interface {
	batch.Repository
	batch.Pictures
	batch.Changes
	batch.ReadingCache
	batch.Templates
	batch.Ledger
	batch.Inventory
}

// subject is one empty store under test.
type subject struct {
	Store
	queue batch.Queue
}

// Run checks that a store keeps the contract of the ports, as stated in their comments. open returns an empty store that is
// closed at the end of the given test; the tests run in parallel.
func Run(t *testing.T, open func(t *testing.T) (Store, batch.Queue)) {
	t.Helper()
	for _, part := range []struct {
		name  string
		tests map[string]func(*testing.T, subject)
	}{
		{"repository", repositoryTests}, {"changes", changesTests}, {"queue", queueTests}, {"pictures", picturesTests},
		{"readings", readingsTests}, {"records", recordsTests}, {"inventory", inventoryTests}, {"calls", callsTests},
	} {
		for name, test := range part.tests {
			t.Run(part.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				store, queue := open(t)
				test(t, subject{store, queue})
			})
		}
	}
}

// impossible are ids that no batch has and that would match other keys as part of a subject.
var impossible = []batch.ID{"", "short", "*", ">", "a.b", batch.ID("../" + string(batch.NewID()))}

// must fails the test at once on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants fails the test if err is not of the given kind.
func wants(t *testing.T, kind errs.Kind, call string, err error) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: got %v, not an error of the kind “%s”", call, err, kind)
	}
}

// same fails the test if the stored forms of two values differ, ignoring revisions.
func same(t *testing.T, about string, got, want any) {
	t.Helper()
	g, err1 := json.Marshal(got)
	w, err2 := json.Marshal(want)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(g, w) {
		t.Errorf("%s: got %.2000s\nwant %.2000s", about, g, w)
	}
}

func (s subject) batch(t *testing.T) *batch.Batch {
	t.Helper()
	b := &batch.Batch{ID: batch.NewID(), Name: "a batch", Status: batch.Draft, Created: time.Now().UTC(), Options: batch.DefaultOptions()}
	must(t, s.CreateBatch(t.Context(), b))
	return b
}

func (s subject) image(t *testing.T, id batch.ID, n int) *batch.Image {
	t.Helper()
	m := &batch.Image{Batch: id, N: n, Name: "an image", Status: batch.Pending, Generation: 1}
	must(t, s.CreateImage(t.Context(), m))
	return m
}

// soon returns a context for calls that must answer without another event; its timeout ends a test that would hang.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// over returns a context that has ended.
func over(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

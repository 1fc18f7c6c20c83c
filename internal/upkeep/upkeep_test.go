package upkeep_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/store"
	"sheetlift/internal/table"
	"sheetlift/internal/upkeep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a real in-memory store with the use cases over it.
type fixture struct {
	*store.Store
	services *usecases.Services
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Memory: true, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &fixture{s, usecases.New(usecases.Ports{
		Repository: s, Queue: s.Queue(), Pictures: s, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"gemini"},
	}, usecases.Limits{MaxImages: 100})}
}

func (h *fixture) check(t *testing.T, o upkeep.Options) *upkeep.Report {
	t.Helper()
	r, err := upkeep.Check(t.Context(), upkeep.Deps{Runs: h.services.Run, Retention: h.services.Retention, Repository: h, Pictures: h, Inventory: h.Inventory()}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// draft makes a draft of n images.
func (h *fixture) draft(t *testing.T, n int) *batch.Batch {
	t.Helper()
	b, err := h.services.Draft.Create(t.Context(), draft.NewBatch{})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= n; i++ {
		_, err := h.services.Draft.AddImages(t.Context(), b.ID, draft.Upload{
			ID: fmt.Sprintf("upload-%03d", i), Filename: "a.jpg", Position: i, Body: strings.NewReader(fmt.Sprint("picture ", i)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// started makes a started batch of n images.
func (h *fixture) started(t *testing.T, n int) *batch.Batch {
	t.Helper()
	b := h.draft(t, n)
	b, err := h.services.Run.Start(t.Context(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// image changes a stored image directly in the store.
func (h *fixture) image(t *testing.T, id batch.ID, n int, f func(*batch.Image)) {
	t.Helper()
	m, err := h.Image(t.Context(), id, n)
	if err != nil {
		t.Fatal(err)
	}
	f(m)
	if err := h.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// key returns the key of an image's picture.
func (h *fixture) key(t *testing.T, id batch.ID, n int) string {
	t.Helper()
	m, err := h.Image(t.Context(), id, n)
	must(t, err)
	return m.Picture.Key
}

// head changes a stored batch directly in the store.
func (h *fixture) head(t *testing.T, id batch.ID, f func(*batch.Batch)) {
	t.Helper()
	b, err := h.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	f(b)
	if err := h.SaveBatch(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func completed(m *batch.Image) { m.Status, m.Ended = batch.Completed, time.Now() }

// ended makes a batch of n images that were all read.
func (h *fixture) ended(t *testing.T, n int) *batch.Batch {
	t.Helper()
	b := h.started(t, n)
	for i := 1; i <= n; i++ {
		h.image(t, b.ID, i, func(m *batch.Image) {
			completed(m)
			m.Tries = 1
			m.Attempts = []batch.Attempt{{N: 1, Started: time.Now(), Ended: time.Now()}}
		})
	}
	if over, err := h.services.Run.Finish(t.Context(), b.ID); err != nil || !over {
		t.Fatalf("ended: %v, %v", over, err)
	}
	if err := h.Queue().Drop(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// faults lists every fault that a check must find: the kind, a word of the message, and the change of a sound store
// that causes it.
var faults = map[string]struct {
	kind   upkeep.Kind
	word   string
	damage func(t *testing.T, h *fixture)
}{
	"a picture without an image": {upkeep.Orphan, "no image has it", func(t *testing.T, h *fixture) {
		must(t, h.PutPicture(t.Context(), h.draft(t, 1).ID, "upload-lost", batch.Full, []byte("x")))
	}},
	"half a picture": {upkeep.Orphan, "no image has it", func(t *testing.T, h *fixture) {
		must(t, h.PutPicture(t.Context(), h.started(t, 1).ID, "upload-half", batch.Thumb, bytes.Repeat([]byte("x"), 600<<10)))
	}},
	"a picture without a batch": {upkeep.Orphan, "the batch is gone", func(t *testing.T, h *fixture) {
		must(t, h.PutPicture(t.Context(), batch.NewID(), "upload-lost", batch.Full, []byte("x")))
	}},
	"an image without a picture": {upkeep.Corrupt, "is missing", func(t *testing.T, h *fixture) {
		id := h.started(t, 2).ID
		must(t, h.DropPicture(t.Context(), id, h.key(t, id, 1)))
	}},
	"a picture that was changed": {upkeep.Corrupt, "not the one", func(t *testing.T, h *fixture) {
		id := h.ended(t, 2).ID
		must(t, h.PutPicture(t.Context(), id, h.key(t, id, 1), batch.Full, []byte("other")))
	}},
	"a started image without work": {upkeep.Stuck, "no work is queued", func(t *testing.T, h *fixture) {
		must(t, h.Queue().Drop(t.Context(), h.started(t, 2).ID))
	}},
	"a start that was cut off": {upkeep.Stuck, "start was cut off", func(t *testing.T, h *fixture) {
		h.head(t, h.draft(t, 2).ID, func(b *batch.Batch) { b.Status, b.Engine = batch.Pending, "gemini" })
	}},
	"a retry that was cut off": {upkeep.Stuck, "retry of 1 images", func(t *testing.T, h *fixture) {
		b := h.started(t, 2)
		h.image(t, b.ID, 1, func(m *batch.Image) { m.Status, m.Failure = batch.Failed, "No." })
		h.head(t, b.ID, func(b *batch.Batch) { b.RetryIntents = []batch.RetryIntent{{N: 1, Generation: 1}} })
	}},
	"an end that nobody noticed": {upkeep.Stuck, "has not ended", func(t *testing.T, h *fixture) {
		h.image(t, h.started(t, 1).ID, 1, completed)
	}},
	"work of an image that is not there": {upkeep.Orphan, "needs it no more", func(t *testing.T, h *fixture) {
		must(t, h.Queue().Add(t.Context(), []batch.Unit{{Batch: h.started(t, 1).ID, N: 7, Generation: 1}}))
	}},
	"work of a batch that is over": {upkeep.Orphan, "needs it no more", func(t *testing.T, h *fixture) {
		must(t, h.Queue().Add(t.Context(), []batch.Unit{{Batch: h.ended(t, 1).ID, N: 1, Generation: 1}}))
	}},
	"work of a batch that is gone": {upkeep.Orphan, "the batch is gone", func(t *testing.T, h *fixture) {
		must(t, h.Queue().Add(t.Context(), []batch.Unit{{Batch: batch.NewID(), N: 1, Generation: 1}}))
	}},
	"two units for one image": {upkeep.Orphan, "number 1 is queued", func(t *testing.T, h *fixture) {
		b := h.started(t, 1)
		h.image(t, b.ID, 1, func(m *batch.Image) { m.Generation = 2 })
		must(t, h.Queue().Add(t.Context(), []batch.Unit{{Batch: b.ID, N: 1, Generation: 2}}))
	}},
	"work of the future": {upkeep.Corrupt, "only come to 1", func(t *testing.T, h *fixture) {
		must(t, h.Queue().Add(t.Context(), []batch.Unit{{Batch: h.started(t, 1).ID, N: 1, Generation: 5}}))
	}},
	"an image that is lost": {upkeep.Corrupt, "is not there", func(t *testing.T, h *fixture) {
		b := h.started(t, 3)
		m, err := h.Image(t.Context(), b.ID, 2)
		must(t, err)
		must(t, h.RemoveImage(t.Context(), m))
	}},
	"an image that came too late": {upkeep.Orphan, "never acknowledged", func(t *testing.T, h *fixture) {
		b := h.started(t, 2)
		must(t, h.PutPicture(t.Context(), b.ID, "upload-late", batch.Full, []byte("x")))
		must(t, h.CreateImage(t.Context(), &batch.Image{Batch: b.ID, N: 3, Upload: "upload-late", Status: batch.Pending, Generation: 1,
			Picture: batch.Picture{Key: "upload-late", Digest: "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}}))
		must(t, h.PutPicture(t.Context(), b.ID, "upload-late", batch.Thumb, []byte("x")))
	}},
	"an image without a batch": {upkeep.Corrupt, "its batch is not there", func(t *testing.T, h *fixture) {
		must(t, h.CreateImage(t.Context(), &batch.Image{Batch: batch.NewID(), N: 1, Status: batch.Pending}))
	}},
	"an image that came after its batch was deleted": {upkeep.Orphan, "its batch was deleted", func(t *testing.T, h *fixture) {
		b := h.draft(t, 1)
		must(t, h.services.Retention.Discard(t.Context(), b.ID))
		must(t, h.CreateImage(t.Context(), &batch.Image{Batch: b.ID, N: 1, Status: batch.Pending, Picture: batch.Picture{Key: "upload-late"}}))
	}},
	"an upload that became two images": {upkeep.Corrupt, "same upload", func(t *testing.T, h *fixture) {
		h.image(t, h.draft(t, 2).ID, 2, func(m *batch.Image) { m.Upload = "upload-001" })
	}},
	"rows that nobody refers to": {upkeep.Orphan, "does not refer", func(t *testing.T, h *fixture) {
		b := h.started(t, 1)
		h.image(t, b.ID, 1, func(m *batch.Image) { m.Text = strings.Repeat("large ", 100<<10) })
		h.image(t, b.ID, 1, func(m *batch.Image) { m.Text = "" })
	}},
	"a reading of a batch that is gone": {upkeep.Orphan, "remembered", func(t *testing.T, h *fixture) {
		must(t, h.Readings().PutReading(t.Context(), "question", &batch.Reading{Batch: batch.NewID(), N: 1}))
	}},
	"an order with an image twice": {upkeep.Corrupt, "stands twice", func(t *testing.T, h *fixture) {
		h.head(t, h.started(t, 2).ID, func(b *batch.Batch) { b.Order = []int{1, 2, 2} })
	}},
	"a batch that ended before its images": {upkeep.Corrupt, "1 of its images are not", func(t *testing.T, h *fixture) {
		h.image(t, h.ended(t, 2).ID, 1, func(m *batch.Image) { m.Status = batch.Retrying })
	}},
	"counts that are wrong": {upkeep.Corrupt, "it counted", func(t *testing.T, h *fixture) {
		h.head(t, h.ended(t, 2).ID, func(b *batch.Batch) { b.Counts.Failed, b.Counts.Completed = 1, 1 })
	}},
	"a status that no image has": {upkeep.Corrupt, "no image can have", func(t *testing.T, h *fixture) {
		h.image(t, h.started(t, 1).ID, 1, func(m *batch.Image) { m.Status = batch.Paused })
	}},
	"a status that no batch has": {upkeep.Corrupt, "no batch can have", func(t *testing.T, h *fixture) {
		h.head(t, h.started(t, 1).ID, func(b *batch.Batch) { b.Status = batch.Retrying })
	}},
	"a batch that runs without an order": {upkeep.Corrupt, "never frozen", func(t *testing.T, h *fixture) {
		h.head(t, h.draft(t, 1).ID, func(b *batch.Batch) { b.Status = batch.Processing })
	}},
	"a try before the start": {upkeep.Corrupt, "never started", func(t *testing.T, h *fixture) {
		h.image(t, h.draft(t, 1).ID, 1, func(m *batch.Image) { m.Status = batch.Processing })
	}},
	"tries that are not written down": {upkeep.Corrupt, "are written down", func(t *testing.T, h *fixture) {
		h.image(t, h.started(t, 1).ID, 1, func(m *batch.Image) { m.Tries = 2 })
	}},
	"tries out of order": {upkeep.Corrupt, "carries the number", func(t *testing.T, h *fixture) {
		h.image(t, h.started(t, 1).ID, 1, func(m *batch.Image) {
			m.Tries, m.Attempts = 2, []batch.Attempt{{N: 2, Ended: time.Now()}, {N: 1}}
		})
	}},
	"a final image with a try that runs": {upkeep.Corrupt, "never ended", func(t *testing.T, h *fixture) {
		h.image(t, h.ended(t, 1).ID, 1, func(m *batch.Image) { m.Attempts[0].Ended = time.Time{} })
	}},
	"a failure without a reason": {upkeep.Corrupt, "without a reason", func(t *testing.T, h *fixture) {
		h.image(t, h.started(t, 1).ID, 1, func(m *batch.Image) { m.Status = batch.Failed })
	}},
	"a row with a cell too few": {upkeep.Corrupt, "cells for", func(t *testing.T, h *fixture) {
		h.image(t, h.ended(t, 1).ID, 1, func(m *batch.Image) { m.Rows = []table.Row{{Cells: make([]table.Cell, 1)}} })
	}},
}

func TestEveryFaultIsNamedAndWhatCanBeMendedIs(t *testing.T) {
	t.Parallel()
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newFixture(t)
			h.draft(t, 2)
			h.ended(t, 2)
			f.damage(t, h)
			all := upkeep.Options{All: true, Before: time.Now()}
			r := h.check(t, all)
			found := false
			for _, one := range r.Findings {
				found = found || one.Kind == f.kind && strings.Contains(one.Text, f.word)
			}
			if !found || r.Sound() {
				t.Fatalf("it was not found: %v", r.Findings)
			}
			all.Repair = true
			r = h.check(t, all)
			if broken := f.kind == upkeep.Corrupt; r.Sound() == broken {
				t.Errorf("after mending: %v", r.Findings)
			}
			all.Repair = false
			if r = h.check(t, all); f.kind != upkeep.Corrupt && len(r.Findings) > 0 {
				t.Errorf("it came back: %v", r.Findings)
			}
		})
	}
}

func TestASoundStoreHasNoFindings(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.draft(t, 3)
	h.started(t, 3)
	b := h.ended(t, 3)
	must(t, h.services.Draft.RemoveImage(t.Context(), h.draft(t, 3).ID, 2))
	must(t, h.services.Retention.Discard(t.Context(), h.draft(t, 3).ID))
	for _, o := range []upkeep.Options{{All: true}, {}, {All: true, Repair: true, Before: time.Now()}} {
		if r := h.check(t, o); len(r.Findings) > 0 || r.Batches != 4 {
			t.Errorf("%d batches, %v", r.Batches, r.Findings)
		}
	}
	if _, err := h.Image(t.Context(), b.ID, 3); err != nil {
		t.Errorf("mending a sound store took something away: %v", err)
	}
}

func TestNothingIsSweptWhileSomethingIsBroken(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	b := h.started(t, 2)
	must(t, h.PutPicture(t.Context(), b.ID, "upload-left", batch.Full, []byte("x")))
	must(t, h.DropPicture(t.Context(), b.ID, h.key(t, b.ID, 2)))
	r := h.check(t, upkeep.Options{All: true, Repair: true, Before: time.Now()})
	if r.Count(upkeep.Orphan) != 1 || r.Count(upkeep.Corrupt) != 2 {
		t.Errorf("found %v", r.Findings)
	}
	if _, err := h.GetPicture(t.Context(), b.ID, "upload-left", batch.Full); err != nil {
		t.Errorf("it was swept: %v", err)
	}
}

func TestWhatIsYoungerThanTheCheckIsLeftAlone(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	b := h.draft(t, 1)
	before := time.Now()
	must(t, h.PutPicture(t.Context(), b.ID, "upload-now", batch.Full, []byte("x")))
	r := h.check(t, upkeep.Options{Repair: true, Before: before})
	if r.Count(upkeep.Orphan) != 1 {
		t.Errorf("found %v", r.Findings)
	}
	if _, err := h.GetPicture(context.WithoutCancel(t.Context()), b.ID, "upload-now", batch.Full); err != nil {
		t.Errorf("it was swept: %v", err)
	}
}

package batch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/errs"
)

// setup returns the service over an in-memory world.
func setup(t *testing.T) (*usecases.Services, *batchtest.World) {
	t.Helper()
	w := batchtest.NewWorld()
	return usecases.New(usecases.Ports{
		Repository: w, Queue: w, Pictures: w, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"gemini", "tesseract"},
	}, usecases.Limits{MaxImages: 100}), w
}

func newDraft(t *testing.T, s *usecases.Services) batch.ID {
	t.Helper()
	b, err := s.Draft.Create(t.Context(), draft.NewBatch{})
	if err != nil {
		t.Fatal(err)
	}
	return b.ID
}

func add(t *testing.T, s *usecases.Services, id batch.ID, upload string, position int) *batch.Image {
	t.Helper()
	return one(t, s, id, draft.Upload{ID: upload, Filename: upload + ".jpg", Position: position, Body: strings.NewReader(upload)})
}

// one uploads a file that holds one picture.
func one(t *testing.T, s *usecases.Services, id batch.ID, u draft.Upload) *batch.Image {
	t.Helper()
	taken, err := s.Draft.AddImages(t.Context(), id, u)
	if err != nil || len(taken.Images) != 1 || taken.Refused != nil {
		t.Fatalf("%+v: %v", taken, err)
	}
	return taken.Images[0]
}

func TestADraftHasDefaultsThatCanBeStarted(t *testing.T) {
	t.Parallel()
	s, w := setup(t)
	id := newDraft(t, s)
	add(t, s, id, "upload-1", 1)
	b, err := s.Run.Start(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if b.Status != batch.Processing || b.Engine != "gemini" || b.Model != "model-1" || b.Table.Preset != "inventory" ||
		b.Options != batch.DefaultOptions() || b.Total() != 1 || w.Queued(id) != 1 {
		t.Errorf("got %+v with %d units", b, w.Queued(id))
	}
}

func TestWhatPeopleSetIsChecked(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	for _, o := range []batch.Options{
		{AtOnce: 0}, {AtOnce: 65}, {AtOnce: 5, MaxRetries: -1}, {AtOnce: 5, MaxRetries: 21}, {AtOnce: 5, RetryDelay: -1}, {AtOnce: 5, RetryDelay: 1 << 60},
	} {
		if _, err := s.Draft.Create(t.Context(), draft.NewBatch{Options: &o}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: got %v", o, err)
		}
	}
	if _, err := s.Draft.Create(t.Context(), draft.NewBatch{Engine: "magic"}); !errs.Is(err, errs.Invalid) {
		t.Errorf("an unknown engine: got %v", err)
	}
}

func TestTheSameUploadTwiceIsOneImage(t *testing.T) {
	t.Parallel()
	s, w := setup(t)
	id := newDraft(t, s)
	first := add(t, s, id, "upload-1", 1)
	other := add(t, s, id, "upload-2", 1) // position 1 is in use
	again := add(t, s, id, "upload-2", 1)
	if first.N != 1 || other.N != 2 || again.N != 2 || w.PictureCount() != 4 {
		t.Errorf("places %d %d %d, %d pictures", first.N, other.N, again.N, w.PictureCount())
	}
}

func TestARefusedFileLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s, w := setup(t)
	id := newDraft(t, s)
	_, err := s.Draft.AddImages(t.Context(), id, draft.Upload{ID: "upload-1", Filename: `C:\photos\notes.txt`, Body: strings.NewReader("bad")})
	if !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Message(err), "“notes.txt”") {
		t.Errorf("got %v", err)
	}
	images, err := s.Batches.Images(t.Context(), id)
	if err != nil || len(images) != 0 || w.PictureCount() != 0 {
		t.Errorf("%d images and %d pictures are left: %v", len(images), w.PictureCount(), err)
	}
}

func TestFileNamesAreOnlyEverShown(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	id := newDraft(t, s)
	for i, tc := range []struct{ filename, shown, name string }{
		{"../../etc/passwd", "passwd", "passwd"},
		{`C:\dir\sheet.v2.png`, "sheet.v2.png", "sheet.v2"},
		{"a\x00b\r\nc.jpg", "ab  c.jpg", "ab  c"},
		{".hidden", ".hidden", ".hidden"},
		{"", "picture", "picture"},
		{"\xff\xfe.png", ".png", ".png"},
		{strings.Repeat("ä", 300) + ".jpg", strings.Repeat("ä", 200), strings.Repeat("ä", 200)},
	} {
		m := one(t, s, id, draft.Upload{ID: fmt.Sprintf("upload-%d", i), Filename: tc.filename, Position: i + 1, Body: strings.NewReader("x")})
		if m.Filename != tc.shown || m.Name != tc.name {
			t.Errorf("%q: got %+v", tc.filename, m)
		}
	}
}

func TestABatchHoldsNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	id := newDraft(t, s)
	for i := range 100 {
		add(t, s, id, fmt.Sprintf("upload-%03d", i), i+1)
	}
	for _, position := range []int{0, 50, 101} {
		_, err := s.Draft.AddImages(t.Context(), id, draft.Upload{ID: "upload-more", Position: position, Body: strings.NewReader("x")})
		if !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Message(err), "100") {
			t.Errorf("position %d: got %v", position, err)
		}
	}
}

func TestStartFreezesTheOrderAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	s, w := setup(t)
	id := newDraft(t, s)
	for _, n := range []int{3, 1, 2, 5} {
		add(t, s, id, fmt.Sprintf("upload-%d", n), n)
	}
	if err := s.Draft.RemoveImage(t.Context(), id, 2); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := s.Run.Start(context.Background(), id); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	b, err := s.Batches.Batch(t.Context(), id)
	if err != nil || !slices.Equal(b.Order, []int{1, 3, 5}) || w.Queued(id) != 3 {
		t.Errorf("order %v, %d units, %v", b.Order, w.Queued(id), err)
	}
	if _, err := s.Draft.SetOptions(t.Context(), id, batch.DefaultOptions(), ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("settings after the start: got %v", err)
	}
	if err := s.Draft.RemoveImage(t.Context(), id, 1); !errs.Is(err, errs.Conflict) {
		t.Errorf("removing after the start: got %v", err)
	}
	_, err = s.Draft.AddImages(t.Context(), id, draft.Upload{ID: "upload-late", Position: 9, Body: strings.NewReader("x")})
	if !errs.Is(err, errs.Conflict) {
		t.Errorf("an upload after the start: got %v", err)
	}
}

func TestAnEmptyBatchIsNotStarted(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	id := newDraft(t, s)
	if _, err := s.Run.Start(t.Context(), id); !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
	if b, _ := s.Batches.Batch(t.Context(), id); b.Status != batch.Draft {
		t.Errorf("it is %s now", b.Status)
	}
}

// An upload that races with Start is either acknowledged and part of the order, or refused and removed.
func TestAnAcknowledgedUploadIsNeverLostToStart(t *testing.T) {
	t.Parallel()
	for round := range 50 {
		s, _ := setup(t)
		id := newDraft(t, s)
		add(t, s, id, "upload-first", 1)
		var group sync.WaitGroup
		acknowledged := make(chan int, 40)
		for i := range 20 {
			group.Go(func() {
				taken, err := s.Draft.AddImages(context.Background(), id, draft.Upload{ID: fmt.Sprintf("upload-%03d", i), Position: i + 2, Body: strings.NewReader("x")})
				switch {
				case err == nil:
					acknowledged <- taken.Images[0].N
				case !errs.Is(err, errs.Conflict):
					t.Error(err)
				}
			})
			if i == round%20 {
				group.Go(func() {
					if _, err := s.Run.Start(context.Background(), id); err != nil {
						t.Error(err)
					}
				})
			}
		}
		group.Wait()
		close(acknowledged)
		b, err := s.Batches.Batch(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for n := range acknowledged {
			if !slices.Contains(b.Order, n) {
				t.Errorf("round %d: image %d was acknowledged and is not in %v", round, n, b.Order)
			}
		}
		if _, err := s.Batches.Images(t.Context(), id); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
}

func TestAStartThatWasCutOffIsCarriedOn(t *testing.T) {
	t.Parallel()
	for cut := 1; cut <= 3; cut++ {
		s, w := setup(t)
		id := newDraft(t, s)
		add(t, s, id, "upload-1", 1)
		add(t, s, id, "upload-2", 2)
		ops := 0
		w.Fail(func(string) error {
			if ops++; ops >= cut {
				return errs.New(errs.Unavailable, "The machine is dead.")
			}
			return nil
		})
		if _, err := s.Run.Start(t.Context(), id); err == nil {
			t.Fatalf("cut %d: the start did not notice", cut)
		}
		w.Fail(nil)
		if _, err := s.Run.Requeue(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		b, err := s.Run.Start(t.Context(), id)
		if err == nil {
			_, err = s.Run.Requeue(t.Context(), id)
		}
		if err != nil || b.Status != batch.Processing || b.Total() != 2 || w.Queued(id) != 2 {
			t.Errorf("cut %d: %s, %d images, %d units, %v", cut, b.Status, b.Total(), w.Queued(id), err)
		}
	}
}

func TestAMissingImageIsDamageAndNotAShorterList(t *testing.T) {
	t.Parallel()
	s, w := setup(t)
	id := newDraft(t, s)
	for i := range 3 {
		add(t, s, id, fmt.Sprintf("upload-%d", i), i+1)
	}
	if _, err := s.Run.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.Lose(id, 2)
	_, err := s.Batches.Images(t.Context(), id)
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(errs.Message(err), "Image 2") {
		t.Errorf("got %v", err)
	}
}

// end makes an image final, as the worker does.
func end(t *testing.T, w *batchtest.World, id batch.ID, n int, status batch.Status) {
	t.Helper()
	m, err := w.Image(t.Context(), id, n)
	if err != nil {
		t.Fatal(err)
	}
	m.Status = status
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestABatchEndsOnlyWhenAllItsImagesAreFinal(t *testing.T) {
	t.Parallel()
	s, w := setup(t)
	id := newDraft(t, s)
	add(t, s, id, "upload-1", 1)
	add(t, s, id, "upload-2", 2)
	if _, err := s.Run.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	end(t, w, id, 1, batch.Failed)
	if over, err := s.Run.Finish(t.Context(), id); over || err != nil {
		t.Errorf("ended too early: %v, %v", over, err)
	}
	end(t, w, id, 2, batch.Failed)
	if over, err := s.Run.Finish(t.Context(), id); !over || err != nil {
		t.Errorf("did not end: %v, %v", over, err)
	}
	b, _ := s.Batches.Batch(t.Context(), id)
	if b.Status != batch.Failed || b.Counts.Failed != 2 {
		t.Errorf("got %s, %+v", b.Status, b.Counts)
	}
}

// A retry that is interrupted at any point is completed by the next Requeue, exactly once.
func TestARetryIsNeitherLostNorDoubledWhereverItIsCutOff(t *testing.T) {
	t.Parallel()
	for cut := 1; cut <= 6; cut++ {
		s, w := setup(t)
		id := newDraft(t, s)
		for i := range 3 {
			add(t, s, id, fmt.Sprintf("upload-%d", i), i+1)
		}
		if _, err := s.Run.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		for n, status := range map[int]batch.Status{1: batch.Completed, 2: batch.Failed, 3: batch.Failed} {
			end(t, w, id, n, status)
		}
		if _, err := s.Run.Finish(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := w.Drop(t.Context(), id); err != nil { // the units were acknowledged
			t.Fatal(err)
		}
		ops := 0
		w.Fail(func(string) error {
			if ops++; ops == cut {
				return errs.New(errs.Unavailable, "The machine is dead.")
			}
			return nil
		})
		_, cutOff := s.Run.RetryFailed(t.Context(), id)
		w.Fail(nil)
		if cutOff != nil {
			if _, err := s.Run.Requeue(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Run.Finish(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if cut == 1 { // nothing was written: the person got an error and retries
			if _, err := s.Run.RetryFailed(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		b, _ := s.Batches.Batch(t.Context(), id)
		images, err := s.Batches.Images(t.Context(), id)
		if err != nil || b.Status != batch.Processing || len(b.RetryIntents) != 0 || w.Queued(id) != 2 {
			t.Fatalf("cut %d: %s, %v to do, %d units, %v", cut, b.Status, b.RetryIntents, w.Queued(id), err)
		}
		for _, m := range images[1:] {
			if m.Status != batch.Retrying || m.Generation != 2 {
				t.Errorf("cut %d: image %d is %s at unit %d", cut, m.N, m.Status, m.Generation)
			}
		}
	}
}

func TestAForeignOrMalformedIDIsNotFound(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	for _, id := range []batch.ID{batch.NewID(), "", "x", batch.ID(strings.Repeat("a", 25) + "*"), "../../../../../../etc/pass"} {
		if _, err := s.Batches.Batch(t.Context(), id); !errs.Is(err, errs.NotFound) {
			t.Errorf("%q: got %v", id, err)
		}
		if _, err := s.Batches.Image(t.Context(), id, 1); !errs.Is(err, errs.NotFound) {
			t.Errorf("image of %q: got %v", id, err)
		}
	}
}

func TestADiscardedDraftLeavesNothing(t *testing.T) {
	t.Parallel()
	s, w := setup(t)
	id := newDraft(t, s)
	add(t, s, id, "upload-1", 1)
	for range 2 {
		if err := s.Retention.Discard(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Batches.Batch(t.Context(), id); !errs.Is(err, errs.NotFound) || w.PictureCount() != 0 {
		t.Errorf("got %v and %d pictures", err, w.PictureCount())
	}
}

func FuzzNames(f *testing.F) {
	f.Add("a.jpg", "n")
	f.Add("..\\..\x00/\u202ecod.exe", "\r\nevent: x")
	f.Fuzz(func(t *testing.T, filename, name string) {
		s, _ := setup(t)
		b, err := s.Draft.Create(t.Context(), draft.NewBatch{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		m := one(t, s, b.ID, draft.Upload{ID: "upload-1", Filename: filename, Name: name, Body: strings.NewReader("x")})
		for _, shown := range []string{b.Name, m.Name, m.Filename} {
			if shown == "" || strings.ContainsAny(shown, "\x00\r\n") || len([]rune(shown)) > 200 {
				t.Errorf("%q", shown)
			}
		}
		if strings.ContainsAny(m.Filename, `/\`) {
			t.Errorf("a path: %q", m.Filename)
		}
	})
}

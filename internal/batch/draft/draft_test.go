package draft_test

import (
	"fmt"
	"strings"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/errs"
)

func TestAnUploadIDThatIsUsedForAnotherFileIsAConflictThatNamesIt(t *testing.T) {
	t.Parallel()
	s, _ := batchtest.New(t)
	b := batchtest.NewDraft(t, s)
	send := func(body string) (*draft.Ingested, error) {
		return s.Draft.AddImages(t.Context(), b, draft.Upload{ID: "upload-01", Filename: body + ".jpg", Body: strings.NewReader(body)})
	}
	for _, body := range []string{"first", "first", ""} {
		if taken, err := send(body); err != nil || len(taken.Images) != 1 {
			t.Fatalf("%q: %v, %v", body, taken, err)
		}
	}
	_, err := send("second")
	if !errs.Is(err, errs.Conflict) || !strings.Contains(errs.Message(err), "upload-01") || !strings.Contains(errs.Message(err), "first.jpg") {
		t.Errorf("%v", err)
	}
}

func TestADraftHasDefaultsThatCanBeStarted(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	batchtest.Add(t, s, id, "upload-1", 1)
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
	s, _ := batchtest.New(t)
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
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	first := batchtest.Add(t, s, id, "upload-1", 1)
	other := batchtest.Add(t, s, id, "upload-2", 1) // position 1 is in use
	again := batchtest.Add(t, s, id, "upload-2", 1)
	if first.N != 1 || other.N != 2 || again.N != 2 || w.PictureCount() != 4 {
		t.Errorf("places %d %d %d, %d pictures", first.N, other.N, again.N, w.PictureCount())
	}
}

func TestARefusedFileLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
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
	s, _ := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	for i, tc := range []struct{ filename, shown, name string }{
		{"../../etc/passwd", "passwd", "passwd"},
		{`C:\dir\sheet.v2.png`, "sheet.v2.png", "sheet.v2"},
		{"a\x00b\r\nc.jpg", "ab  c.jpg", "ab  c"},
		{".hidden", ".hidden", ".hidden"},
		{"", "picture", "picture"},
		{"\xff\xfe.png", ".png", ".png"},
		{strings.Repeat("ä", 300) + ".jpg", strings.Repeat("ä", 200), strings.Repeat("ä", 200)},
	} {
		m := batchtest.Upload(t, s, id, draft.Upload{ID: fmt.Sprintf("upload-%d", i), Filename: tc.filename, Position: i + 1, Body: strings.NewReader("x")})
		if m.Filename != tc.shown || m.Name != tc.name {
			t.Errorf("%q: got %+v", tc.filename, m)
		}
	}
}

func TestABatchHoldsNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	s, _ := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	for i := range 100 {
		batchtest.Add(t, s, id, fmt.Sprintf("upload-%03d", i), i+1)
	}
	for _, position := range []int{0, 50, 101} {
		_, err := s.Draft.AddImages(t.Context(), id, draft.Upload{ID: "upload-more", Position: position, Body: strings.NewReader("x")})
		if !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Message(err), "100") {
			t.Errorf("position %d: got %v", position, err)
		}
	}
}

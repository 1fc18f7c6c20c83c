package batch_test

import (
	"fmt"
	"strings"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/errs"
)

func TestAMissingImageIsDamageAndNotAShorterList(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	for i := range 3 {
		batchtest.Add(t, s, id, fmt.Sprintf("upload-%d", i), i+1)
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

func TestAForeignOrMalformedIDIsNotFound(t *testing.T) {
	t.Parallel()
	s, _ := batchtest.New(t)
	for _, id := range []batch.ID{batch.NewID(), "", "x", batch.ID(strings.Repeat("a", 25) + "*"), "../../../../../../etc/pass"} {
		if _, err := s.Batches.Batch(t.Context(), id); !errs.Is(err, errs.NotFound) {
			t.Errorf("%q: got %v", id, err)
		}
		if _, err := s.Batches.Image(t.Context(), id, 1); !errs.Is(err, errs.NotFound) {
			t.Errorf("image of %q: got %v", id, err)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("a.jpg", "n")
	f.Add("..\\..\x00/\u202ecod.exe", "\r\nevent: x")
	f.Fuzz(func(t *testing.T, filename, name string) {
		s, _ := batchtest.New(t)
		b, err := s.Draft.Create(t.Context(), draft.NewBatch{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		m := batchtest.Upload(t, s, b.ID, draft.Upload{ID: "upload-1", Filename: filename, Name: name, Body: strings.NewReader("x")})
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

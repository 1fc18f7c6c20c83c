package draft_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/errs"
)

func names(images []*batch.Image) []string {
	var all []string
	for _, m := range images {
		all = append(all, m.Name)
	}
	return all
}

func document(text string) draft.Upload {
	return draft.Upload{ID: "document-1", Filename: "scan.pdf", Position: 2, Body: strings.NewReader(text)}
}

func TestThePagesOfADocumentStandTogetherWhereItWasPut(t *testing.T) {
	t.Parallel()
	s, _ := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	batchtest.Add(t, s, id, "upload-3", 3)
	batchtest.Add(t, s, id, "upload-1", 1)
	taken, err := s.Draft.AddImages(t.Context(), id, document("pages\na\nb\nc"))
	if err != nil || !slices.Equal(names(taken.Images), []string{"scan page 1", "scan page 2", "scan page 3"}) {
		t.Fatalf("%v, %v", names(taken.Images), err)
	}
	batchtest.Add(t, s, id, "upload-2", 2)
	batchtest.Add(t, s, id, "upload-0", 0)
	want := []string{"upload-1", "scan page 1", "scan page 2", "scan page 3", "upload-2", "upload-3", "upload-0"}
	images := batchtest.Images(t, s, id)
	if got := names(images); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	b, err := s.Run.Start(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range images {
		if b.Order[i] != m.N {
			t.Errorf("the started order is %v", b.Order)
		}
	}
	if got := names(batchtest.Images(t, s, id)); !slices.Equal(got, want) {
		t.Errorf("after the start: %v", got)
	}
}

func TestADocumentSentAgainIsNotReadAgain(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	first, err := s.Draft.AddImages(t.Context(), id, document("pages\na\nbad\nc"))
	if err != nil || len(first.Images) != 2 || len(first.Refused) != 1 || !strings.Contains(first.Refused[0], "scan.pdf") {
		t.Fatalf("%+v, %v", first, err)
	}
	for _, started := range []bool{false, true} {
		again, err := s.Draft.AddImages(t.Context(), id, document("pages\na\nbad\nc"))
		if err != nil || !slices.Equal(names(again.Images), []string{"scan page 1", "scan page 3"}) || w.PictureCount() != 4 {
			t.Errorf("%+v, %v, %d pictures", again, err, w.PictureCount())
		}
		if !started {
			if _, err := s.Run.Start(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestADocumentThatBrokeOffIsCarriedOn(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	if _, err := s.Draft.AddImages(t.Context(), id, document("pages\na\nb\nbroken")); !errs.Is(err, errs.Unavailable) {
		t.Fatal(err)
	}
	taken, err := s.Draft.AddImages(t.Context(), id, document("pages\na\nb\nc"))
	if err != nil || len(taken.Images) != 3 || len(batchtest.Images(t, s, id)) != 3 || w.PictureCount() != 6 {
		t.Errorf("%+v, %v, %d pictures", taken, err, w.PictureCount())
	}
}

func TestADocumentWithoutAUsablePageIsRefused(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	_, err := s.Draft.AddImages(t.Context(), id, document("pages\nbad\nbad\nbad\nbad"))
	if !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Message(err), "none of the 4") || w.PictureCount() != 0 {
		t.Error(err)
	}
}

func TestPagesThatTheBatchHasNoRoomForAreNamed(t *testing.T) {
	t.Parallel()
	s, _ := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	taken, err := s.Draft.AddImages(t.Context(), id, document("pages"+strings.Repeat("\nx", 120)))
	if err != nil || len(taken.Images) != 100 || len(taken.Refused) != 1 || !strings.Contains(taken.Refused[0], "100 images") {
		t.Errorf("%d images, refused %v, %v", len(taken.Images), taken.Refused, err)
	}
}

func TestTheSameUploadTwiceAtOnceIsOneUpload(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			taken, err := s.Draft.AddImages(t.Context(), id, document("pages\na\nb\nc"))
			if err != nil || len(taken.Images) != 3 {
				t.Errorf("%+v, %v", taken, err)
			}
		})
	}
	group.Wait()
	if images := batchtest.Images(t, s, id); len(images) != 3 || w.PictureCount() != 6 {
		t.Errorf("%v, %d pictures", names(images), w.PictureCount())
	}
}

func TestRotatingReplacesThePicture(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	before := batchtest.Add(t, s, id, "upload-1", 1)
	for _, quarters := range []int{1, -1, 4, 6} {
		if _, err := s.Draft.Rotate(t.Context(), id, 1, quarters); err != nil {
			t.Fatal(err)
		}
	}
	after := batchtest.Images(t, s, id)[0]
	data, _, err := s.Batches.Picture(t.Context(), id, 1, batch.Full)
	if err != nil || string(data) != "upload-1+1+3+2" || after.Picture.Digest == before.Picture.Digest || after.Picture.Width != 50 || w.PictureCount() != 2 {
		t.Errorf("%q, %+v, %d pictures, %v", data, after.Picture, w.PictureCount(), err)
	}
	if after.Picture.Source != before.Picture.Source {
		t.Error("it counts as another file now")
	}
	if _, err := s.Run.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Draft.Rotate(t.Context(), id, 1, 1); !errs.Is(err, errs.Conflict) {
		t.Errorf("after the start: %v", err)
	}
}

func TestRotatingTwiceAtOnceRotatesTwice(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	batchtest.Add(t, s, id, "upload-1", 1)
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			if _, err := s.Draft.Rotate(t.Context(), id, 1, 1); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	data, _, err := s.Batches.Picture(t.Context(), id, 1, batch.Full)
	if err != nil || string(data) != "upload-1"+strings.Repeat("+1", 5) || w.PictureCount() != 2 {
		t.Errorf("%q, %d pictures, %v", data, w.PictureCount(), err)
	}
}

func TestTheSameFileTwiceIsSaid(t *testing.T) {
	t.Parallel()
	s, _ := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	for i, text := range []string{"a", "b", "a"} {
		batchtest.Upload(t, s, id, draft.Upload{ID: "upload-" + string(rune('1'+i)), Filename: "x.jpg", Name: text, Position: i + 1, Body: strings.NewReader(text)})
	}
	for i, m := range batchtest.Images(t, s, id) {
		if notes := m.Picture.Notes; i < 2 && notes != nil || i == 2 && (len(notes) != 1 || notes[0].Kind != batch.NoteSame || !strings.Contains(notes[0].Message, "picture 1, “a”")) {
			t.Errorf("image %d: %v", i+1, notes)
		}
	}
	if err := s.Draft.RemoveImage(t.Context(), id, 1); err != nil {
		t.Fatal(err)
	}
	for _, m := range batchtest.Images(t, s, id) {
		if m.Picture.Notes != nil {
			t.Errorf("the first one is gone, and yet: %v", m.Picture.Notes)
		}
	}
}

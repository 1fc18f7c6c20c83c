package batchtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

var repositoryTests = map[string]func(*testing.T, subject){
	"a batch is read as it was stored":                       aBatchIsReadAsItWasStored,
	"an image is read as it was stored, however large":       anImageIsReadAsItWasStored,
	"what exists is not created again":                       whatExistsIsNotCreatedAgain,
	"a save of an old revision is a conflict":                aSaveOfAnOldRevisionIsAConflict,
	"of many who save at once one wins":                      ofManyWhoSaveAtOnceOneWins,
	"images come in their order":                             imagesComeInTheirOrder,
	"an image is removed once, by its revision":              anImageIsRemovedOnce,
	"a removed batch takes everything of it and no more":     aRemovedBatchTakesEverythingOfIt,
	"what nothing can be named is not found, also in writes": whatNothingCanBeNamedIsNotFound,
}

func aBatchIsReadAsItWasStored(t *testing.T, s subject) {
	b := s.batch(t)
	if b.Rev == 0 {
		t.Error("a stored batch has no revision")
	}
	for range 2 { // the caller may change the first result
		got, err := s.Batch(t.Context(), b.ID)
		must(t, err)
		same(t, "the batch", got, b)
		if got.Rev != b.Rev {
			t.Errorf("revision %d, stored as %d", got.Rev, b.Rev)
		}
		got.Name, got.Options.AtOnce = "changed", 17
	}
	_, err := s.Batch(t.Context(), batch.NewID())
	wants(t, errs.NotFound, "a batch that is not there", err)
}

func anImageIsReadAsItWasStored(t *testing.T, s subject) {
	b := s.batch(t)
	m := s.image(t, b.ID, 1)
	for _, rows := range []int{1, 9000, 2} { // 9,000 rows take more than a megabyte
		m.Rows = nil
		for i := range rows {
			m.Rows = append(m.Rows, table.Row{Cells: []table.Cell{{Text: fmt.Sprint("row ", i)}, {Text: strings.Repeat("x", 60)}}})
		}
		m.Tries++
		before := m.Rev
		must(t, s.SaveImage(t.Context(), m))
		if m.Rev <= before {
			t.Errorf("revision %d came after %d", m.Rev, before)
		}
		got, err := s.Image(t.Context(), b.ID, 1)
		must(t, err)
		same(t, "the image", got, m)
		got.Rows[0].Cells[0].Text = "changed"
		all, err := s.Images(t.Context(), b.ID)
		must(t, err)
		same(t, "the images", all, []*batch.Image{m})
		if len(all) == 1 && all[0].Rev != m.Rev {
			t.Errorf("revision %d, stored as %d", all[0].Rev, m.Rev)
		}
	}
	_, err := s.Image(t.Context(), b.ID, 2)
	wants(t, errs.NotFound, "an image that is not there", err)
}

func whatExistsIsNotCreatedAgain(t *testing.T, s subject) {
	b := s.batch(t)
	m := s.image(t, b.ID, 1)
	wants(t, errs.Conflict, "the batch again", s.CreateBatch(t.Context(), &batch.Batch{ID: b.ID, Name: "another"}))
	wants(t, errs.Conflict, "the image again", s.CreateImage(t.Context(), &batch.Image{Batch: b.ID, N: 1, Name: "another"}))
	gotBatch, err := s.Batch(t.Context(), b.ID)
	must(t, err)
	same(t, "the batch", gotBatch, b)
	gotImage, err := s.Image(t.Context(), b.ID, 1)
	must(t, err)
	same(t, "the image", gotImage, m)
}

func aSaveOfAnOldRevisionIsAConflict(t *testing.T, s subject) {
	b := s.batch(t)
	m := s.image(t, b.ID, 1)
	oldBatch, oldImage := *b, *m
	b.Name, m.Name = "newer", "newer"
	must(t, s.SaveBatch(t.Context(), b))
	must(t, s.SaveImage(t.Context(), m))
	wants(t, errs.Conflict, "saving the old batch", s.SaveBatch(t.Context(), &oldBatch))
	wants(t, errs.Conflict, "saving the old image", s.SaveImage(t.Context(), &oldImage))
	wants(t, errs.Conflict, "removing the old image", s.RemoveImage(t.Context(), &oldImage))
	for _, rev := range []uint64{0, 1 << 40} {
		id := batch.NewID()
		wants(t, errs.Conflict, "saving a batch that is not there", s.SaveBatch(t.Context(), &batch.Batch{ID: id, Rev: rev}))
		wants(t, errs.Conflict, "saving an image that is not there", s.SaveImage(t.Context(), &batch.Image{Batch: id, N: 1, Rev: rev}))
	}
	got, err := s.Image(t.Context(), b.ID, 1)
	must(t, err)
	same(t, "the image", got, m)
}

func ofManyWhoSaveAtOnceOneWins(t *testing.T, s subject) {
	m := s.image(t, s.batch(t).ID, 1)
	for range 10 {
		var group sync.WaitGroup
		won := make(chan *batch.Image, 8)
		for i := range 8 {
			group.Go(func() {
				mine := *m
				mine.Tries = i
				if err := s.SaveImage(context.WithoutCancel(t.Context()), &mine); err == nil {
					won <- &mine
				} else if !errs.Is(err, errs.Conflict) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if len(won) != 1 {
			t.Fatalf("%d won", len(won))
		}
		m = <-won
	}
}

func imagesComeInTheirOrder(t *testing.T, s subject) {
	b, other := s.batch(t), s.batch(t)
	for _, n := range []int{10, 2, 1000, 1} {
		s.image(t, b.ID, n)
	}
	s.image(t, other.ID, 5)
	all, err := s.Images(t.Context(), b.ID)
	must(t, err)
	var order []int
	for _, m := range all {
		order = append(order, m.N)
	}
	if fmt.Sprint(order) != "[1 2 10 1000]" {
		t.Errorf("they came as %v", order)
	}
	none, err := s.Images(t.Context(), batch.NewID())
	if err != nil || len(none) != 0 {
		t.Errorf("a batch that is not there has %d images: %v", len(none), err)
	}
}

func anImageIsRemovedOnce(t *testing.T, s subject) {
	b := s.batch(t)
	wants(t, errs.Conflict, "removing one that was never stored", s.RemoveImage(t.Context(), &batch.Image{Batch: b.ID, N: 1}))
	m := s.image(t, b.ID, 1)
	wants(t, errs.Conflict, "removing it without its revision", s.RemoveImage(t.Context(), &batch.Image{Batch: b.ID, N: 1}))
	for range 2 { // removing a missing image is not an error
		must(t, s.RemoveImage(t.Context(), m))
		_, err := s.Image(t.Context(), b.ID, 1)
		wants(t, errs.NotFound, "the removed image", err)
	}
	wants(t, errs.Conflict, "saving the removed image", s.SaveImage(t.Context(), m))
	again := s.image(t, b.ID, 1) // its N is free
	if again.Rev <= m.Rev {
		t.Errorf("revision %d came after %d", again.Rev, m.Rev)
	}
	wants(t, errs.Conflict, "removing the one before it", s.RemoveImage(t.Context(), m))
	all, err := s.Images(t.Context(), b.ID)
	must(t, err)
	same(t, "the images", all, []*batch.Image{again})
}

func aRemovedBatchTakesEverythingOfIt(t *testing.T, s subject) {
	b, other := s.batch(t), s.batch(t)
	for _, id := range []batch.ID{b.ID, other.ID} {
		s.image(t, id, 1)
		s.image(t, id, 2)
		must(t, s.PutReading(t.Context(), "question-"+string(id), &batch.Reading{Batch: id, N: 1, Text: "read"}))
	}
	for range 2 {
		must(t, s.RemoveBatch(t.Context(), b.ID))
	}
	_, err := s.Batch(t.Context(), b.ID)
	wants(t, errs.NotFound, "the removed batch", err)
	_, err = s.Image(t.Context(), b.ID, 1)
	wants(t, errs.NotFound, "its image", err)
	_, err = s.GetReading(t.Context(), "question-"+string(b.ID))
	wants(t, errs.NotFound, "what was read of it", err)
	wants(t, errs.Conflict, "saving the removed batch", s.SaveBatch(t.Context(), b))
	if left, err := s.Images(t.Context(), b.ID); err != nil || len(left) != 0 {
		t.Errorf("%d images are left: %v", len(left), err)
	}
	if kept, err := s.Images(t.Context(), other.ID); err != nil || len(kept) != 2 {
		t.Errorf("the other batch has %d images: %v", len(kept), err)
	}
	if _, err = s.GetReading(t.Context(), "question-"+string(other.ID)); err != nil {
		t.Errorf("what was read of the other batch: %v", err)
	}
	must(t, s.RemoveBatch(t.Context(), batch.NewID()))
	must(t, s.CreateBatch(t.Context(), &batch.Batch{ID: b.ID, Name: "again"})) // as restoring a backup does
	s.image(t, b.ID, 1)
}

func whatNothingCanBeNamedIsNotFound(t *testing.T, s subject) {
	ctx := t.Context()
	for _, id := range impossible {
		calls := map[string]error{
			"CreateBatch": s.CreateBatch(ctx, &batch.Batch{ID: id}),
			"SaveBatch":   s.SaveBatch(ctx, &batch.Batch{ID: id, Rev: 1}),
			"CreateImage": s.CreateImage(ctx, &batch.Image{Batch: id, N: 1}),
			"SaveImage":   s.SaveImage(ctx, &batch.Image{Batch: id, N: 1, Rev: 1}),
			"RemoveImage": s.RemoveImage(ctx, &batch.Image{Batch: id, N: 1, Rev: 1}),
			"RemoveBatch": s.RemoveBatch(ctx, id),
		}
		_, calls["Batch"] = s.Batch(ctx, id)
		_, calls["Image"] = s.Image(ctx, id, 1)
		_, calls["Images"] = s.Images(ctx, id)
		for call, err := range calls {
			wants(t, errs.NotFound, fmt.Sprintf("%s of %q", call, id), err)
		}
	}
	b := s.batch(t)
	for _, n := range []int{0, -1} {
		wants(t, errs.NotFound, "CreateImage", s.CreateImage(ctx, &batch.Image{Batch: b.ID, N: n}))
		wants(t, errs.NotFound, "SaveImage", s.SaveImage(ctx, &batch.Image{Batch: b.ID, N: n, Rev: 1}))
		wants(t, errs.NotFound, "RemoveImage", s.RemoveImage(ctx, &batch.Image{Batch: b.ID, N: n, Rev: 1}))
		_, err := s.Image(ctx, b.ID, n)
		wants(t, errs.NotFound, "Image", err)
	}
	if all, err := s.Images(ctx, b.ID); err != nil || len(all) != 0 {
		t.Errorf("%d images were stored: %v", len(all), err)
	}
}

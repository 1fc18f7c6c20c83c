package batchtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

var callsTests = map[string]func(*testing.T, subject){
	"a call whose context has ended does nothing and is unavailable": aCallThatWasGivenUpDoesNothing,
}

func aCallThatWasGivenUpDoesNothing(t *testing.T, s subject) {
	b := s.batch(t)
	m := s.image(t, b.ID, 1)
	must(t, s.PutPicture(t.Context(), b.ID, "key", batch.Full, []byte("x")))
	must(t, s.PutReading(t.Context(), "asked", aReading(b.ID, 1, "x")))
	must(t, s.queue.Add(t.Context(), units(b.ID, 1)))
	before := s.stored(t)
	for call, err := range s.calls(over(t), b, m) {
		wants(t, errs.Unavailable, call, err)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s does not say that it was given up: %v", call, err)
		}
	}
	same(t, "what is stored", s.stored(t), before)
	got, err := s.Image(t.Context(), b.ID, 1)
	must(t, err)
	same(t, "the image", got, m)
}

// calls returns the error of each method of the store and the queue, by name.
func (s subject) calls(ctx context.Context, b *batch.Batch, m *batch.Image) map[string]error {
	renamed, retried := *b, *m
	renamed.Name, retried.Tries = "newer", 9
	later, u := time.Now().Add(time.Hour), batch.Unit{Batch: b.ID, N: 9, Generation: 1}
	all := map[string]error{
		"CreateBatch":    s.CreateBatch(ctx, &batch.Batch{ID: batch.NewID()}),
		"SaveBatch":      s.SaveBatch(ctx, &renamed),
		"CreateImage":    s.CreateImage(ctx, &batch.Image{Batch: b.ID, N: 9}),
		"SaveImage":      s.SaveImage(ctx, &retried),
		"RemoveImage":    s.RemoveImage(ctx, m),
		"RemoveBatch":    s.RemoveBatch(ctx, b.ID),
		"PutPicture":     s.PutPicture(ctx, b.ID, "other", batch.Full, []byte("x")),
		"DropPicture":    s.DropPicture(ctx, b.ID, "key"),
		"Remember":       s.PutReading(ctx, "other", aReading(b.ID, 1, "x")),
		"Forget":         s.PurgeReadings(ctx, b.ID),
		"SaveTemplate":   s.SaveTemplate(ctx, &batch.Template{ID: "a"}),
		"RemoveTemplate": s.RemoveTemplate(ctx, "a"),
		"Enter":          s.Enter(ctx, b.ID, nil),
		"CatchUp":        s.CatchUp(ctx),
		"Add":            s.queue.Add(ctx, []batch.Unit{u}),
		"Drop":           s.queue.Drop(ctx, b.ID),
	}
	_, all["Batch"] = s.Batch(ctx, b.ID)
	_, all["Image"] = s.Image(ctx, b.ID, 1)
	_, all["Images"] = s.Images(ctx, b.ID)
	_, all["GetPicture"] = s.GetPicture(ctx, b.ID, "key", batch.Full)
	_, all["Recall"] = s.GetReading(ctx, "asked")
	_, all["Templates"] = s.Templates(ctx)
	_, all["Entered"] = s.Entered(ctx)
	_, all["Stored"] = s.Stored(ctx)
	_, all["Subscribe"] = s.Subscribe(ctx, func(batch.Change) {})
	_, all["Open"] = s.queue.Open(ctx, b.ID, 1)
	_, all["SweepPicture"] = s.SweepPicture(ctx, batch.StoredPicture{Batch: b.ID, Key: "key"}, later)
	_, all["SweepRows"] = s.SweepRows(ctx, batch.StoredRows{Batch: b.ID, N: 1, Name: "abc"}, later)
	_, all["SweepReading"] = s.SweepReading(ctx, batch.StoredReading{Question: "asked", Batch: b.ID, N: 1}, later)
	_, all["SweepUnit"] = s.SweepUnit(ctx, units(b.ID, 1)[0], later)
	return all
}

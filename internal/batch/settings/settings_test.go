package settings_test

import (
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/errs"
)

func TestSettingsAreChangedAllOrNone(t *testing.T) {
	t.Parallel()
	w := batchtest.NewWorld()
	s := service(w)
	b := created(t, s)
	if _, err := s.Draft.AddImages(t.Context(), b, draft.Upload{ID: "upload-01", Filename: "a.jpg", Body: strings.NewReader("a")}); err != nil {
		t.Fatal(err)
	}
	high, keep, many, blank := batch.High, 72*time.Hour, 500, " "
	before := stored(t, s, b)
	for name, set := range map[string]settings.Settings{
		"too many at once": {Priority: &high, Keep: &keep, AtOnce: &many},
		"a blank name":     {Priority: &high, Keep: &keep, Name: &blank},
	} {
		if _, err := s.Settings.Set(t.Context(), b, set); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Run.StartWith(t.Context(), b, set); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s, at the start: %v", name, err)
		}
		if _, err := s.Run.ScheduleWith(t.Context(), b, time.Now().Add(time.Hour), set); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s, scheduled: %v", name, err)
		}
		if after := stored(t, s, b); after.Priority != before.Priority || after.Options != before.Options || after.Status != batch.Draft {
			t.Errorf("%s: half of it was kept: %+v", name, after)
		}
	}
	empty := created(t, s)
	if _, err := s.Run.StartWith(t.Context(), empty, settings.Settings{Priority: &high}); !errs.Is(err, errs.Invalid) || stored(t, s, empty).Priority == high {
		t.Errorf("a batch that cannot start has a new priority: %v", err)
	}
	at, name := 7, "Other"
	got, err := s.Run.StartWith(t.Context(), b, settings.Settings{Name: &name, Priority: &high, Keep: &keep, AtOnce: &at})
	if err != nil || got.Status != batch.Processing || got.Name != name || got.Priority != high || got.Options.Keep != keep || got.Options.AtOnce != at {
		t.Errorf("%+v, %v", got, err)
	}
	urgent, room := batch.Priority("urgent"), "Room"
	if _, err := s.Settings.SetImage(t.Context(), b, 1, settings.ImageSettings{Name: &room, Priority: &urgent}); !errs.Is(err, errs.Invalid) {
		t.Error(err)
	}
	if m, err := s.Batches.Image(t.Context(), b, 1); err != nil || m.Name == room {
		t.Errorf("half of it was kept: %v, %v", m, err)
	}
}

func service(w *batchtest.World) *usecases.Services {
	return usecases.New(usecases.Ports{Repository: w, Queue: w, Pictures: w, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"tesseract"}}, usecases.Limits{MaxImages: 10})
}

func created(t *testing.T, s *usecases.Services) batch.ID {
	t.Helper()
	b, err := s.Draft.Create(t.Context(), draft.NewBatch{Name: "November"})
	if err != nil {
		t.Fatal(err)
	}
	return b.ID
}

func stored(t *testing.T, s *usecases.Services, id batch.ID) *batch.Batch {
	t.Helper()
	b, err := s.Batches.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

package draft_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/usecases"
)

// detector is an orientation detector: for a picture that begins with a digit it returns that many quarter turns. It waits
// before each answer until the test releases it.
type detector struct {
	asked   chan string
	answers chan error
}

func (c detector) Detect(ctx context.Context, picture []byte) (int, error) {
	select {
	case c.asked <- string(picture):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case err := <-c.answers:
		return int(picture[0]-'0') % 4, err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// watched returns a draft whose pictures are checked during the whole test. Call it inside a synctest bubble.
func watched(t *testing.T) (*usecases.Services, batch.ID, detector) {
	t.Helper()
	w, c := batchtest.NewWorld(), detector{make(chan string), make(chan error)}
	s := usecases.New(usecases.Ports{
		Repository: w, Queue: w, Pictures: w, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"gemini"}, Orientation: c,
	}, usecases.Limits{MaxImages: 100})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Draft.WatchTurned(ctx, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, batchtest.NewDraft(t, s), c
}

func picture(text string) draft.Upload {
	return draft.Upload{ID: "upload-" + strings.ReplaceAll(text, " ", "-"), Filename: text + ".jpg", Body: strings.NewReader(text)}
}

func turnOf(t *testing.T, s *usecases.Services, id batch.ID, n int) int {
	t.Helper()
	m, err := s.Batches.Image(t.Context(), id, n)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.Picture.Notes, func(n batch.Note) bool { return n.Kind == batch.NoteTurned })
	if i < 0 {
		return 0
	}
	return m.Picture.Notes[i].QuarterTurns
}

func TestAPictureThatStandsUpsideDownIsNotedBehindTheUpload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id, c := watched(t)
		for _, text := range []string{"2 upside down", "0 upright", "3 on its side", "1 broken", "1 left"} {
			batchtest.Upload(t, s, id, picture(text)) // returns although no answer was given
		}
		if asked := <-c.asked; asked != "2 upside down" {
			t.Errorf("the first that is looked at is %q", asked)
		}
		c.answers <- nil
		for _, answer := range []error{nil, nil, errors.New("the tool crashed"), nil} {
			<-c.asked
			c.answers <- answer
		}
		synctest.Wait()
		for n, want := range map[int]int{1: 2, 2: 0, 3: 3, 4: 0, 5: 1} {
			if got := turnOf(t, s, id, n); got != want {
				t.Errorf("picture %d is to be turned by %d, want %d", n, got, want)
			}
		}
		m, err := s.Draft.Rotate(t.Context(), id, 1, 2)
		if err != nil || len(m.Picture.Notes) > 0 {
			t.Errorf("turned, and yet: %v, %v", m.Picture.Notes, err)
		}
		synctest.Wait()
		if m := batchtest.Images(t, s, id)[0]; m.Picture.Notes != nil {
			t.Errorf("what a person turned is looked at again: %v", m.Picture.Notes)
		}
	})
}

func TestWhatChangedWhileItWasLookedAtIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(context.Context, *usecases.Services, batch.ID) error{
		"started": func(ctx context.Context, s *usecases.Services, id batch.ID) error {
			_, err := s.Run.Start(ctx, id)
			return err
		},
		"turned": func(ctx context.Context, s *usecases.Services, id batch.ID) error {
			_, err := s.Draft.Rotate(ctx, id, 1, 1)
			return err
		},
		"left out": func(ctx context.Context, s *usecases.Services, id batch.ID) error {
			return s.Draft.Exclude(ctx, id, true, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, id, c := watched(t)
				batchtest.Upload(t, s, id, picture("2 upside down"))
				batchtest.Upload(t, s, id, picture("0 upright"))
				<-c.asked
				if err := change(t.Context(), s, id); err != nil {
					t.Fatal(err)
				}
				c.answers <- nil
				synctest.Wait()
				if turn := turnOf(t, s, id, 1); turn != 0 {
					t.Errorf("it is noted that it must be turned by %d", turn)
				}
			})
		})
	}
}

func TestAnImageIsRemovedAlthoughItChangesInThatMoment(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	batchtest.Add(t, s, id, "upload-1", 1)
	changed := false
	w.Fail(func(op string) error {
		if op == "remove image" && !changed {
			changed = true
			if _, err := s.Settings.RenameImage(t.Context(), id, 1, "another"); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if err := s.Draft.RemoveImage(t.Context(), id, 1); err != nil || !changed || w.PictureCount() != 0 {
		t.Errorf("%v, changed: %v, %d pictures", err, changed, w.PictureCount())
	}
}

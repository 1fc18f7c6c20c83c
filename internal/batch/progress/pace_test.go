package progress_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/usecases"
)

// reading starts a batch of n images that are read five at once, six seconds each, and calls seen after every end.
func reading(t *testing.T, n int, pause func(b *progress.Progress, s *usecases.Services, id batch.ID, ended int), seen func(o progress.Overview, ended int)) {
	t.Helper()
	s, w := batchtest.New(t)
	b, stop := follow(w)
	defer stop()
	id := batchtest.NewDraft(t, s)
	for i := range n {
		batchtest.Add(t, s, id, fmt.Sprintf("upload-%d", i), i+1)
	}
	if _, err := s.Run.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	for ended := 1; ended <= n; ended++ {
		if ended%5 == 1 {
			pause(b, s, id, ended-1)
			<-time.After(6 * time.Second)
		}
		finish(t, w, id, ended, batch.Completed, 1)
		synctest.Wait()
		o, err := b.Overview(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		seen(o, ended)
	}
}

func TestThePaceIsRightFromTheFirstThatIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := 0
		reading(t, 60, func(*progress.Progress, *usecases.Services, batch.ID, int) {}, func(o progress.Overview, ended int) {
			if ended < 5 && o.PerMinute != 0 {
				t.Errorf("after %d of the first five: %.1f a minute", ended, o.PerMinute)
			}
			if o.PerMinute == 0 {
				return
			}
			told++
			if o.PerMinute < 28 || o.PerMinute > 60 { // 50 a minute, of which four in five may be about to end
				t.Errorf("after %d: %.1f a minute, want about 50", ended, o.PerMinute)
			}
			if ended%5 == 0 && (o.PerMinute < 45 || o.PerMinute > 55) {
				t.Errorf("after %d full rounds: %.1f a minute, want 50", ended/5, o.PerMinute)
			}
		})
		if told < 55 {
			t.Errorf("a pace was told %d times", told)
		}
	})
}

func TestAPauseDoesNotSlowThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reading(t, 30, func(b *progress.Progress, s *usecases.Services, id batch.ID, ended int) {
			if ended != 15 {
				return
			}
			if _, err := s.Run.Pause(t.Context(), id, batch.PausedByUser); err != nil {
				t.Fatal(err)
			}
			<-time.After(3 * time.Hour)
			if _, err := s.Run.Resume(t.Context(), id, batch.PausedByUser); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}, func(o progress.Overview, ended int) {
			if o.PerMinute != 0 && o.PerMinute < 28 || ended > 15 && ended < 20 && o.PerMinute != 0 {
				t.Errorf("after %d: %.1f a minute", ended, o.PerMinute)
			}
		})
	})
}

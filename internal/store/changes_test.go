package store_test

import (
	"sync"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

func TestWhoCatchesUpHasBeenToldOfWhatWasStoredBefore(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b := newBatch(t, s)
	images := newImages(t, s, b.ID, 40)
	var mu sync.Mutex
	told := map[int]uint64{}
	cancel, err := s.Subscribe(t.Context(), func(c batch.Change) {
		mu.Lock()
		defer mu.Unlock()
		if c.Image != nil {
			told[c.N] = c.Image.Rev
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	var writers sync.WaitGroup
	for _, m := range images {
		writers.Go(func() {
			for range 20 {
				m.Tries++
				if err := s.SaveImage(t.Context(), m); err != nil {
					t.Error(err)
					return
				}
				err := s.CatchUp(t.Context())
				for errs.Is(err, errs.Unavailable) { // a busy machine needs longer than it waits
					err = s.CatchUp(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				if told[m.N] < m.Rev {
					t.Errorf("image %d was stored as %d, told was %d", m.N, m.Rev, told[m.N])
				}
				mu.Unlock()
			}
		})
	}
	writers.Wait()
}

package progress_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/progress"
)

// late passes on changes after some time.
type late struct {
	batch.Changes
	by time.Duration
}

func (l late) Subscribe(ctx context.Context, f func(batch.Change)) (func(), error) {
	changes := make(chan batch.Change, 100)
	go func() {
		for c := range changes {
			time.Sleep(l.by)
			f(c)
		}
	}()
	cancel, err := l.Changes.Subscribe(ctx, func(c batch.Change) { changes <- c })
	return func() { cancel(); close(changes) }, err
}

func TestWhoActedWaitsUntilTheActIsKnownButNotForLong(t *testing.T) {
	t.Parallel()
	for by, want := range map[time.Duration]bool{time.Second: true, time.Hour: false} {
		synctest.Test(t, func(t *testing.T) {
			s, w := batchtest.New(t)
			id := batchtest.NewDraft(t, s)
			p := progress.New(w, slog.New(slog.DiscardHandler))
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ready := make(chan struct{})
			go func() { _ = p.Run(ctx, late{w, by}, ready) }()
			<-ready
			time.Sleep(2 * by) // the draft as it was before
			begun := time.Now()
			if _, err := s.Settings.RenameBatch(t.Context(), id, "Hall A"); err != nil {
				t.Fatal(err)
			}
			p.CatchUp(t.Context(), id)
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("it waited for %v", took)
			}
			o, err := p.Overview(t.Context(), id)
			if err != nil || (o.Batch.Name == "Hall A") != want {
				t.Errorf("changes come after %v; then the name is %q: %v", by, o.Batch.Name, err)
			}
			stop()
			time.Sleep(2 * by)
		})
	}
}

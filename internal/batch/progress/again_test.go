package progress_test

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/progress"
)

// late tells of no change any more once it is held.
type late struct {
	batch.Changes
	held atomic.Bool
}

func (l *late) Subscribe(ctx context.Context, f func(batch.Change)) (cancel func(), err error) {
	return l.Changes.Subscribe(ctx, func(c batch.Change) {
		if !l.held.Load() {
			f(c)
		}
	})
}

func TestABatchThatIsBegunAgainIsNotSaidToHaveEndedThoughTheChangeIsNotToldYet(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	changes := &late{Changes: w}
	p := progress.New(w, slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- p.Run(ctx, changes, ready) }()
	<-ready
	id := batchtest.NewDraft(t, s)
	batchtest.Add(t, s, id, "upload-1", 1)
	if _, err := s.Run.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	finish(t, w, id, 1, batch.Failed, 0)
	if done, err := s.Run.Finish(t.Context(), id); !done || err != nil {
		t.Fatal(done, err)
	}
	if o, err := p.Overview(t.Context(), id); err != nil || !o.Batch.Status.Final() {
		t.Fatalf("the batch did not end: %v, %v", o.Batch, err)
	}
	changes.held.Store(true)
	if err := s.Run.Retry(t.Context(), id, 1); err != nil {
		t.Fatal(err)
	}
	if o, err := p.Overview(t.Context(), id); err != nil || o.Batch.Status.Final() || o.Counts.Failed != 0 {
		t.Errorf("a batch that was begun again is %s with %+v: %v", o.Batch.Status, o.Counts, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/live"
	"sheetlift/internal/web"
)

// behind is a store in which single reads are answered by a node that missed the last change.
type behind struct {
	*batchtest.World
	was *batch.Image
}

func (b *behind) Image(ctx context.Context, id batch.ID, n int) (*batch.Image, error) {
	if b.was != nil && n == b.was.N {
		return b.was, nil
	}
	return b.World.Image(ctx, id, n)
}

func TestAChangedRowIsDrawnAsItWasToldAndNotAsANodeThatIsBehindHasIt(t *testing.T) {
	t.Parallel()
	world := &behind{World: batchtest.NewWorld()}
	copies := progress.NewImageCache(world, world)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	service := usecases.New(usecases.Ports{Repository: world, Queue: world, Pictures: world, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"gemini"}, ImageCache: copies}, usecases.Limits{MaxImages: 10})
	progress := progress.New(world, log)
	ctx, cancel := context.WithCancel(t.Context())
	ready := make(chan struct{})
	ended := make(chan error, 2)
	go func() { ended <- progress.Run(ctx, world, ready) }()
	go func() { ended <- copies.Run(ctx) }()
	<-ready
	defer func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) { // canceled before it had subscribed
				t.Error(err)
			}
		}
	}()
	server := web.New(web.Config{MaxImages: 10}, web.Deps{Services: service, Progress: progress, Feed: live.New(live.Options{}), Readers: batchtest.Readers{"gemini"}, TmpDir: t.TempDir(), Log: log})

	b, err := service.Draft.Create(ctx, draft.NewBatch{Name: "November"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.Draft.AddImages(ctx, b.ID, draft.Upload{ID: "upload-1", Filename: "a.jpg", Position: 1, Body: strings.NewReader("picture")}); err != nil {
		t.Fatal(err)
	}
	if _, err := service.Run.Start(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	m, err := world.Image(ctx, b.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	row := func() string {
		rows, err := server.Rows(ctx, b.ID, "1")
		if err != nil {
			t.Fatal(err)
		}
		return string(rows["1"])
	}
	if got := row(); !strings.Contains(got, "is-pending") {
		t.Fatalf("before: %.200s", got)
	}
	was := *m
	m.Status, m.Ended = batch.Completed, time.Now()
	if err := world.SaveImage(ctx, m); err != nil {
		t.Fatal(err)
	}
	world.was = &was
	if got := row(); !strings.Contains(got, "is-completed") {
		t.Errorf("the row is drawn as it was: %.200s", got)
	}
}

package draft_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/usecases"
)

// counted is a world that counts the loads of all images of a batch.
type counted struct {
	*batchtest.World
	loads atomic.Int32
}

func (c *counted) Images(ctx context.Context, id batch.ID) ([]*batch.Image, error) {
	c.loads.Add(1)
	return c.World.Images(ctx, id)
}

// drafts returns the services over a world; indexed says whether uploads find their draft in memory.
func drafts(indexed bool) (*usecases.Services, *counted, func()) {
	w := &counted{World: batchtest.NewWorld()}
	ports := usecases.Ports{Repository: w, Queue: w, Pictures: w, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"gemini"}}
	if !indexed {
		return usecases.New(ports, usecases.Limits{MaxImages: 12}), w, func() {}
	}
	c := progress.NewImageCache(w, w)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	synctest.Wait() // until Run has subscribed
	ports.ImageCache, ports.DraftIndex = c, c
	return usecases.New(ports, usecases.Limits{MaxImages: 12}), w, func() { cancel(); running.Wait() }
}

// step is one thing that is done to a draft.
type step struct{ Kind, N, Position, Text int }

// do carries out a step and returns its result, without times and keys.
func do(t *testing.T, s *usecases.Services, id batch.ID, x step) string {
	ctx := t.Context()
	switch x.Kind {
	case 0:
		return fmt.Sprint(s.Draft.RemoveImage(ctx, id, x.N))
	case 1:
		_, err := s.Settings.RenameImage(ctx, id, x.N, fmt.Sprintf("named %d", x.Text))
		return fmt.Sprint(err)
	case 2:
		return fmt.Sprint(s.Draft.Exclude(ctx, id, x.Text%2 == 0, x.N))
	}
	body := fmt.Sprintf("picture %d", x.Text)
	if x.Kind == 3 {
		body = "pages\none\ntwo\n" + body
	}
	got, err := s.Draft.AddImages(ctx, id, draft.Upload{
		ID: fmt.Sprintf("upload-%03d", x.N), Filename: "a.jpg", Position: x.Position, Body: strings.NewReader(body),
	})
	if err != nil {
		return err.Error()
	}
	return plain(got.Images) + strings.Join(got.Refused, "")
}

// plain returns images as text, without times and keys.
func plain(images []*batch.Image) string {
	for _, m := range images {
		m.Added, m.Picture.Key = m.Added.Truncate(1<<62), ""
	}
	text, err := json.Marshal(images)
	return fmt.Sprint(string(text), err)
}

func TestAnUploadThatFindsItsDraftInMemoryHasTheResultOfOneThatLoadsIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{
				Kind: rapid.IntRange(0, 8).Draw(t, "kind"), N: rapid.IntRange(1, 12).Draw(t, "n"),
				Position: rapid.IntRange(0, 12).Draw(t, "position"), Text: rapid.IntRange(0, 6).Draw(t, "text"),
			}
		}), 1, 30).Draw(rt, "steps")
		synctest.Test(t, func(t *testing.T) {
			indexed, _, stop := drafts(true)
			defer stop()
			loaded, _, _ := drafts(false)
			a, b := batchtest.NewDraft(t, indexed), batchtest.NewDraft(t, loaded)
			for i, x := range steps {
				got, want := do(t, indexed, a, x), do(t, loaded, b, x)
				got = strings.ReplaceAll(got, string(a), string(b))
				if got != want {
					rt.Errorf("step %d, %+v: got %s, want %s", i, x, got, want)
					return
				}
			}
		})
	})
}

func TestAnUploadLoadsNoOtherImagesOfItsDraft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, w, stop := drafts(true)
		defer stop()
		id := batchtest.NewDraft(t, s)
		for n := range 10 {
			x := step{Kind: 8, N: n, Text: n}
			do(t, s, id, x)
			do(t, s, id, x) // repeated by the client
		}
		if got := w.loads.Load(); got != 1 {
			t.Errorf("10 uploads loaded the images of their batch %d times, want once", got)
		}
	})
}

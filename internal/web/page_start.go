package web

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch/progress"
	"sheetlift/views"
)

// recentShown is how many batches the start page lists.
const recentShown = 30

// startPage shows the upload form and the list of batches.
func (s *Server) startPage(c echo.Context) error {
	v := s.startNow(c.Request().Context())
	v.Uploader, v.Uploads = s.uploader(), true
	return s.render(c, http.StatusOK, views.StartPage(v))
}

// startNow returns the current batches and keys for the start page.
func (s *Server) startNow(ctx context.Context) views.Start {
	v := views.Start{Shell: s.shell("batches"), Reader: s.reader(ctx, ""), Now: time.Now()}
	v.Demo = s.demo.open != nil && v.Reader.Keys.Total == 0
	v.Deleted = presentDeleted(s.progress.Deleted())
	all := s.progress.Overviews()
	v.Recent, v.More = s.presentRecent(s.counted(ctx, all[:min(recentShown, len(all))]), len(all))
	return v
}

// counted loads the counts of batches that are not complete in it yet: drafts from before a restart, and batches that
// another machine is reading.
func (s *Server) counted(ctx context.Context, shown []progress.Overview) []progress.Overview {
	for i, o := range shown {
		if o.Batch.Status.Final() {
			shown[i] = progress.WithDoubts(ctx, s.batches, o)
			continue
		}
		if now, err := s.progress.Overview(ctx, o.Batch.ID); err == nil { // on error it was deleted, or the store is unavailable: keep the former counts
			shown[i] = progress.WithDoubts(ctx, s.batches, now)
		}
	}
	return shown
}

// startEvents is the event stream of the start page.
func (s *Server) startEvents(c echo.Context) error {
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{})
	tag := views.Language(c.Request().Context())
	return s.feed.Serve(c.Response(), c.Request(), startTopic(tag), startSource{s, tag})
}

// StartTopics returns the feed topics of the start page, one for each language.
func StartTopics() []string {
	var topics []string
	for _, tag := range views.Languages() {
		topics = append(topics, startTopic(tag))
	}
	return topics
}

func startTopic(tag string) string { return "start/" + tag }

// startSource renders the start page in one language. It is small enough to be sent as a whole, so that a batch that is added,
// removed or moved is always in the right position.
type startSource struct {
	server *Server
	tag    string
}

// Snapshot renders all parts of the page that change.
func (s startSource) Snapshot(ctx context.Context) ([]byte, error) {
	ctx = views.WithLanguage(ctx, s.tag)
	return rendered(ctx, views.StartNow(s.server.startNow(ctx)))
}

// Delta returns all of it as the head, so that it is sent only if it changed.
func (s startSource) Delta(ctx context.Context, _ []string) (map[string][]byte, []byte, error) {
	head, err := s.Snapshot(ctx)
	return nil, head, err
}

func (s *Server) uploader() views.Uploader {
	return views.Uploader{Next: 1, MaxImages: s.cfg.MaxImages, MaxBytes: s.cfg.MaxBytes, MaxPacked: s.cfg.MaxPacked}
}

// shell returns the frame of a page. nav is the current entry of the top bar.
func (s *Server) shell(nav string) views.Shell {
	return views.Shell{Nav: nav, Keys: s.keysReady(), SignedIn: s.cfg.Password != "", Simulated: s.cfg.Simulated, Guest: s.cfg.Guest}
}

func (s *Server) keysReady() views.Ready {
	if s.pool == nil {
		return views.Ready{}
	}
	return views.Ready{Now: s.pool.Ready(), Total: s.pool.Len()}
}

// reader returns the engine for a requested engine, with the reason.
func (s *Server) reader(ctx context.Context, wish string) views.Reader {
	r := views.Reader{Keys: s.keysReady(), Neural: s.cfg.Neural}
	engine, model, err := s.readers.Choose(wish)
	if err != nil {
		r.Problem = localize(ctx, err)
		return r
	}
	r.Engine, r.Model = engine, model
	r.Chosen = engine == "tesseract" && (r.Keys.Total > 0 || wish == engine)
	return r
}

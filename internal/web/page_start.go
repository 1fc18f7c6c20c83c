package web

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/views"
)

// recentShown is how many batches the first page lists.
const recentShown = 30

// startPage asks for pictures and lists the batches there are.
func (s *Server) startPage(c echo.Context) error {
	v := s.startNow(c.Request().Context())
	v.Uploader, v.Uploads = s.uploader(), true
	return s.render(c, http.StatusOK, views.StartPage(v))
}

// startNow is what the first page shows of batches and keys at this moment.
func (s *Server) startNow(ctx context.Context) views.Start {
	v := views.Start{Shell: s.shell("batches"), Reader: s.reader(ctx, ""), Now: time.Now()}
	v.Demo = s.demo.open != nil && v.Reader.Keys.Total == 0
	v.Deleted = presentDeleted(s.board.Deleted())
	all := s.board.Overviews()
	v.Recent, v.More = presentRecent(s.counted(ctx, all[:min(recentShown, len(all))]), len(all))
	return v
}

// counted counts the images of those batches whose images are not on the board yet: drafts from before a restart, and
// what another machine is reading.
func (s *Server) counted(ctx context.Context, shown []batch.Overview) []batch.Overview {
	for i, o := range shown {
		if o.Batch.Status.Final() {
			continue
		}
		if now, err := s.board.Overview(ctx, o.Batch.ID); err == nil { // otherwise deleted meanwhile, or the store is away: as it was
			shown[i] = now
		}
	}
	return shown
}

// startEvents is the live wire of the first page.
func (s *Server) startEvents(c echo.Context) error {
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{})
	tag := views.Language(c.Request().Context())
	return s.feed.Serve(c.Response(), c.Request(), startTopic(tag), startSource{s, tag})
}

// StartTopics are the topics of the feed on which the first page is watched, one for each language.
func StartTopics() []string {
	var topics []string
	for _, tag := range views.Languages() {
		topics = append(topics, startTopic(tag))
	}
	return topics
}

func startTopic(tag string) string { return "start/" + tag }

// startSource renders what browsers that watch the first page in one language see. It is small enough to be sent whole,
// and so a batch that comes, goes or moves is always in its place.
type startSource struct {
	server *Server
	tag    string
}

// Snapshot is everything that changes on the page.
func (s startSource) Snapshot(ctx context.Context) ([]byte, error) {
	ctx = views.WithLanguage(ctx, s.tag)
	return rendered(ctx, views.StartNow(s.server.startNow(ctx)))
}

// Delta is all of it as the head, so that it is sent only when it changed.
func (s startSource) Delta(ctx context.Context, _ []string) (map[string][]byte, []byte, error) {
	head, err := s.Snapshot(ctx)
	return nil, head, err
}

func (s *Server) uploader() views.Uploader {
	return views.Uploader{Next: 1, MaxImages: s.cfg.MaxImages, MaxBytes: s.cfg.MaxBytes, MaxPacked: s.cfg.MaxPacked}
}

// shell is what every page has around its content. nav is the current entry of the top bar.
func (s *Server) shell(nav string) views.Shell {
	return views.Shell{Nav: nav, Keys: s.keysReady(), SignedIn: s.cfg.Password != "", Simulated: s.cfg.Simulated, Guest: s.cfg.Guest}
}

func (s *Server) keysReady() views.Ready {
	if s.pool == nil {
		return views.Ready{}
	}
	return views.Ready{Now: s.pool.Ready(), Total: s.pool.Len()}
}

// reader is which engine reads for a wish, and why.
func (s *Server) reader(ctx context.Context, wish string) views.Reader {
	r := views.Reader{Keys: s.keysReady()}
	engine, model, err := s.readers.Choose(wish)
	if err != nil {
		r.Problem = told(ctx, err)
		return r
	}
	r.Engine, r.Model = engine, model
	r.Chosen = engine == "tesseract" && (r.Keys.Total > 0 || wish == engine)
	return r
}

package web

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/views"
)

// recentShown is how many batches the first page lists.
const recentShown = 30

// startPage asks for pictures and lists the batches there are.
func (s *Server) startPage(c echo.Context) error {
	v := views.Start{
		Shell: s.shell("batches"), Uploader: s.uploader(), Reader: s.reader(c.Request().Context(), ""), Now: time.Now(),
	}
	v.Uploads = true
	v.Demo = s.demo.open != nil && v.Reader.Keys.Total == 0
	v.Deleted = presentDeleted(s.board.Deleted())
	v.Recent, v.More = presentRecent(s.board.Overviews(), recentShown)
	return s.render(c, http.StatusOK, views.StartPage(v))
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

package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/views"
)

// events is the live wire of a batch.
func (s *Server) events(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	if _, err := s.batches.Batch(c.Request().Context(), id); err != nil {
		return err
	}
	// The server's own limit for a request would end the stream with it; the feed limits each write.
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{})
	tag := views.Language(c.Request().Context())
	return s.feed.Serve(c.Response(), c.Request(), liveTopic(id, tag), s.liveSource(id, tag))
}

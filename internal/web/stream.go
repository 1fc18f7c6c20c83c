package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/web/api"
	"sheetlift/views"
)

// jsonEvents is the event stream of a batch for programs.
func (s *Server) jsonEvents(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	if _, err := s.batches.Batch(c.Request().Context(), id); err != nil {
		return err
	}
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{}) // as in events
	return s.feed.Serve(c.Response(), c.Request(), jsonTopic(id), api.NewEvents(s.batches, s.progress, id))
}

// events is the event stream of a batch.
func (s *Server) events(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	if _, err := s.batches.Batch(c.Request().Context(), id); err != nil {
		return err
	}
	// The server's read timeout would end the stream; the feed limits each write instead.
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{})
	tag := views.Language(c.Request().Context())
	return s.feed.Serve(c.Response(), c.Request(), liveTopic(id, tag), s.liveSource(id, tag))
}

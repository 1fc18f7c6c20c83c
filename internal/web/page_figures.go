package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/views"
)

// figuresPage shows what was read on each day.
func (s *Server) figuresPage(c echo.Context) error {
	days, err := s.batches.Days(c.Request().Context())
	if err != nil {
		return err
	}
	v := views.Figures{Shell: s.shell("figures")}
	for _, d := range days {
		at, err := time.Parse(time.DateOnly, d.Day)
		if err != nil {
			continue // nothing that we wrote
		}
		v.Days = append(v.Days, views.Day{
			At: at, Engine: d.Engine, Read: d.Read, Reused: d.Reused, Failed: d.Failed, Calls: d.Calls, Tokens: d.Tokens, USD: d.USD,
		})
	}
	return s.render(c, http.StatusOK, views.FiguresPage(v))
}

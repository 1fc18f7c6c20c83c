package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/views"
)

// figuresPage shows the daily figures.
func (s *Server) figuresPage(c echo.Context) error {
	days, err := s.batches.Days(c.Request().Context())
	if err != nil {
		return err
	}
	v := views.Figures{Shell: s.shell("figures")}
	for _, d := range days {
		at, err := time.Parse(time.DateOnly, d.Day)
		if err != nil {
			continue // not written by this program
		}
		v.Days = append(v.Days, views.Day{
			At: at, Engine: d.Engine, Read: d.Read, FromCache: d.FromCache, Failed: d.Failed, Calls: d.Calls, Tokens: d.Tokens, USD: d.USD, Unpriced: d.Unpriced,
		})
	}
	return s.render(c, http.StatusOK, views.FiguresPage(v))
}

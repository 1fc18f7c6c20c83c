package web

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/errs"
	"sheetlift/views"
)

// logPage shows the level of each part of the program.
func (s *Server) logPage(c echo.Context) error { return s.showLog(c, views.Log{}) }

func (s *Server) showLog(c echo.Context, v views.Log) error {
	if s.levels == nil {
		return errs.New(errs.NotFound, "The log of this program cannot be changed here.")
	}
	v.Shell = s.shell("keys")
	for _, p := range s.levels.Parts() {
		v.Parts = append(v.Parts, views.LogPart{Name: p.Name, Level: strings.ToLower(p.Level.String())})
	}
	return s.render(c, http.StatusOK, views.LogPage(v))
}

// setLog sets the levels that the form names, all or none.
func (s *Server) setLog(c echo.Context) error {
	if s.levels == nil {
		return s.showLog(c, views.Log{})
	}
	form, err := c.FormParams()
	if err != nil {
		return unreadable(err)
	}
	set := map[string]slog.Level{}
	for _, p := range s.levels.Parts() {
		value := form.Get("level." + p.Name)
		if value == "" {
			continue
		}
		var level slog.Level
		if err := level.UnmarshalText([]byte(value)); err != nil {
			return errs.New(errs.Invalid, "%q is not a level. Choose debug, info, warn or error.", value)
		}
		if level != p.Level {
			set[p.Name] = level
		}
	}
	for part, level := range set {
		if err := s.levels.Set(part, level); err != nil {
			return errs.Wrap(err, errs.Internal, "The level of %s could not be set.", part)
		}
		s.log.Warn("a level of the log was set", "of", part, "level", level.String(), "request", requestID(c))
	}
	return s.showLog(c, views.Log{Said: true})
}

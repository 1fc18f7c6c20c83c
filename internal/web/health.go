package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/errs"
	"sheetlift/static"
)

// healthPage answers 200 while the store takes and gives, otherwise 503 with the reason.
func (s *Server) healthPage(c echo.Context) error {
	if err := s.health(c.Request().Context()); err != nil {
		s.log.Error("not healthy", "err", err)
		return c.JSON(http.StatusServiceUnavailable, map[string]string{"status": "unavailable", "detail": errs.Message(err), "version": s.cfg.Version})
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ok", "version": s.cfg.Version})
}

// types are the kinds of assets there are.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json",
}

// asset serves what is embedded: for ever under its fingerprint, otherwise asked for again each time.
func (s *Server) asset(c echo.Context) error {
	name := c.Param("name")
	sum := static.Sum(name)
	kind := types[name[max(0, strings.LastIndexByte(name, '.')):]]
	if sum == "" || kind == "" {
		return echo.ErrNotFound
	}
	h := c.Response().Header()
	h.Add("Vary", "Accept-Encoding")
	packed := strings.Contains(c.Request().Header.Get("Accept-Encoding"), "gzip")
	h.Set("ETag", `"`+sum+map[bool]string{true: "-gzip"}[packed]+`"`)
	h.Set("Cache-Control", "no-cache")
	if c.QueryParam("v") == sum {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.Contains(c.Request().Header.Get("If-None-Match"), sum) {
		return c.NoContent(http.StatusNotModified)
	}
	if packed {
		h.Set("Content-Encoding", "gzip")
		return c.Blob(http.StatusOK, kind, static.Small(name))
	}
	data, err := static.Read(name)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, kind, data)
}

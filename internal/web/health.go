package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/errs"
	"sheetlift/static"
)

// isProbe reports whether path is asked by programs that watch over this one. It is answered however many pages are open.
func isProbe(path string) bool { return path == healthPath || path == livePath || path == readyPath }

// livePage answers 200 as long as this process answers at all: a supervisor restarts it otherwise. A full disk is no reason to.
func (s *Server) livePage(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "ok", "version": s.cfg.Version})
}

// healthPage answers 200 while the store can read and write, otherwise 503 with the reason.
func (s *Server) healthPage(c echo.Context) error { return s.probe(c, s.health) }

// readyPage is healthPage, and answers 503 also while images wait and none is finished.
func (s *Server) readyPage(c echo.Context) error { return s.probe(c, s.ready) }

func (s *Server) probe(c echo.Context, check func(context.Context) error) error {
	if err := check(c.Request().Context()); err != nil {
		if c.Request().Context().Err() == nil { // otherwise the caller left, which says nothing about the store
			s.log.Error("not healthy", "err", err)
		}
		return c.JSON(http.StatusServiceUnavailable, map[string]string{"status": "unavailable", "detail": errs.Message(err), "version": s.cfg.Version})
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ok", "version": s.cfg.Version})
}

// types are the content types of assets.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json",
	".ts": "text/plain; charset=utf-8", ".py": "text/plain; charset=utf-8", // the types of the client, and the client for Python
}

// asset serves an embedded asset: cached for ever with its fingerprint, otherwise revalidated each time.
func (s *Server) asset(c echo.Context) error {
	name := c.Param("name")
	sum := static.Sum(name)
	kind := types[name[max(0, strings.LastIndexByte(name, '.')):]]
	if sum == "" || kind == "" {
		return echo.ErrNotFound
	}
	h := c.Response().Header()
	h.Add("Vary", "Accept-Encoding")
	compressed := strings.Contains(c.Request().Header.Get("Accept-Encoding"), "gzip")
	h.Set("ETag", `"`+sum+map[bool]string{true: "-gzip"}[compressed]+`"`)
	h.Set("Cache-Control", "no-cache")
	if c.QueryParam("v") == sum {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.Contains(c.Request().Header.Get("If-None-Match"), sum) {
		return c.NoContent(http.StatusNotModified)
	}
	if compressed {
		h.Set("Content-Encoding", "gzip")
		return c.Blob(http.StatusOK, kind, static.Small(name))
	}
	data, err := static.Read(name)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, kind, data)
}

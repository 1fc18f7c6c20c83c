package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"sheetlift/views"
)

// Keys is the pool of keys as the pages see it: by label and state, never by value.
type Keys interface {
	// Len is how many keys there are.
	Len() int
	// Ready is how many could read at this moment.
	Ready() int
}

// keysPage shows who reads, who waits, and why.
func (s *Server) keysPage(c echo.Context) error {
	return s.render(c, http.StatusOK, views.KeysPage(views.Keys{Shell: s.shell("keys"), Reader: s.reader("")}))
}

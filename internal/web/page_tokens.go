package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/access"
	"sheetlift/views"
)

// tokensPage lists the API tokens.
func (s *Server) tokensPage(c echo.Context) error {
	return s.showTokens(c, views.Tokens{})
}

func (s *Server) showTokens(c echo.Context, v views.Tokens) error {
	v.Shell, v.Asked, v.Now = s.shell("keys"), s.sessions.Asked(), time.Now()
	for _, t := range s.registry.Tokens() {
		v.Tokens = append(v.Tokens, views.Token{ID: t.ID, Name: oneLine(t.Name), Role: t.Role.String(), Created: t.Created, Used: t.Used})
	}
	return s.render(c, http.StatusOK, views.TokensPage(v))
}

// createToken creates a token and shows it; its secret appears only in this response.
func (s *Server) createToken(c echo.Context) error {
	role, _ := access.ParseRole(c.FormValue("role"))
	t, secret, err := s.registry.Create(c.Request().Context(), c.FormValue("name"), role, time.Now())
	if err != nil {
		return err
	}
	s.log.Info("a token was created", "token", t.ID, "name", t.Name, "role", t.Role.String())
	return s.showTokens(c, views.Tokens{Secret: secret, Named: oneLine(t.Name)})
}

func (s *Server) revokeToken(c echo.Context) error {
	t, err := s.registry.Revoke(c.Request().Context(), c.FormValue("id"))
	if err != nil {
		return err
	}
	s.log.Info("a token was revoked", "token", t.ID, "name", t.Name)
	return s.showTokens(c, views.Tokens{Revoked: oneLine(t.Name)})
}

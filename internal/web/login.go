package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/access"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// cookieName is the name of the session cookie. With TLS it gets the __Host- prefix, which browsers accept only from this exact
// host: a page on a sibling domain cannot plant one.
const cookieName = "sheetlift"

func sessionCookie(r *http.Request) string {
	if secure(r) {
		return "__Host-" + cookieName
	}
	return cookieName
}

// check compares a secret before it applies the limit, so that a correct one passes regardless of the attempts of others. A
// wrong one counts against its client.
func (s *Server) check(r *http.Request, secret string) (access.Role, error) {
	now := time.Now()
	role := max(s.sessions.Password(secret), s.registry.Secret(secret, now))
	if role != access.Nobody {
		return role, nil
	}
	if wait := s.attempts.Wrong(clientOf(r), now); wait > 0 {
		return role, retryAfter(errs.New(errs.TooMany, "Too many wrong passwords. Wait a minute, then try again."), wait)
	}
	return role, errs.New(errs.Unauthorized, "This password is not the right one.")
}

// bearer returns the bearer token of a request. The scheme is case-insensitive.
func bearer(r *http.Request) (secret string, ok bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimLeft(secret, " "), strings.EqualFold(scheme, "Bearer")
}

// ticket returns the session of a browser with its role and expiry; "" if it has no valid one.
func (s *Server) ticket(r *http.Request) (ticket string, role access.Role, until time.Time) {
	cookie, err := r.Cookie(sessionCookie(r))
	if err != nil {
		return "", access.Nobody, until
	}
	role, until = s.sessions.Ticket(cookie.Value, time.Now())
	if role == access.Nobody || s.registry.Ended(cookie.Value) {
		return "", access.Nobody, until
	}
	return cookie.Value, role, until
}

// endSession ends the session of a request, for every process.
func (s *Server) endSession(r *http.Request) error {
	ticket, _, until := s.ticket(r)
	if ticket == "" {
		return nil
	}
	return s.registry.End(r.Context(), ticket, until, time.Now())
}

func (s *Server) loginPage(c echo.Context) error {
	next := ownPath(c.QueryParam("next"))
	if browses(c.Request()) > access.Nobody {
		return c.Redirect(http.StatusSeeOther, next)
	}
	return s.render(c, http.StatusOK, views.Login(views.SignIn{Next: next}))
}

func (s *Server) login(c echo.Context) error {
	next := ownPath(c.FormValue("next"))
	if !s.sessions.Asked() {
		return c.Redirect(http.StatusSeeOther, next)
	}
	r := c.Request()
	role := s.sessions.Password(c.FormValue("password"))
	if role == access.Nobody {
		_, err := s.check(r, "") // counts the failed attempt
		status, detail := s.classify(r.Context(), err)
		advise(c.Response().Header(), status, err)
		return s.render(c, status, views.Login(views.SignIn{Next: next, Problem: detail}))
	}
	if err := s.endSession(r); err != nil {
		s.log.Warn("an earlier session of this browser ended here only", "request", requestID(c), "err", err)
	}
	c.SetCookie(&http.Cookie{
		Name: sessionCookie(r), Value: s.sessions.Begin(role, time.Now()), Path: "/", MaxAge: int(access.SessionLife.Seconds()),
		HttpOnly: true, Secure: secure(r), SameSite: http.SameSiteStrictMode,
	})
	s.log.Info("signed in", "role", role.String(), "client", c.RealIP(), "request", requestID(c))
	return c.Redirect(http.StatusSeeOther, next)
}

// logout always ends the session in this browser. If that could not be stored, it reports an error: a copy of the cookie would
// still be valid at other processes.
func (s *Server) logout(c echo.Context) error {
	r := c.Request()
	ended := s.endSession(r)
	c.SetCookie(&http.Cookie{Name: sessionCookie(r), Path: "/", MaxAge: -1, HttpOnly: true, Secure: secure(r), SameSite: http.SameSiteStrictMode})
	if ended != nil {
		return errs.Wrap(ended, errs.Unavailable, "You are signed out in this browser, but this could not be stored just now.")
	}
	return c.Redirect(http.StatusSeeOther, "/login")
}

// nextOf returns the destination after the login, as a query value.
func nextOf(r *http.Request) string { return url.QueryEscape(r.URL.RequestURI()) }

// ownPath returns a local path, or the start page: a link must not redirect people to another site after the login.
func ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n") {
		return "/"
	}
	return next
}

package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"sheetlift/internal/errs"
	"sheetlift/views"
)

const (
	cookieName  = "sheetlift"
	sessionLife = 12 * time.Hour
	maxSessions = 10_000
	// Ten wrong passwords at once, then one in six seconds, for everybody together: enough for a forgetful office,
	// 14,400 guesses a day for an attacker.
	wrongBurst = 10
	wrongEvery = 6 * time.Second
)

// sessions are the browsers that gave the password. They end with the process.
type sessions struct {
	password [32]byte
	asked    bool

	mu    sync.Mutex
	until map[string]time.Time
	wrong *rate.Limiter
}

func newSessions(password string) *sessions {
	return &sessions{
		password: sha256.Sum256([]byte(password)), asked: password != "",
		until: map[string]time.Time{}, wrong: rate.NewLimiter(rate.Every(wrongEvery), wrongBurst),
	}
}

// right compares in constant time, whatever the length.
func (s *sessions) right(password string) bool {
	sum := sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(sum[:], s.password[:]) == 1
}

// begin returns the id of a new session: 130 random bits.
func (s *sessions) begin(now time.Time) string {
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	for old, until := range s.until {
		if now.After(until) || len(s.until) >= maxSessions {
			delete(s.until, old)
		}
	}
	s.until[id] = now.Add(sessionLife)
	return id
}

func (s *sessions) valid(id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.until[id]
	return ok && now.Before(until)
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.until, id)
}

// check tells whether a password may be tried and is right.
func (s *sessions) check(password string) error {
	if s.wrong.Tokens() < 1 {
		return errs.New(errs.TooMany, "Too many wrong passwords. Wait a minute, then try again.")
	}
	if !s.right(password) {
		s.wrong.Allow()
		return errs.New(errs.Unauthorized, "This password is not the right one.")
	}
	return nil
}

// signedIn lets through who gave the password, and everybody where none is asked.
func (s *Server) signedIn(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !s.sessions.asked || open(c.Path()) || s.hasSession(c) {
			return next(c)
		}
		r := c.Request()
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && forPrograms(r.URL.Path) {
			if err := s.sessions.check(token); err != nil {
				return err
			}
			return next(c)
		}
		return errs.New(errs.Unauthorized, "Please sign in first.")
	}
}

// open are the routes that everybody may use.
func open(route string) bool {
	return route == "/login" || route == "/language" || route == "/health" || route == "/static/:name"
}

func (s *Server) hasSession(c echo.Context) bool {
	cookie, err := c.Cookie(cookieName)
	return err == nil && s.sessions.valid(cookie.Value, time.Now())
}

func (s *Server) loginPage(c echo.Context) error {
	next := ownPath(c.QueryParam("next"))
	if !s.sessions.asked || s.hasSession(c) {
		return c.Redirect(http.StatusSeeOther, next)
	}
	return s.render(c, http.StatusOK, views.Login(views.SignIn{Next: next}))
}

func (s *Server) login(c echo.Context) error {
	next := ownPath(c.FormValue("next"))
	if !s.sessions.asked {
		return c.Redirect(http.StatusSeeOther, next)
	}
	if err := s.sessions.check(c.FormValue("password")); err != nil {
		status, detail := s.understand(c.Request().Context(), err)
		return s.render(c, status, views.Login(views.SignIn{Next: next, Problem: detail}))
	}
	if old, err := c.Cookie(cookieName); err == nil {
		s.sessions.end(old.Value)
	}
	c.SetCookie(&http.Cookie{
		Name: cookieName, Value: s.sessions.begin(time.Now()), Path: "/", MaxAge: int(sessionLife.Seconds()),
		HttpOnly: true, Secure: c.Request().TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	return c.Redirect(http.StatusSeeOther, next)
}

func (s *Server) logout(c echo.Context) error {
	if cookie, err := c.Cookie(cookieName); err == nil {
		s.sessions.end(cookie.Value)
	}
	c.SetCookie(&http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return c.Redirect(http.StatusSeeOther, "/login")
}

// nextOf is where to go after the login, for a query.
func nextOf(r *http.Request) string { return url.QueryEscape(r.URL.RequestURI()) }

// ownPath is a path of ours, or the start page: a link must not send people elsewhere after they signed in.
func ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n") {
		return "/"
	}
	return next
}

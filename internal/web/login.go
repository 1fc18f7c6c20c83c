package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"maps"
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
	// Ten wrong passwords at once, then one in six seconds, for everybody together: enough for a forgetful office,
	// 14,400 guesses a day for an attacker.
	wrongBurst = 10
	wrongEvery = 6 * time.Second
)

// sessions are the browsers that gave the password. What a browser holds is a signed ticket, so that it counts in every
// process with the same secret and after a restart, and until the password is changed.
type sessions struct {
	password [32]byte
	asked    bool
	key      []byte // signs the tickets

	mu    sync.Mutex
	ended map[string]time.Time // tickets that were signed out here, until when they would have counted
	wrong *rate.Limiter
}

// newSessions takes the secret that all processes share; without one the sessions end with the process.
func newSessions(password string, secret []byte) *sessions {
	if len(secret) == 0 {
		secret = []byte(rand.Text())
	}
	s := &sessions{
		password: sha256.Sum256([]byte(password)), asked: password != "",
		ended: map[string]time.Time{}, wrong: rate.NewLimiter(rate.Every(wrongEvery), wrongBurst),
	}
	sign := hmac.New(sha256.New, secret)
	sign.Write([]byte("browsers of Sheetlift"))
	sign.Write(s.password[:])
	s.key = sign.Sum(nil)
	return s
}

// right compares in constant time, whatever the length.
func (s *sessions) right(password string) bool {
	sum := sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(sum[:], s.password[:]) == 1
}

// begin returns the ticket of a new session: 128 random bits, until when it counts, and both signed.
func (s *sessions) begin(now time.Time) string {
	ticket := make([]byte, 16, 16+8+sha256.Size)
	_, _ = rand.Read(ticket) // never fails since Go 1.24
	ticket = binary.BigEndian.AppendUint64(ticket, uint64(now.Add(sessionLife).Unix()))
	return base64.RawURLEncoding.EncodeToString(append(ticket, s.signature(ticket)...))
}

func (s *sessions) signature(ticket []byte) []byte {
	sign := hmac.New(sha256.New, s.key)
	sign.Write(ticket)
	return sign.Sum(nil)
}

// until is when a ticket ends; false for one that was not made with our key.
func (s *sessions) until(ticket string) (time.Time, bool) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil || len(data) != 16+8+sha256.Size || !hmac.Equal(data[24:], s.signature(data[:24])) {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(data[16:24])), 0), true
}

func (s *sessions) valid(ticket string, now time.Time) bool {
	until, ours := s.until(ticket)
	if !ours || !now.Before(until) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ended := s.ended[ticket]
	return !ended
}

func (s *sessions) end(ticket string) {
	until, ours := s.until(ticket)
	if !ours {
		return
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.ended, func(_ string, until time.Time) bool { return now.After(until) })
	s.ended[ticket] = until
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

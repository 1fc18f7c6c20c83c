package web

import (
	"context"
	"crypto/subtle"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/errs"
)

// Demo is a running demonstration. It is served at the same address as the real program, to browsers that hold its token.
type Demo struct {
	Handler http.Handler
	Token   string
	Page    string          // path of its batch
	Over    <-chan struct{} // closed when it has ended
}

const demoCookie = "sheetlift-demo"

// demo lets browsers enter and leave the demonstration.
type demo struct {
	open func(context.Context) (Demo, error)

	mu  sync.Mutex
	now Demo // the newest; the zero value before the first
}

// before routes the requests of browsers inside the demonstration to it.
func (d *demo) before(next http.Handler) http.Handler {
	if d.open == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		now := d.now
		d.mu.Unlock()
		cookie, err := r.Cookie(demoCookie)
		select {
		case <-now.Over: // nil in the zero value, which never receives
			now = Demo{}
		default:
		}
		inside := err == nil && now.Token != "" && subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(now.Token)) == 1
		if inside && r.URL.Path != "/demo" && r.URL.Path != "/demo/leave" {
			now.Handler.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// openDemo lets this browser enter the demonstration.
func (s *Server) openDemo(c echo.Context) error {
	if s.demo.open == nil {
		return errs.New(errs.NotFound, "This is the demonstration already.")
	}
	unhurried(c) // its pictures are drawn first, which took a busy machine more than a minute
	d, err := s.demo.open(c.Request().Context())
	if err != nil {
		return err
	}
	s.demo.mu.Lock()
	s.demo.now = d
	s.demo.mu.Unlock()
	setDemoCookie(c, d.Token, 0)
	return c.Redirect(http.StatusSeeOther, d.Page)
}

// leaveDemo returns this browser to the real program.
func (s *Server) leaveDemo(c echo.Context) error {
	setDemoCookie(c, "", -1)
	return c.Redirect(http.StatusSeeOther, "/")
}

func setDemoCookie(c echo.Context, value string, age int) {
	c.SetCookie(&http.Cookie{
		Name: demoCookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: secure(c.Request()),
	})
}

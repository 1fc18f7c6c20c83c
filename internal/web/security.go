package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"sheetlift/internal/errs"
	"sheetlift/views"
)

// policy is the Content-Security-Policy of every page: nothing from elsewhere, nothing inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"

type requestKey struct{}

// guard is what every request passes before it is routed, cheapest first: the name it was sent to, then where it comes
// from. Neither reads the body.
func (s *Server) guard(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()[:12]
		ctx := views.WithLanguage(context.WithValue(r.Context(), requestKey{}, id), speaks(r))
		if cookie, err := r.Cookie(themeCookie); err == nil {
			ctx = views.WithTheme(ctx, cookie.Value)
		}
		r = r.WithContext(ctx)
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !s.knownHost(r.Host) {
			refuse(w, http.StatusMisdirectedRequest, views.Tell(ctx, "This name is not known here. Open the address that "+
				"the program printed, or ask your technician to add the name to SHEETLIFT_HOSTS."))
			return
		}
		if err := crossOrigin.Check(r); err != nil {
			refuse(w, http.StatusForbidden, views.Tell(ctx, "This request comes from another site and is not carried out."))
			return
		}
		next.ServeHTTP(w, asGet(r))
	})
}

// asGet lets a question for the head of a page be answered as the page is: net/http leaves out what is written. A live
// wire has no end and therefore no head.
func asGet(r *http.Request) *http.Request {
	if r.Method != http.MethodHead || strings.HasSuffix(r.URL.Path, "/events") {
		return r
	}
	r = r.Clone(r.Context())
	r.Method = http.MethodGet
	return r
}

// refuse answers before routing, and without reading what is still on its way.
func refuse(w http.ResponseWriter, status int, sentence string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, sentence+"\n")
}

// knownHost reports whether the pages may be called by this name, whatever the port: a page elsewhere must not reach
// us by a name that it controls. A bare address cannot be made to point elsewhere, so it is known where a password is
// asked.
func (s *Server) knownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	ip := net.ParseIP(host)
	switch {
	case host == "localhost" || ip != nil && ip.IsLoopback():
		return true
	case slices.Contains(s.cfg.Hosts, host):
		return true
	default:
		return ip != nil && s.cfg.Password != ""
	}
}

// recoverPanics answers a panic with an error of ours and keeps the process; what it says goes to the log only.
func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.log.Error("a handler panicked", "request", requestID(c), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				err = errs.New(errs.Internal, "Something went wrong on our side. Please try again.")
			}
		}()
		return next(c)
	}
}

// packed compresses what is text. Pictures and workbooks are compressed already, and the live wire must not wait for more.
func packed() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{
		Level: 4, MinLength: 1 << 10, // the page of 500 images: 600 KB become 27 KB in a few milliseconds, and hardly less at level 9
		Skipper: func(c echo.Context) bool {
			switch path.Base(c.Path()) {
			case "thumb", "picture", "workbook.xlsx", "events", ":name": // assets are compressed once, for all
				return true
			}
			return false
		},
	})
}

func requestID(c echo.Context) string {
	id, _ := c.Request().Context().Value(requestKey{}).(string)
	return id
}

const (
	stall = 30 * time.Second // an upload that sends nothing for so long is cut off
	slow  = 10 << 10         // bytes a second that an upload must reach on average, after the first minute
)

// patient gives an upload as much time as it needs while it moves: its deadlines roll with what arrives.
func (s *Server) patient(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		control := http.NewResponseController(c.Response())
		_ = control.SetWriteDeadline(time.Time{})
		r := c.Request()
		r.Body = &rolling{ReadCloser: r.Body, control: control, since: time.Now()}
		return next(c)
	}
}

// rolling is a body whose read deadline moves on with each read.
type rolling struct {
	io.ReadCloser
	control *http.ResponseController
	since   time.Time
	got     int64
}

// Read reads, and gives up on who is slower than anybody's line.
func (b *rolling) Read(p []byte) (int, error) {
	if waited := time.Since(b.since); waited > time.Minute && float64(b.got) < slow*waited.Seconds() {
		return 0, errs.New(errs.Invalid, "The upload is too slow to be waited for. Check the connection, then send it again.")
	}
	_ = b.control.SetReadDeadline(time.Now().Add(stall))
	n, err := b.ReadCloser.Read(p)
	b.got += int64(n)
	if err != nil { // all is there: what is done with it now takes the time it takes
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

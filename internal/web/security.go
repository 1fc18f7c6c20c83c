package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"sheetlift/internal/access"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// policy is the Content-Security-Policy of every page: nothing from other hosts, nothing inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"

// guard runs the checks before routing, cheapest first: the requested host, then the origin. Neither reads the body.
func (s *Server) guard(next http.Handler) http.Handler {
	checked := s.checks(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &request{id: rand.Text()[:12]}
		w.Header().Set("X-Request-Id", q.id)
		s.follow(checked, w, r.WithContext(context.WithValue(r.Context(), requestKey{}, q)), q)
	})
}

func (s *Server) checks(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		r, named := s.allowOrigin(h, r)
		ctx := s.unwrap(r.Context(), r)
		ctx = views.WithLanguage(ctx, speaks(r))
		ctx, role := s.recognize(ctx, r)
		ctx = views.WithRole(ctx, role.String())
		if cookie, err := r.Cookie(themeCookie); err == nil {
			ctx = views.WithTheme(ctx, cookie.Value)
		}
		r = r.WithContext(ctx)
		protect(h)
		onlyTLS(h, r)
		if !s.hasRoom(w, r) {
			return
		}
		if !s.knownHost(r) {
			refuse(w, r, http.StatusMisdirectedRequest, views.Localize(ctx, "This name is not known here. Open the address that "+
				"the program printed, or ask your technician to add the name to SHEETLIFT_HOSTS."))
			return
		}
		if named && isPreflight(r) {
			answerPreflight(w)
			return
		}
		if err := crossOrigin.Check(r); err != nil && !named {
			refuse(w, r, http.StatusForbidden, views.Localize(ctx, "This request comes from another site and is not carried out."))
			return
		}
		next.ServeHTTP(w, headAsGet(r))
	})
}

// protect sets the headers of every response that restrict the use of it by a browser.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if h.Get("Cross-Origin-Resource-Policy") == "" { // a named origin may load it
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
	}
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// headAsGet treats HEAD like GET: net/http drops the body. An event stream has no end, and therefore no answer to HEAD.
func headAsGet(r *http.Request) *http.Request {
	if r.Method != http.MethodHead || strings.HasSuffix(r.URL.Path, "/events") {
		return r
	}
	r = r.Clone(r.Context())
	r.Method = http.MethodGet
	return r
}

// refuse answers before routing, without reading the body.
func refuse(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	kind, body := "text/plain; charset=utf-8", []byte(sentence+"\n")
	if forPrograms(r.URL.Path) {
		kind, body = problemFor(r.URL.Path, views.Problem{Status: status, Title: views.ProblemTitle(r.Context(), status), Detail: sentence, RequestID: requestOf(r.Context()).id, Code: codes[status]})
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// knownHost reports whether host is a valid name of this server, ignoring the port: a page elsewhere must not reach it under a
// name that it controls (DNS rebinding). A bare IP address is valid if the connection arrived at it; any other must be
// configured, like a name.
func (s *Server) knownHost(r *http.Request) bool {
	host := bareHost(r.Host)
	ip, err := netip.ParseAddr(host)
	if host == "localhost" || err == nil && ip.Unmap().IsLoopback() || slices.Contains(s.cfg.Hosts, host) {
		return true
	}
	here, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if err != nil || here == nil || s.cfg.Password == "" {
		return false
	}
	local, ok := access.Address(here.String())
	return ok && local == ip.Unmap().WithZone("")
}

// bareHost returns the name or address of a Host header, without port and brackets.
func bareHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// strictTransport is the HSTS max-age: one year.
const strictTransport = "max-age=31536000"

// onlyTLS sets HSTS for browsers that came over TLS, except on loopback, where other programs use the same name.
func onlyTLS(h http.Header, r *http.Request) {
	host := bareHost(r.Host)
	ip, err := netip.ParseAddr(host)
	if secure(r) && host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		h.Set("Strict-Transport-Security", strictTransport)
	}
}

// recoverPanics answers a panic with an error response and keeps the process running; its message goes to the log only.
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

// gzip compresses text. Pictures and workbooks are compressed already, and an event stream must not be buffered.
func gzip() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{
		Level: 4, MinLength: 1 << 10, // the page of 500 images: 600 KB become 27 KB in a few milliseconds, and hardly less at level 9
		Skipper: func(c echo.Context) bool {
			switch path.Base(c.Path()) {
			case "thumb", "picture", "workbook.xlsx", "append.xlsx", "events", ":name": // assets are compressed once, for all requests
				return true
			}
			return false
		},
	})
}

const (
	stall = 30 * time.Second // an upload that sends nothing for this long is aborted
	slow  = 10 << 10         // minimum average rate of an upload in bytes per second, after the first minute
)

// rollingDeadline replaces the read timeout of an upload by a rolling deadline, so that it may take any time while data arrives.
func (s *Server) rollingDeadline(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		control := http.NewResponseController(c.Response())
		_ = control.SetWriteDeadline(time.Time{})
		r := c.Request()
		r.Body = &rolling{ReadCloser: r.Body, control: control, stall: cmp.Or(s.cfg.Stall, stall), since: time.Now()}
		return next(c)
	}
}

// rolling is a body whose read deadline moves on with each read.
type rolling struct {
	io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
	since   time.Time
	got     int64
}

// Read fails for a sender that is too slow or sends nothing. The deadline then stays set, so that net/http does not wait for
// the remaining body either. At the end of the body it is cleared, because processing an upload has no time limit.
func (b *rolling) Read(p []byte) (int, error) {
	if waited := time.Since(b.since); waited > time.Minute && float64(b.got) < slow*waited.Seconds() {
		return 0, errs.New(errs.Timeout, "The upload is too slow to be waited for. Check the connection, then send it again.")
	}
	_ = b.control.SetReadDeadline(time.Now().Add(b.stall))
	n, err := b.ReadCloser.Read(p)
	b.got += int64(n)
	switch {
	case err == io.EOF: // never wrapped
		_ = b.control.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errs.Wrap(err, errs.Timeout, "The upload stood still for too long. Check the connection, then send it again.")
	}
	return n, err
}

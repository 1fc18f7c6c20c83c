package web

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/errs"
	"sheetlift/internal/live"
	"sheetlift/internal/web/api"
	"sheetlift/views"
)

// statuses maps kinds of errors to HTTP statuses.
var statuses = map[errs.Kind]int{
	errs.Internal:     http.StatusInternalServerError,
	errs.Invalid:      http.StatusUnprocessableEntity,
	errs.Malformed:    http.StatusBadRequest,
	errs.Timeout:      http.StatusRequestTimeout,
	errs.NotFound:     http.StatusNotFound,
	errs.Conflict:     http.StatusConflict,
	errs.TooLarge:     http.StatusRequestEntityTooLarge,
	errs.Unauthorized: http.StatusUnauthorized,
	errs.Forbidden:    http.StatusForbidden,
	errs.TooMany:      http.StatusTooManyRequests,
	errs.Full:         http.StatusInsufficientStorage,
	errs.Unavailable:  http.StatusServiceUnavailable,
	errs.Changed:      http.StatusPreconditionFailed,
}

// later is an error with a Retry-After time.
type later struct {
	error
	after time.Duration
}

// Unwrap returns the wrapped error.
func (l *later) Unwrap() error { return l.error }

// retryAfter adds a Retry-After time to err.
func retryAfter(err error, after time.Duration) error { return &later{err, after} }

// advise sets the headers for the status of an error: authentication scheme and Retry-After.
func advise(h http.Header, status int, err error) {
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="Sheetlift"`)
	}
	if l, ok := errors.AsType[*later](err); ok {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(l.after.Seconds()))))
	}
}

// answerError is the only place where an error becomes an answer: JSON for programs and scripts, a fragment for htmx,
// a page for people.
func (s *Server) answerError(err error, c echo.Context) {
	r := c.Request()
	status, detail := s.classify(r.Context(), err)
	p := views.Problem{Status: status, Title: views.ProblemTitle(r.Context(), status), Detail: detail, RequestID: requestID(c), Code: codeOf(status, err), Location: locationOf(err)}
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil, connectionBroke(r, err): // nobody waits for the answer, and nothing is wrong
		s.log.Debug("a client left before its answer", "request", p.RequestID, "method", r.Method, "route", c.Path(), "err", err)
	case errors.Is(err, live.ErrStopping): // the browser comes back by itself
	case status >= 500 || s.isNews(err):
		s.log.Error("a request failed", "request", p.RequestID, "method", r.Method, "route", c.Path(), "status", status, "err", err)
	}
	if c.Response().Committed {
		return
	}
	advise(c.Response().Header(), status, err)
	if status == http.StatusRequestTimeout {
		c.Response().Header().Set("Connection", "close") // the rest of the body is not waited for
	}
	if status == http.StatusUnauthorized && wantsPage(r) && !forPrograms(r.URL.Path) && r.Method == http.MethodGet {
		err = c.Redirect(http.StatusSeeOther, "/login?next="+nextOf(r))
	} else {
		err = s.showProblem(c, p)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.log.Debug("an error could not be shown", "request", p.RequestID, "err", err)
	}
}

// connectionBroke reports whether err is a failed write to the connection on which r came: its client is gone, or takes nothing
// any more. The request's context can end a moment later.
func connectionBroke(r *http.Request, err error) bool {
	write, ok := errors.AsType[*net.OpError](err)
	here, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && write.Op == "write" && write.Source != nil && here != nil && write.Source.String() == here.String()
}

func (s *Server) showProblem(c echo.Context, p views.Problem) error {
	r := c.Request()
	switch {
	case r.Method == http.MethodHead:
		return c.NoContent(p.Status)
	case forPrograms(r.URL.Path):
	case r.Header.Get("HX-Request") == "true":
		return s.render(c, p.Status, views.ErrorNote(p))
	case wantsPage(r):
		return s.render(c, p.Status, views.ErrorPage(p))
	}
	kind, body := problemFor(r.URL.Path, p)
	return c.Blob(p.Status, kind, body)
}

// problemFor returns the body for a program that requested path, with its content type.
func problemFor(path string, p views.Problem) (kind string, body []byte) {
	if firstVersion(path) {
		body, _ = json.Marshal(api.FirstProblem{Detail: p.Detail}) // strings and numbers
		return echo.MIMEApplicationJSON, body
	}
	body, _ = json.Marshal(api.Problem{Type: "about:blank", Title: p.Title, Status: p.Status, Detail: p.Detail, Code: api.Code(p.Code), Location: p.Location, Instance: p.RequestID})
	return "application/problem+json", body
}

// classify returns the status and the sentence, in the language of ctx, for any error of a handler or the router.
func (s *Server) classify(ctx context.Context, err error) (status int, detail string) {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) { // independent of the file being written
		return http.StatusInsufficientStorage, views.Localize(ctx, "The disk with the data folder is nearly full (%d MB left). Free some space, then try again.", 0)
	}
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return statuses[e.Kind], localize(ctx, err)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, views.Localize(ctx, "What was sent is larger than is taken here. Send less at once.")
	}
	if errors.Is(err, context.Canceled) {
		return statuses[errs.Unavailable], views.Localize(ctx, "The request was given up.")
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		switch {
		case e.Code == http.StatusNotFound:
			return e.Code, views.Localize(ctx, "There is nothing here: it was deleted, or the address is wrong.")
		case e.Code == http.StatusMethodNotAllowed:
			return e.Code, views.Localize(ctx, "This address does not take that kind of request.")
		case e.Code < 500:
			return http.StatusUnprocessableEntity, views.Localize(ctx, "The form could not be read. Reload the page and try again.")
		}
	}
	return http.StatusInternalServerError, localize(ctx, err)
}

// codeOf returns the code for programs of an error that is answered with status: its own, or else that of the status.
func codeOf(status int, err error) string {
	if code := errs.CodeOf(err); errs.KindOf(err) != errs.Internal && statuses[errs.KindOf(err)] == status {
		return code
	}
	return codes[status]
}

// codes are the codes of statuses for programs.
var codes = func() map[int]string {
	all := map[int]string{http.StatusMethodNotAllowed: "method_not_allowed", http.StatusMisdirectedRequest: "unknown_host"}
	for kind, status := range statuses {
		all[status] = kind.Code()
	}
	return all
}()

// locationOf returns the part of the request that is at fault: a field of the body, unless the error names another part; "" for
// none.
func locationOf(err error) string {
	field := errs.FieldOf(err)
	part, _, _ := strings.Cut(field, ".")
	if field == "" || slices.Contains([]string{"query", "path", "header"}, part) {
		return field
	}
	return "body." + field
}

// localize returns the sentence of err that may be shown, in the language of ctx.
func localize(ctx context.Context, err error) string {
	format, args := errs.Sentence(err)
	return views.Localize(ctx, format, args...)
}

// isNews reports whether an error with a status below 500 still concerns the technician.
func (s *Server) isNews(err error) bool { return errs.Is(err, errs.Full) }

// wantsPage reports whether the response is shown to a person.
func wantsPage(r *http.Request) bool {
	return r.Method != http.MethodPut && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// forPrograms reports whether the path is for programs, which authenticate each request.
func forPrograms(path string) bool {
	return firstVersion(path) || strings.HasPrefix(path, "/api/") || path == metricsPath
}

// firstVersion reports whether the path is one of the endpoints of the first version.
func firstVersion(path string) bool {
	return path == firstUpload || strings.HasPrefix(path, "/batch-status/") || strings.HasPrefix(path, "/batch-results/")
}

package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/errs"
	"sheetlift/views"
)

// statuses is the table from what went wrong to what is answered.
var statuses = map[errs.Kind]int{
	errs.Internal:     http.StatusInternalServerError,
	errs.Invalid:      http.StatusUnprocessableEntity,
	errs.NotFound:     http.StatusNotFound,
	errs.Conflict:     http.StatusConflict,
	errs.TooLarge:     http.StatusRequestEntityTooLarge,
	errs.Unauthorized: http.StatusUnauthorized,
	errs.Forbidden:    http.StatusForbidden,
	errs.TooMany:      http.StatusTooManyRequests,
	errs.Full:         http.StatusInsufficientStorage,
	errs.Unavailable:  http.StatusServiceUnavailable,
}

// answerError is the only place where an error becomes an answer: JSON for programs and scripts, a fragment for htmx,
// a page for people.
func (s *Server) answerError(err error, c echo.Context) {
	r := c.Request()
	status, detail := s.understand(r.Context(), err)
	p := views.Problem{Status: status, Title: views.ProblemTitle(r.Context(), status), Detail: detail, RequestID: requestID(c)}
	if status >= 500 || s.isNews(err) {
		s.log.Error("a request failed", "request", p.RequestID, "method", r.Method, "route", c.Path(), "status", status, "err", err)
	}
	if c.Response().Committed {
		return
	}
	if status == http.StatusUnauthorized && wantsPage(r) && r.Method == http.MethodGet {
		err = c.Redirect(http.StatusSeeOther, "/login?next="+nextOf(r))
	} else {
		err = s.showProblem(c, p)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.log.Debug("an error could not be shown", "request", p.RequestID, "err", err)
	}
}

func (s *Server) showProblem(c echo.Context, p views.Problem) error {
	r := c.Request()
	switch {
	case r.Method == http.MethodHead:
		return c.NoContent(p.Status)
	case firstVersion(r.URL.Path):
		return c.JSON(p.Status, map[string]any{"success": false, "detail": p.Detail})
	case r.Header.Get("HX-Request") == "true":
		return s.render(c, p.Status, views.ErrorNote(p))
	case wantsPage(r):
		return s.render(c, p.Status, views.ErrorPage(p))
	}
	body, err := json.Marshal(map[string]any{
		"type": "about:blank", "title": p.Title, "status": p.Status, "detail": p.Detail, "instance": p.RequestID,
	})
	if err != nil {
		return err
	}
	return c.Blob(p.Status, "application/problem+json", body)
}

// understand returns the status and the sentence, in the language of ctx, for any error that a handler or the router
// may return.
func (s *Server) understand(ctx context.Context, err error) (status int, detail string) {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return statuses[e.Kind], told(ctx, err)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, views.Tell(ctx, "What was sent is larger than is taken here. Send less at once.")
	}
	if errors.Is(err, context.Canceled) {
		return statuses[errs.Unavailable], views.Tell(ctx, "The request was given up.")
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		switch {
		case e.Code == http.StatusNotFound:
			return e.Code, views.Tell(ctx, "There is nothing here: the batch was deleted, or the address is wrong.")
		case e.Code == http.StatusMethodNotAllowed:
			return e.Code, views.Tell(ctx, "This address does not take that kind of request.")
		case e.Code < 500:
			return http.StatusUnprocessableEntity, views.Tell(ctx, "The form could not be read. Reload the page and try again.")
		}
	}
	return http.StatusInternalServerError, told(ctx, err)
}

// told is what may be shown of err, in the language of ctx.
func told(ctx context.Context, err error) string {
	format, args := errs.Sentence(err)
	return views.Tell(ctx, format, args...)
}

// isNews reports whether an error that is the caller's fault still has something for the technician.
func (s *Server) isNews(err error) bool { return errs.Is(err, errs.Full) }

// wantsPage reports whether a person looks at the answer.
func wantsPage(r *http.Request) bool {
	return r.Method != http.MethodPut && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// forPrograms reports whether the path is meant for programs, which sign in with each request.
func forPrograms(path string) bool {
	return firstVersion(path) || strings.HasPrefix(path, "/api/") || path == metricsPath
}

// firstVersion reports whether the path is one of the endpoints of the first version.
func firstVersion(path string) bool {
	return path == "/batch-process-images" || strings.HasPrefix(path, "/batch-status/") || strings.HasPrefix(path, "/batch-results/")
}

package web

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch/draft"
	"sheetlift/internal/errs"
)

const (
	formLimit = 64 << 10 // bytes of an ordinary form
	wideLimit = 8 << 20  // bytes of a form with the names of all pictures, the columns, or the cells of a row
)

// wideForms are the forms of a batch that may be larger than others, by the last element of their path.
var wideForms = map[string]bool{
	"names": true, "pattern": true, "replace": true, "paste": true, "undo": true, "order": true, "out": true, "in": true,
	"turn": true, "move": true, "columns": true, "preview": true, "start": true, "edits": true,
}

// limitOf returns the size limit for the form of a route, in bytes.
func limitOf(route string) int64 {
	switch {
	case route == templatesPath:
		return 3*draft.MaxTemplateFile + formLimit // in a form field, each byte may take three
	case strings.HasPrefix(route, "/batches/:id/") && wideForms[path.Base(route)]:
		return wideLimit
	default:
		return formLimit
	}
}

// forms reads the body of every form before its handler runs, bounded and in memory. No other code reads forms. Afterwards
// handlers use FormValue and FormParams, which read nothing more: net/http would write large parts to the system's temp folder
// and leave them there. Routes that take a stream, and those for programs, read their body themselves, with their own limits.
func (s *Server) forms(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if takesStream(c) {
			return next(c)
		}
		r := c.Request()
		if r.Method == http.MethodPost && !forPrograms(r.URL.Path) {
			if err := readForm(c); err != nil {
				return err
			}
		} else {
			r.Form, r.PostForm = r.URL.Query(), url.Values{}
		}
		r.MultipartForm = &multipart.Form{} // prevents a second parse
		return next(c)
	}
}

// takesStream reports whether the route reads its body part by part as it arrives.
func takesStream(c echo.Context) bool {
	switch c.Path() {
	case "/batches":
		return isMultipart(c.Request())
	case "/batches/:id/images", "/batches/:id/append", "/api/v1/batches/:id/append", "/api/v1/batches/:id/append.xlsx", firstUpload:
		return c.Request().Method == http.MethodPost
	default:
		return c.Request().Method == http.MethodPut
	}
}

func isMultipart(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "multipart/form-data"
}

func readForm(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, limitOf(c.Path()))
	parts, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		return unreadable(r.ParseForm())
	}
	if err != nil {
		return unreadable(err)
	}
	r.PostForm, r.Form = url.Values{}, url.Values{}
	for {
		part, err := parts.NextPart()
		if err == io.EOF { // an EOF inside a part is wrapped: the form is truncated
			break
		}
		if err != nil {
			return unreadable(err)
		}
		if part.FileName() != "" && c.Path() != templatesPath {
			return errs.New(errs.Malformed, "This form takes no files. Reload the page and try again.")
		}
		value, err := io.ReadAll(part) // the limit applies to the whole body
		if err != nil {
			return unreadable(err)
		}
		r.PostForm.Add(part.FormName(), string(value))
	}
	for _, fields := range []url.Values{r.PostForm, r.URL.Query()} { // the body takes precedence over the query
		for name, values := range fields {
			r.Form[name] = append(r.Form[name], values...)
		}
	}
	return nil
}

// unreadable is the error for a body that is too large or not a form.
func unreadable(err error) error {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errs.Wrap(err, errs.Timeout, "The form did not come in time. Check the connection, then send it again.")
	}
	return errs.Wrap(err, errs.Malformed, "The form could not be read. Reload the page and try again.")
}

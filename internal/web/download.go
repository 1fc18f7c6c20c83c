package web

import (
	"context"
	"iter"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/export"
	"sheetlift/views"
)

// answered is the cookie that tells a page that a requested download has begun or has failed, which a page cannot see otherwise
// (static/app.js). It holds no data, and scripts can read it.
const answered = "answered"

// workbook writes the Excel file to a temporary file first, so that a client never gets a truncated one, and then sends it.
func (s *Server) workbook(c echo.Context) error {
	c.SetCookie(&http.Cookie{Name: answered, Value: "1", Path: "/", MaxAge: 60, SameSite: http.SameSiteStrictMode})
	ctx := c.Request().Context()
	b, images, free, err := s.toExport(ctx, batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	defer free()
	f, err := os.CreateTemp(s.tmp, "workbook-*.xlsx")
	if err != nil {
		return unwritable(err)
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	unhurried(c)
	err = export.Workbook(ctx, f, b, yielded(images), export.Options{TmpDir: s.tmp, Now: time.Now(), Version: s.cfg.Version, Say: func(english string) string { return views.Book(ctx, english) }})
	if err != nil {
		return err
	}
	return sendBook(c, b.Name+".xlsx", f)
}

// toExport returns a batch and its images with all their issues. It waits while maxExports others are made; the caller calls free
// when it is done with the images.
func (s *Server) toExport(ctx context.Context, id batch.ID) (b *batch.Batch, images []*batch.Image, free func(), err error) {
	if b, err = s.batches.Batch(ctx, id); err != nil {
		return nil, nil, nil, err
	}
	select {
	case s.exports <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, nil, ctx.Err()
	}
	free = func() { <-s.exports }
	if images, err = s.batches.Images(ctx, b.ID); err != nil {
		free()
		return nil, nil, nil, err
	}
	b = batch.Judged(b, images)
	doubt.MarkDuplicates(b, images)
	return b, images, free, nil
}

// yielded returns images as a sequence.
func yielded(images []*batch.Image) iter.Seq2[*batch.Image, error] {
	return func(yield func(*batch.Image, error) bool) {
		for _, m := range images {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// unhurried lifts the time limits of a request whose answer takes long to write and to send.
func unhurried(c echo.Context) {
	control := http.NewResponseController(c.Response())
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
}

// attachment returns the Content-Disposition for a file name, in a form that old and new browsers understand.
func attachment(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, name)
	ascii := strings.Map(func(r rune) rune {
		if r > '~' {
			return '_'
		}
		return r
	}, name)
	value := mime.FormatMediaType("attachment", map[string]string{"filename": name})
	if ascii != name {
		value = `attachment; filename="` + ascii + `"` + strings.TrimPrefix(value, "attachment")
	}
	return value
}

func (s *Server) thumb(c echo.Context) error   { return s.image(c, batch.Thumb) }
func (s *Server) picture(c echo.Context) error { return s.image(c, batch.Full) }

// image sends a prepared picture: encoded by this program, of a known type, with nothing that a browser could execute.
func (s *Server) image(c echo.Context, kind batch.Kind) error {
	n, err := number(c)
	if err != nil {
		return err
	}
	id := batch.ID(c.Param("id"))
	m, err := s.batches.Image(c.Request().Context(), id, n)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "private, no-cache") // revalidated each time with the ETag
	tag := `"` + m.Picture.Digest[:min(32, len(m.Picture.Digest))] + "-" + string(kind) + `"`
	h.Set("ETag", tag)
	if slices.Contains(strings.Split(c.Request().Header.Get("If-None-Match"), ", "), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	data, mimeType, err := s.batches.Picture(c.Request().Context(), id, n, kind)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, mimeType, data)
}

// number returns the image number in the address; an invalid one is a 404 like an unknown one.
func number(c echo.Context) (int, error) {
	n, err := strconv.Atoi(c.Param("n"))
	if err != nil || n < 1 {
		return 0, echo.ErrNotFound
	}
	return n, nil
}

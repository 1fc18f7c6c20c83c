package web

import (
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/export"
	"sheetlift/views"
)

// answered is the cookie by which a page sees that a file it asked for has begun to come, or will not: a download tells it
// nothing else (static/app.js). It holds nothing, and scripts read it.
const answered = "answered"

// workbook writes the Excel file aside first, so that nobody ever gets a cut one, and then sends it.
func (s *Server) workbook(c echo.Context) error {
	c.SetCookie(&http.Cookie{Name: answered, Value: "1", Path: "/", MaxAge: 60, SameSite: http.SameSiteStrictMode})
	ctx := c.Request().Context()
	b, err := s.batches.Batch(ctx, batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	case <-ctx.Done():
		return ctx.Err()
	}
	images, err := s.batches.Images(ctx, b.ID)
	if err != nil {
		return err
	}
	batch.MarkDuplicates(b, images)
	f, err := os.CreateTemp(s.tmp, "workbook-*.xlsx")
	if err != nil {
		return errs.Wrap(err, errs.Full, "The Excel file could not be written: the disk is full or not writable. Ask your technician.")
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	control := http.NewResponseController(c.Response()) // as long as writing and sending take
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	err = export.Workbook(ctx, f, b, func(yield func(*batch.Image, error) bool) {
		for _, m := range images {
			if !yield(m, nil) {
				return
			}
		}
	}, export.Options{TmpDir: s.tmp, Now: time.Now(), Version: s.cfg.Version, Say: func(english string) string { return views.Book(ctx, english) }})
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	h.Set("Content-Disposition", attachment(b.Name+".xlsx"))
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, f)
	return nil
}

// attachment is the Content-Disposition for a file of that name, in a form that old and new browsers understand.
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

// image sends a prepared picture: made by us, of a type we chose, and nothing a browser could run.
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
	h.Set("Cache-Control", "private, no-cache") // asked for again each time, and answered from the ETag
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

// number is the image that an address names; one that cannot be is as absent as any other.
func number(c echo.Context) (int, error) {
	n, err := strconv.Atoi(c.Param("n"))
	if err != nil || n < 1 {
		return 0, echo.ErrNotFound
	}
	return n, nil
}

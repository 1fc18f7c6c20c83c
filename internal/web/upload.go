package web

import (
	"crypto/rand"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// uploadImage takes one picture into a draft: the raw file as body, its name and place as query. The browser's own id
// in the address makes sending it again harmless. It answers once the picture is durable.
func (s *Server) uploadImage(c echo.Context) error { return s.patient(s.takeUpload)(c) }

func (s *Server) takeUpload(c echo.Context) error {
	r := c.Request()
	filename := c.QueryParam("filename")
	if r.ContentLength > s.cfg.MaxBytes {
		c.Response().Header().Set("Connection", "close") // the rest is not worth reading
		return tooLarge(filename, s.cfg.MaxBytes)
	}
	position, err := strconv.Atoi(orZero(c.QueryParam("position")))
	if err != nil {
		return errs.New(errs.Invalid, "The position must be a number.")
	}
	m, err := s.batches.AddImage(r.Context(), batch.ID(c.Param("id")), batch.Upload{
		ID: c.Param("upload"), Filename: filename, Name: c.QueryParam("name"), Position: position,
		Body: http.MaxBytesReader(c.Response(), r.Body, s.cfg.MaxBytes+1),
	})
	if err != nil {
		return err
	}
	notes := make([]string, 0, len(m.Picture.Notes))
	for _, n := range m.Picture.Notes {
		notes = append(notes, views.Retell(r.Context(), n.Message))
	}
	return c.JSON(http.StatusCreated, map[string]any{
		"n": m.N, "name": m.Name, "filename": m.Filename, "width": m.Picture.Width, "height": m.Picture.Height, "notes": notes,
	})
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

func tooLarge(filename string, limit int64) error {
	return errs.New(errs.TooLarge, "“%s” is larger than %d MB. Save it smaller, for example as JPEG, and add it again.", filename, limit>>20)
}

// createBatch begins a draft. Scripts get its address; a plain form may carry the pictures along.
func (s *Server) createBatch(c echo.Context) error {
	form, err := c.Request().MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		b, err := s.batches.Create(c.Request().Context(), batch.NewBatch{Name: c.FormValue("name")})
		if err != nil {
			return err
		}
		if wantsPage(c.Request()) {
			return c.Redirect(http.StatusSeeOther, batchURL(b.ID))
		}
		return c.JSON(http.StatusCreated, map[string]string{"id": string(b.ID), "url": batchURL(b.ID)})
	}
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "The form could not be read. Reload the page and try again.")
	}
	return s.patient(func(c echo.Context) error { return s.plainForm(c, form) })(c)
}

// plainForm takes pictures from a form sent without scripts, one after the other as they arrive. Refused ones are
// named on a page with a link to what was taken.
func (s *Server) plainForm(c echo.Context, form *multipart.Reader) error {
	ctx := c.Request().Context()
	b, err := s.batches.Create(ctx, batch.NewBatch{})
	if err != nil {
		return err
	}
	id := rand.Text()
	var refused []string
	taken := 0
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errs.Wrap(err, errs.Invalid, "The upload broke off. Go back and send it again.")
		}
		if part.FileName() == "" {
			continue
		}
		_, err = s.batches.AddImage(ctx, b.ID, batch.Upload{
			ID: id + "-" + strconv.Itoa(taken+len(refused)), Filename: part.FileName(), Position: taken + 1, Body: part,
		})
		switch {
		case err == nil:
			taken++
		case errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge):
			refused = append(refused, told(ctx, err))
			if _, err := io.Copy(io.Discard, part); err != nil {
				return errs.Wrap(err, errs.Invalid, "The upload broke off. Go back and send it again.")
			}
		default:
			return err
		}
	}
	if taken == 0 {
		if err := s.batches.Discard(ctx, b.ID); err != nil {
			return err
		}
		if refused == nil {
			refused = []string{"Choose at least one picture, then send the form again."}
		}
		return errs.New(errs.Invalid, "%s", strings.Join(refused, " "))
	}
	if refused != nil {
		return errs.New(errs.Invalid, "%d pictures were taken into the batch “%s”; you find it on the start page. These were not: %s",
			taken, b.Name, strings.Join(refused, " "))
	}
	return c.Redirect(http.StatusSeeOther, batchURL(b.ID)+"?step=names")
}

func batchURL(id batch.ID) string { return "/batches/" + string(id) }

package web

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/errs"
	"sheetlift/internal/web/api"
	"sheetlift/views"
)

// uploadImage adds one picture to a draft: the raw file as body, name and position as query. The client's own id in the address
// makes a repeated upload harmless. It answers once the picture is durable.
func (s *Server) uploadImage(c echo.Context) error { return s.rollingDeadline(s.takeUpload)(c) }

func (s *Server) takeUpload(c echo.Context) error {
	r := c.Request()
	filename := c.QueryParam("filename")
	// The applicable limit depends on the content of the file; here, only a body above both limits is rejected.
	if r.ContentLength > s.cfg.MaxPacked {
		c.Response().Header().Set("Connection", "close") // do not read the remaining body
		return tooLarge(filename, s.cfg.MaxPacked)
	}
	position, err := strconv.Atoi(orZero(c.QueryParam("position")))
	if err != nil {
		return errs.At("query.position", errs.New(errs.Invalid, "The position must be a number."))
	}
	taken, err := s.draft.AddImages(r.Context(), batch.ID(c.Param("id")), draft.Upload{
		ID: c.Param("upload"), Filename: filename, Name: c.QueryParam("name"), Position: position,
		Folder: c.QueryParam("folder"), TakenAt: datedOf(c.QueryParam("dated")),
		Body: http.MaxBytesReader(c.Response(), r.Body, s.cfg.MaxPacked+1),
	})
	if err != nil {
		return err
	}
	s.log.Info("a file was added", "batch", c.Param("id"), "images", len(taken.Images), "refused", len(taken.Refused), "request", requestID(c))
	return c.JSON(http.StatusCreated, answerTaken(r.Context(), c.Param("upload"), taken))
}

func answerTaken(ctx context.Context, id string, t *draft.Ingested) api.Uploaded {
	answer := api.Uploaded{ID: id, Images: make([]api.UploadedImage, 0, len(t.Images)), Refused: make([]string, 0, len(t.Refused))}
	for _, m := range t.Images {
		one := api.UploadedImage{
			N: m.N, Page: m.Page, Name: m.Name, Filename: m.Filename, Width: m.Picture.Width, Height: m.Picture.Height,
			Notes: make([]api.Note, 0, len(m.Picture.Notes)),
		}
		for _, n := range m.Picture.Notes {
			one.Notes = append(one.Notes, api.Note{Kind: n.Kind, Message: views.LocalizeText(ctx, n.Message)})
		}
		answer.Images = append(answer.Images, one)
	}
	for _, why := range t.Refused {
		answer.Refused = append(answer.Refused, views.LocalizeText(ctx, why))
	}
	return answer
}

// uploads lists the uploads that a draft contains, so that a client repeats only the missing ones after a failure.
func (s *Server) uploads(c echo.Context) error {
	there, err := s.draft.Uploaded(c.Request().Context(), batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	all := make([]api.Uploaded, 0, len(there))
	for id, images := range there {
		all = append(all, answerTaken(c.Request().Context(), id, &draft.Ingested{Images: images}))
	}
	return c.JSON(http.StatusOK, all)
}

// datedOf parses the time of a file as sent by a browser; the zero time if it is invalid.
func datedOf(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t
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

// newBatch creates a draft with a default name in the person's language.
func (s *Server) newBatch(c echo.Context, name string) (*batch.Batch, error) {
	ctx := c.Request().Context()
	if strings.TrimSpace(name) == "" {
		name = views.BatchName(ctx, time.Now())
	}
	return s.draft.Create(ctx, draft.NewBatch{Name: name})
}

// createBatch creates a draft. Scripts get its address; a form without JavaScript may contain the pictures.
func (s *Server) createBatch(c echo.Context) error {
	if !takesStream(c) {
		b, err := s.newBatch(c, c.FormValue("name"))
		if err != nil {
			return err
		}
		if wantsPage(c.Request()) {
			return c.Redirect(http.StatusSeeOther, batchURL(b.ID))
		}
		return c.JSON(http.StatusCreated, map[string]string{"id": string(b.ID), "url": batchURL(b.ID)})
	}
	return s.rollingDeadline(func(c echo.Context) error { return s.plainForm(c, "") })(c)
}

// addImages adds pictures to a draft from a form without JavaScript.
func (s *Server) addImages(c echo.Context) error {
	return s.rollingDeadline(func(c echo.Context) error { return s.plainForm(c, batch.ID(c.Param("id"))) })(c)
}

// plainForm adds pictures from a form without JavaScript. Rejected files are listed next to the accepted ones. Without an id it
// creates a draft.
func (s *Server) plainForm(c echo.Context, id batch.ID) error {
	ctx := c.Request().Context()
	form, err := c.Request().MultipartReader() // of the body as wrapped by rollingDeadline
	if err != nil {
		return unreadable(err)
	}
	if id == "" {
		b, err := s.newBatch(c, "")
		if err != nil {
			return err
		}
		id = b.ID
	}
	series, err := s.draft.Series(ctx, id)
	if err != nil {
		return err
	}
	defer series.Stop()
	for {
		part, err := form.NextPart()
		if err == io.EOF { // an EOF inside a part is wrapped: the form is truncated
			break
		}
		if err != nil {
			return brokenOff(err)
		}
		if part.FileName() == "" {
			continue
		}
		if err := series.Add(part.FileName(), part); err != nil {
			return err
		}
	}
	added, err := series.Wait()
	if err != nil {
		return err
	}
	taken, refused := sumUp(ctx, added)
	return s.afterForm(c, id, taken, refused)
}

// sumUp returns how many images were made of the files of a form, and why others were refused.
func sumUp(ctx context.Context, added []draft.Added) (taken int, refused []string) {
	for _, a := range added {
		if a.Refusal != nil {
			refused = append(refused, localize(ctx, a.Refusal))
			continue
		}
		taken += len(a.Ingested.Images)
		for _, why := range a.Ingested.Refused {
			refused = append(refused, views.LocalizeText(ctx, why))
		}
	}
	return taken, refused
}

// brokenOff is the error for a truncated form. A more specific error is returned unchanged.
func brokenOff(err error) error {
	if errs.KindOf(err) != errs.Internal {
		return err
	}
	return errs.Wrap(err, errs.Malformed, "The upload broke off. Go back and send it again.")
}

// afterForm shows the result of a form without JavaScript: the names step, with the rejected files; an empty draft is
// discarded.
func (s *Server) afterForm(c echo.Context, id batch.ID, taken int, refused []string) error {
	ctx := c.Request().Context()
	if taken > 0 && refused == nil {
		return c.Redirect(http.StatusSeeOther, batchURL(id)+"?step=names")
	}
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	images, out, err := s.batches.Draft(ctx, id)
	if err != nil {
		return err
	}
	if len(images)+len(out) == 0 {
		if err := s.retention.Discard(ctx, id); err != nil {
			return err
		}
	}
	if taken == 0 {
		if refused == nil {
			refused = []string{"Choose at least one picture, then send the form again."}
		}
		return errs.New(errs.Invalid, "%s", strings.Join(refused, " "))
	}
	v := s.namesView(c, b, images, out)
	v.Problem = strings.Join(refused, " ")
	return s.render(c, http.StatusUnprocessableEntity, views.NamesPage(v))
}

func batchURL(id batch.ID) string { return "/batches/" + string(id) }

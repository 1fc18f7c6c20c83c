package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// batchPage shows a batch: a draft at the step that is asked for, otherwise how far its reading is.
func (s *Server) batchPage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	if b.Status != batch.Draft {
		v, err := s.liveView(ctx, id)
		if err != nil {
			return err
		}
		v.Shell = s.shell("batches")
		return s.render(c, http.StatusOK, views.LivePage(v))
	}
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return err
	}
	switch step := c.QueryParam("step"); {
	case step == "pictures" || len(images) == 0:
		return s.picturesPage(c, b, images)
	case step == "columns":
		form := formOf(b)
		if name := c.QueryParam("imported"); name != "" {
			form.said, form.saved = views.Say(ctx, "saved.said.imported", oneLine(name)), true
		}
		return s.showColumns(c, b, images, form)
	default:
		return s.render(c, http.StatusOK, views.NamesPage(s.namesView(b, images)))
	}
}

func (s *Server) picturesPage(c echo.Context, b *batch.Batch, images []*batch.Image) error {
	v := views.Pictures{
		Shell: s.shell("batches"), URL: batchURL(b.ID), Name: oneLine(b.Name), Uploader: s.uploader(), Reader: s.reader(c.Request().Context(), b.Engine),
	}
	v.Uploads = true
	v.Uploader.Batch, v.Uploader.Images = v.URL, presentShots(images)
	v.Uploader.Next = batch.NextPosition(images)
	return s.render(c, http.StatusOK, views.PicturesPage(v))
}

func (s *Server) namesView(b *batch.Batch, images []*batch.Image) views.Names {
	return views.Names{Shell: s.shell("batches"), URL: batchURL(b.ID), Name: oneLine(b.Name), Images: presentShots(images)}
}

// typedNames is what a form of names holds: one field "name-N" for each image, and the batch's own name.
type typedNames struct {
	batch  string
	named  bool // the form has the batch's name
	images map[int]string
}

func namesTyped(c echo.Context) (typedNames, error) {
	form, err := c.FormParams()
	if err != nil {
		return typedNames{}, errs.Wrap(err, errs.Invalid, "The names could not be read. Load the page again and type them once more.")
	}
	t := typedNames{images: map[int]string{}}
	for field, values := range form {
		if field == "batch" {
			t.batch, t.named = values[0], true
		}
		if digits, ok := strings.CutPrefix(field, "name-"); ok {
			if n, err := strconv.Atoi(digits); err == nil {
				t.images[n] = values[0]
			}
		}
	}
	return t, nil
}

// save keeps what was typed. An image that was removed meanwhile is passed over.
func (t typedNames) save(ctx context.Context, s *Server, id batch.ID) error {
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return err
	}
	changed := map[int]string{}
	for _, m := range images {
		if name, ok := t.images[m.N]; ok && name != m.Name {
			changed[m.N] = name
		}
	}
	if err := s.batches.RenameImages(ctx, id, changed); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	if !t.named {
		return nil
	}
	_, err = s.batches.RenameBatch(ctx, id, t.batch)
	return err
}

// saveNames keeps names: one by one while they are typed, or all at once from a plain form.
func (s *Server) saveNames(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	typed, err := namesTyped(c)
	if err != nil {
		return err
	}
	err = typed.save(ctx, s, id)
	switch {
	case isFragment(c) && err == nil:
		return c.NoContent(http.StatusNoContent)
	case errs.Is(err, errs.Invalid) && !isFragment(c):
		return s.namesAgain(c, id, typed, err)
	case err != nil:
		return err
	}
	return c.Redirect(http.StatusSeeOther, batchURL(id)+"?step=columns")
}

// namesAgain shows the names as typed, with what is wrong.
func (s *Server) namesAgain(c echo.Context, id batch.ID, typed typedNames, problem error) error {
	ctx := c.Request().Context()
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return err
	}
	v := s.namesView(b, images)
	v.Problem = told(ctx, problem)
	if typed.named {
		v.Name = oneLine(typed.batch)
	}
	for i, m := range v.Images {
		if name, ok := typed.images[m.N]; ok {
			v.Images[i].Name = oneLine(name)
		}
	}
	return s.render(c, http.StatusUnprocessableEntity, views.NamesPage(v))
}

// removeImage takes a picture out of a draft, and keeps the names that were typed beside it.
func (s *Server) removeImage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	if err := s.batches.RemoveImage(ctx, id, n); err != nil {
		return err
	}
	if isFragment(c) {
		images, err := s.batches.Images(ctx, id)
		if err != nil {
			return err
		}
		return s.render(c, http.StatusOK, views.NamesCount(len(images)))
	}
	typed, err := namesTyped(c)
	if err != nil {
		return err
	}
	if err := typed.save(ctx, s, id); errs.Is(err, errs.Invalid) {
		return s.namesAgain(c, id, typed, err)
	} else if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, batchURL(id)+"?step=names")
}

// imageNumber is the image that the address names.
func imageNumber(c echo.Context) (int, error) {
	n, err := strconv.Atoi(c.Param("n"))
	if err != nil || n < 1 {
		return 0, errs.New(errs.NotFound, "There is no such image: the address is wrong.")
	}
	return n, nil
}

package web

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/access"
	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// batchPage shows a batch: the requested step of a draft, otherwise the live page.
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
	if browses(c.Request()) == access.Viewer {
		return s.render(c, http.StatusOK, views.DraftLooked(s.shell("batches"), oneLine(b.Name)))
	}
	images, out, err := s.batches.Draft(ctx, id)
	if err != nil {
		return err
	}
	switch step := c.QueryParam("step"); {
	case step == "pictures" || len(images)+len(out) == 0:
		return s.picturesPage(c, b, images)
	case step == "columns":
		form := formOf(b)
		if name := c.QueryParam("imported"); name != "" {
			form.said, form.saved = views.T(ctx, "saved.said.imported", oneLine(name)), true
		}
		return s.showColumns(c, b, images, form)
	default:
		return s.render(c, http.StatusOK, views.NamesPage(s.namesView(c, b, images, out)))
	}
}

func (s *Server) picturesPage(c echo.Context, b *batch.Batch, images []*batch.Image) error {
	v := views.Pictures{
		Shell: s.shell("batches"), URL: batchURL(b.ID), Name: oneLine(b.Name), Uploader: s.uploader(), Reader: s.reader(c.Request().Context(), b.Engine),
	}
	v.Uploads = true
	v.Uploader.Batch, v.Uploader.Images = v.URL, presentShots(c.Request().Context(), images)
	v.Uploader.Next = batch.NextPosition(images)
	return s.render(c, http.StatusOK, views.PicturesPage(v))
}

// imageNumber returns the image number in the address.
func imageNumber(c echo.Context) (int, error) {
	n, err := strconv.Atoi(c.Param("n"))
	if err != nil || n < 1 {
		return 0, errs.New(errs.NotFound, "There is no such image: the address is wrong.")
	}
	return n, nil
}

package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// imagePage shows one picture beside what was read of it. Before the batch is started it is the naming step.
func (s *Server) imagePage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	if b.Status == batch.Draft {
		return c.Redirect(http.StatusSeeOther, batchURL(id)+"?step=names")
	}
	m, err := s.batches.Image(ctx, id, n)
	if err != nil {
		return err
	}
	if b.Order != nil && placeOf(b, n) == 0 {
		return errs.New(errs.NotFound, "This picture is not part of the batch. Go back to the batch to see those that are.")
	}
	v := presentImage(b, m)
	v.Steer = s.presentSteer(b)
	v.Shell = s.shell("batches")
	return s.render(c, http.StatusOK, views.ImagePage(v))
}

package web

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/progress"
	"sheetlift/views"
)

// liveView returns the page of a started batch with all rows, from the store.
func (s *Server) liveView(ctx context.Context, id batch.ID) (views.Live, error) {
	v, b, images, err := s.headView(ctx, id)
	if err != nil {
		return v, err
	}
	v.Rows = make([]views.Row, 0, len(images))
	for i, m := range images {
		row := s.row(b, m)
		row.Place = i + 1 // set explicitly: during the start the order is not frozen yet
		v.Rows = append(v.Rows, row)
	}
	return v, nil
}

// headView returns that page without its rows.
func (s *Server) headView(ctx context.Context, id batch.ID) (views.Live, *batch.Batch, []*batch.Image, error) {
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return views.Live{}, nil, nil, err
	}
	b = s.progress.Shown(b)
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return views.Live{}, nil, nil, err
	}
	known, err := s.progress.Overview(ctx, id)
	if err != nil {
		known = progress.Overview{} // not loaded yet: the pace is unknown
	}
	v := s.presentLive(b, presentProgress(overviewOf(b, images, known)))
	v.Controls = s.presentControls(b)
	return v, b, images, nil
}

// retryImage retries one image. The response is the page of the request, or the current row.
func (s *Server) retryImage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	if _, err := s.run.RetryWith(ctx, id, []int{n}, withOf(c)); err != nil {
		return err
	}
	s.progress.CatchUp(ctx, id)
	return s.imageSteered(c, id, n)
}

// retryFailed retries all failed images, or those with rows copied from another reading. The response is the batch page or its
// head; rows arrive through the event stream.
func (s *Server) retryFailed(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	if c.FormValue("taken") != "" {
		_, err := s.run.RereadCached(ctx, id)
		if err != nil {
			return err
		}
	} else if _, err := s.run.RetryWith(ctx, id, nil, withOf(c)); err != nil {
		return err
	}
	s.progress.CatchUp(ctx, id)
	return s.respond(c, id)
}

// liveHead is polled by hidden pages instead of the event stream.
func (s *Server) liveHead(c echo.Context) error {
	ctx := c.Request().Context()
	o, err := s.progress.Overview(ctx, batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, s.head(ctx, o))
}

// row returns the row of an image with its actions.
func (s *Server) row(b *batch.Batch, m *batch.Image) views.Row {
	row := presentRow(b, m)
	row.Idle = b.Status == batch.Draft || b.Status == batch.Scheduled
	if m.Status == batch.Failed && b.Engine != offline && m.Engine == "" && b.Options.Fallback != batch.FallbackOff {
		_, _, err := s.readers.Choose(offline)
		row.Offline = err == nil
	}
	return row
}

// offline is the engine for images that another one failed to read.
const offline = "tesseract"

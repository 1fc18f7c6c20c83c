package web

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/views"
)

// liveView is the page of a started batch with all its rows, as the store has it now.
func (s *Server) liveView(ctx context.Context, id batch.ID) (views.Live, error) {
	v, b, images, err := s.headView(ctx, id)
	if err != nil {
		return v, err
	}
	v.Rows = make([]views.Row, 0, len(images))
	for i, m := range images {
		row := s.row(b, m)
		row.Place = i + 1 // also in the moment of the start when the order is not frozen yet
		v.Rows = append(v.Rows, row)
	}
	return v, nil
}

// headView is that page without its rows.
func (s *Server) headView(ctx context.Context, id batch.ID) (views.Live, *batch.Batch, []*batch.Image, error) {
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return views.Live{}, nil, nil, err
	}
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return views.Live{}, nil, nil, err
	}
	board, err := s.board.Overview(ctx, id)
	if err != nil {
		board = batch.Overview{} // not on the board yet: the pace is unknown for a moment
	}
	v := presentLive(b, presentProgress(overviewOf(b, images, board)))
	v.Steer = s.presentSteer(b)
	return v, b, images, nil
}

// retryImage reads one failed image again. The answer is the page it was asked on, or the row as it is now.
func (s *Server) retryImage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	if _, err := s.batches.RetryWith(ctx, id, []int{n}, withOf(c)); err != nil {
		return err
	}
	return s.imageSteered(c, id, n)
}

// retryFailed reads all failed images again, or those whose rows were taken from another reading. The answer is the
// batch's page, or its head; the rows come by the live wire.
func (s *Server) retryFailed(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	if c.FormValue("taken") != "" {
		_, err := s.batches.ReadTaken(ctx, id)
		if err != nil {
			return err
		}
	} else if _, err := s.batches.RetryWith(ctx, id, nil, withOf(c)); err != nil {
		return err
	}
	return s.steered(c, id)
}

// liveHead is what a page that is out of sight asks for instead of the live wire.
func (s *Server) liveHead(c echo.Context) error {
	o, err := s.board.Overview(c.Request().Context(), batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, s.head(o))
}

// row is an image's row, with what a person may do about it.
func (s *Server) row(b *batch.Batch, m *batch.Image) views.Row {
	row := presentRow(b, m)
	row.Idle = b.Status == batch.Draft || b.Status == batch.Scheduled
	if m.Status == batch.Failed && b.Engine != offline && m.Engine == "" && b.Options.Fallback != batch.FallbackOff {
		_, _, err := s.readers.Choose(offline)
		row.Offline = err == nil
	}
	return row
}

// offline is the engine that may read what another one gave up.
const offline = "tesseract"

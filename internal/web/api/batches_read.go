package api

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/errs"
)

// list is GET /api/v1/batches, newest first.
func (a *Batches) list(c echo.Context) error {
	page, next, err := pageOfBatches(c, a.progress.Overviews())
	if err != nil {
		return err
	}
	list := batchList{Batches: []batchInfo{}, Next: next}
	for _, o := range page {
		list.Batches = append(list.Batches, newBatch(progress.WithDoubts(c.Request().Context(), a.batches, o)))
	}
	return c.JSON(http.StatusOK, list)
}

// batchState is a batch as it is told, with its tag.
type batchState struct {
	told batchInfo
	tag  string
}

// answer sends the batch as stored now: a program sees the effect of its own calls, on whichever process it asks.
func (a *Batches) answer(c echo.Context, id batch.ID) error {
	s, err := a.state(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return send(c, s.tag, s.told)
}

// state returns the batch as stored now.
func (a *Batches) state(ctx context.Context, id batch.ID) (s batchState, err error) {
	b, err := a.batches.Batch(ctx, id)
	if err != nil {
		return s, err
	}
	o, err := a.progress.Overview(ctx, id)
	if err != nil && !errs.Is(err, errs.NotFound) { // not loaded: restored just now
		return s, err
	}
	if b.Counts != nil {
		o.Counts = b.Counts.WithColumnIssues(b.Table)
	}
	o.Batch, o.Images = a.progress.Shown(b), max(o.Images, b.Total())
	if o.Images == 0 { // a draft that is not loaded yet
		images, err := a.batches.Images(ctx, id)
		if err != nil {
			return s, err
		}
		o.Images = len(images)
	}
	s.told = newBatch(progress.WithDoubts(ctx, a.batches, o))
	changeable, err := changeableOf(b)
	if err != nil {
		return s, err
	}
	steady := s.told
	steady.PerMinute, steady.Left = 0, 0 // pass with time
	s.tag, err = tagOf(changeable, steady)
	return s, err
}

// images is GET /api/v1/batches/{id}/images, in batch order, without rows and text.
func (a *Batches) images(c echo.Context) error {
	images, err := a.batches.Images(c.Request().Context(), idOf(c))
	if err != nil {
		return err
	}
	b, err := a.batches.Batch(c.Request().Context(), idOf(c))
	if err != nil {
		return err
	}
	doubt.MarkDuplicates(b, images)
	page, next, err := pageOfImages(c, images)
	if err != nil {
		return err
	}
	all := make([]imageInfo, 0, len(page))
	for _, m := range page {
		all = append(all, newImage(m))
	}
	return sendTagged(c, imageList{all, next})
}

// image is GET /api/v1/batches/{id}/images/{n}, with every attempt, rows and text.
func (a *Batches) image(c echo.Context) error {
	n, err := numberOf(c)
	if err != nil {
		return err
	}
	return a.answerImage(c, n)
}

func (a *Batches) answerImage(c echo.Context, n int) error {
	ctx := c.Request().Context()
	b, err := a.batches.Batch(ctx, idOf(c))
	if err != nil {
		return err
	}
	m, err := a.batches.Image(ctx, idOf(c), n)
	if err != nil {
		return err
	}
	if b, err = a.edit.Mark(ctx, b, m); err != nil {
		return err
	}
	changeable, err := changeableOfImage(m)
	if err != nil {
		return err
	}
	whole := newWholeImage(b, m)
	tag, err := tagOf(changeable, whole)
	if err != nil {
		return err
	}
	return send(c, tag, whole)
}

// rows is GET /api/v1/batches/{id}/rows: all rows read so far, image by image in batch order.
func (a *Batches) rows(c echo.Context) error {
	ctx := c.Request().Context()
	b, err := a.batches.Batch(ctx, idOf(c))
	if err != nil {
		return err
	}
	images, err := a.batches.Images(ctx, idOf(c))
	if err != nil {
		return err
	}
	rows, next, err := pageOfRows(c, batch.Judged(b, images), images)
	if err != nil {
		return err
	}
	return sendTagged(c, rowList{rows, next})
}

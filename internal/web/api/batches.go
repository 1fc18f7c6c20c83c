package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Batches is the endpoints below /api/v1/batches. Every one may be repeated, and by two programs at once, without another
// effect; docs/api.md shows each.
type Batches struct {
	batches *batch.Service
	board   *batch.Board
}

// NewBatches returns the endpoints over the use cases.
func NewBatches(batches *batch.Service, board *batch.Board) *Batches {
	return &Batches{batches: batches, board: board}
}

// Register adds the endpoints to the group of /api/v1/batches.
func (a *Batches) Register(g *echo.Group) {
	g.POST("", a.create)
	g.GET("", a.list)
	b := g.Group("/:id")
	b.GET("", a.one)
	b.PATCH("", a.change)
	b.DELETE("", a.remove)
	b.POST("/undelete", a.does(a.batches.Undelete))
	b.POST("/start", a.start)
	b.POST("/unschedule", a.does(a.batches.Unschedule))
	b.POST("/pause", a.because(a.batches.Pause))
	b.POST("/resume", a.because(a.batches.Resume))
	b.POST("/cancel", a.does(a.batches.Cancel))
	b.POST("/retry", a.retry)
	b.GET("/images", a.images)
	b.GET("/images/:n", a.image)
	b.PATCH("/images/:n", a.changeImage)
	b.POST("/images/:n/cancel", a.cancelImage)
	b.POST("/images/:n/retry", a.retryImage)
	b.GET("/rows", a.rows)
}

// maxBody bounds what a program may ask with; columns are the most of it.
const maxBody = 1 << 20

// read understands the body as v. No body at all leaves v as it is.
func read(c echo.Context, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		if errs.KindOf(err) != errs.Internal {
			return err
		}
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return err
		}
		if wrong, ok := errors.AsType[*time.ParseError](err); ok {
			return errs.New(errs.Invalid, "start_at is %s; send a time such as 2026-12-31T06:00:00Z.", wrong.Value)
		}
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return errs.New(errs.Invalid, "The field %q is a %s and should be a %s.", wrong.Field, wrong.Value, wrong.Type.Kind())
		}
		return errs.New(errs.Invalid, "The body is not the JSON that is wanted here: %s.", strings.TrimPrefix(err.Error(), "json: "))
	case d.More():
		return errs.New(errs.Invalid, "The body holds more than one JSON value; send one.")
	}
	return nil
}

func idOf(c echo.Context) batch.ID { return batch.ID(c.Param("id")) }

func numberOf(c echo.Context) (int, error) {
	n, err := strconv.Atoi(c.Param("n"))
	if err != nil || n < 1 {
		return 0, errs.New(errs.NotFound, "There is no such image: the address is wrong.")
	}
	return n, nil
}

// wishes is what a batch may begin with. Each may be missing.
type wishes struct {
	Name       string         `json:"name"`
	Preset     string         `json:"preset"`  // "inventory", "receipt" or "any"
	Columns    []table.Column `json:"columns"` // of one's own, instead of a preset
	Single     bool           `json:"single"`  // with columns of one's own: one row an image
	Engine     string         `json:"engine"`
	AtOnce     *int           `json:"at_once"`
	MaxRetries *int           `json:"max_retries"`
	RetryDelay *int           `json:"retry_delay_ms"`
	Fallback   string         `json:"fallback"`
	Keep       *string        `json:"keep"`
	Priority   batch.Priority `json:"priority"`
	Fresh      bool           `json:"fresh"` // what was read of the same pictures before does not count
}

func (w wishes) draft() (batch.NewBatch, error) {
	n := batch.NewBatch{Name: w.Name, Engine: w.Engine, Priority: w.Priority}
	o := batch.DefaultOptions()
	o.Fresh = w.Fresh
	if w.AtOnce != nil {
		o.AtOnce = *w.AtOnce
	}
	if w.MaxRetries != nil {
		o.MaxRetries = *w.MaxRetries
	}
	if w.RetryDelay != nil {
		o.RetryDelay = time.Duration(*w.RetryDelay) * time.Millisecond
	}
	if w.Fallback != "" {
		o.Fallback = batch.Fallback(w.Fallback)
	}
	if w.Keep != nil {
		var err error
		if o.Keep, err = batch.ParseKeep(*w.Keep); err != nil {
			return n, err
		}
	}
	n.Options = &o
	switch {
	case len(w.Columns) > 0 && w.Preset != "":
		return n, errs.New(errs.Invalid, "Send either a preset or columns of your own, not both.")
	case len(w.Columns) > 0:
		n.Table = &table.Table{Columns: w.Columns, Single: w.Single}
	case w.Preset != "":
		t, known := table.Preset(w.Preset)
		if !known {
			return n, errs.New(errs.Invalid, "preset is %q; use inventory, receipt or any.", w.Preset)
		}
		n.Table = &t
	}
	return n, nil
}

// create is POST /api/v1/batches. With the header Idempotency-Key it makes one batch however often it is sent.
func (a *Batches) create(c echo.Context) error {
	var w wishes
	if err := read(c, &w); err != nil {
		return err
	}
	n, err := w.draft()
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if key := c.Request().Header.Get("Idempotency-Key"); key != "" {
		sum := sha256.Sum256([]byte(key))
		n.ID = batch.IDOf([16]byte(sum[:16]))
		if there, err := a.board.Overview(ctx, n.ID); err == nil {
			return c.JSON(http.StatusOK, newBatch(there))
		}
	}
	b, err := a.batches.Create(ctx, n)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", "/api/v1/batches/"+string(b.ID))
	return c.JSON(http.StatusCreated, newBatch(batch.Overview{Batch: b}))
}

// list is GET /api/v1/batches, the newest first.
func (a *Batches) list(c echo.Context) error {
	all := []batchInfo{}
	for _, o := range a.board.Overviews() {
		all = append(all, newBatch(o))
	}
	return c.JSON(http.StatusOK, map[string]any{"batches": all})
}

// one is GET /api/v1/batches/{id}.
func (a *Batches) one(c echo.Context) error { return a.answer(c, idOf(c)) }

// answer is the batch as the store has it now: a program sees what it has just done, whichever process it asks.
func (a *Batches) answer(c echo.Context, id batch.ID) error {
	ctx := c.Request().Context()
	b, err := a.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	o, err := a.board.Overview(ctx, id)
	if err != nil && !errs.Is(err, errs.NotFound) { // brought back a moment ago
		return err
	}
	if b.Counts != nil {
		o.Counts = *b.Counts
	}
	o.Batch, o.Images = b, max(o.Images, b.Total())
	return c.JSON(http.StatusOK, newBatch(o))
}

// does makes an endpoint of what may be done about a batch.
func (a *Batches) does(do func(context.Context, batch.ID) (*batch.Batch, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		if _, err := do(c.Request().Context(), idOf(c)); err != nil {
			return err
		}
		return a.answer(c, idOf(c))
	}
}

// because is does for what needs a reason; here it is always a person's.
func (a *Batches) because(do func(context.Context, batch.ID, batch.PauseReason) (*batch.Batch, error)) echo.HandlerFunc {
	return a.does(func(ctx context.Context, id batch.ID) (*batch.Batch, error) { return do(ctx, id, batch.PausedByUser) })
}

// start is POST /api/v1/batches/{id}/start: now, or at a time in RFC 3339.
func (a *Batches) start(c echo.Context) error {
	var w struct {
		At       *time.Time      `json:"start_at"`
		Priority *batch.Priority `json:"priority"`
		AtOnce   *int            `json:"at_once"`
	}
	if err := read(c, &w); err != nil {
		return err
	}
	ctx, id := c.Request().Context(), idOf(c)
	if err := a.set(ctx, id, changes{Priority: w.Priority, AtOnce: w.AtOnce}); err != nil {
		return err
	}
	var err error
	if w.At != nil {
		_, err = a.batches.Schedule(ctx, id, *w.At)
	} else {
		_, err = a.batches.Start(ctx, id)
	}
	if err != nil {
		return err
	}
	return a.answer(c, id)
}

// change is PATCH /api/v1/batches/{id}.
func (a *Batches) change(c echo.Context) error {
	var w changes
	if err := read(c, &w); err != nil {
		return err
	}
	if err := a.set(c.Request().Context(), idOf(c), w); err != nil {
		return err
	}
	return a.answer(c, idOf(c))
}

// remove is DELETE /api/v1/batches/{id}; for a minute it can be taken back.
func (a *Batches) remove(c echo.Context) error {
	if err := a.batches.Delete(c.Request().Context(), idOf(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// again is how images are to be read again.
type again struct {
	Images []int  `json:"images"` // missing: all that failed
	Engine string `json:"engine"`
	Model  string `json:"model"`
	Fresh  bool   `json:"fresh"` // completed ones too
}

// retry is POST /api/v1/batches/{id}/retry.
func (a *Batches) retry(c echo.Context) error {
	var w again
	if err := read(c, &w); err != nil {
		return err
	}
	n, err := a.batches.RetryWith(c.Request().Context(), idOf(c), w.Images, batch.With{Engine: w.Engine, Model: w.Model, Fresh: w.Fresh})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]int{"retried": n})
}

// retryImage is POST /api/v1/batches/{id}/images/{n}/retry.
func (a *Batches) retryImage(c echo.Context) error {
	var w again
	if err := read(c, &w); err != nil {
		return err
	}
	n, err := numberOf(c)
	switch {
	case err != nil:
		return err
	case w.Images != nil:
		return errs.New(errs.Invalid, "The address names the image; leave images out.")
	}
	with := batch.With{Engine: w.Engine, Model: w.Model, Fresh: w.Fresh}
	if _, err := a.batches.RetryWith(c.Request().Context(), idOf(c), []int{n}, with); err != nil {
		return err
	}
	return a.answerImage(c, n)
}

// cancelImage is POST /api/v1/batches/{id}/images/{n}/cancel.
func (a *Batches) cancelImage(c echo.Context) error {
	n, err := numberOf(c)
	if err != nil {
		return err
	}
	if _, err := a.batches.CancelImage(c.Request().Context(), idOf(c), n); err != nil {
		return err
	}
	return a.answerImage(c, n)
}

// changeImage is PATCH /api/v1/batches/{id}/images/{n}.
func (a *Batches) changeImage(c echo.Context) error {
	var w struct {
		Name     *string         `json:"name"`
		Priority *batch.Priority `json:"priority"`
	}
	if err := read(c, &w); err != nil {
		return err
	}
	ctx := c.Request().Context()
	n, err := numberOf(c)
	if err == nil && w.Priority != nil {
		_, err = a.batches.SetImagePriority(ctx, idOf(c), n, *w.Priority)
	}
	if err == nil && w.Name != nil {
		_, err = a.batches.RenameImage(ctx, idOf(c), n, *w.Name)
	}
	if err != nil {
		return err
	}
	return a.answerImage(c, n)
}

// images is GET /api/v1/batches/{id}/images, in the batch's order, without what was read.
func (a *Batches) images(c echo.Context) error {
	images, err := a.batches.Images(c.Request().Context(), idOf(c))
	if err != nil {
		return err
	}
	all := make([]imageInfo, 0, len(images))
	for _, m := range images {
		all = append(all, newImage(m))
	}
	return c.JSON(http.StatusOK, map[string]any{"images": all})
}

// image is GET /api/v1/batches/{id}/images/{n}, with every try and what was read.
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
	return c.JSON(http.StatusOK, newWholeImage(b, m))
}

// rows is GET /api/v1/batches/{id}/rows: everything read so far, image by image in the batch's order.
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
	all := []rowInfo{}
	for _, m := range images {
		all = append(all, newRows(b.Table, m)...)
	}
	return c.JSON(http.StatusOK, map[string]any{"rows": all})
}

// changes is what may be changed of a batch at any time.
type changes struct {
	Name     *string         `json:"name"`
	Priority *batch.Priority `json:"priority"`
	AtOnce   *int            `json:"at_once"`
	Keep     *string         `json:"keep"`
	Fallback *batch.Fallback `json:"fallback"`
}

func (a *Batches) set(ctx context.Context, id batch.ID, w changes) (err error) {
	var keep time.Duration
	if w.Keep != nil {
		if keep, err = batch.ParseKeep(*w.Keep); err != nil {
			return err
		}
		_, err = a.batches.SetKeep(ctx, id, keep)
	}
	if err == nil && w.Priority != nil {
		_, err = a.batches.SetPriority(ctx, id, *w.Priority)
	}
	if err == nil && w.AtOnce != nil {
		_, err = a.batches.SetAtOnce(ctx, id, *w.AtOnce)
	}
	if err == nil && w.Fallback != nil {
		_, err = a.batches.SetFallback(ctx, id, *w.Fallback)
	}
	if err == nil && w.Name != nil {
		_, err = a.batches.RenameBatch(ctx, id, *w.Name)
	}
	return err
}

package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/retention"
	"sheetlift/internal/batch/run"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Batches are the endpoints below /api/v1/batches. All are idempotent, also under concurrent calls by two programs; docs/api.md
// describes each.
type Batches struct {
	batches   *batch.Batches
	draft     *draft.Service
	settings  *settings.Service
	run       *run.Service
	retention *retention.Service
	edit      *edit.Service
	progress  *progress.Progress
	waiting   Waiting
}

// NewBatches returns the endpoints over the use cases.
func NewBatches(u *usecases.Services, progress *progress.Progress, waiting Waiting) *Batches {
	return &Batches{
		batches: u.Batches, draft: u.Draft, settings: u.Settings, run: u.Run, retention: u.Retention, edit: u.Edit, progress: progress, waiting: waiting,
	}
}

// Register adds the endpoints to the group of /api/v1/batches.
func (a *Batches) Register(g *echo.Group) {
	g.POST("", a.create)
	g.GET("", a.list)
	b := g.Group("/:id")
	b.GET("", a.one)
	b.PATCH("", a.change)
	b.DELETE("", a.remove)
	b.POST("/undelete", a.does(a.retention.Undelete))
	b.POST("/start", a.start)
	b.POST("/unschedule", a.does(a.run.Unschedule))
	b.POST("/pause", a.because(a.run.Pause))
	b.POST("/resume", a.because(a.run.Resume))
	b.POST("/cancel", a.does(a.run.Cancel))
	b.POST("/retry", a.retry)
	b.GET("/images", a.images)
	b.GET("/images/:n", a.image)
	b.PATCH("/images/:n", a.changeImage)
	b.POST("/images/:n/cancel", a.cancelImage)
	b.POST("/images/:n/retry", a.retryImage)
	b.GET("/rows", a.rows)
}

// maxBody is the limit of a request body; columns are its largest part.
const maxBody = 1 << 20

// read decodes the body into v. An empty body leaves v unchanged.
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
			return errs.At("start_at", errs.New(errs.Invalid, "start_at is %s; send a time such as 2026-12-31T06:00:00Z.", wrong.Value))
		}
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return errs.As("wrong_type", errs.At(wrong.Field, errs.New(errs.Invalid, "The field %q holds the wrong kind of value. Send %s.", wrong.Field, kindOf(wrong.Type))))
		}
		if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
			return errs.As("unknown_field", errs.At(strings.Trim(field, `"`), errs.New(errs.Invalid, "There is no field %s here. Leave it out, or correct its name.", field)))
		}
		return errs.As("not_json", errs.New(errs.Invalid, "The body is not proper JSON. Send one JSON object."))
	case d.More():
		return errs.As("not_json", errs.New(errs.Invalid, "The body holds more than one JSON value; send one."))
	}
	return nil
}

// kindOf returns the JSON type that a field of type t accepts, as a phrase.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "a whole number"
	}
}

func idOf(c echo.Context) batch.ID { return batch.ID(c.Param("id")) }

func numberOf(c echo.Context) (int, error) {
	n, err := strconv.Atoi(c.Param("n"))
	if err != nil || n < 1 {
		return 0, errs.New(errs.NotFound, "There is no such image: the address is wrong.")
	}
	return n, nil
}

// wishes is the request body for a new batch. Every field is optional.
type wishes struct {
	Name       string         `json:"name"`
	Preset     string         `json:"preset"`  // "inventory", "receipt" or "any"
	Columns    []table.Column `json:"columns"` // custom columns, instead of a preset
	Single     bool           `json:"single"`  // with custom columns: one row per image
	Engine     string         `json:"engine"`
	Model      string         `json:"model"`    // default: the model of the settings
	Thinking   string         `json:"thinking"` // default: the lowest level of the model
	AtOnce     *int           `json:"at_once"`
	MaxRetries *int           `json:"max_retries"`
	RetryDelay *int           `json:"retry_delay_ms"`
	Fallback   string         `json:"fallback"`
	Witness    batch.Witness  `json:"witness"` // default: as the settings say
	Keep       *string        `json:"keep"`
	Priority   batch.Priority `json:"priority"`
	Fresh      bool           `json:"fresh"` // ignore earlier readings of the same pictures
}

func (w wishes) draft() (draft.NewBatch, error) {
	n := draft.NewBatch{Name: w.Name, Engine: w.Engine, Model: w.Model, Thinking: w.Thinking, Priority: w.Priority}
	o := batch.DefaultOptions()
	o.Fresh, o.Witness = w.Fresh, w.Witness
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
		if o.Keep, err = settings.ParseKeep(*w.Keep); err != nil {
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
			return n, errs.At("preset", errs.New(errs.Invalid, "preset is %q; use inventory, receipt or any.", w.Preset))
		}
		n.Table = &t
	}
	return n, nil
}

// create is POST /api/v1/batches. With an Idempotency-Key header, repeated requests create one batch.
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
		if n.Asked, err = digestOf(w); err != nil {
			return err
		}
		if there, err := a.batches.Batch(ctx, n.ID); err == nil {
			return a.again(c, there, n.Asked)
		}
	}
	b, err := a.draft.Create(ctx, n)
	if errs.Is(err, errs.Conflict) && n.Asked != "" { // the same request, sent twice at once
		if there, loadErr := a.batches.Batch(ctx, n.ID); loadErr == nil {
			return a.again(c, there, n.Asked)
		}
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", "/api/v1/batches/"+string(b.ID))
	return c.JSON(http.StatusCreated, newBatch(progress.Overview{Batch: b}))
}

// again answers a repeated request; Conflict if its content differs from the first one.
func (a *Batches) again(c echo.Context, there *batch.Batch, asked string) error {
	if there.Asked != "" && there.Asked != asked {
		return errs.As("key_reused", errs.At("header.Idempotency-Key", errs.New(errs.Conflict, "The Idempotency-Key was used for another request, which made the batch %s. Use a key of its own for this one.", string(there.ID))))
	}
	return a.answer(c, there.ID)
}

// digestOf returns the digest of a request; equal requests have equal digests.
func digestOf(w wishes) (string, error) {
	data, err := json.Marshal(w)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), err
}

// does returns an endpoint that calls do on the batch and answers with the batch.
func (a *Batches) does(do func(context.Context, batch.ID) (*batch.Batch, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		if _, err := do(c.Request().Context(), idOf(c)); err != nil {
			return err
		}
		return a.answer(c, idOf(c))
	}
}

// because is does for actions with a reason, which is always PausedByUser here.
func (a *Batches) because(do func(context.Context, batch.ID, batch.PauseReason) (*batch.Batch, error)) echo.HandlerFunc {
	return a.does(func(ctx context.Context, id batch.ID) (*batch.Batch, error) { return do(ctx, id, batch.PausedByUser) })
}

// start is POST /api/v1/batches/{id}/start: now, or at a time in RFC 3339.
func (a *Batches) start(c echo.Context) error {
	var w startWishes
	if err := read(c, &w); err != nil {
		return err
	}
	ctx, id := c.Request().Context(), idOf(c)
	set := settings.Settings{Priority: w.Priority, AtOnce: w.AtOnce}
	var err error
	if w.At != nil {
		_, err = a.run.ScheduleWith(ctx, id, *w.At, set)
	} else {
		_, err = a.run.StartWith(ctx, id, set)
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
	set, err := w.settings()
	if err != nil {
		return err
	}
	set.If = condition(c, changeableOf)
	if _, err := a.settings.Set(c.Request().Context(), idOf(c), set); err != nil {
		return err
	}
	return a.answer(c, idOf(c))
}

// remove is DELETE /api/v1/batches/{id}; it can be undone for a minute.
func (a *Batches) remove(c echo.Context) error {
	if err := a.retention.Delete(c.Request().Context(), idOf(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// again is the request body of a retry.
type again struct {
	Images   []int  `json:"images"` // default: all failed images
	Engine   string `json:"engine"`
	Model    string `json:"model"`
	Thinking string `json:"thinking"`
	Fresh    bool   `json:"fresh"` // completed images too
}

// retry is POST /api/v1/batches/{id}/retry.
func (a *Batches) retry(c echo.Context) error {
	var w again
	if err := read(c, &w); err != nil {
		return err
	}
	n, err := a.run.RetryWith(c.Request().Context(), idOf(c), w.Images, batch.ReadAs{Engine: w.Engine, Model: w.Model, Thinking: w.Thinking, Fresh: w.Fresh})
	if err != nil {
		return err
	}
	a.progress.CatchUp(c.Request().Context(), idOf(c))
	return c.JSON(http.StatusOK, retried{n})
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
		return errs.At("images", errs.New(errs.Invalid, "The address names the image; leave images out."))
	}
	with := batch.ReadAs{Engine: w.Engine, Model: w.Model, Thinking: w.Thinking, Fresh: w.Fresh}
	if _, err := a.run.RetryWith(c.Request().Context(), idOf(c), []int{n}, with); err != nil {
		return err
	}
	a.progress.CatchUp(c.Request().Context(), idOf(c))
	return a.answerImage(c, n)
}

// cancelImage is POST /api/v1/batches/{id}/images/{n}/cancel.
func (a *Batches) cancelImage(c echo.Context) error {
	n, err := numberOf(c)
	if err != nil {
		return err
	}
	if _, err := a.run.CancelImage(c.Request().Context(), idOf(c), n); err != nil {
		return err
	}
	return a.answerImage(c, n)
}

// changeImage is PATCH /api/v1/batches/{id}/images/{n}.
func (a *Batches) changeImage(c echo.Context) error {
	var w imageChanges
	if err := read(c, &w); err != nil {
		return err
	}
	n, err := numberOf(c)
	if err != nil {
		return err
	}
	if _, err := a.settings.SetImage(c.Request().Context(), idOf(c), n, settings.ImageSettings{Name: w.Name, Priority: w.Priority, If: condition(c, changeableOfImage)}); err != nil {
		return err
	}
	return a.answerImage(c, n)
}

// changes is the request body of a change to a batch, which is allowed at any time.
type changes struct {
	Name     *string         `json:"name"`
	Priority *batch.Priority `json:"priority"`
	AtOnce   *int            `json:"at_once"`
	Keep     *string         `json:"keep"`
	Fallback *batch.Fallback `json:"fallback"`
	Witness  *batch.Witness  `json:"witness"`
	Model    *string         `json:"model"`    // "" is the model of the settings
	Thinking *string         `json:"thinking"` // "" is the lowest level of the model

	Decimal map[string]table.Mark `json:"decimal"` // of number columns, by name: comma, point, or "" to follow the evidence in their values
}

func (w changes) settings() (settings.Settings, error) {
	set := settings.Settings{Name: w.Name, Priority: w.Priority, AtOnce: w.AtOnce, Fallback: w.Fallback, Witness: w.Witness, Model: w.Model, Thinking: w.Thinking, Decimal: w.Decimal}
	if w.Keep == nil {
		return set, nil
	}
	keep, err := settings.ParseKeep(*w.Keep)
	set.Keep = &keep
	return set, err
}

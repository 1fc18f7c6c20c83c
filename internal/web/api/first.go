// Package api implements the endpoints for programs: batches and keys as JSON, and the three endpoints of the first version in
// their original formats.
package api

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/retention"
	"sheetlift/internal/batch/run"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/errs"
)

// First are the endpoints of the first version.
type First struct {
	batches   *batch.Batches
	draft     *draft.Service
	settings  *settings.Service
	run       *run.Service
	retention *retention.Service
	progress  *progress.Progress
	maxBytes  int64
}

// New returns the endpoints over the use cases; maxBytes is the limit of one file.
func New(u *usecases.Services, progress *progress.Progress, maxBytes int64) *First {
	return &First{batches: u.Batches, draft: u.Draft, settings: u.Settings, run: u.Run, retention: u.Retention, progress: progress, maxBytes: maxBytes}
}

// rejected is a file that was refused.
type rejected struct {
	Filename string `json:"filename"`
	Reason   string `json:"reason"`
}

// maxField is the size limit of a form field that is not a file.
const maxField = 64 << 10

// Process accepts pictures and settings in one multipart form, in any order, and starts a batch. It answers once every picture
// is durable; the batch then runs independent of the caller.
func (f *First) Process(c echo.Context) error {
	r := c.Request()
	form, err := r.MultipartReader()
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "Send the pictures as multipart/form-data, each in a field named images.")
	}
	p := newParams(r)
	if _, err := p.settings(); err != nil {
		return err // query and headers are checked before the body is read
	}
	b, err := f.draft.Create(r.Context(), draft.NewBatch{})
	if err != nil {
		return err
	}
	started, refused, err := f.fill(r.Context(), b.ID, form, p)
	if err != nil {
		// The caller gets no job id, so nothing may stay, even after the caller disconnected.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 10*time.Second)
		defer cancel()
		return errors.Join(err, ignoreConflict(f.retention.Discard(ctx, b.ID)))
	}
	return c.JSON(http.StatusOK, accepted{Success: true, JobID: started.ID, Total: started.Total(), Status: "processing_started", Rejected: refused})
}

func ignoreConflict(err error) error {
	if errs.Is(err, errs.Conflict) {
		return nil
	}
	return err
}

// fill reads the form into the draft and starts the batch.
func (f *First) fill(ctx context.Context, id batch.ID, form *multipart.Reader, p *params) (*batch.Batch, []rejected, error) {
	added, err := f.read(ctx, id, form, p)
	if err != nil {
		return nil, nil, err
	}
	s, err := p.settings()
	if err != nil {
		return nil, nil, err
	}
	refused := refusals(added)
	if !slices.ContainsFunc(added, func(a draft.Added) bool { return a.Refusal == nil }) {
		if len(refused) == 0 {
			return nil, nil, errs.New(errs.Invalid, "There are no pictures in this form. Send each in a field named images.")
		}
		return nil, nil, errs.New(errs.Invalid, "None of the %d files can be used. %s", len(refused), reasons(refused))
	}
	for i, a := range added {
		if name := p.name(i); name != "" && a.Refusal == nil {
			if err := f.rename(ctx, a.Ingested.Images, name); err != nil {
				return nil, nil, err
			}
		}
	}
	if _, err := f.draft.SetDraft(ctx, id, s.table, s.options, s.engine, settings.Settings{}); err != nil {
		return nil, nil, err
	}
	b, err := f.run.Start(ctx, id)
	return b, refused, err
}

// rename gives the images of a file the name sent for it, with part numbers if there are several.
func (f *First) rename(ctx context.Context, images []*batch.Image, name string) error {
	for _, m := range images {
		own := name
		if len(images) > 1 {
			own += " " + strconv.Itoa(m.Part)
		}
		if _, err := f.settings.RenameImage(ctx, m.Batch, m.N, own); err != nil {
			return err
		}
	}
	return nil
}

// reasons joins the first few refusals into one text.
func reasons(refused []rejected) string {
	text := ""
	for i, r := range refused {
		if i == 5 {
			return text + "And so on."
		}
		text += r.Reason + " "
	}
	return text
}

// read stores the files as they arrive and collects the fields. A refused file does not stop the others.
func (f *First) read(ctx context.Context, id batch.ID, form *multipart.Reader, p *params) ([]draft.Added, error) {
	series, err := f.draft.Series(ctx, id)
	if err != nil {
		return nil, err
	}
	defer series.Stop()
	for {
		part, err := form.NextPart()
		if err == io.EOF { // an EOF inside a part is wrapped: the form is truncated
			return series.Wait()
		}
		if err != nil {
			return nil, broken(err)
		}
		if part.FileName() == "" {
			if err := p.field(part); err != nil {
				return nil, err
			}
			continue
		}
		if series.Full() {
			return nil, errs.New(errs.Invalid, "A batch holds at most %d images; this form has more. Send them as several batches.", f.draft.MaxImages())
		}
		if err := series.Add(part.FileName(), part); err != nil {
			return nil, err
		}
	}
}

// refusals lists the files, and parts of files, that were refused.
func refusals(added []draft.Added) []rejected {
	var all []rejected
	for _, a := range added {
		name := batch.BaseName(a.Filename)
		if a.Refusal != nil {
			all = append(all, rejected{name, errs.Message(a.Refusal)})
			continue
		}
		for _, why := range a.Ingested.Refused {
			all = append(all, rejected{name, why})
		}
	}
	return all
}

func broken(err error) error {
	if errs.KindOf(err) != errs.Internal {
		return err
	}
	return errs.Wrap(err, errs.Malformed, "The upload broke off or is not a proper form. Send it again.")
}

// Status is GET /batch-status/{job_id}.
func (f *First) Status(c echo.Context) error {
	o, err := f.progress.Overview(c.Request().Context(), batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, newStatus(o))
}

// Results is GET /batch-results/{job_id}: the results so far.
func (f *First) Results(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	o, err := f.progress.Overview(ctx, id)
	if err != nil {
		return err
	}
	images, err := f.batches.Images(ctx, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, newResults(o, images))
}

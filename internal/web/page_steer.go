package web

import (
	"context"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// steer makes a handler of something that a person may do about a batch. The answer is the batch's page, or what of it
// changes besides the rows, which come by the live wire.
func (s *Server) steer(do func(ctx context.Context, id batch.ID) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
		if err := do(ctx, id); err != nil {
			return err
		}
		return s.steered(c, id)
	}
}

func (s *Server) steered(c echo.Context, id batch.ID) error {
	if !isFragment(c) {
		return c.Redirect(http.StatusSeeOther, batchURL(id))
	}
	ctx := c.Request().Context()
	v, _, _, err := s.headView(ctx, id)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, templ.Join(views.LiveHead(v), views.Aloud(views.Say(ctx, "said."+path.Base(c.Path())))))
}

func (s *Server) pauseBatch(ctx context.Context, id batch.ID) error {
	_, err := s.batches.Pause(ctx, id, batch.PausedByUser)
	return err
}

func (s *Server) resumeBatch(ctx context.Context, id batch.ID) error {
	_, err := s.batches.Resume(ctx, id, batch.PausedByUser)
	return err
}

func (s *Server) cancelBatch(ctx context.Context, id batch.ID) error {
	_, err := s.batches.Cancel(ctx, id)
	return err
}

// readOffline has the offline engine read what waits for a key.
func (s *Server) readOffline(ctx context.Context, id batch.ID) error {
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	if b.Order == nil || b.Over() {
		return errs.New(errs.Conflict, "Nothing of this batch waits to be read.")
	}
	if _, _, err := s.readers.Choose(offline); err != nil {
		return err
	}
	_, err = s.batches.SetFallback(ctx, id, batch.FallbackAlways)
	return err
}

func (s *Server) undeleteBatch(ctx context.Context, id batch.ID) error {
	_, err := s.batches.Undelete(ctx, id)
	return err
}

func (s *Server) unscheduleBatch(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	if _, err := s.batches.Unschedule(c.Request().Context(), id); err != nil {
		return err
	}
	return s.leave(c, batchURL(id)+"?step=columns")
}

// catchUp is how long the first page may take to learn what was pressed.
const catchUp = 2 * time.Second

// deleteBatch hides a batch; the first page offers to bring it back.
func (s *Server) deleteBatch(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	if err := s.batches.Delete(c.Request().Context(), id); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), catchUp)
	defer cancel()
	s.board.Until(ctx, id, func(b *batch.Batch) bool { return b == nil || !b.Deleted.IsZero() })
	return s.leave(c, "/")
}

// leave goes to another page, also when htmx asked.
func (s *Server) leave(c echo.Context, address string) error {
	if isFragment(c) {
		c.Response().Header().Set("HX-Redirect", address)
		return c.NoContent(http.StatusNoContent)
	}
	return c.Redirect(http.StatusSeeOther, address)
}

// setBatch takes what the menu of a started batch holds. Each field may be missing.
func (s *Server) setBatch(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	if p := c.FormValue("priority"); p != "" {
		if _, err := s.batches.SetPriority(ctx, id, batch.Priority(p)); err != nil {
			return err
		}
	}
	if typed := strings.TrimSpace(c.FormValue("at_once")); typed != "" {
		n, err := strconv.Atoi(typed)
		if err != nil {
			return errs.New(errs.Invalid, "Images at once is “%s”; choose a number from 1 to 64.", oneLine(typed))
		}
		if _, err := s.batches.SetAtOnce(ctx, id, n); err != nil {
			return err
		}
	}
	if typed := c.FormValue("keep"); typed != "" {
		keep, err := batch.ParseKeep(typed)
		if err != nil {
			return err
		}
		if _, err := s.batches.SetKeep(ctx, id, keep); err != nil {
			return err
		}
	}
	return s.steered(c, id)
}

// cancelImage takes one image out of the work. The answer is the page it was asked on, or the row as it is now.
func (s *Server) cancelImage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	if _, err := s.batches.CancelImage(ctx, id, n); err != nil {
		return err
	}
	return s.imageSteered(c, id, n)
}

// setImage takes the priority of one image that waits. The answer is that of cancelImage.
func (s *Server) setImage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	if _, err := s.batches.SetImagePriority(ctx, id, n, batch.Priority(c.FormValue("priority"))); err != nil {
		return err
	}
	return s.imageSteered(c, id, n)
}

func (s *Server) imageSteered(c echo.Context, id batch.ID, n int) error {
	ctx := c.Request().Context()
	if !isFragment(c) {
		back := batchURL(id)
		if c.FormValue("back") == "image" {
			back = imageURL(id, n)
		}
		return c.Redirect(http.StatusSeeOther, back)
	}
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	m, err := s.batches.Image(ctx, id, n)
	if err != nil {
		return err
	}
	did := path.Base(c.Path())
	if did == "priority" {
		did = priorityWord(m.Priority)
	}
	return s.render(c, http.StatusOK, templ.Join(views.LiveRow(s.row(b, m)), views.Aloud(views.Say(ctx, "said.image."+did, oneLine(m.Name)))))
}

// withOf is how a form wants an image read again.
func withOf(c echo.Context) batch.With {
	return batch.With{
		Engine: c.FormValue("engine"), Model: strings.TrimSpace(c.FormValue("model")), Fresh: c.FormValue("fresh") != "",
	}
}

// startLater schedules a draft for the time that the form holds.
func (s *Server) startLater(c echo.Context, id batch.ID) error {
	at, err := timeTyped(c.FormValue("at"), c.FormValue("zone"))
	if err != nil {
		return err
	}
	_, err = s.batches.Schedule(c.Request().Context(), id, at)
	return err
}

// timeTyped is a time as a browser's field gives it, in the zone that the page's script adds: minutes behind UTC. Without
// the script it is the zone of this machine.
func timeTyped(at, zone string) (time.Time, error) {
	where := time.Local
	if minutes, err := strconv.Atoi(zone); err == nil && minutes >= -24*60 && minutes <= 24*60 {
		where = time.FixedZone("", -minutes*60)
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", at, where)
	if err != nil {
		return time.Time{}, errs.New(errs.Invalid, "Choose the day and the time at which the batch is to start.")
	}
	return t, nil
}

// presentSteer is how a batch is steered.
func (s *Server) presentSteer(b *batch.Batch) views.Steer {
	v := views.Steer{Priority: priorityWord(b.Priority), Keep: batch.KeepWord(b.Options.Keep), StartAt: b.StartAt, Model: oneLine(b.Model), Engines: []string{""}, Keys: s.keysReady()}
	v.Forever = s.batches.Keep(b) < 0
	if duty, at := s.batches.Due(b); duty == batch.DutyErase {
		v.Until = at
	}
	for _, e := range []string{"gemini", offline} {
		if _, _, err := s.readers.Choose(e); err == nil && e != b.Engine {
			v.Engines = append(v.Engines, e)
			v.Offline = v.Offline || e == offline && (b.Options.Fallback == batch.FallbackAsk || b.Options.Fallback == "")
		}
	}
	return v
}

// presentDeleted is what can still be brought back.
func presentDeleted(deleted []*batch.Batch) []views.Deleted {
	var all []views.Deleted
	for _, b := range deleted {
		all = append(all, views.Deleted{URL: batchURL(b.ID), Name: oneLine(b.Name)})
	}
	return all
}

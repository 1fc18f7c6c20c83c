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
	"sheetlift/internal/batch/retention"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// action returns a handler for an action on a batch. The response is the batch page, or its head; rows arrive through the event
// stream.
func (s *Server) action(do func(ctx context.Context, id batch.ID) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
		if err := do(ctx, id); err != nil {
			return err
		}
		return s.respond(c, id)
	}
}

func (s *Server) respond(c echo.Context, id batch.ID) error {
	if !isFragment(c) {
		return c.Redirect(http.StatusSeeOther, batchURL(id))
	}
	ctx := c.Request().Context()
	v, _, _, err := s.headView(ctx, id)
	if err != nil {
		return err
	}
	return s.renderAct(c, id, templ.Join(views.LiveHead(v), views.Aloud(views.T(ctx, "said."+path.Base(c.Path())))))
}

// renderAct answers an act on a batch with parts of its page. Between the moment of these parts and their arrival the batch may
// go on, so the head is sent through the event stream once more; static/wire.js drops parts that are older than what came there.
func (s *Server) renderAct(c echo.Context, id batch.ID, parts templ.Component) error {
	err := s.render(c, http.StatusOK, parts)
	for _, tag := range views.Languages() {
		s.feed.Refresh(liveTopic(id, tag))
	}
	return err
}

func (s *Server) pauseBatch(ctx context.Context, id batch.ID) error {
	_, err := s.run.Pause(ctx, id, batch.PausedByUser)
	return err
}

func (s *Server) resumeBatch(ctx context.Context, id batch.ID) error {
	_, err := s.run.Resume(ctx, id, batch.PausedByUser)
	return err
}

func (s *Server) cancelBatch(ctx context.Context, id batch.ID) error {
	_, err := s.run.Cancel(ctx, id)
	return err
}

// readOffline lets the offline engine read the images that wait for a key.
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
	_, err = s.settings.SetFallback(ctx, id, batch.FallbackAlways)
	return err
}

func (s *Server) undeleteBatch(ctx context.Context, id batch.ID) error {
	_, err := s.retention.Undelete(ctx, id)
	return err
}

func (s *Server) unscheduleBatch(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	if _, err := s.run.Unschedule(c.Request().Context(), id); err != nil {
		return err
	}
	return s.leave(c, batchURL(id)+"?step=columns")
}

// catchUp is how long a response may wait until Progress shows the action.
const catchUp = 2 * time.Second

// deleteBatch hides a batch; the start page offers to restore it.
func (s *Server) deleteBatch(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	if err := s.retention.Delete(c.Request().Context(), id); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), catchUp)
	defer cancel()
	s.progress.Until(ctx, id, func(b *batch.Batch) bool { return b == nil || !b.Deleted.IsZero() })
	return s.leave(c, "/")
}

// leave redirects to another page, also for htmx requests.
func (s *Server) leave(c echo.Context, address string) error {
	if isFragment(c) {
		c.Response().Header().Set("HX-Redirect", address)
		return c.NoContent(http.StatusNoContent)
	}
	return c.Redirect(http.StatusSeeOther, address)
}

// setBatch applies the menu of a started batch. Every field is optional; all are changed, or none.
func (s *Server) setBatch(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	var set settings.Settings
	if name := c.FormValue("name"); name != "" {
		set.Name = &name
	}
	if p := batch.Priority(c.FormValue("priority")); p != "" {
		set.Priority = &p
	}
	if typed := strings.TrimSpace(c.FormValue("at_once")); typed != "" {
		n, err := strconv.Atoi(typed)
		if err != nil {
			return errs.New(errs.Invalid, "Images at once is “%s”; choose a number from 1 to 64.", oneLine(typed))
		}
		set.AtOnce = &n
	}
	if typed := c.FormValue("keep"); typed != "" {
		keep, err := settings.ParseKeep(typed)
		if err != nil {
			return err
		}
		set.Keep = &keep
	}
	if _, err := s.settings.Set(c.Request().Context(), id, set); err != nil {
		return err
	}
	return s.respond(c, id)
}

// setModel switches the images not read yet to another model.
func (s *Server) setModel(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	model, thinking := modelChosen(c)
	if _, err := s.settings.SetModel(c.Request().Context(), id, model, thinking); err != nil {
		return err
	}
	return s.respond(c, id)
}

// cancelImage cancels one image. The response is the page of the request, or the current row.
func (s *Server) cancelImage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	if _, err := s.run.CancelImage(ctx, id, n); err != nil {
		return err
	}
	return s.imageSteered(c, id, n)
}

// setImage sets the priority of a waiting image. The response is that of cancelImage.
func (s *Server) setImage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	if _, err := s.settings.SetImagePriority(ctx, id, n, batch.Priority(c.FormValue("priority"))); err != nil {
		return err
	}
	return s.imageSteered(c, id, n)
}

// nameImage renames one image, also after the start.
func (s *Server) nameImage(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	if _, err := s.settings.RenameImage(c.Request().Context(), id, n, c.FormValue("name")); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, imageURL(id, n))
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
	return s.renderAct(c, id, templ.Join(views.LiveRow(s.row(b, m)), views.Aloud(views.T(ctx, "said.image."+did, oneLine(m.Name)))))
}

// modelChosen returns the model and the level of thinking in a form: see views.Offer.Values.
func modelChosen(c echo.Context) (model, thinking string) {
	model, thinking, _ = strings.Cut(strings.TrimSpace(c.FormValue("model")), " ")
	return model, thinking
}

// withOf returns the retry settings of a form.
func withOf(c echo.Context) batch.ReadAs {
	model, thinking := modelChosen(c)
	return batch.ReadAs{Engine: c.FormValue("engine"), Model: model, Thinking: thinking, Fresh: c.FormValue("fresh") != ""}
}

// startLater schedules a draft for the time in the form.
func (s *Server) startLater(c echo.Context, id batch.ID) error {
	at, err := timeTyped(c.FormValue("at"), c.FormValue("zone"))
	if err != nil {
		return err
	}
	_, err = s.run.Schedule(c.Request().Context(), id, at)
	return err
}

// timeTyped parses a time from a browser field, in the zone that the script of the page adds, as minutes behind UTC. Without
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

// presentControls returns the data of the batch controls.
func (s *Server) presentControls(b *batch.Batch) views.Controls {
	v := views.Controls{Priority: priorityWord(b.Priority), Keep: settings.KeepWord(b.Options.Keep), StartAt: b.StartAt, Model: oneLine(b.Model), Engines: []string{""}, Keys: s.keysReady()}
	v.Models = s.modelsOffered()
	v.Forever = s.retention.Keep(b) < 0
	if deadline, at := s.retention.NextDeadline(b); deadline == retention.DeadlineErase {
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

// kept tells how long a batch is kept, with the form that keeps it longer.
func (s *Server) kept(b *batch.Batch) views.Kept {
	k := views.Kept{URL: batchURL(b.ID), Longer: "720h"}
	if deadline, at := s.retention.NextDeadline(b); deadline == retention.DeadlineErase && b.Deleted.IsZero() {
		k.Until = at
	}
	if s.retention.Keep(b) >= 30*24*time.Hour {
		k.Longer = "forever"
	}
	return k
}

// presentDeleted returns the batches that can still be restored.
func presentDeleted(deleted []*batch.Batch) []views.Deleted {
	var all []views.Deleted
	for _, b := range deleted {
		all = append(all, views.Deleted{URL: batchURL(b.ID), Name: oneLine(b.Name)})
	}
	return all
}

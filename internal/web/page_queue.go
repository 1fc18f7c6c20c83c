package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// queueMost is the number of doubts that a page gets at once. It asks again near the end of them.
const queueMost = 2000

// queuePage asks the doubt in the address, or the first one. Without doubts it is the end of the queue.
func (s *Server) queuePage(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	if b, err := s.batches.Batch(c.Request().Context(), id); err == nil && b.Status == batch.Draft {
		return c.Redirect(http.StatusSeeOther, batchURL(id)+"?step=names")
	}
	q, err := s.queueOf(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return s.showQueue(c, q, c.QueryParam("at"), c.QueryParam("kind"), nil)
}

// showQueue shows one question. refused is why the last answer was not saved, or nil.
func (s *Server) showQueue(c echo.Context, q *queue, at, kind string, refused error) error {
	ctx := c.Request().Context()
	open := q.of(doubt.Kind(kind))
	if len(open) == 0 {
		open, kind = q.doubts, ""
	}
	if len(open) == 0 {
		return s.showFinished(c, q)
	}
	i := max(0, slices.IndexFunc(open, func(d doubt.Doubt) bool { return doubtID(d.N, d.Row, d.Column) == at }))
	d := open[i]
	v := views.Queue{
		Shell: s.shell("batches"), Batch: batchURL(q.batch.ID), Name: oneLine(q.batch.Name), Total: len(q.doubts), Place: i + 1, Of: len(open),
		Kind: kind, Kinds: q.kinds(), Reading: q.reading, Question: q.question(ctx, d), Sheet: q.sheet(ctx, d.N), CanUndo: q.undoable(s.author(c)),
	}
	v.Shell.Queue = true
	v.Heads, v.Lines = q.rowsOf(ctx, d.N)
	for _, other := range open {
		if other.Like == d.Like {
			v.Likes++
		}
	}
	if i+1 < len(open) {
		v.Next = doubtID(open[i+1].N, open[i+1].Row, open[i+1].Column)
	}
	status := http.StatusOK
	if refused != nil {
		status, v.Problem = s.classify(ctx, refused)
		if conflict, ok := errors.AsType[*edit.Conflict](refused); ok && conflict.There {
			v.Problem += " " + views.T(ctx, "check.yours") + ": " + lines(conflict.Request.Text)
		}
	}
	return s.render(c, status, views.QueuePage(v))
}

func (s *Server) showFinished(c echo.Context, q *queue) error {
	v := views.Finished{
		Shell: s.shell("batches"), Batch: batchURL(q.batch.ID), Name: oneLine(q.batch.Name), Reading: q.reading, Failed: q.failed, Rows: q.rows,
		CanUndo: q.undoable(s.author(c)), Kept: s.kept(q.batch),
	}
	v.Shell.Queue = true
	v.Right, v.Changed, v.Unreadable, v.People = q.answers()
	return s.render(c, http.StatusOK, views.FinishedPage(v))
}

// queueDoubts returns the open doubts to the page's script.
func (s *Server) queueDoubts(c echo.Context) error {
	ctx := c.Request().Context()
	q, err := s.queueOf(ctx, batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	open := q.of(doubt.Kind(c.QueryParam("kind")))
	v := views.Questions{Total: len(open), Reading: q.reading, Questions: []views.Question{}, Sheets: []views.Sheet{}}
	shown := map[int]bool{}
	for _, d := range open[:min(len(open), queueMost)] {
		v.Questions = append(v.Questions, q.question(ctx, d))
		if !shown[d.N] {
			shown[d.N] = true
			v.Sheets = append(v.Sheets, q.sheet(ctx, d.N))
		}
	}
	return c.JSON(http.StatusOK, v)
}

// queueRows returns the rows of one picture to the page's script.
func (s *Server) queueRows(c echo.Context) error {
	ctx := c.Request().Context()
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	q, err := s.queueOf(ctx, batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	if q.images[n] == nil {
		return errs.New(errs.NotFound, "This picture is not part of the batch. Go back to the batch to see those that are.")
	}
	v := views.Queue{Batch: batchURL(q.batch.ID), Question: views.Question{Row: -1}}
	v.Heads, v.Lines = q.rowsOf(ctx, n)
	return s.render(c, http.StatusOK, views.QueueRows(v))
}

// outcome is the answer to a script that sent an answer.
type outcome struct {
	ID       string `json:"id,omitempty"`       // the doubt
	Problem  string `json:"problem,omitempty"`  // why it was not saved, a sentence
	Conflict bool   `json:"conflict,omitempty"` // somebody else changed the cell first:
	Now      string `json:"now,omitempty"`      // its text since
	By       string `json:"by,omitempty"`
}

// answerDoubt takes one answer, or takes one back. A browser without scripts gets the next question.
func (s *Server) answerDoubt(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	form, err := c.FormParams()
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "The form could not be read. Reload the page and try again.")
	}
	scripted := isFragment(c)
	next, at := "", form.Get("id")
	if !scripted {
		if next, err = s.afterDoubt(c, id, at, form.Get("kind")); err != nil {
			return err
		}
	}
	if form.Get("do") == string(batch.EditUndo) {
		at, err = s.takeBack(c, id, form)
		next = at
	} else {
		err = s.settle(c, id, form)
	}
	if err != nil && !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) {
		return err
	}
	if scripted {
		out, status := outcome{ID: at}, http.StatusOK
		if err != nil {
			status, out.Problem = s.classify(ctx, err)
			if conflict, ok := errors.AsType[*edit.Conflict](err); ok {
				out.Conflict, out.Now, out.By = conflict.There, lines(conflict.Now), cmp.Or(oneLine(conflict.By), views.T(ctx, "check.somebody"))
			}
		}
		return c.JSON(status, out)
	}
	if err != nil {
		q, loadErr := s.queueOf(ctx, id)
		if loadErr != nil {
			return loadErr
		}
		return s.showQueue(c, q, at, form.Get("kind"), err)
	}
	query := url.Values{}
	for name, value := range map[string]string{"at": next, "kind": form.Get("kind")} {
		if value != "" {
			query.Set(name, value)
		}
	}
	address := batchURL(id) + "/check"
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return c.Redirect(http.StatusSeeOther, address)
}

// afterDoubt returns the id of the doubt after another one, "" after the last.
func (s *Server) afterDoubt(c echo.Context, id batch.ID, at, kind string) (string, error) {
	q, err := s.queueOf(c.Request().Context(), id)
	if err != nil {
		return "", err
	}
	open := q.of(doubt.Kind(kind))
	i := slices.IndexFunc(open, func(d doubt.Doubt) bool { return doubtID(d.N, d.Row, d.Column) == at })
	if i < 0 || i+1 >= len(open) {
		return "", nil
	}
	return doubtID(open[i+1].N, open[i+1].Row, open[i+1].Column), nil
}

// settle carries out one answer.
func (s *Server) settle(c echo.Context, id batch.ID, form url.Values) error {
	n, row, column, ok := placeOfDoubt(form.Get("id"))
	generation, err := strconv.Atoi(form.Get("generation"))
	if !ok || err != nil || len(form.Get("token")) > 64 || len(form.Get("group")) > 64 {
		return errs.New(errs.Invalid, "The form could not be read. Reload the page and try again.")
	}
	request := edit.Request{
		Do: batch.EditCell, By: s.author(c), Token: form.Get("token"), Group: form.Get("group"), Generation: generation, Row: row, Column: column,
		Text: form.Get("text"), Seen: form.Get("seen"),
	}
	switch offer := form.Get("offer"); {
	case column < 0:
		request.Do, request.Text = batch.EditAccept, ""
	case form.Get("do") == string(batch.EditUnreadable):
		request.Do = batch.EditUnreadable
	case offer != "":
		request.Text = offer
	}
	_, err = s.edit.Edit(c.Request().Context(), id, n, request)
	return err
}

// takeBack undoes an answer: the one with the token or the group in the form, otherwise the person's last one in this batch.
func (s *Server) takeBack(c echo.Context, id batch.ID, form url.Values) (string, error) {
	ctx, by := c.Request().Context(), s.author(c)
	if group := form.Get("group"); group != "" {
		_, _, err := s.edit.UndoGroup(ctx, id, group, by)
		return form.Get("id"), err
	}
	if token := form.Get("token"); token != "" {
		n, _, _, ok := placeOfDoubt(form.Get("id"))
		if !ok {
			return "", errs.New(errs.Invalid, "There is no such edit.")
		}
		m, err := s.batches.Image(ctx, id, n)
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(m.Edits, func(e batch.Edit) bool { return e.Token == token })
		if i < 0 { // it changed nothing
			return form.Get("id"), nil
		}
		_, _, err = s.edit.Undo(ctx, id, n, m.Edits[i].N, by)
		return form.Get("id"), err
	}
	n, e, err := s.edit.UndoLast(ctx, id, by)
	if err != nil {
		return "", err
	}
	return doubtID(n, e.Row, e.Column), nil
}

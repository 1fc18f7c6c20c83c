package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

const (
	// triable is how many pictures the columns may be tried on: enough to find one that is like the others.
	triable = 50
	// readingLimit is how long an answer may take that waits for an engine.
	readingLimit = 2 * time.Minute
)

// press does what a button of the columns page does beyond the columns as typed.
func (s *Server) press(c echo.Context, b *batch.Batch, f *columnsForm) error {
	ctx := c.Request().Context()
	word, id, _ := strings.Cut(f.do, "-")
	switch word {
	case "suggest":
		_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(readingLimit))
		t, err := s.batches.Suggest(ctx, b.ID)
		if err != nil {
			return err
		}
		f.choice, f.single, f.columns = ownColumns, t.Single, presentTable(t)
		f.said = views.Say(ctx, "columns.said.suggested")
	case "use":
		t, err := s.batches.Template(ctx, id)
		if err != nil {
			return err
		}
		f.choice, f.single, f.columns, f.dates = choiceOf(t.Table), t.Table.Single, presentTable(t.Table), datesOf(t.Table)
		f.said = views.Say(ctx, "saved.said.used", oneLine(t.Name))
	case "save":
		t, err := s.batches.SaveTemplate(ctx, f.saveAs, f.table())
		if err != nil {
			return err
		}
		f.said, f.saved = views.Say(ctx, "saved.said.saved", oneLine(t.Name)), true
	case "drop":
		t, err := s.batches.RemoveTemplate(ctx, id)
		if err != nil {
			return err
		}
		file, err := t.Export()
		if err != nil {
			return err
		}
		f.said, f.saved, f.undo = views.Say(ctx, "saved.said.dropped", oneLine(t.Name)), true, string(file)
	}
	return nil
}

// previewImage reads one picture with the columns as typed, and shows what came of it.
func (s *Server) previewImage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(readingLimit))
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	form, err := columnsTyped(c)
	if err != nil {
		return err
	}
	form.edit()
	if err := form.save(ctx, s, b); errs.Is(err, errs.Invalid) && !isFragment(c) {
		return s.columnsAgain(c, b, form, err)
	} else if err != nil {
		return err
	}
	n, _ := strconv.Atoi(c.FormValue("sample")) // none is the first
	m, sample, err := s.batches.Preview(ctx, id, n)
	if err != nil {
		return err
	}
	trial := presentTrial(ctx, b, m, sample, form)
	if isFragment(c) {
		return s.render(c, http.StatusOK, views.TrialShown(trial))
	}
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return err
	}
	v, err := s.columnsView(ctx, b, images, form)
	if err != nil {
		return err
	}
	v.Trial = &trial
	return s.render(c, http.StatusOK, views.ColumnsPage(v))
}

func presentTrial(ctx context.Context, b *batch.Batch, m *batch.Image, sample *batch.Sample, form columnsForm) views.Trial {
	read, of := *m, *b
	read.Status, read.Columns, read.Rows, read.Issues = batch.Completed, sample.Columns, sample.Rows, sample.Issues
	of.Table = form.table()
	image := presentImage(ctx, &of, &read)
	image.Row.Status = "" // nothing is kept yet, so there is nothing to edit
	return views.Trial{
		N: m.N, Image: image, Engine: sample.Engine, Model: oneLine(sample.Model), Tokens: sample.Tokens,
		USD: sample.USD, Took: sample.Took, Kept: sample.Kept,
	}
}

// importTemplate saves the columns in a file, or those that were just deleted, and goes back to the batch they came from.
func (s *Server) importTemplate(c echo.Context) error {
	data, err := templateSent(c)
	if err != nil {
		return err
	}
	t, err := s.batches.ImportTemplate(c.Request().Context(), data)
	if err != nil {
		return err
	}
	id := batch.ID(c.FormValue("batch"))
	if !id.Valid() {
		return c.Redirect(http.StatusSeeOther, "/")
	}
	return c.Redirect(http.StatusSeeOther, batchURL(id)+"?step=columns&imported="+url.QueryEscape(t.Name))
}

func templateSent(c echo.Context) ([]byte, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, batch.MaxTemplateFile)
	if data := c.FormValue("data"); data != "" {
		return []byte(data), nil
	}
	header, err := c.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return nil, errs.New(errs.Invalid, "Choose a file with saved columns first, then import it.")
	}
	if err != nil {
		return nil, err
	}
	file, err := header.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// exportTemplate sends saved columns as a file.
func (s *Server) exportTemplate(c echo.Context) error {
	id, ok := strings.CutSuffix(c.Param("file"), ".json")
	if !ok {
		return echo.ErrNotFound
	}
	t, err := s.batches.Template(c.Request().Context(), id)
	if err != nil {
		return err
	}
	data, err := t.Export()
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", attachment(t.Name+".json"))
	return c.Blob(http.StatusOK, "application/json", data)
}

// renameTemplate gives saved columns another name.
func (s *Server) renameTemplate(c echo.Context) error {
	if _, err := s.batches.RenameTemplate(c.Request().Context(), c.Param("id"), oneLine(c.FormValue("name"))); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

const (
	// triable is the number of pictures offered for a preview: enough to find a typical one.
	triable = 50
	// readingLimit is the timeout of a response that waits for an engine.
	readingLimit = 2 * time.Minute
)

// press runs the buttons of the columns page that do more than edit the form.
func (s *Server) press(c echo.Context, b *batch.Batch, f *columnsForm) error {
	ctx := c.Request().Context()
	word, id, _ := strings.Cut(f.do, "-")
	switch word {
	case "suggest":
		_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(readingLimit))
		t, err := s.draft.Suggest(ctx, b.ID)
		if err != nil {
			return err
		}
		f.choice, f.single, f.columns = ownColumns, t.Single, presentTable(t)
		f.said = views.T(ctx, "columns.said.suggested")
	case "use":
		t, err := s.templates.Template(ctx, id)
		if err != nil {
			return err
		}
		f.choice, f.single, f.columns, f.dates = choiceOf(t.Table), t.Table.Single, presentTable(t.Table), datesOf(t.Table)
		f.said = views.T(ctx, "saved.said.used", oneLine(t.Name))
	case "save":
		t, err := s.templates.SaveTemplate(ctx, f.saveAs, f.table())
		if err != nil {
			return err
		}
		f.said, f.saved = views.T(ctx, "saved.said.saved", oneLine(t.Name)), true
	case "drop":
		t, err := s.templates.RemoveTemplate(ctx, id)
		if err != nil {
			return err
		}
		file, err := draft.ExportTemplate(t)
		if err != nil {
			return err
		}
		f.said, f.saved, f.undo = views.T(ctx, "saved.said.dropped", oneLine(t.Name)), true, string(file)
	}
	return nil
}

// previewImage reads one picture with the typed columns and shows the result.
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
	n, _ := strconv.Atoi(c.FormValue("sample")) // 0 is the first picture
	m, preview, err := s.draft.Preview(ctx, id, n)
	if err != nil {
		return err
	}
	view := presentPreview(ctx, b, m, preview, form)
	if isFragment(c) {
		return s.render(c, http.StatusOK, views.PreviewResult(view))
	}
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return err
	}
	v, err := s.columnsView(ctx, b, images, form)
	if err != nil {
		return err
	}
	v.Preview = &view
	return s.render(c, http.StatusOK, views.ColumnsPage(v))
}

func presentPreview(ctx context.Context, b *batch.Batch, m *batch.Image, preview *batch.Preview, form columnsForm) views.Preview {
	read, of := *m, *b
	read.Status, read.Columns, read.Rows, read.Issues = batch.Completed, preview.Columns, preview.Rows, preview.Issues
	of.Table = form.table()
	image := presentImage(ctx, &of, &read)
	image.Row.Status = "" // nothing is stored yet, so there is nothing to edit
	return views.Preview{
		N: m.N, Image: image, Engine: preview.Engine, Model: oneLine(preview.Model), Tokens: preview.Tokens,
		USD: preview.USD, Unpriced: unpriced(preview), Took: preview.Took, FromCache: preview.FromCache,
	}
}

// unpriced returns 1 for a preview that was billed at an unknown price.
func unpriced(s *batch.Preview) int {
	if !s.Priced && s.Tokens > 0 {
		return 1
	}
	return 0
}

// importTemplate saves the columns of a file, or those that were just deleted, and returns to the batch.
func (s *Server) importTemplate(c echo.Context) error {
	data, err := templateSent(c)
	if err != nil {
		return err
	}
	t, err := s.templates.ImportTemplate(c.Request().Context(), data)
	if err != nil {
		return err
	}
	id := batch.ID(c.FormValue("batch"))
	if !id.Valid() {
		return c.Redirect(http.StatusSeeOther, "/")
	}
	return c.Redirect(http.StatusSeeOther, batchURL(id)+"?step=columns&imported="+url.QueryEscape(t.Name))
}

// templateSent returns the file, or the field with columns that were just deleted.
func templateSent(c echo.Context) ([]byte, error) {
	data := cmp.Or(c.FormValue("data"), c.FormValue("file"))
	switch {
	case len(data) > draft.MaxTemplateFile:
		return nil, &http.MaxBytesError{Limit: draft.MaxTemplateFile}
	case data != "":
		return []byte(data), nil
	}
	return nil, errs.New(errs.Invalid, "Choose a file with saved columns first, then import it.")
}

// exportTemplate sends a template as a file.
func (s *Server) exportTemplate(c echo.Context) error {
	id, ok := strings.CutSuffix(c.Param("file"), ".json")
	if !ok {
		return echo.ErrNotFound
	}
	t, err := s.templates.Template(c.Request().Context(), id)
	if err != nil {
		return err
	}
	data, err := draft.ExportTemplate(t)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", attachment(t.Name+".json"))
	return c.Blob(http.StatusOK, "application/json", data)
}

// renameTemplate renames a template.
func (s *Server) renameTemplate(c echo.Context) error {
	if _, err := s.templates.RenameTemplate(c.Request().Context(), c.Param("id"), oneLine(c.FormValue("name"))); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

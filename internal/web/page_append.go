package web

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/export"
	"sheetlift/views"
)

// maxCarried is the largest workbook that the page carries from the report to the download, in bytes. A larger one goes
// through the API or the command line.
const maxCarried = 8 << 20

// appendForm is a form with a workbook.
type appendForm struct {
	name    string
	data    []byte
	write   bool // the new workbook is wanted, otherwise how the rows fit
	partial bool
}

// appendPage shows the page on which rows go under those of a workbook.
func (s *Server) appendPage(c echo.Context) error {
	b, err := s.batches.Batch(c.Request().Context(), batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.AppendPage(s.appendView(b)))
}

func (s *Server) appendView(b *batch.Batch) views.Append {
	return views.Append{Shell: s.shell("batches"), URL: batchURL(b.ID), Name: oneLine(b.Name)}
}

// appendSubmit takes a workbook. It answers how the rows fit under its own, or the new workbook.
func (s *Server) appendSubmit(c echo.Context) error { return s.rollingDeadline(s.takeAppend)(c) }

func (s *Server) takeAppend(c echo.Context) error {
	ctx := c.Request().Context()
	if _, err := s.batches.Batch(ctx, batch.ID(c.Param("id"))); err != nil { // before a large body is read
		return err
	}
	form, err := readAppend(c)
	if err != nil {
		return err
	}
	unhurried(c)
	b, images, free, err := s.toExport(ctx, batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	defer free()
	opt := export.AppendOptions{Partial: form.partial, Say: func(english string) string { return views.Book(ctx, english) }}
	v := s.appendView(b)
	v.File, v.Partial = oneLine(form.name), form.partial
	refused := func(err error) error {
		if _, ours := errors.AsType[*errs.Error](err); !ours || errs.Is(err, errs.Internal) || errs.Is(err, errs.Full) {
			return err
		}
		v.Problem = localize(ctx, err)
		return s.render(c, http.StatusUnprocessableEntity, views.AppendPage(v))
	}
	e, err := export.OpenExisting(bytes.NewReader(form.data), int64(len(form.data)))
	if err != nil {
		return refused(err)
	}
	if form.write {
		f, err := s.scratch("appended-*")
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := e.Append(ctx, f, b, yielded(images), opt); err != nil {
			return refused(err)
		}
		return sendBook(c, b.Name+".xlsx", f)
	}
	m, err := e.Match(ctx, b, yielded(images), opt)
	if err != nil {
		return refused(err)
	}
	v.Match, v.Carried = presentFit(m), base64.StdEncoding.EncodeToString(form.data)
	return s.render(c, http.StatusOK, views.AppendPage(v))
}

// sendBook sends a workbook as a file.
func sendBook(c echo.Context, name string, f *os.File) error {
	h := c.Response().Header()
	h.Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	h.Set("Content-Disposition", attachment(name))
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, f)
	return nil
}

func presentFit(m *export.Match) *views.Fit {
	fit := &views.Fit{
		Sheet: oneLine(m.Sheet), Table: oneLine(m.Table), Last: m.First - 1, Rows: m.Rows,
		Matched: m.Matched, Missing: m.Missing, Rest: m.Empty,
	}
	for _, kept := range m.Kept {
		fit.AsText = append(fit.AsText, views.FitColumn{Column: oneLine(kept.Column), Cells: kept.Cells})
	}
	return fit
}

// readAppend reads the form: the workbook as a file, or as the page carried it, and the wishes after it.
func readAppend(c echo.Context) (*appendForm, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxCarried*3/2) // base64 is a third longer
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, unreadable(err)
	}
	form := &appendForm{}
	for {
		part, err := parts.NextPart()
		if err == io.EOF { // an EOF inside a part is wrapped: the form is truncated
			break
		}
		if err != nil {
			return nil, appendTooLarge(err)
		}
		data, err := io.ReadAll(part) // the limit applies to the whole body
		if err != nil {
			return nil, appendTooLarge(err)
		}
		switch part.FormName() {
		case "file":
			form.name, form.data = part.FileName(), data
		case "name":
			form.name = string(data)
		case "carried":
			if form.data, err = base64.StdEncoding.DecodeString(string(data)); err != nil {
				return nil, errs.Wrap(err, errs.Malformed, "The form could not be read. Reload the page and try again.")
			}
		case "do":
			form.write = string(data) == "append"
		case "partial":
			form.partial = string(data) == "true"
		}
	}
	if len(form.data) > maxCarried {
		return nil, errs.New(errs.TooLarge, saysBookTooLarge, maxCarried>>20)
	}
	return form, nil
}

const saysBookTooLarge = "This workbook is larger than %d MB. Begin a new file, or move old rows to another one."

func appendTooLarge(err error) error {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return errs.New(errs.TooLarge, saysBookTooLarge, maxCarried>>20)
	}
	return unreadable(err)
}

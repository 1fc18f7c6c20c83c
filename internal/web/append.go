package web

import (
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/export"
	"sheetlift/internal/web/api"
	"sheetlift/views"
)

// maxAppend is the largest workbook that rows are appended to, in bytes.
const maxAppend = 64 << 20

// appendMatch answers how the rows of a batch fit under those of the workbook in the body. It writes nothing.
func (s *Server) appendMatch(c echo.Context) error { return s.rollingDeadline(s.matchBody)(c) }

// appendRows answers the workbook in the body with the rows of a batch under its own.
func (s *Server) appendRows(c echo.Context) error { return s.rollingDeadline(s.appendBody)(c) }

// appendRoutes registers both.
func (s *Server) appendRoutes(g *echo.Group) {
	g.POST("/append", s.appendMatch)
	g.POST("/append.xlsx", s.appendRows)
}

func (s *Server) matchBody(c echo.Context) error {
	return s.withExisting(c, c.Request().Body, func(e *export.Existing, b *batch.Batch, images []*batch.Image, opt export.AppendOptions) error {
		m, err := e.Match(c.Request().Context(), b, yielded(images), opt)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, m)
	})
}

func (s *Server) appendBody(c echo.Context) error {
	return s.withExisting(c, c.Request().Body, func(e *export.Existing, b *batch.Batch, images []*batch.Image, opt export.AppendOptions) error {
		f, err := s.scratch("appended-*")
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := e.Append(c.Request().Context(), f, b, yielded(images), opt); err != nil {
			return err
		}
		return sendBook(c, b.Name+".xlsx", f)
	})
}

// withExisting opens the workbook in body and calls use with it, the batch and the options of the query.
func (s *Server) withExisting(
	c echo.Context, body io.Reader, use func(*export.Existing, *batch.Batch, []*batch.Image, export.AppendOptions) error,
) error {
	ctx := c.Request().Context()
	opt := export.AppendOptions{Say: func(english string) string { return views.Book(ctx, english) }}
	if err := api.AppendWanted(c.QueryParams(), &opt); err != nil {
		return err
	}
	if _, err := s.batches.Batch(ctx, batch.ID(c.Param("id"))); err != nil { // before a large body is read
		return err
	}
	f, err := s.scratch("existing-*")
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := io.Copy(f, io.LimitReader(body, maxAppend+1))
	if _, disk := errors.AsType[*os.PathError](err); disk {
		return unwritable(err)
	}
	if err != nil {
		return unreadable(err)
	}
	if size > maxAppend {
		c.Response().Header().Set("Connection", "close") // do not read the remaining body
		return errs.New(errs.TooLarge, saysBookTooLarge, maxAppend>>20)
	}
	unhurried(c)
	b, images, free, err := s.toExport(ctx, batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	defer free()
	e, err := export.OpenExisting(f, size)
	if err != nil {
		return err
	}
	return use(e, b, images, opt)
}

// scratch opens a file without a name, of which nothing is left in any case.
func (s *Server) scratch(pattern string) (*os.File, error) {
	f, err := os.CreateTemp(s.tmp, pattern)
	if err != nil {
		return nil, unwritable(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(unwritable(err), f.Close())
	}
	return f, nil
}

func unwritable(err error) error {
	return errs.Wrap(err, errs.Full, "The Excel file could not be written: the disk is full or not writable. Ask your technician.")
}

package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/export"
	"sheetlift/internal/web/api"
	"sheetlift/views"
)

// rowsFile returns the handler of a file with the rows of a batch. It is sent as it is written; if it cannot be written to its
// end, the connection is cut, so that nobody takes a part for the whole.
func (s *Server) rowsFile(format export.Format) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.SetCookie(&http.Cookie{Name: answered, Value: "1", Path: "/", MaxAge: 60, SameSite: http.SameSiteStrictMode})
		ctx := c.Request().Context()
		opt := export.RowOptions{
			Format: format, Separator: views.T(ctx, "formats.csv.separator")[0], // as spreadsheets expect it in this language
			Say: func(english string) string { return views.Book(ctx, english) },
		}
		if err := api.RowsWanted(c.QueryParams(), &opt); err != nil {
			return err
		}
		b, images, free, err := s.toExport(ctx, batch.ID(c.Param("id")))
		if err != nil {
			return err
		}
		defer free()
		name, err := rowsName(ctx, b, images, opt)
		if err != nil {
			return err
		}
		unhurried(c)
		h := c.Response().Header()
		h.Set("Content-Type", format.Type())
		h.Set("Content-Disposition", attachment(name+"."+string(format)))
		c.Response().WriteHeader(http.StatusOK)
		if err := export.Rows(ctx, c.Response(), b, yielded(images), opt); err != nil {
			s.log.Debug("rows could not be sent to their end", "request", requestID(c), "err", err)
			panic(http.ErrAbortHandler)
		}
		return nil
	}
}

// rowsName returns the file's name without extension: that of the batch, of the only image, and, while the batch runs, how many
// images were read. NotFound if there is no such image.
func rowsName(ctx context.Context, b *batch.Batch, images []*batch.Image, opt export.RowOptions) (string, error) {
	name, read := b.Name, 0
	for _, m := range images {
		if m.Status == batch.Completed {
			read++
		}
	}
	if opt.Image > 0 {
		at := slices.IndexFunc(images, func(m *batch.Image) bool { return m.N == opt.Image })
		if at < 0 {
			return "", errs.New(errs.NotFound, "There is no such image: the address is wrong.")
		}
		name += " - " + images[at].Name
	}
	if !b.Status.Final() {
		name += " (" + views.T(ctx, "formats.part", read, max(b.Total(), len(images))) + ")"
	}
	return name, nil
}

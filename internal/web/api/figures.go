package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
)

// Figures is GET /api/v1/figures.
func Figures(batches *batch.Batches) echo.HandlerFunc {
	return func(c echo.Context) error {
		days, err := batches.Days(c.Request().Context())
		if err != nil {
			return err
		}
		if days == nil {
			days = []batch.Day{}
		}
		return c.JSON(http.StatusOK, dayList{days})
	}
}

package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/web/api"
	"sheetlift/views"
)

// openAPI serves the OpenAPI document.
func (s *Server) openAPI(c echo.Context) error {
	d, err := s.document()
	if err != nil {
		return err
	}
	data, err := d.JSON()
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, data)
}

// apiPage shows the operations of the API to a person.
func (s *Server) apiPage(c echo.Context) error {
	d, err := s.document()
	if err != nil {
		return err
	}
	v := views.API{Shell: s.shell(""), Document: api.DocumentPath}
	for _, e := range d.Entries() {
		v.Operations = append(v.Operations, views.Operation{
			Method: e.Method, Path: e.Path, Summary: e.Summary, Old: e.Deprecated, Takes: e.Takes, Media: e.Media,
			Query: shownFields(e.Query), Body: shownFields(e.Body), Answer: shownFields(e.Answer),
		})
	}
	return s.render(c, http.StatusOK, views.APIPage(v))
}

func shownFields(fields []api.Field) []views.APIField {
	var all []views.APIField
	for _, f := range fields {
		all = append(all, views.APIField(f))
	}
	return all
}

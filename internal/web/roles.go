package web

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/access"
	"sheetlift/internal/errs"
)

// least maps each route to the lowest role that it requires; no other code decides about roles. A route without an entry is
// closed to everybody, and a test detects it.
var least = map[string]access.Role{
	"GET /login":        access.Nobody,
	"POST /login":       access.Nobody,
	"POST /language":    access.Nobody,
	"GET /health":       access.Nobody,
	"GET /healthz":      access.Nobody,
	"GET /readyz":       access.Nobody,
	"GET /static/:name": access.Nobody,

	"POST /logout":     access.Viewer,
	"GET /":            access.Viewer,
	"GET /events":      access.Viewer,
	"GET /figures":     access.Viewer,
	"POST /who":        access.Viewer,
	"POST /demo/leave": access.Viewer,
	"GET /metrics":     access.Viewer,
	"GET /api-docs":    access.Viewer,

	"GET /batches/:id":                   access.Viewer,
	"GET /batches/:id/events":            access.Viewer,
	"GET /batches/:id/head":              access.Viewer,
	"GET /batches/:id/notes":             access.Viewer,
	"GET /batches/:id/workbook.xlsx":     access.Viewer,
	"GET /batches/:id/append":            access.Viewer,
	"POST /batches/:id/append":           access.Viewer,
	"GET /batches/:id/check":             access.Viewer,
	"POST /batches/:id/check":            access.Viewer,
	"GET /batches/:id/check/doubts":      access.Viewer,
	"GET /batches/:id/check/rows/:n":     access.Viewer,
	"GET /batches/:id/rows":              access.Viewer,
	"GET /batches/:id/rows/order":        access.Viewer,
	"GET /batches/:id/rows/lines":        access.Viewer,
	"POST /batches/:id/rows/edits":       access.Viewer,
	"GET /batches/:id/rows.csv":          access.Viewer,
	"GET /batches/:id/rows.json":         access.Viewer,
	"GET /batches/:id/rows.ndjson":       access.Viewer,
	"GET /batches/:id/rows.md":           access.Viewer,
	"GET /batches/:id/images/:n":         access.Viewer,
	"GET /batches/:id/images/:n/thumb":   access.Viewer,
	"GET /batches/:id/images/:n/picture": access.Viewer,
	"POST /batches/:id/images/:n/edits":  access.Viewer,
	"POST /batches/:id/images/:n/type":   access.Viewer,
	"POST /batches/:id/rows/replace":     access.Viewer,
	"GET /templates/:file":               access.Viewer,

	"GET /api/v1/batches":                   access.Viewer,
	"GET /api/v1/batches/:id":               access.Viewer,
	"GET /api/v1/batches/:id/images":        access.Viewer,
	"GET /api/v1/batches/:id/images/:n":     access.Viewer,
	"GET /api/v1/batches/:id/rows":          access.Viewer,
	"GET /api/v1/batches/:id/rows.csv":      access.Viewer,
	"GET /api/v1/batches/:id/rows.json":     access.Viewer,
	"GET /api/v1/batches/:id/rows.ndjson":   access.Viewer,
	"GET /api/v1/batches/:id/rows.md":       access.Viewer,
	"GET /api/v1/batches/:id/events":        access.Viewer,
	"GET /api/v1/batches/:id/workbook.xlsx": access.Viewer,
	"POST /api/v1/batches/:id/append":       access.Viewer,
	"POST /api/v1/batches/:id/append.xlsx":  access.Viewer,
	"GET /api/v1/figures":                   access.Viewer,
	"GET /api/openapi.json":                 access.Viewer,
	"GET /batch-status/:id":                 access.Viewer,
	"GET /batch-results/:id":                access.Viewer,

	"GET /keys":           access.Operator,
	"GET /keys/events":    access.Operator,
	"POST /keys":          access.Operator,
	"POST /keys/test":     access.Operator,
	"POST /keys/enable":   access.Operator,
	"POST /keys/disable":  access.Operator,
	"GET /api/v1/keys":    access.Operator,
	"GET /tokens":         access.Operator,
	"GET /webhooks":       access.Operator,
	"POST /tokens":        access.Operator,
	"POST /tokens/revoke": access.Operator,
	"GET /log":            access.Operator,
	"POST /log":           access.Operator,
	"POST /demo":          access.Operator,
	"POST /templates":     access.Operator,
	"POST /batches":       access.Operator,

	"POST /templates/:id/rename":           access.Operator,
	"POST /batches/:id/names":              access.Operator,
	"POST /batches/:id/names/pattern":      access.Operator,
	"POST /batches/:id/names/replace":      access.Operator,
	"POST /batches/:id/names/paste":        access.Operator,
	"POST /batches/:id/names/undo":         access.Operator,
	"POST /batches/:id/order":              access.Operator,
	"POST /batches/:id/columns":            access.Operator,
	"POST /batches/:id/preview":            access.Operator,
	"POST /batches/:id/start":              access.Operator,
	"POST /batches/:id/retry":              access.Operator,
	"POST /batches/:id/pause":              access.Operator,
	"POST /batches/:id/resume":             access.Operator,
	"POST /batches/:id/offline":            access.Operator,
	"POST /batches/:id/model":              access.Operator,
	"POST /batches/:id/cancel":             access.Operator,
	"POST /batches/:id/unschedule":         access.Operator,
	"POST /batches/:id/settings":           access.Operator,
	"POST /batches/:id/delete":             access.Operator,
	"POST /batches/:id/undelete":           access.Operator,
	"GET /batches/:id/uploads":             access.Operator,
	"POST /batches/:id/images":             access.Operator,
	"PUT /batches/:id/images/:upload":      access.Operator,
	"POST /batches/:id/images/:n/out":      access.Operator,
	"POST /batches/:id/images/:n/in":       access.Operator,
	"POST /batches/:id/images/:n/turn":     access.Operator,
	"POST /batches/:id/images/:n/move":     access.Operator,
	"POST /batches/:id/images/:n/retry":    access.Operator,
	"POST /batches/:id/images/:n/cancel":   access.Operator,
	"POST /batches/:id/images/:n/name":     access.Operator,
	"POST /batches/:id/images/:n/priority": access.Operator,

	"POST /api/v1/batches":                      access.Operator,
	"PATCH /api/v1/batches/:id":                 access.Operator,
	"DELETE /api/v1/batches/:id":                access.Operator,
	"POST /api/v1/batches/:id/undelete":         access.Operator,
	"POST /api/v1/batches/:id/start":            access.Operator,
	"POST /api/v1/batches/:id/unschedule":       access.Operator,
	"POST /api/v1/batches/:id/pause":            access.Operator,
	"POST /api/v1/batches/:id/resume":           access.Operator,
	"POST /api/v1/batches/:id/cancel":           access.Operator,
	"POST /api/v1/batches/:id/retry":            access.Operator,
	"PUT /api/v1/batches/:id/images/:upload":    access.Operator,
	"PATCH /api/v1/batches/:id/images/:n":       access.Operator,
	"POST /api/v1/batches/:id/images/:n/cancel": access.Operator,
	"POST /api/v1/batches/:id/images/:n/retry":  access.Operator,
	"POST /batch-process-images":                access.Operator,
}

// needs returns the lowest role for a routed request. For an unknown route, a login is required before the 404 is shown.
func (s *Server) needs(c echo.Context) access.Role {
	route := c.Request().Method + " " + c.Path()
	if !s.routed[route] {
		return access.Viewer
	}
	if role, known := least[route]; known {
		return role
	}
	return access.Operator + 1
}

type roleKey struct{}

// browses returns the role of a browser: from its session, or Operator if no password is set. guard stored it in the context.
func browses(r *http.Request) access.Role {
	role, _ := r.Context().Value(roleKey{}).(access.Role)
	return role
}

// recognize stores the role of a browser in the context.
func (s *Server) recognize(ctx context.Context, r *http.Request) (context.Context, access.Role) {
	role := access.Operator
	if s.sessions.Asked() {
		_, role, _ = s.ticket(r.WithContext(ctx))
	}
	return context.WithValue(ctx, roleKey{}, role), role
}

// admit passes a request on if its sender has the required role.
func (s *Server) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		r, needed := c.Request(), s.needs(c)
		role := access.Operator // no password is set, or a demonstration
		if s.sessions.Asked() {
			role = browses(r)
		}
		if secret, ok := bearer(r); ok && s.sessions.Asked() && needed > access.Nobody && forPrograms(r.URL.Path) {
			if role, err = s.check(r, secret); err != nil {
				return err
			}
		}
		switch {
		case role >= needed:
			return next(c)
		case role == access.Nobody:
			return errs.New(errs.Unauthorized, "Please sign in first.")
		default:
			return errs.New(errs.Forbidden, "You may look, check and download here. For anything else, sign in as an operator.")
		}
	}
}

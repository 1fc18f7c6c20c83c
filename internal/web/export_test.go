package web

import (
	"context"
	"net/http"
	"path"
	"strings"
	"time"

	"sheetlift/internal/access"
	"sheetlift/internal/batch"
)

// Routes returns all routes, each with its method.
func (s *Server) Routes() []string {
	var all []string
	for _, r := range s.echo.Routes() {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

// Ticket returns a session cookie created at a time with this password and signing secret.
func Ticket(password string, secret []byte, at time.Time) string {
	return access.NewSessions(password, "", secret).Begin(access.Operator, at)
}

// Rows returns the rendered rows that open pages receive for changed items.
func (s *Server) Rows(ctx context.Context, id batch.ID, items ...string) (map[string][]byte, error) {
	rows, _, err := s.liveSource(id, "en").Delta(ctx, items)
	return rows, err
}

// FormBytes returns how many bytes of a body may be read for a route, including read-ahead. Without a session, routes that
// require one read nothing.
func FormBytes(route string, signedIn bool) int64 {
	const ahead = 8 << 10
	switch {
	case !signedIn && least["POST "+route] > access.Nobody:
		return 0
	case strings.HasPrefix(path.Base(route), "append"):
		return maxAppend + ahead
	case strings.HasPrefix(route, "/api/"):
		return 1<<20 + ahead
	default:
		return limitOf(route) + ahead
	}
}

// TakesStream reports whether a route accepts bodies without the limit of forms.
func TakesStream(method, route string) bool {
	return method == http.MethodPut || method == http.MethodPost && (route == "/batches" || route == "/batches/:id/images" || route == firstUpload)
}

// Understand returns the status and the sentence for an error.
func Understand(err error) (int, string) {
	return new(Server).classify(context.Background(), err)
}

// Attachment returns the Content-Disposition of a download with that name.
func Attachment(name string) string { return attachment(name) }

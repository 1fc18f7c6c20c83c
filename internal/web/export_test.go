package web

import (
	"context"
	"time"

	"sheetlift/internal/batch"
)

// Routes are the addresses there are, each with its method.
func (s *Server) Routes() []string {
	var all []string
	for _, r := range s.echo.Routes() {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

// Ticket is what a browser holds that gave the password at a time, where the secret is another one or this one.
func Ticket(password string, secret []byte, at time.Time) string {
	return newSessions(password, secret).begin(at)
}

// Rows are the rows of a batch that open pages are sent for changed items.
func (s *Server) Rows(ctx context.Context, id batch.ID, items ...string) (map[string][]byte, error) {
	rows, _, err := s.liveSource(id, "en").Delta(ctx, items)
	return rows, err
}

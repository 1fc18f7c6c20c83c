package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// noteEvents is the event stream of a draft's names page: notes that appear on its pictures while a person names them.
func (s *Server) noteEvents(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	if _, err := s.batches.Batch(c.Request().Context(), id); err != nil {
		return err
	}
	// The server's read timeout would end the stream; the feed limits each write instead.
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{})
	tag := views.Language(c.Request().Context())
	return s.feed.Serve(c.Response(), c.Request(), noteTopic(id, tag), noteSource{s, id, tag})
}

func noteTopic(id batch.ID, tag string) string { return liveTopic(id, tag) + "/notes" }

// noteSource renders the notes of a draft in one language.
type noteSource struct {
	server *Server
	id     batch.ID
	tag    string
}

// Snapshot renders all pictures with notes.
func (n noteSource) Snapshot(ctx context.Context) ([]byte, error) {
	byItem, count, err := n.draw(ctx, func(m views.Shot) bool { return len(m.Notes) > 0 })
	for _, one := range byItem {
		count = append(count, one...)
	}
	return count, err
}

// Delta renders the pictures in items. Pictures that were added or excluded since the page was loaded are skipped, because the
// page does not contain them.
func (n noteSource) Delta(ctx context.Context, items []string) (map[string][]byte, []byte, error) {
	wanted := make(map[string]bool, len(items))
	for _, item := range items {
		wanted[item] = true
	}
	return n.draw(ctx, func(m views.Shot) bool { return wanted[strconv.Itoa(m.N)] })
}

func (n noteSource) draw(ctx context.Context, wanted func(views.Shot) bool) (byItem map[string][]byte, count []byte, err error) {
	ctx = views.WithLanguage(ctx, n.tag)
	images, _, err := n.server.batches.Draft(ctx, n.id)
	if errs.Is(err, errs.NotFound) {
		gone, err := rendered(ctx, views.LiveGone())
		return nil, gone, err
	}
	if err != nil {
		return nil, nil, err
	}
	shots := presentShots(ctx, images)
	byItem = map[string][]byte{}
	for _, m := range shots {
		if !wanted(m) {
			continue
		}
		if byItem[strconv.Itoa(m.N)], err = rendered(ctx, views.NotesOf(batchURL(n.id), m)); err != nil {
			return nil, nil, err
		}
	}
	count, err = rendered(ctx, views.NotesCount(shots))
	return byItem, count, err
}

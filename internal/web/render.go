package web

import (
	"bytes"
	"context"
	"slices"
	"strconv"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/errs"
	"sheetlift/internal/live"
	"sheetlift/views"
)

// render answers with a page or fragment. It is rendered completely before the first byte is sent, so that a failure is still
// an error response and not half a page.
func (s *Server) render(c echo.Context, status int, page templ.Component) error {
	html, err := rendered(c.Request().Context(), page)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "HX-Request")
	return c.HTMLBlob(status, html)
}

func rendered(ctx context.Context, parts ...templ.Component) ([]byte, error) {
	var b bytes.Buffer
	for _, p := range parts {
		if err := p.Render(ctx, &b); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// isFragment reports whether the response replaces a part of a page, by htmx.
func isFragment(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }

// liveSource renders the live page of a batch in one language: everything for a new connection, then the changes.
func (s *Server) liveSource(id batch.ID, tag string) live.Source {
	return liveSource{server: s, id: id, tag: tag}
}

type liveSource struct {
	server *Server
	id     batch.ID
	tag    string
}

// Snapshot renders the head and all rows.
func (l liveSource) Snapshot(ctx context.Context) ([]byte, error) {
	ctx = views.WithLanguage(ctx, l.tag)
	v, err := l.server.liveView(ctx, l.id)
	if errs.Is(err, errs.NotFound) {
		return rendered(ctx, views.LiveGone())
	}
	if err != nil {
		return nil, err
	}
	return rendered(ctx, views.LiveHead(v), views.LiveRows(v.Rows...))
}

// Delta renders the changed rows by image number, and the head once. An item that is not an image of the batch (the batch
// itself, or an image that was uploaded too late) only renews the head.
func (l liveSource) Delta(ctx context.Context, items []string) (map[string][]byte, []byte, error) {
	ctx = views.WithLanguage(ctx, l.tag)
	o, err := l.server.progress.Overview(ctx, l.id)
	if errs.Is(err, errs.NotFound) {
		gone, err := rendered(ctx, views.LiveGone())
		return nil, gone, err
	}
	if err != nil {
		return nil, nil, err
	}
	changed, err := l.changed(ctx, o.Batch, items)
	if err != nil {
		return nil, nil, err
	}
	rows := make(map[string][]byte, len(changed))
	for _, m := range changed {
		row := l.server.row(o.Batch, m)
		row.Flash = true
		if rows[strconv.Itoa(m.N)], err = rendered(ctx, views.LiveRows(row)); err != nil {
			return nil, nil, err
		}
	}
	head, err := rendered(ctx, l.server.head(ctx, o))
	return rows, head, err
}

// head renders the part of the batch page that changes, except the rows.
func (s *Server) head(ctx context.Context, o progress.Overview) templ.Component {
	o = progress.WithDoubts(ctx, s.batches, o)
	v := s.presentLive(o.Batch, presentProgress(o))
	v.Controls = s.presentControls(o.Batch)
	return views.LiveHead(v)
}

// changed returns the images in items that belong to the batch. They come from the cached list of all images, which is updated
// by the same change events: after the loss of a node, a single read could be answered by another node with an older state.
func (l liveSource) changed(ctx context.Context, b *batch.Batch, items []string) ([]*batch.Image, error) {
	wanted := map[int]bool{}
	for _, item := range items {
		if n, err := strconv.Atoi(item); err == nil && placeOf(b, n) > 0 {
			wanted[n] = true
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	images, err := l.server.batches.Images(ctx, l.id)
	if err != nil {
		return nil, err
	}
	doubt.MarkDuplicates(b, images)
	return slices.DeleteFunc(images, func(m *batch.Image) bool { return !wanted[m.N] }), nil
}

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

const (
	maxWait  = 60 * time.Second // the longest wait of a request
	timeLeft = 30 * time.Second // for computing and sending the answer after it
)

// Waiting are the parts of the server that requests need while they wait for a change.
type Waiting struct {
	Stop  <-chan struct{}     // closed when the server stops: then they are answered at once
	Bound echo.MiddlewareFunc // bounds how many wait at the same time
}

// waitOf returns how long a request wants to wait, 0 if it does not, and whether only the end of the batch is waited for.
func waitOf(c echo.Context) (wait time.Duration, end bool, err error) {
	switch until := c.QueryParam("until"); until {
	case "", "change":
	case "end":
		end = true
	default:
		return 0, false, errs.At("query.until", errs.New(errs.Invalid, "until is %q; use change or end.", until))
	}
	text := c.QueryParam("wait")
	if text == "" {
		if end {
			err = errs.At("query.until", errs.New(errs.Invalid, "Say with wait how long to wait, such as wait=30s."))
		}
		return 0, end, err
	}
	wait, err = time.ParseDuration(text)
	if err != nil || wait < 0 || wait > maxWait {
		return 0, end, errs.At("query.wait", errs.New(errs.Invalid, "wait is %q; use a time from 0s to 60s, such as 30s.", text))
	}
	return wait, end, nil
}

// one is GET /api/v1/batches/{id}. With wait it is answered once the batch has changed or ended, or when the time is over.
func (a *Batches) one(c echo.Context) error {
	wait, end, err := waitOf(c)
	if err != nil {
		return err
	}
	if wait == 0 {
		return a.answer(c, idOf(c))
	}
	return a.waiting.Bound(func(c echo.Context) error { return a.awaitChange(c, wait, end) })(c)
}

// awaitChange answers with the batch at once if it has ended or differs from the tag in If-None-Match; otherwise once it differs,
// with end once it has ended, or after wait. Without If-None-Match, a change is one since the request came.
func (a *Batches) awaitChange(c echo.Context, wait time.Duration, end bool) error {
	control := http.NewResponseController(c.Response())
	_ = control.SetReadDeadline(time.Time{}) // it would end the request, which was read
	_ = control.SetWriteDeadline(time.Now().Add(wait + timeLeft))
	ctx, id := c.Request().Context(), idOf(c)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	first := ""
	for {
		moved := a.progress.Moved(id)
		s, err := a.state(ctx, id)
		if err != nil {
			return err
		}
		if first == "" {
			first = s.tag
		}
		changed := !end && (s.tag != first || len(given(c, "If-None-Match")) > 0 && !known(c, s.tag))
		if s.told.Status.Final() || changed || !a.awaitMove(ctx, id, moved, timer.C, end) {
			return send(c, s.tag, s.told)
		}
	}
}

// awaitMove waits for a change of the batch, with end for one that ends or removes it, and reports whether there was one before the
// time was over, the server stopped or the caller left.
func (a *Batches) awaitMove(ctx context.Context, id batch.ID, moved <-chan struct{}, over <-chan time.Time, end bool) bool {
	for {
		select {
		case <-moved:
		case <-over:
			return false
		case <-a.waiting.Stop:
			return false
		case <-ctx.Done():
			return false
		}
		moved = a.progress.Moved(id)
		b := a.progress.Stored(id)
		if !end || b == nil || b.Status.Final() || !b.Deleted.IsZero() {
			return true
		}
	}
}

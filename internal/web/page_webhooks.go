package web

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/webhook"
	"sheetlift/views"
)

// Webhooks tells other servers when batches end.
type Webhooks interface {
	Endpoints() []string
	Log(ctx context.Context) ([]*webhook.Delivery, error)
}

// shownDeliveries is how many deliveries the page shows.
const shownDeliveries = 500

// webhooksPage shows the log of deliveries.
func (s *Server) webhooksPage(c echo.Context) error {
	v := views.Webhooks{Shell: s.shell("keys"), Now: time.Now()}
	if s.webhooks == nil {
		return s.render(c, http.StatusOK, views.WebhooksPage(v))
	}
	v.Endpoints = s.webhooks.Endpoints()
	log, err := s.webhooks.Log(c.Request().Context())
	if err != nil {
		return err
	}
	for _, d := range log[:min(len(log), shownDeliveries)] {
		v.Deliveries = append(v.Deliveries, views.Delivery{
			Batch: d.Event, Name: oneLine(d.Name), Endpoint: d.Endpoint, Attempts: d.Attempts, Last: d.Last, Next: d.Next,
			Delivered: d.Delivered, Status: d.Status, Fault: oneLine(d.Fault),
		})
	}
	return s.render(c, http.StatusOK, views.WebhooksPage(v))
}

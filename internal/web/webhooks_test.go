package web_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/webhook"
)

// told is a log of deliveries.
type told struct {
	log []*webhook.Delivery
	err error
}

// hooksOf are the webhooks of a desk.
type hooksOf struct{ d *desk }

func (h hooksOf) Endpoints() []string {
	if h.d.hooks == nil {
		return nil
	}
	return []string{"https://desk.example/sheets"}
}

func (h hooksOf) Log(context.Context) ([]*webhook.Delivery, error) {
	if h.d.hooks == nil {
		return nil, nil
	}
	return h.d.hooks.log, h.d.hooks.err
}

func TestThePageOfWebhooksShowsEachDeliveryAndItsFate(t *testing.T) {
	t.Parallel()
	if page := newDesk(t, "tesseract").get("/webhooks"); page.status != 200 || !strings.Contains(page.body, "No server is told of anything.") {
		t.Errorf("without endpoints: %d", page.status)
	}
	at := time.Now().Add(-time.Hour)
	d := newDesk(t, "tesseract")
	d.hooks = &told{log: []*webhook.Delivery{
		{Event: "abc", Name: "First <b>", Endpoint: "https://desk.example/sheets", Attempts: 1, Last: at, Status: 204, Delivered: true},
		{Event: "def", Name: "Second", Endpoint: "https://desk.example/sheets", Attempts: 3, Last: at, Status: 500, Next: time.Now().Add(time.Hour)},
		{Event: "ghi", Name: "Third", Endpoint: "https://desk.example/sheets", Attempts: 9, Last: at, Fault: "connection refused"},
	}}
	page := d.get("/webhooks")
	for _, has := range []string{"First &lt;b&gt;", "/batches/def", "Delivered", "Answer 500", "Next attempt", "Given up", "connection refused", "https://desk.example/sheets"} {
		if page.status != 200 || !strings.Contains(page.body, has) {
			t.Errorf("%d: %q is missing", page.status, has)
		}
	}
	d.hooks = &told{}
	if page := d.get("/webhooks"); !strings.Contains(page.body, "Nothing was sent") {
		t.Error("an empty log is not told")
	}
	d.hooks = &told{err: errors.New("the store is away")}
	if page := d.get("/webhooks"); page.status != 500 {
		t.Errorf("a log that cannot be read: %d", page.status)
	}
}

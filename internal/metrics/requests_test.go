package metrics

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestRequestsAreToldByRouteAndNoClientMakesUpALabel(t *testing.T) {
	t.Parallel()
	s := sources("Ann")
	s.Requests = NewRequests()
	s.Requests.Observe("GET", "/batches/:id", 200, 20*time.Millisecond)
	s.Requests.Observe("GET", "/events", 200, 0)
	s.Requests.Observe("BREW", "", 404, time.Millisecond)
	w := httptest.NewRecorder()
	Handler(s).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	page, _ := io.ReadAll(w.Body)
	for _, want := range []string{
		`sheetlift_http_requests_total{method="GET",route="/batches/:id",status="200"} 1`,
		`sheetlift_http_requests_total{method="GET",route="/events",status="200"} 1`,
		`sheetlift_http_requests_total{method="other",route="none",status="404"} 1`,
		`sheetlift_http_request_seconds_bucket{route="/batches/:id",le="0.025"} 1`,
		`sheetlift_event_streams 3`, `sheetlift_backup_age_seconds 3600`,
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%s is not told", want)
		}
	}
	if strings.Contains(string(page), `seconds_bucket{route="/events"`) {
		t.Error("an event stream has a duration")
	}
}

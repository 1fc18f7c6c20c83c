package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/errs"
)

// memory is a Memory in this process.
type memory struct {
	mu   sync.Mutex
	docs map[string][]byte
	revs map[string]uint64
	rev  uint64
}

func newMemory() *memory { return &memory{docs: map[string][]byte{}, revs: map[string]uint64{}} }

func (m *memory) Deliveries(context.Context) ([]*Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*Delivery
	for key, doc := range m.docs {
		d := &Delivery{Key: key, Rev: m.revs[key]}
		if err := json.Unmarshal(doc, d); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func (m *memory) SaveDelivery(_ context.Context, d *Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.revs[d.Key] != d.Rev {
		return errs.New(errs.Conflict, "Another revision is stored.")
	}
	doc, err := json.Marshal(d)
	m.rev++
	m.docs[d.Key], m.revs[d.Key], d.Rev = doc, m.rev, m.rev
	return err
}

func (m *memory) DropDelivery(_ context.Context, d *Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.docs, d.Key)
	delete(m.revs, d.Key)
	return nil
}

// receiver is an endpoint that answers with these statuses in turn, the last one for ever.
type receiver struct {
	mu       sync.Mutex
	statuses []int
	got      []string // bodies
	headers  []http.Header
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	status := r.statuses[min(len(r.got), len(r.statuses)-1)]
	r.got, r.headers = append(r.got, string(body)), append(r.headers, req.Header.Clone())
	if status == http.StatusFound {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
}

const secret = "a-secret-of-a-test"

// sender returns a sender to a receiver with one event, and the event to change.
func sender(t *testing.T, r *receiver, m *memory) (*Sender, *Event) {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	event := &Event{ID: "abc", At: time.Now(), Name: "November", Body: json.RawMessage(`{"event":"batch.ended"}`)}
	return New(Options{
		Endpoints: []string{server.URL + "/hook"}, Secret: secret, Memory: m, Log: slog.New(slog.DiscardHandler), Events: func() []Event { return []Event{*event} },
	}), event
}

func sweeps(t *testing.T, s *Sender, at time.Time) *Delivery {
	t.Helper()
	if err := s.sweep(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	log, err := s.Log(t.Context())
	if err != nil || len(log) != 1 {
		t.Fatalf("%d deliveries, %v", len(log), err)
	}
	return log[0]
}

func TestAnEventIsDeliveredOnceAndSigned(t *testing.T) {
	t.Parallel()
	r := &receiver{statuses: []int{204}}
	s, event := sender(t, r, newMemory())
	now := time.Now()
	for i := range 4 {
		if d := sweeps(t, s, now.Add(time.Duration(i)*time.Hour)); !d.Delivered || d.Attempts != 1 || d.Status != 204 || !d.Next.IsZero() {
			t.Errorf("the delivery is %+v", d)
		}
	}
	if len(r.got) != 1 || r.got[0] != string(event.Body) {
		t.Fatalf("the endpoint got %q", r.got)
	}
	var seconds int64
	signature := r.headers[0].Get("Sheetlift-Signature")
	if _, err := fmt.Sscanf(signature, "t=%d,", &seconds); err != nil || signature != Sign(secret, time.Unix(seconds, 0), event.Body) || r.headers[0].Get("Content-Type") != "application/json" {
		t.Errorf("the signature is %q: %v", signature, err)
	}
	if Sign("another", time.Unix(seconds, 0), event.Body) == signature || Sign(secret, time.Unix(seconds+1, 0), event.Body) == signature {
		t.Error("the signature depends on the secret or the time no more")
	}
	event.At = event.At.Add(time.Minute) // the batch was read again and ended again
	if d := sweeps(t, s, now.Add(5*time.Hour)); !d.Delivered || d.Attempts != 1 || len(r.got) != 2 {
		t.Errorf("a second end: %+v after %d requests", d, len(r.got))
	}
	if a, b := r.headers[0].Get("Sheetlift-Delivery"), r.headers[1].Get("Sheetlift-Delivery"); a == "" || a == b {
		t.Errorf("two events have the ids %q and %q", a, b)
	}
}

func TestAnEndpointThatFailsIsTriedAgainWithTheSameIDAndGivenUpAfterADay(t *testing.T) {
	t.Parallel()
	r := &receiver{statuses: []int{500, 302, 200}}
	s, _ := sender(t, r, newMemory())
	now := time.Now()
	d := sweeps(t, s, now)
	if d.Delivered || d.Status != 500 || d.Next.IsZero() {
		t.Fatalf("after one failure: %+v", d)
	}
	if d = sweeps(t, s, now.Add(time.Second)); d.Attempts != 1 {
		t.Errorf("it was attempted before its time: %+v", d)
	}
	d = sweeps(t, s, d.Next)
	if d.Delivered || d.Status != 302 || d.Attempts != 2 {
		t.Errorf("a redirect was followed: %+v", d)
	}
	if d = sweeps(t, s, d.Next); !d.Delivered || d.Attempts != 3 {
		t.Errorf("the third attempt: %+v", d)
	}
	if r.headers[0].Get("Sheetlift-Delivery") != r.headers[2].Get("Sheetlift-Delivery") {
		t.Error("attempts of one delivery have two ids")
	}

	r = &receiver{statuses: []int{503}}
	s, event := sender(t, r, newMemory())
	event.At = time.Now().Add(-Patience + time.Second)
	if d = sweeps(t, s, time.Now()); d.Delivered || !d.Next.IsZero() || d.Attempts != 1 {
		t.Errorf("after a day: %+v", d)
	}
	r = &receiver{statuses: []int{410}}
	s, _ = sender(t, r, newMemory())
	if d = sweeps(t, s, time.Now()); d.Delivered || !d.Next.IsZero() {
		t.Errorf("an endpoint that is gone: %+v", d)
	}
}

func TestOldEventsAreNotToldAndDeliveriesAreForgottenWithTheirBatchOrAfterAMonth(t *testing.T) {
	t.Parallel()
	r := &receiver{statuses: []int{200}}
	m := newMemory()
	s, event := sender(t, r, m)
	event.At = time.Now().Add(-Patience - time.Hour)
	if err := s.sweep(t.Context(), time.Now()); err != nil || len(r.got) != 0 || len(m.docs) != 0 {
		t.Errorf("an old event: %d requests, %v", len(r.got), err)
	}
	event.At = time.Now()
	sweeps(t, s, time.Now())
	deleted := false
	s.options.Gone = func(id string) bool { return deleted && id == "abc" }
	s.options.Events = func() []Event { return nil }
	if d := sweeps(t, s, time.Now().Add(time.Hour)); d == nil {
		t.Error("a delivery was forgotten too early")
	}
	deleted = true
	if err := s.sweep(t.Context(), time.Now().Add(2*time.Hour)); err != nil || len(m.docs) != 0 {
		t.Errorf("%d deliveries of a deleted batch are kept, %v", len(m.docs), err)
	}
	s.options.Events = func() []Event { return []Event{*event} }
	deleted = false
	s.told = nil
	sweeps(t, s, time.Now().Add(3*time.Hour))
	s.options.Events = func() []Event { return nil }
	if err := s.sweep(t.Context(), time.Now().Add(Keep+time.Hour)); err != nil || len(m.docs) != 0 {
		t.Errorf("%d deliveries are kept for ever, %v", len(m.docs), err)
	}
}

func TestTwoProcessesDeliverAnEventOnce(t *testing.T) {
	t.Parallel()
	r := &receiver{statuses: []int{200}}
	m := newMemory()
	a, _ := sender(t, r, m)
	b := New(a.options)
	var all sync.WaitGroup
	for range 20 {
		for _, s := range []*Sender{a, b} {
			all.Go(func() {
				if err := s.sweep(t.Context(), time.Now()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	if len(r.got) != 1 {
		t.Errorf("%d requests for one event", len(r.got))
	}
}

func TestPrivateAddressesAreCalledOnlyWhenNamed(t *testing.T) {
	t.Parallel()
	home := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	for _, c := range []struct {
		host, at string
		want     bool
	}{
		{"desk.example", "8.8.8.8", true}, {"desk.example", "2606:4700::1", true},
		{"desk.example", "127.0.0.1", false}, {"desk.example", "::1", false}, {"desk.example", "10.0.0.1", false}, {"desk.example", "10.1.2.3", true},
		{"desk.example", "192.168.1.1", false}, {"desk.example", "172.16.0.1", false}, {"desk.example", "169.254.169.254", false}, {"desk.example", "fd00::1", false},
		{"desk.example", "fe80::1", false}, {"desk.example", "0.0.0.0", false}, {"desk.example", "100.64.0.1", false}, {"desk.example", "224.0.0.1", false},
		{"desk.example", "64:ff9b::a00:1", false}, {"desk.example", "2002:a00:1::", false}, {"desk.example", "255.255.255.255", false},
		{"127.0.0.1", "127.0.0.1", true}, {"127.0.0.1", "127.0.0.2", false}, {"192.168.1.1", "192.168.1.1", true}, {"::1", "::1", true},
		{"localhost", "127.0.0.1", true}, {"localhost", "10.0.0.1", false}, {"localhost.example", "127.0.0.1", false},
	} {
		if got := reachable(c.host, netip.MustParseAddr(c.at), home); got != c.want {
			t.Errorf("%s at %s: %v", c.host, c.at, got)
		}
	}
}

func TestANameThatLeadsHomeIsNotConnectedTo(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the private address was called") }))
	t.Cleanup(server.Close)
	// localhost with a dot is the same machine under a name that is not named.
	s := New(Options{Endpoints: []string{strings.Replace(server.URL, "127.0.0.1", "localhost.", 1)}, Secret: secret})
	status, fault := s.post(t.Context(), &Delivery{Endpoint: s.Endpoints()[0]}, time.Now())
	if status != 0 || !strings.Contains(fault, "SHEETLIFT_WEBHOOKS") {
		if !strings.Contains(fault, "no such host") { // a resolver that does not know the dot
			t.Errorf("%d %s", status, fault)
		}
	}
}

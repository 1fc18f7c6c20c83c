// Package webhook tells other servers of events: signed, retried for a day, each delivery recorded. It knows no batches.
package webhook

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"sheetlift/internal/errs"
)

// The times of deliveries.
const (
	Patience = 24 * time.Hour      // from the event: how long an endpoint that does not answer with 2xx is tried
	Keep     = 30 * 24 * time.Hour // from the event: how long a delivery stays in the log
	timeout  = 10 * time.Second    // of one attempt
	settled  = 10 * time.Minute    // after an event, every process has heard of it: a thing that one does not know is gone
	lease    = time.Minute         // in which another process leaves a delivery alone that one is attempting
	interval = 5 * time.Second     // between two looks for events and due deliveries
	reload   = time.Minute         // at most between two looks at all deliveries, of which other processes change some
	atOnce   = 4
)

// pauses are the times between attempts; the last one repeats.
var pauses = []time.Duration{10 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour}

// Event is something that endpoints are told of.
type Event struct {
	ID   string          // letters and digits; a later At under the same ID is a new event in its place
	At   time.Time       // when it happened
	Name string          // for the log, as people know it
	Body json.RawMessage // sent to every endpoint
}

// Delivery is an event on its way to one endpoint. It is stored as JSON.
type Delivery struct {
	Key string `json:"-"` // in the memory
	Rev uint64 `json:"-"` // revision in the memory, for compare-and-swap

	Event     string          `json:"event"` // Event.ID
	At        time.Time       `json:"at"`
	Name      string          `json:"name"`
	Endpoint  string          `json:"endpoint"` // its URL
	Body      json.RawMessage `json:"body"`
	Attempts  int             `json:"attempts"`
	Last      time.Time       `json:"last,omitzero"`   // the newest attempt
	Status    int             `json:"status"`          // of the newest answer; 0: none came
	Fault     string          `json:"fault,omitempty"` // why none came, for the technician
	Next      time.Time       `json:"next,omitzero"`   // when it is attempted again; zero: never
	Delivered bool            `json:"delivered"`
}

// Memory stores deliveries, for all processes.
type Memory interface {
	Deliveries(ctx context.Context) ([]*Delivery, error)
	// SaveDelivery stores d if its revision is still d.Rev, 0 for a new one, and sets d.Rev; otherwise the error is a Conflict.
	SaveDelivery(ctx context.Context, d *Delivery) error
	// DropDelivery removes d, if its revision is still d.Rev.
	DropDelivery(ctx context.Context, d *Delivery) error
}

// Options are the settings of a Sender.
type Options struct {
	Endpoints []string       // URLs
	Networks  []netip.Prefix // private networks in which endpoints may be; others are public, or named by their address
	Secret    string         // signs what is sent
	Memory    Memory
	Events    func() []Event          // those of the last day, at least
	Gone      func(event string) bool // the thing that the event is about was deleted: its deliveries are forgotten, too; nil: never
	Log       *slog.Logger
}

// Sender delivers events. Use New to create one.
type Sender struct {
	options Options
	clients map[string]*http.Client // by endpoint

	told map[string]time.Time // by key: events that are recorded
	look time.Time            // when deliveries must be looked at, also without a new event
}

// New returns a sender; it does nothing before Run.
func New(o Options) *Sender {
	s := &Sender{options: o, clients: map[string]*http.Client{}, told: map[string]time.Time{}}
	for _, endpoint := range o.Endpoints {
		s.clients[endpoint] = clientFor(endpoint, o.Networks)
	}
	return s
}

// Endpoints returns the URLs that are told.
func (s *Sender) Endpoints() []string { return s.options.Endpoints }

// Log returns all deliveries of the last 30 days, the newest event first.
func (s *Sender) Log(ctx context.Context) ([]*Delivery, error) {
	all, err := s.options.Memory.Deliveries(ctx)
	slices.SortFunc(all, func(a, b *Delivery) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Endpoint, b.Endpoint))
	})
	return all, err
}

// Run delivers until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := s.sweep(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.options.Log.Warn("webhooks could not be looked after; trying again", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// sweep records new events, attempts what is due and forgets old deliveries.
func (s *Sender) sweep(ctx context.Context, now time.Time) error {
	events := slices.DeleteFunc(s.options.Events(), func(e Event) bool { return now.Sub(e.At) > Patience })
	if now.Before(s.look) && !slices.ContainsFunc(events, s.isNew) {
		return nil
	}
	all, err := s.options.Memory.Deliveries(ctx)
	if err != nil {
		return err
	}
	byKey := make(map[string]*Delivery, len(all))
	for _, d := range all {
		byKey[d.Key] = d
	}
	for _, e := range events {
		for _, endpoint := range s.options.Endpoints {
			if err := s.record(ctx, byKey, e, endpoint, now); err != nil {
				return err
			}
		}
	}
	s.told = make(map[string]time.Time, len(byKey))
	g, one := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, d := range byKey {
		s.told[d.Key] = d.At
		switch {
		case now.Sub(d.At) > Keep, s.options.Gone != nil && now.Sub(d.At) > settled && s.options.Gone(d.Event):
			g.Go(func() error { return ignoreConflict(s.options.Memory.DropDelivery(one, d)) })
		case !d.Next.IsZero() && !d.Next.After(now) && s.clients[d.Endpoint] != nil:
			g.Go(func() error { return ignoreConflict(s.attempt(one, d)) })
		}
	}
	err = g.Wait()
	s.look = now.Add(reload)
	for _, d := range byKey {
		if !d.Next.IsZero() && d.Next.Before(s.look) {
			s.look = d.Next
		}
	}
	return err
}

// isNew reports whether an event is not recorded for every endpoint.
func (s *Sender) isNew(e Event) bool {
	return slices.ContainsFunc(s.options.Endpoints, func(endpoint string) bool { return s.told[e.ID+"."+idOf(endpoint)].Before(e.At) })
}

// record stores the delivery of an event to an endpoint, unless it is there.
func (s *Sender) record(ctx context.Context, byKey map[string]*Delivery, e Event, endpoint string, now time.Time) error {
	key := e.ID + "." + idOf(endpoint)
	d := &Delivery{Key: key, Event: e.ID, At: e.At, Name: e.Name, Endpoint: endpoint, Body: e.Body, Next: now}
	if old := byKey[key]; old != nil {
		if !e.At.After(old.At) {
			return nil
		}
		d.Rev = old.Rev
	}
	err := s.options.Memory.SaveDelivery(ctx, d)
	if errs.Is(err, errs.Conflict) { // another process was faster, and sends it
		return nil
	}
	if err == nil {
		byKey[key] = d
	}
	return err
}

// attempt sends a delivery once. It is claimed first, so that no other process does the same.
func (s *Sender) attempt(ctx context.Context, d *Delivery) error {
	now := time.Now()
	d.Attempts, d.Last, d.Next = d.Attempts+1, now, now.Add(lease)
	if err := s.options.Memory.SaveDelivery(ctx, d); err != nil {
		return err
	}
	d.Status, d.Fault = s.post(ctx, d, now)
	d.Delivered = d.Status >= 200 && d.Status < 300
	pause := pauses[min(d.Attempts, len(pauses))-1]
	switch next := time.Now().Add(pause); {
	case ctx.Err() != nil:
		return nil // the claim ends by itself, and it is sent again after the restart
	case d.Delivered || d.Status == http.StatusGone:
		d.Next = time.Time{}
	case next.Sub(d.At) > Patience:
		d.Next = time.Time{}
		s.options.Log.Warn("a webhook was given up after a day", "endpoint", d.Endpoint, "event", d.Event, "status", d.Status, "fault", d.Fault)
	default:
		d.Next = next
	}
	return s.options.Memory.SaveDelivery(ctx, d)
}

// Sign returns the value of the header Sheetlift-Signature: the time in seconds, and the HMAC-SHA256 of the time, a point and the body.
func Sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

// idOf returns a short name of an endpoint, for keys.
func idOf(endpoint string) string {
	sum := sha256.Sum256([]byte(endpoint))
	return hex.EncodeToString(sum[:8])
}

func ignoreConflict(err error) error {
	if errs.Is(err, errs.Conflict) {
		return nil
	}
	return err
}

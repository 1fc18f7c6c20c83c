package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/errs"
	"sheetlift/internal/keypool"
	"sheetlift/views"
)

// Keys is the view of the pages on the key pool: by label and state, never by value.
type Keys interface {
	// Len returns the number of keys.
	Len() int
	// Ready returns how many keys could read at this moment.
	Ready() int
	// Status returns all data about the pool at now that may be shown to people.
	Status(now time.Time) keypool.Status
	// Outlook returns the usual duration of a call with a model, and the calls a minute that the limits allow; 0 if unknown.
	Outlook(model string, now time.Time) (takes time.Duration, perMinute float64)
	// Disable and Enable switch a key off and on; keypool.ErrUnknown for an unknown label.
	Disable(label string) error
	Enable(label string) error
	// Test makes one cheap call with a key.
	Test(ctx context.Context, label string) (keypool.Outcome, error)
}

// Ending is a model that the service will retire, or that is no longer reliable.
type Ending struct {
	Model   string
	Retires time.Time // zero: unknown
	Message string    // message of the service
}

// Offer is a model that can be chosen for a batch.
type Offer struct {
	ID       string
	Thinking []string // its thinking levels, lowest first
	Input    float64  // US dollars per million tokens
	Output   float64
	Priced   bool
}

// eventsShown is how many of the newest events the page lists.
const eventsShown = 12

// keysPage shows the key pool.
func (s *Server) keysPage(c echo.Context) error {
	return s.showKeys(c, "", "")
}

func (s *Server) showKeys(c echo.Context, said, mood string) error {
	v := s.keysNow(c.Request().Context())
	v.Said, v.Mood = said, mood
	return s.render(c, http.StatusOK, views.KeysPage(v))
}

// keysNow returns the current state of the keys page.
func (s *Server) keysNow(ctx context.Context) views.Keys {
	v := views.Keys{Shell: s.shell("keys"), Reader: s.reader(ctx, ""), Now: time.Now()}
	if s.pool != nil {
		v.Wire, v.Keeps = true, s.keeps
		presentPool(&v, s.pool.Status(v.Now))
	}
	v.NoStore = s.cfg.NoStore
	if s.ending != nil {
		for _, e := range s.ending() {
			v.Ending = append(v.Ending, views.Ending{Model: oneLine(e.Model), Retires: e.Retires, Message: oneLine(e.Message)})
		}
	}
	if s.oldKeys != nil {
		v.Unread = oneLine(s.oldKeys())
	}
	return v
}

// keysEvents is the event stream of the keys page.
func (s *Server) keysEvents(c echo.Context) error {
	if s.pool == nil {
		return errs.New(errs.NotFound, "There are no keys here that could be watched.")
	}
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{})
	tag := views.Language(c.Request().Context())
	return s.feed.Serve(c.Response(), c.Request(), keysTopic(tag), keysSource{s, tag})
}

// KeysTopics returns the feed topics of the keys page, one for each language.
func KeysTopics() []string {
	var topics []string
	for _, tag := range views.Languages() {
		topics = append(topics, keysTopic(tag))
	}
	return topics
}

func keysTopic(tag string) string { return "keys/" + tag }

// keysSource renders the keys page in one language. It is small enough to be sent as a whole.
type keysSource struct {
	server *Server
	tag    string
}

// Snapshot renders the whole pool.
func (k keysSource) Snapshot(ctx context.Context) ([]byte, error) {
	ctx = views.WithLanguage(ctx, k.tag)
	return rendered(ctx, views.KeysNow(k.server.keysNow(ctx)))
}

// Delta returns the whole pool as the head, so that it is sent only if it changed.
func (k keysSource) Delta(ctx context.Context, _ []string) (map[string][]byte, []byte, error) {
	head, err := k.Snapshot(ctx)
	return nil, head, err
}

// Added is the result of adding a key.
type Added struct {
	Label string
	Here  bool  // it existed before and was not changed
	Kept  bool  // it is in the keys file
	Why   error // why it was not written to the keys file; nil if there is no such file
}

// maxKey is the limit for the length of a key in bytes; Google's have 40 to 60.
const maxKey = 1000

// addKey adds a key. The typed value goes to the pool and its file, and nowhere else.
func (s *Server) addKey(c echo.Context) error {
	if s.add == nil {
		return errs.New(errs.Unavailable, "Keys cannot be added here.")
	}
	k, err := typedKey(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	switch added := s.add(c.Request().Context(), k); {
	case added.Here:
		return s.showKeys(c, views.T(ctx, "keys.said.there", oneLine(added.Label)), "")
	case added.Kept:
		return s.showKeys(c, views.T(ctx, "keys.said.kept", oneLine(added.Label)), "")
	case added.Why != nil:
		return s.showKeys(c, views.T(ctx, "keys.said.unkept", oneLine(added.Label), localize(ctx, added.Why)), "wait")
	default:
		return s.showKeys(c, views.T(ctx, "keys.said.added", oneLine(added.Label)), "wait")
	}
}

// typedKey parses the form. Its errors never contain the typed value.
func typedKey(c echo.Context) (keypool.Key, error) {
	k, err := keypool.ParseKey(c.FormValue("key"), 0)
	if errors.Is(err, keypool.ErrBlank) {
		return k, errs.New(errs.Invalid, "The key is blank. Copy it from Google AI Studio and paste it.")
	}
	if label := strings.TrimSpace(c.FormValue("label")); label != "" {
		k.Label = label
	}
	if project := strings.TrimSpace(c.FormValue("project")); project != "" {
		k.Project = project
	}
	written := k
	if written.Label == "" { // the pool chooses a label of this form
		written.Label = "key 1"
	}
	if _, unwritten := written.Line(); err != nil || unwritten != nil || len(k.Secret.Reveal()) > maxKey {
		return k, errs.New(errs.Invalid, "The key cannot be taken like this. A label has up to 40 letters, digits, blanks, dots and dashes, a project up to 63 without blanks, and a key is one line.")
	}
	return k, nil
}

func (s *Server) disableKey(c echo.Context) error {
	return s.switchKey(c, "keys.said.off", func(label string) error { return s.pool.Disable(label) })
}

func (s *Server) enableKey(c echo.Context) error {
	return s.switchKey(c, "keys.said.on", func(label string) error { return s.pool.Enable(label) })
}

func (s *Server) switchKey(c echo.Context, said string, act func(string) error) error {
	label := c.FormValue("label")
	if s.pool == nil || act(label) != nil {
		return noSuchKey()
	}
	return s.showKeys(c, views.T(c.Request().Context(), said, oneLine(label)), "")
}

// testKey tests a key in any state and reports the result.
func (s *Server) testKey(c echo.Context) error {
	label := c.FormValue("label")
	if s.pool == nil {
		return noSuchKey()
	}
	o, err := s.pool.Test(c.Request().Context(), label)
	switch {
	case errors.Is(err, keypool.ErrUnknown):
		return noSuchKey()
	case err != nil:
		return err
	case o.Class == keypool.OK:
		return s.showKeys(c, views.T(c.Request().Context(), "keys.said.works", oneLine(label)), "")
	}
	said := "keys.said.unsure"
	if o.Class == keypool.KeyDead || o.Class == keypool.KeyFixable {
		said = "keys.said.bad"
	}
	return s.showKeys(c, views.T(c.Request().Context(), said, oneLine(label), views.Why(c.Request().Context(), string(o.Class), oneLine(o.Reason))), "bad")
}

func noSuchKey() error {
	return errs.New(errs.NotFound, "There is no key with this label any more. Reload the page.")
}

// keyStates maps the states of the pool to those of the pages.
var keyStates = map[keypool.State]string{
	keypool.Active: "ready", keypool.Cooling: "resting", keypool.Parked: "spent", keypool.Quarantined: "refused", keypool.Disabled: "off",
}

func presentPool(v *views.Keys, st keypool.Status) {
	v.Next, v.Waiting, v.Down = st.Next, st.Waiting, st.Down
	for _, k := range st.Keys {
		v.Keys = append(v.Keys, presentKey(k))
	}
	for _, e := range slices.Backward(st.Events) {
		if len(v.Events) == eventsShown {
			break
		}
		v.Events = append(v.Events, views.Event{At: e.At, Key: oneLine(e.Key), Class: string(e.Class), Text: oneLine(e.Text)})
	}
}

func presentKey(k keypool.KeyStatus) views.Key {
	v := views.Key{
		Label: oneLine(k.Label), Project: oneLine(k.Project), Shares: k.SharesQuota, State: keyStates[k.State],
		Class: string(k.Class), Reason: oneLine(k.Reason), Back: k.Until, Running: k.Running, Share: k.Share, Calls: k.Calls,
		Ended: k.Ended, Good: k.Good, Latency: k.Latency, PerMinute: k.PerMinute, LastMinute: k.LastMinute, PerDay: k.PerDay, Today: k.Today,
		Added: k.Added,
	}
	if k.Due {
		v.State = "due"
	}
	for _, f := range slices.Backward(k.Failures) {
		v.Failures = append(v.Failures, views.Failure{Class: string(f.Class), Text: oneLine(f.Text), Count: f.Count, First: f.First, Last: f.Last})
	}
	for _, t := range k.Lately {
		v.Lately = append(v.Lately, views.Tally(t))
	}
	return v
}

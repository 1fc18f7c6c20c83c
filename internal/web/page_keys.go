package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/keypool"
	"sheetlift/views"
)

// Keys is the pool of keys as the pages see it: by label and state, never by value.
type Keys interface {
	// Len is how many keys there are.
	Len() int
	// Ready is how many could read at this moment.
	Ready() int
	// Status is everything that people may know of the pool at now.
	Status(now time.Time) keypool.Status
}

// eventsShown is how many of the newest events the page lists.
const eventsShown = 12

// keysPage shows who reads, who waits, and why.
func (s *Server) keysPage(c echo.Context) error {
	v := views.Keys{Shell: s.shell("keys"), Reader: s.reader(""), Now: time.Now()}
	if s.pool != nil {
		presentPool(&v, s.pool.Status(v.Now))
	}
	return s.render(c, http.StatusOK, views.KeysPage(v))
}

// keyStates is the table from the pool's states to the pages' words for them.
var keyStates = map[keypool.State]string{
	keypool.Active: "ready", keypool.Cooling: "resting", keypool.Parked: "spent", keypool.Quarantined: "refused", keypool.Disabled: "off",
}

func presentPool(v *views.Keys, st keypool.Status) {
	v.Next, v.Waiting, v.Down = st.Next, st.Waiting, st.Down
	for _, k := range st.Keys {
		v.Keys = append(v.Keys, views.Key{
			Label: oneLine(k.Label), Project: oneLine(k.Project), Shares: k.SharesQuota, State: keyStates[k.State],
			Class: string(k.Class), Reason: oneLine(k.Reason), Back: k.Until, Running: k.Running, Share: k.Share, Calls: k.Calls,
			Success: k.Success, Latency: k.Latency, PerMinute: k.PerMinute, LastMinute: k.LastMinute, PerDay: k.PerDay, Today: k.Today,
		})
	}
	for _, e := range slices.Backward(st.Events) {
		if len(v.Events) == eventsShown {
			break
		}
		v.Events = append(v.Events, views.Event{At: e.At, Key: oneLine(e.Key), Class: string(e.Class), Text: oneLine(e.Text)})
	}
}

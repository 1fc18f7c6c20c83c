package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/keypool"
)

// Pool is what programs may know of the keys.
type Pool interface {
	Status(now time.Time) keypool.Status
}

// keyList is the answer of GET /api/v1/keys.
type keyList struct {
	Ready   int       `json:"ready"`
	Waiting int       `json:"waiting"` // images that wait for a key
	Next    *string   `json:"next"`    // RFC 3339: when one is ready again, while none is; null: one is, or nobody knows
	Down    bool      `json:"down"`    // the service itself is down
	Keys    []keyInfo `json:"keys"`
}

type keyInfo struct {
	Label      string   `json:"label"`
	Project    string   `json:"project,omitempty"`
	Shares     []string `json:"shares_quota_with,omitempty"`
	State      string   `json:"state"` // active, cooling, parked, quarantined, disabled
	Class      string   `json:"class,omitempty"`
	Reason     string   `json:"reason,omitempty"`
	Back       *string  `json:"back"` // RFC 3339
	Running    int      `json:"running"`
	AtOnce     int      `json:"at_once"`
	Share      float64  `json:"share"` // of the last five minutes, 0 to 1
	Calls      int      `json:"calls"`
	Good       int      `json:"good"`
	Success    *float64 `json:"success"` // 0 to 1, fading
	Latency    float64  `json:"latency_seconds"`
	PerMinute  int      `json:"limit_per_minute"` // 0: not learned
	LastMinute int      `json:"last_minute"`
	PerDay     int      `json:"limit_per_day"` // 0: not learned
	Today      int      `json:"today"`
	Errors     []event  `json:"last_errors"`
}

type event struct {
	At    string `json:"at"`
	Class string `json:"class"`
	Text  string `json:"text"`
}

// Keys is GET /api/v1/keys.
func Keys(pool Pool) echo.HandlerFunc {
	return func(c echo.Context) error {
		return c.JSON(http.StatusOK, newKeyList(pool.Status(time.Now())))
	}
}

func newKeyList(s keypool.Status) keyList {
	list := keyList{Ready: s.Ready, Waiting: s.Waiting, Next: stamp(s.Next), Down: s.Down, Keys: make([]keyInfo, 0, len(s.Keys))}
	for _, k := range s.Keys {
		info := keyInfo{
			Label: k.Label, Project: k.Project, Shares: k.SharesQuota, State: string(k.State), Class: string(k.Class), Reason: k.Reason,
			Back: stamp(k.Until), Running: k.Running, AtOnce: k.AtOnce, Share: k.Share, Calls: k.Calls, Good: k.Good,
			Latency: k.Latency.Seconds(), PerMinute: k.PerMinute, LastMinute: k.LastMinute, PerDay: k.PerDay, Today: k.Today,
			Errors: make([]event, 0, len(k.Errors)),
		}
		if k.Success >= 0 {
			info.Success = &k.Success
		}
		for _, e := range k.Errors {
			info.Errors = append(info.Errors, event{e.At.UTC().Format(time.RFC3339), string(e.Class), e.Text})
		}
		list.Keys = append(list.Keys, info)
	}
	return list
}

// stamp is t in RFC 3339, or null.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/keypool"
)

// Pool is the part of the key pool that programs may see.
type Pool interface {
	Status(now time.Time) keypool.Status
}

// keyList is the response of GET /api/v1/keys.
type keyList struct {
	Ready   int       `json:"ready"`
	Waiting int       `json:"waiting"` // images that wait for a key
	Next    *string   `json:"next"`    // RFC 3339: when the next key is ready, while none is; null if one is ready or the time is unknown
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
	Share      float64  `json:"share"` // of the calls in the last five minutes, 0 to 1
	Calls      int      `json:"calls"`
	Good       int      `json:"good"`
	Success    *float64 `json:"success"` // 0 to 1, decaying average
	Latency    float64  `json:"latency_seconds"`
	PerMinute  int      `json:"limit_per_minute"` // 0: unknown
	LastMinute int      `json:"last_minute"`
	PerDay     int      `json:"limit_per_day"` // 0: unknown
	Today      int      `json:"today"`
	Added      bool     `json:"until_restart"` // added on the keys page, not in the settings
	Lately     []tally  `json:"last_ten_minutes"`
	Errors     []failed `json:"last_errors"` // by class, the newest last
}

// tally counts the calls of ten seconds; the last one includes the present.
type tally struct {
	Good  int `json:"good"`
	Other int `json:"other"`
}

// failed is one class of errors, with its count, first and last time.
type failed struct {
	Class string `json:"class"`
	Plain string `json:"plain"` // a sentence for people, in the caller's language
	Said  string `json:"said"`  // last message of the service
	Count int    `json:"count"`
	First string `json:"first"` // RFC 3339
	Last  string `json:"last"`
}

// Why returns the sentence for people about an error class, given the message of the service.
type Why func(ctx context.Context, class, said string) string

// Keys is GET /api/v1/keys.
func Keys(pool Pool, why Why) echo.HandlerFunc {
	return func(c echo.Context) error {
		return c.JSON(http.StatusOK, newKeyList(c.Request().Context(), pool.Status(time.Now()), why))
	}
}

func newKeyList(ctx context.Context, s keypool.Status, why Why) keyList {
	list := keyList{Ready: s.Ready, Waiting: s.Waiting, Next: stamp(s.Next), Down: s.Down, Keys: make([]keyInfo, 0, len(s.Keys))}
	for _, k := range s.Keys {
		info := keyInfo{
			Label: k.Label, Project: k.Project, Shares: k.SharesQuota, State: string(k.State), Class: string(k.Class), Reason: k.Reason,
			Back: stamp(k.Until), Running: k.Running, AtOnce: k.AtOnce, Share: k.Share, Calls: k.Calls, Good: k.Good,
			Latency: k.Latency.Seconds(), PerMinute: k.PerMinute, LastMinute: k.LastMinute, PerDay: k.PerDay, Today: k.Today,
			Errors: make([]failed, 0, len(k.Failures)), Lately: make([]tally, 0, len(k.Lately)), Added: k.Added,
		}
		if k.Success >= 0 {
			info.Success = &k.Success
		}
		for _, t := range k.Lately {
			info.Lately = append(info.Lately, tally{t.Good, t.Bad})
		}
		for _, f := range k.Failures {
			info.Errors = append(info.Errors, failed{
				Class: string(f.Class), Plain: why(ctx, string(f.Class), f.Text), Said: f.Text, Count: f.Count, First: *stamp(f.First), Last: *stamp(f.Last),
			})
		}
		list.Keys = append(list.Keys, info)
	}
	return list
}

// stamp formats t in RFC 3339; nil, which is null in JSON, for the zero time.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}

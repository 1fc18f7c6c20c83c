package keypool

import (
	"sync"
	"time"
	_ "time/tzdata" // daily quotas reset at midnight in California; this works on machines without time zone data too
)

var pacific = sync.OnceValue(func() *time.Location {
	l, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		return time.FixedZone("PST", -8*3600) // cannot happen: the data is embedded
	}
	return l
})

// pacificDay returns the quota day of t, in Pacific time.
func pacificDay(t time.Time) string { return t.In(pacific()).Format(time.DateOnly) }

// nextMidnight returns the next reset of daily quotas after t.
func nextMidnight(t time.Time) time.Time {
	y, m, d := t.In(pacific()).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, pacific())
}

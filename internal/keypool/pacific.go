package keypool

import (
	"sync"
	"time"
	_ "time/tzdata" // daily quotas begin anew at midnight in California, on machines without time zones too
)

var pacific = sync.OnceValue(func() *time.Location {
	l, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		return time.FixedZone("PST", -8*3600) // cannot be: the data is embedded
	}
	return l
})

// pacificDay names the day whose quota counts at t.
func pacificDay(t time.Time) string { return t.In(pacific()).Format(time.DateOnly) }

// nextMidnight is when daily quotas begin anew after t.
func nextMidnight(t time.Time) time.Time {
	y, m, d := t.In(pacific()).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, pacific())
}

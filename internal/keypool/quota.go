package keypool

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// window is a minute plus a margin: a call started at its end may reach the service a little sooner than a call
// started at its beginning did.
const window = 61 * time.Second

// quota is the quota of a Google project; its keys share it. Limits are 0 until the service names them.
type quota struct {
	name       string            // of a project found out from answers; "" otherwise
	models     map[string]*limit // by model
	spentUntil time.Time         // end of the project's spend window, for all models; zero: none
	reason     string            // the service's message, while spentUntil is in force
}

// limit is the quota for one model.
type limit struct {
	rpm            float64 // requests a minute
	guessed        bool    // rpm is an estimate and grows again with success
	guessAt        time.Time
	tpm            int64     // tokens a minute
	rpd            int64     // requests a day
	used           int64     // requests today
	day            string    // the quota day, Pacific time
	midnight       time.Time // end of that day; zero: not computed yet
	dayHits        int       // refusals for the day in a row
	until          time.Time
	parked         bool // until is the next probe of a used-up day
	step           int  // index into probeSteps
	class          Class
	reason         string
	probing        bool
	starts         []start // within the last window
	suspectedAt    time.Time
	suspectedLimit int64 // the limit at the time of the suspicion that it is shared
}

type start struct {
	at     time.Time
	tokens int
}

func newQuota() *quota { return &quota{models: map[string]*limit{}} }

func (q *quota) of(model string) *limit {
	l := q.models[model]
	if l == nil {
		l = &limit{}
		q.models[model] = l
	}
	return l
}

// trim drops the starts before the window, and the count of a day that is over.
func (l *limit) trim(now time.Time) {
	i := 0
	for i < len(l.starts) && now.Sub(l.starts[i].at) >= window {
		i++
	}
	l.starts = l.starts[i:]
	if now.Before(l.midnight) {
		return // called for each key with each call, so the calendar is not computed each time
	}
	l.midnight = nextMidnight(now)
	if day := pacificDay(now); day != l.day {
		l.day, l.used, l.dayHits = day, 0, 0
		if l.parked {
			l.clear()
		}
	}
}

// seconds counts the starts of the last window per second.
func (l *limit) seconds() map[int64]int {
	counts := map[int64]int{}
	for _, s := range l.starts {
		counts[s.at.Unix()]++
	}
	return counts
}

// recall adds the calls started just before a restart: they still count against this minute. Keys of one project
// share their starts and each key stores them, so starts are counted once, however many keys report them.
func (l *limit) recall(counts map[int64]int, now time.Time) {
	have := l.seconds()
	for second, n := range counts {
		at := time.Unix(second, 0)
		if now.Sub(at) >= window || at.After(now) {
			continue
		}
		for range n - have[second] {
			l.starts = append(l.starts, start{at, 0})
		}
	}
	slices.SortFunc(l.starts, func(a, b start) int { return a.at.Compare(b.at) })
}

func (l *limit) clear() {
	l.until, l.parked, l.step, l.class, l.reason = time.Time{}, false, 0, "", ""
}

// minute returns this process's share of the request limit and its period: a share below one becomes one request in
// a longer period.
func (l *limit) minute(share int) (most int, over time.Duration) {
	mine := l.rpm / float64(share)
	if mine >= 1 {
		return int(mine), window
	}
	return 1, time.Duration(float64(window) / mine)
}

// next returns the earliest time at which a call of this many tokens may start. ok is true when that is now.
func (l *limit) next(now time.Time, tokens, share int) (at time.Time, ok bool) {
	l.trim(now)
	if l.until.After(now) {
		return l.until, false
	}
	if !l.until.IsZero() && l.probing {
		return now.Add(time.Second), false // one call tests it; its outcome triggers a dispatch
	}
	at = now
	if l.rpm > 0 {
		most, over := l.minute(share)
		if len(l.starts) >= most {
			at = later(at, l.starts[len(l.starts)-most].at.Add(over))
		}
	}
	if l.tpm > 0 {
		at = later(at, l.tokensFree(now, tokens, share))
	}
	return at, !at.After(now)
}

// tokensFree returns the time at which enough tokens of the window are free. A call larger than the whole limit
// starts when no other is in the window.
func (l *limit) tokensFree(now time.Time, tokens, share int) time.Time {
	mine := l.tpm / int64(share)
	used := l.tokensUsed()
	for _, s := range l.starts {
		if used == 0 || used+int64(tokens) <= mine {
			break
		}
		used -= int64(s.tokens)
		now = later(now, s.at.Add(window))
	}
	return now
}

// tokensUsed returns the tokens expected of the calls of the window.
func (l *limit) tokensUsed() int64 {
	used := int64(0)
	for _, s := range l.starts {
		used += int64(s.tokens)
	}
	return used
}

// headroom returns the share of the limits that is left, 0 to 1; 1 while none is known.
func (l *limit) headroom(share int) float64 {
	room := 1.0
	if l.rpm > 0 {
		room = min(room, 1-float64(len(l.starts))*float64(share)/l.rpm)
	}
	if l.rpd > 0 {
		room = min(room, 1-float64(l.used)*float64(share)/float64(l.rpd))
	}
	if l.tpm > 0 {
		room = min(room, 1-float64(l.tokensUsed())*float64(share)/float64(l.tpm))
	}
	return max(0, room)
}

func (l *limit) start(now time.Time, tokens int) {
	l.starts = append(l.starts, start{now, tokens})
	l.used++
}

// lately returns the number of calls started in the last minute.
func (l *limit) lately(now time.Time) int {
	l.trim(now)
	return len(l.starts)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func deviation(a, b float64) float64 { return math.Sqrt(a * b / ((a + b) * (a + b) * (a + b + 1))) }

func itoa(n int) string { return strconv.Itoa(n) }

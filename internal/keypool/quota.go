package keypool

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// window is a minute with a margin: what we start at its end may reach the service a little sooner than what we
// started at its beginning did.
const window = 61 * time.Second

// quota is what a Google project may do; its keys share it. Limits are 0 until the service named them.
type quota struct {
	name   string            // of a project that was found out; "" otherwise
	models map[string]*limit // by model
}

// limit is a quota for one model.
type limit struct {
	rpm      float64 // requests a minute
	guessed  bool    // rpm is our own estimate and grows again with success
	guessAt  time.Time
	tpm      int64     // tokens a minute
	rpd      int64     // requests a day
	used     int64     // requests today
	day      string    // which day, Pacific
	midnight time.Time // when it ends; zero: not looked at yet
	dayHits  int       // refusals for the day in a row
	until    time.Time
	parked   bool // until is a probe of a used up day
	step     int  // of the probes
	class    Class
	reason   string
	probing  bool
	starts   []start // of the last window
	suspect  time.Time
	suspects int64 // the limit at which it was suspected to be shared
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

// trim forgets what is older than the window, and the count of a day that is over.
func (l *limit) trim(now time.Time) {
	i := 0
	for i < len(l.starts) && now.Sub(l.starts[i].at) >= window {
		i++
	}
	l.starts = l.starts[i:]
	if now.Before(l.midnight) {
		return // asked for each key with each call, so the calendar is not
	}
	l.midnight = nextMidnight(now)
	if day := pacificDay(now); day != l.day {
		l.day, l.used, l.dayHits = day, 0, 0
		if l.parked {
			l.wake()
		}
	}
}

// seconds counts the starts of the last window by the second.
func (l *limit) seconds() map[int64]int {
	counts := map[int64]int{}
	for _, s := range l.starts {
		counts[s.at.Unix()]++
	}
	return counts
}

// recall takes in what was started just before a restart: it still counts against this minute. Keys of one project
// share what they started and each of them remembers it, so it is counted once, however many of them tell of it.
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

func (l *limit) wake() {
	l.until, l.parked, l.step, l.class, l.reason = time.Time{}, false, 0, "", ""
}

// minute is our share of the limit of requests, and over which time: a share below one becomes one in a longer time.
func (l *limit) minute(share int) (most int, over time.Duration) {
	mine := l.rpm / float64(share)
	if mine >= 1 {
		return int(mine), window
	}
	return 1, time.Duration(float64(window) / mine)
}

// next is when a call of so many tokens may start: now, or a later instant. ok is false while it must wait.
func (l *limit) next(now time.Time, tokens, share int) (at time.Time, ok bool) {
	l.trim(now)
	if l.until.After(now) {
		return l.until, false
	}
	if !l.until.IsZero() && l.probing {
		return now.Add(time.Second), false // one tries; its outcome wakes us
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

// tokensFree is when enough tokens of the window are free. A call larger than the whole limit goes when nothing else does.
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

// tokensUsed is how many the calls of the window were expected to take.
func (l *limit) tokensUsed() int64 {
	used := int64(0)
	for _, s := range l.starts {
		used += int64(s.tokens)
	}
	return used
}

// headroom is how much of the limits is left, 0 to 1; 1 where none is known.
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

// lately is how many calls were started in the last minute.
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

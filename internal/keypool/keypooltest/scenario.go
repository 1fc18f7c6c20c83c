// Package keypooltest holds the scenarios in which the time of a whole batch is measured, with the time that no scheduler
// can beat. The tests of the pool run them on virtual time, the benchmark of the whole program in real time.
package keypooltest

import (
	"hash/fnv"
	"math"
	"strconv"
	"time"
)

// Fate is how the service answers one call.
type Fate int

// The fates.
const (
	Good     Fate = iota
	Busy          // 503
	BadTable      // an answer that is no table
	Reset         // the connection is reset
	Broken        // 500
)

// Keys is the number of keys of every scenario.
const Keys = 6

// Scenario is one batch and the faults of the service while it is read. Every fault takes as long as a good answer, unless
// its field says otherwise.
type Scenario struct {
	Name       string
	Images     int
	AtOnce     int
	Call       time.Duration // duration of a call
	Jitter     float64       // a call takes Call·(1 ± Jitter)
	Dead       int           // keys that are refused, at once
	Slow       time.Duration // duration of a call of key 1; 0: as the others
	Busy       float64       // share of calls that fail with 503
	Other      float64       // share of calls with another fault
	PerMinute  int           // requests of each key in a minute; 0: no limit
	Down       time.Duration // start of an outage, from the start of the batch; failures during it take 50 ms
	DownFor    time.Duration // its duration; 0: none
	Remembered bool          // the keys are known from an earlier batch, before a restart
	Seed       int           // of the faults; the first one with which their number is the expected one
	Must       float64       // the share of the bound that has to be reached; 0: none
}

// Scenarios returns the rows of the table.
func Scenarios() []Scenario {
	const s, t = time.Second, 1200 * time.Millisecond
	return []Scenario{
		{Name: "600 at 24, healthy", Images: 600, AtOnce: 24, Call: s, Must: 0.97},
		{Name: "600 at 24, 0.9 to 1.1 s a call", Images: 600, AtOnce: 24, Call: s, Jitter: 0.1},
		{Name: "600 at 24, two dead keys", Images: 600, AtOnce: 24, Call: s, Dead: 2, Must: 0.97},
		{Name: "600 at 24, 20 % 503", Images: 600, AtOnce: 24, Call: s, Busy: 0.2, Seed: 59, Must: 0.95},
		{Name: "600 at 24, one key of 10 s", Images: 600, AtOnce: 24, Call: s, Slow: 10 * s, Must: 0.95},
		{Name: "600 at 24, 10 s of outage", Images: 600, AtOnce: 24, Call: s, Down: 8 * s, DownFor: 10 * s},
		{Name: "600 at 24, all of it", Images: 600, AtOnce: 24, Call: s, Jitter: 0.1, Dead: 1, Slow: 10 * s, Busy: 0.1, Other: 0.05, Seed: 92, Down: 12 * s, DownFor: 5 * s},
		{Name: "100 at 5, healthy", Images: 100, AtOnce: 5, Call: t, Must: 0.98},
		{Name: "100 at 5, 20 % 503, 10 % others", Images: 100, AtOnce: 5, Call: t, Busy: 0.2, Other: 0.1, Seed: 21, Must: 0.94},
		{Name: "100 at 5, one key of 10 s", Images: 100, AtOnce: 5, Call: t, Slow: 10 * s, Must: 0.95},
		{Name: "100 at 24, 10 a minute and key", Images: 100, AtOnce: 24, Call: s, PerMinute: 10},
		{Name: "20 at 24, healthy", Images: 20, AtOnce: 24, Call: s},
		{Name: "20 at 5, one key of 10 s", Images: 20, AtOnce: 5, Call: t, Slow: 10 * s, Must: 1 / 1.5},
		{Name: "20 at 5, the same, remembered", Images: 20, AtOnce: 5, Call: t, Slow: 10 * s, Remembered: true, Must: 0.9},
	}
}

// Fate returns the answer of a call: attempt counts the calls for an image from 1. It depends on nothing else, so that the
// bound knows all faults.
func (s Scenario) Fate(image, attempt int) Fate {
	switch at := s.draw("fate", image, attempt); {
	case at < s.Busy:
		return Busy
	case at < s.Busy+s.Other:
		return []Fate{BadTable, Reset, Broken}[(image+attempt)%3]
	}
	return Good
}

// Took returns how long a call takes with a key, counted from 1.
func (s Scenario) Took(key, image, attempt int) time.Duration {
	d := s.Call
	if key == 1 && s.Slow > 0 {
		d = s.Slow
	}
	return time.Duration(float64(d) * s.Stretch(image, attempt))
}

// Stretch returns the factor by which a call takes longer than usual for its key.
func (s Scenario) Stretch(image, attempt int) float64 {
	return 1 + s.Jitter*(2*s.draw("took", image, attempt)-1)
}

// IsDead reports whether a key, counted from 1, is refused. Key 1 is never dead.
func (s Scenario) IsDead(key int) bool { return key >= 2 && key < 2+s.Dead }

// IsDown reports whether the service fails at a time after the start of the batch.
func (s Scenario) IsDown(at time.Duration) bool {
	return s.DownFor > 0 && at >= s.Down && at < s.Down+s.DownFor
}

// draw returns a number from 0 to 1 that depends on its arguments and the scenario's seed alone.
func (s Scenario) draw(what string, image, attempt int) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strconv.Itoa(s.Seed) + "\x00" + what + "\x00" + strconv.Itoa(image) + "\x00" + strconv.Itoa(attempt)))
	x := h.Sum64() // the low bits of FNV are mixed well, the high ones of short texts are not
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}

// Calls returns the number of calls that the images need, given their faults.
func (s Scenario) Calls() int {
	calls, _, _ := s.work()
	return calls
}

// work returns the calls of all images, the seconds they take on keys of usual speed, and the seconds of the image that
// takes longest.
func (s Scenario) work() (calls int, seconds, longest float64) {
	for image := 1; image <= s.Images; image++ {
		one := 0.0
		for attempt := 1; ; attempt++ {
			calls++
			one += s.Call.Seconds() * s.Stretch(image, attempt)
			if s.Fate(image, attempt) == Good {
				break
			}
		}
		seconds += one
		longest = max(longest, one)
	}
	return calls, seconds, longest
}

// Bound returns a time in which no scheduler can end the batch sooner, even one that knows every fault in advance: all slots
// are busy all the time with nothing but calls that are needed, on keys of usual speed, or the image with the most faults
// is read without a pause. Keys that are not remembered get one call each, so that one slot holds a slow key's call; a
// slow call that would end after all others is left out.
func (s Scenario) Bound() time.Duration {
	calls, seconds, longest := s.work()
	if slow := s.Slow.Seconds(); slow > 0 && !s.Remembered && slow < (seconds+slow-s.Call.Seconds())/float64(s.AtOnce) {
		seconds += slow - s.Call.Seconds()
	}
	least := max(seconds/float64(s.AtOnce), longest)
	if s.PerMinute > 0 {
		least = max(least, s.limited(calls))
	}
	if out := s.DownFor.Seconds(); out > 0 && least > s.Down.Seconds() {
		least += max(0, out-s.Call.Seconds()) // calls that began before the outage are answered in it
	}
	return time.Duration(least * float64(time.Second))
}

// limited returns the bound that the limits set: full windows, and the calls of the last one.
func (s Scenario) limited(calls int) float64 {
	window := s.PerMinute * Keys
	full := (calls - 1) / window
	last := calls - full*window
	return 60*float64(full) + s.Call.Seconds()*math.Max(1, float64(last)/float64(s.AtOnce))
}
